//! Words: what each form becomes.

use super::super::{Braces, Operator, Part, Quoting, Replaced, StatementKind, Word, parse};
use crate::source::ScriptMap;

/// The first argument of the first command.
fn argument(text: &str) -> Word {
    let script = parse(text.as_bytes(), &ScriptMap::verbatim(0));
    assert!(script.errors.is_empty(), "{text:?}: {:?}", script.errors);
    let Some(StatementKind::Command(command)) = script.body.first().map(|statement| &statement.kind) else { panic!("{text:?}: a command") };
    command.arguments()[0].clone()
}

/// A word in short: text as it is (quoted text in `'`), other parts by their kind.
fn shape(word: &Word) -> String {
    word.parts.iter().map(part).collect::<Vec<_>>().join(" ")
}

fn part(part: &Part) -> String {
    let shapes = |words: &[Word]| words.iter().map(shape).collect::<Vec<_>>().join(", ");
    match part {
        Part::Text(text, Quoting::Bare) => text.to_string(),
        Part::Text(text, Quoting::Quoted) => format!("'{text}'"),
        Part::Variable(name, _) => format!("${name}"),
        Part::All(name, _) => format!("${name}[@]"),
        Part::Joined(name, _) => format!("${name}[*]"),
        Part::Expansion(expansion, _) => {
            let words: Vec<Word> = expansion.words().cloned().collect();
            let indirect = if expansion.is_indirect { "!" } else { "" };
            format!("{indirect}{} {:?}({})", expansion.name, expansion.operator, shapes(&words))
        }
        Part::Substitution(block, _) => format!("sub{}", block.len()),
        Part::Inside(block, reply) => format!("inside{}{}", block.len(), if *reply { "|" } else { "" }),
        Part::Process(block) => format!("process{}", block.len()),
        Part::Arithmetic(arithmetic) => format!("arith({}; {})", shape(&arithmetic.expression), arithmetic.assigned.join(" ")),
        Part::Braces(braces) => match &**braces {
            Braces::List(words) => format!("{{{}}}", shapes(words)),
            Braces::Range(range) => format!("range {range}"),
        },
        Part::Opaque(words) => format!("opaque({})", shapes(words)),
    }
}

#[test]
fn every_form_of_expansion_is_kept_with_its_words() {
    for (text, expected) in [
        ("a $b", "$b"),
        ("a ${b}", "$b"),
        ("a $1$@$*${10}$?$$", "$1 $@[@] $@[*] $10 $? $$"),
        ("a ${b[@]} ", "$b[@]"),
        ("a ${BASH_SOURCE[0]}", "$BASH_SOURCE"),
        ("a ${b[i+$c]}", "b Get(i+ $c)"),
        ("a ${b:-$(c) d}", "b Default { colon: true }(sub1  d)"),
        ("a ${b-}", "b Default { colon: false }()"),
        ("a ${b:=$c}", "b Assign { colon: true }($c)"),
        ("a ${b?no}", "b Require { colon: false }(no)"),
        ("a ${b:+'x y'}", "b Alternative { colon: true }('x y')"),
        ("a ${b##*/}", "b TrimStart { longest: true }(*/)"),
        ("a \"${b%%'}'*}\"", "b TrimEnd { longest: true }('}' *)"),
        ("a ${b//$(c)/$d}", "b Replace(All)(sub1, $d)"),
        ("a ${b/#x/y/z}", "b Replace(Start)(x, y/z)"),
        ("a \"${V//$'\\''/x}\"", "V Replace(All)(''', x)"),
        ("a ${b/\\//-}", "b Replace(First)(/, -)"),
        ("a ${b:1:$((2))}", "b Slice('1', arith('2'; ))"),
        ("a ${#b}", "b Length()"),
        ("a ${#b[@]}", "b Length(@)"),
        ("a ${#}", "$#"),
        ("a ${#:-x}", "# Default { colon: true }(x)"),
        ("a ${!b}", "!b Get()"),
        ("a ${!b*}", "!b Names()"),
        ("a ${!b[@]}", "!b Keys(@)"),
        ("a ${!}", "$!"),
        ("a ${b^^}", "b ChangeCase { to_upper: Some(true), all: true }()"),
        ("a ${b,x}", "b ChangeCase { to_upper: Some(false), all: false }(x)"),
        ("a ${b~}", "b ChangeCase { to_upper: None, all: false }()"),
        ("a ${b@Q}", "b Transform('Q')()"),
        ("a ${b c}", "b Unknown( c)"),
        ("a ${ b; }", "inside1"),
        ("a ${| b; c; }", "inside2|"),
        ("a $(b; c)", "sub2"),
        ("a `b; c`", "sub2"),
        ("a <(b)", "process1"),
        ("a b<(c)d", "b process1 d"),
        ("a $((1 + $b))", "arith('1 + ' $b; )"),
        ("a $((i = j == 2, k++, --l, m[1] += 2, n <= 3))", "arith('i = j == 2, k++, --l, m[1] += 2, n <= 3'; i k l m)"),
        ("a $[1+2]", "arith('1+2'; )"),
        ("a $((b); c)", "sub2"),
    ] {
        assert_eq!(shape(&argument(text)).trim(), expected.trim(), "{text}");
    }
    assert_eq!(Operator::Replace(Replaced::End), Operator::Replace(Replaced::End));
}

#[test]
fn quotes_escapes_and_braces_are_told_apart_from_text() {
    for (text, expected) in [
        ("a b\\ c", "b c"),
        ("a \\*b", "'*' b"),
        ("a 'b'\"c\"d", "'bc' d"),
        ("a \"b\\$c\\d\\\"\"", "'b$c\\d\"'"),
        ("a $'b\\n\\x41\\101\\u00e4\\''", "'b\nAAä''"),
        ("a $\"b$c\"", "'b' $c"),
        ("a $", "$"),
        ("a \"$\"", "'$'"),
        ("a b\\\nc", "bc"),
        ("a {b,c}", "{b, c}"),
        ("a x{b,\"c d\",$(e)}{1..3}", "x {b, 'c d', sub1} range 1..3"),
        ("a {b,{c,d}e}", "{b, {c, d} e}"),
        ("a {a..z..2}", "range a..z..2"),
        ("a {b}", "{b}"),
        ("a {}", "{}"),
        ("a {b,c", "{b,c"),
        ("a b}", "b}"),
        ("a {1..b}", "{1..b}"),
        ("a {b,'c,d'}", "{b, 'c,d'}"),
        ("a @(b|$(c))", "@ opaque(b| sub1)"),
        ("a ~/b", "~/b"),
    ] {
        assert_eq!(shape(&argument(text)), expected, "{text}");
    }
}

#[test]
fn backquotes_are_read_without_the_escapes_that_only_get_them_there() {
    let text = "a \"`b \\\"c\\\" \\`d\\``\"";
    let word = argument(text);
    let Part::Substitution(block, _) = &word.parts[0] else { panic!("a substitution") };
    let StatementKind::Command(command) = &block[0].kind else { panic!("a command") };
    assert_eq!(command.name().span.slice(text), "b");
    assert_eq!(command.arguments()[0].literal().as_deref(), Some("c"));
    let Part::Substitution(block, _) = &command.arguments()[1].parts[0] else { panic!("a substitution in it") };
    assert_eq!(block[0].span.slice(text), "d");
}

#[test]
fn bytes_that_are_no_text_are_shown_as_one_character_each() {
    let script = parse(b"a b\xff\xfec\0d\r\ne", &ScriptMap::verbatim(0));
    assert!(script.errors.is_empty());
    let StatementKind::Command(command) = &script.body[0].kind else { panic!("a command") };
    assert_eq!(command.arguments()[0].literal().as_deref(), Some("b\u{fffd}\u{fffd}cd"));
    assert_eq!(script.body.len(), 2);
}

#[test]
fn here_documents_hold_the_same_parts_as_quotes() {
    for (text, expected) in [
        ("a <<E\nb $c ${d:-it's} `e` \"f\" \\$g\nE\n", "'b ' $c ' ' d Default { colon: true }('it's') ' ' sub1 ' \"f\" $g\n'"),
        ("a <<'E'\n$b\nE\n", "'$b\n'"),
        ("a <<-E\n\tb\n\t\tc$d\n\tE\n", "'b\nc' $d '\n'"),
        ("a <<-\\E\n\tb\n\tE\n", "'b\n'"),
        ("a <<\"E F\"\nb\nE F\n", "'b\n'"),
        ("a <<E\nE\n", ""),
    ] {
        let script = parse(text.as_bytes(), &ScriptMap::verbatim(0));
        assert!(script.errors.is_empty() && script.open_documents.is_empty(), "{text}");
        let StatementKind::Command(command) = &script.body[0].kind else { panic!("a command") };
        assert_eq!(shape(command.redirects()[0].word()), expected, "{text}");
        assert_eq!(script.body.len(), 1, "{text}");
    }
    let text = "a <<A <<B; b $(c <<C\nc\nC\n)\na\nA\nb\nB\nd\n";
    let script = parse(text.as_bytes(), &ScriptMap::verbatim(0));
    assert!(script.errors.is_empty() && script.open_documents.is_empty(), "{:?}", script.open_documents);
    assert_eq!(script.body.len(), 3);
}
