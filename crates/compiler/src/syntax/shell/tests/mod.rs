//! Scripts and the words that commands get, before expansion.

mod errors;
mod size;
mod words;

use super::{Part, Statement, StatementKind, parse};
use crate::source::{ScriptMap, Span};

/// The literal words of each simple command, in order, whatever stands around it.
fn commands(text: &str) -> Vec<Vec<String>> {
    let script = parse(text.as_bytes(), &ScriptMap::verbatim(0));
    assert!(script.errors.is_empty(), "{text:?}: {:?}", script.errors);
    let mut found = Vec::new();
    collect(&script.body, &mut found);
    found
}

fn collect(block: &[Statement], found: &mut Vec<Vec<String>>) {
    for statement in block {
        match &statement.kind {
            StatementKind::Command(command) => {
                let words = command.words.iter();
                found.push(words.map(|word| word.literal().map_or("?".to_owned(), |text| text.to_string())).collect());
                for part in command.arguments().iter().flat_map(|word| word.parts.iter()) {
                    if let Part::Substitution(block, _) = part {
                        collect(block, found);
                    }
                }
            }
            StatementKind::Chain(chain) => {
                for side in std::iter::once(&chain.first).chain(chain.rest.iter().map(|(_, member)| member)) {
                    if let StatementKind::Command(command) = &side.kind {
                        found.push(vec![command.name().literal().unwrap_or_default().to_string()]);
                    }
                }
            }
            StatementKind::Redirected(redirected) => collect(std::slice::from_ref(&redirected.inner), found),
            StatementKind::Background(inner) => collect(std::slice::from_ref(inner), found),
            StatementKind::Group(block) | StatementKind::Subshell(block) | StatementKind::Pipe(block) => collect(block, found),
            StatementKind::Loop(repeated) => collect(&repeated.body, found),
            _ => {}
        }
    }
}

#[test]
fn quotes_and_escapes_are_read_as_the_shell_reads_them() {
    let cases = [
        ("set_env a b", &["set_env", "a", "b"][..]),
        ("set_env \"a b\" 'c d'", &["set_env", "a b", "c d"]),
        ("set_env a\\ b \"c\\\"d\" \"e\\nf\"", &["set_env", "a b", "c\"d", "e\\nf"]),
        ("set_env 'x'\\''y' ''", &["set_env", "x'y", ""]),
        ("set_env \"$x\" a$y", &["set_env", "?", "?"]),
        ("A=1 set_env a", &["set_env", "a"]),
        ("set_env grün 'ä ö' \"ü\"", &["set_env", "grün", "ä ö", "ü"]),
        ("set_env a \\\n  b", &["set_env", "a", "b"]),
    ];
    for (text, words) in cases {
        assert_eq!(commands(text), [words.to_vec()], "{text}");
    }
}

#[test]
fn commands_are_found_wherever_they_stand() {
    assert_eq!(commands("echo \"$(get_env a)\"").concat(), ["echo", "?", "get_env", "a"]);
    assert_eq!(commands("bash -c 'get_env a'").concat(), ["bash", "-c", "get_env a"]);
    assert_eq!(commands("a | b &").concat(), ["a", "b"]);
    assert_eq!(commands("{ a; }; ( b )").concat(), ["a", "b"]);
    assert_eq!(commands("a && b").concat(), ["a", "b"]);
    assert_eq!(commands("while read -r x; do a; done < <(b)").concat(), ["a"]);
    assert_eq!(commands("a\r\nb\r\n").concat(), ["a", "b"], "CRLF");
}

#[test]
fn spans_are_those_of_the_file() {
    let file = "s: |\n  echo 1\n  set_env \"key\" \"$(get_env other)\"\n";
    let content = Span::new(5, file.len());
    let (text, map) = ScriptMap::literal_block(file, content, 2, crate::source::Chomping::Clip);
    let script = parse(text.as_bytes(), &map);
    let StatementKind::Command(command) = &script.body[1].kind else { panic!("a command") };
    assert_eq!(command.arguments()[0].span.slice(file), "\"key\"");
    assert_eq!(command.arguments()[0].inner_span(file).slice(file), "key");
    let Part::Substitution(block, _) = &command.arguments()[1].parts[0] else { panic!("a substitution") };
    assert_eq!(block[0].span.slice(file), "get_env other");
}

#[test]
fn what_is_no_shell_is_named_and_the_rest_is_kept() {
    let text = "set_env a b\nif true; then\n  echo\n";
    let script = parse(text.as_bytes(), &ScriptMap::verbatim(0));
    assert_eq!(script.errors.len(), 1, "{:?}", script.errors);
    assert!(script.errors[0].span.end as usize <= text.len());
    assert!(!script.body.is_empty(), "what stood before the error");
}

/// The comments that are kept, without what they all begin with.
fn comments(text: &str) -> Vec<&str> {
    let script = parse(text.as_bytes(), &ScriptMap::verbatim(0));
    script.comments.iter().map(|span| span.slice(text).trim_end().trim_start_matches("# sidestage: ")).collect()
}

#[test]
fn comments_that_speak_to_sidestage_are_kept_wherever_they_stand() {
    assert_eq!(comments("# sidestage: 1\na # sidestage: 2\n# other\n  # sidestage: 3"), ["1", "2", "3"]);
    assert_eq!(comments("ä \"ü\" # sidestage: 1 ü\r\nb # sidestage: 2\r\n"), ["1 ü", "2"]);
    let compound = "if a; then # sidestage: 1\n # sidestage: 2\n b\nelse # sidestage: 3\n # sidestage: 4\n c\nfi # sidestage: 5\n\
                    case a in # sidestage: 6\n a) # sidestage: 7\n b ;; # sidestage: 8\nesac # sidestage: 9\n\
                    f() { # sidestage: 10\n a\n} # sidestage: 11\nfor a in b; do # sidestage: 12\n c\ndone <<<d # sidestage: 13\n";
    assert_eq!(comments(compound), (1..=13).map(|number| number.to_string()).collect::<Vec<_>>());
    let words = "a=( # sidestage: 1\n b # sidestage: 2\n)\nc=\"$(d # sidestage: 3\n)\"\na | # sidestage: 4\n # sidestage: 5\n b";
    assert_eq!(comments(words), ["1", "2", "3", "4", "5"]);
    assert_eq!(comments("a # sidestage: 1\nif b; then\n  c # sidestage: 2\n"), ["1", "2"], "an error takes none away");
}

#[test]
fn what_only_looks_like_a_comment_is_none() {
    for text in [
        "a '\n# sidestage: no\n' \"# sidestage: no\"",
        "cat <<EOF\n# sidestage: no\nEOF\ncat <<'EOF'\n# sidestage: no\nEOF\n",
        "cat <<EOF\n# sidestage: no",
        "bash -c 'a # sidestage: no\nb'",
        "a#sidestage: \\# sidestage: ${a#sidestage:}",
    ] {
        assert!(comments(text).is_empty(), "{text}: {:?}", comments(text));
    }
    let folded = ScriptMap::whole(Span::new(0, 9));
    assert!(parse(b"a # sidestage: 1", &folded).comments.is_empty(), "nobody knows where it stands");
}

#[test]
fn a_backslash_at_the_very_end_is_inside_of_the_text() {
    for text in ["a<<\\", "a <<x\\", "a\\", "a >\\", "$(a <<\\"] {
        let script = parse(text.as_bytes(), &ScriptMap::verbatim(0));
        assert!(script.body.iter().all(|statement| statement.span.end as usize <= text.len()), "{text}");
    }
}

mod properties {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_script_panics_and_no_span_leaves_it(text in "[a-z$(){}\\[\\]\"'`|&;<>#!=\\\\ \n\tä]{0,120}") {
            let script = super::parse(text.as_bytes(), &super::ScriptMap::verbatim(0));
            for error in &script.errors {
                prop_assert!(error.span.end as usize <= text.len(), "{:?}", error);
            }
            for statement in &script.body {
                prop_assert!(statement.span.end as usize <= text.len());
            }
        }
    }
}
