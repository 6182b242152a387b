//! What is said about text that is no shell, and where; and what is kept.

use super::super::parse;
use crate::source::ScriptMap;

/// Every error as `text under it: message`, and how many statements are kept.
fn told(text: &str) -> (Vec<String>, usize) {
    let script = parse(text.as_bytes(), &ScriptMap::verbatim(0));
    (script.errors.iter().map(|error| format!("{}: {}", error.span.slice(text), error.message)).collect(), script.body.len())
}

#[test]
fn an_error_stands_at_its_cause_and_is_told_once() {
    for (text, errors, kept) in [
        ("a\nif b; then\n  c\n", &["if: this `if` is never closed by `fi`"][..], 2),
        ("for a in b; do\n  if c; then\n    d\ndone\ne", &["if: this `if` is never closed by `fi`"], 2),
        ("while a; do\n  b\n", &["while: this `while` is never closed by `done`"], 1),
        ("a() {\n  b\n", &["{: this `{` is never closed by `}`"], 1),
        ("case a in\n  b) c ;;\n", &["case: this `case` is never closed by `esac`"], 1),
        ("(a\n", &["(: this `(` is never closed by `)`"], 1),
        ("a\nfi\nb", &["fi: this `fi` closes nothing that is open here"], 2),
        ("a \"b\nc\nd", &["\": this quote is never closed"], 2),
        ("a 'b\nc", &["': this quote is never closed"], 1),
        ("a `b\nc", &["`: this backquote is never closed"], 1),
        ("a $(b\nc", &["$(: this `$(` is never closed by `)`"], 1),
        ("a && ; b\nc", &["&&: no command stands behind this `&&`"], 1),
        ("a | \n", &["|: no command stands behind this `|`"], 0),
        ("; a\nb", &[";: no command stands before this `;`"], 1),
        ("a > \nb", &[">: no word stands behind this `>`"], 1),
        ("while a\n  b\ndone\nc", &["while: this `while` has no `do`"], 2),
        ("if a\n  b\nfi\nc", &["if: this `if` has no `then`"], 2),
        ("if a; then\nfi\nb", &["then: there is no command in this `then`: write `:` to do nothing"], 2),
        (
            "{ a; } b\nc",
            &["b: `b` cannot follow the end of a compound command: a line break, `;`, `&`, `|`, `&&` or `||` must stand between"],
            2,
        ),
        ("[[ a b ]]\nc", &["b: `b` cannot stand here in `[[ ]]`"], 1),
        ("for ((i=0)); do a; done\nb", &["((i=0)): `for ((` takes three parts with `;` between them, and this has 1"], 1),
        ("a() b\nc", &["a(): the body of this function is missing: it is `{ ..; }` or another compound command"], 1),
        ("if a; then\n  b (c)\n  d\nfi\ne", &["c: `c` cannot stand here"], 2),
    ] {
        let (told, statements) = told(text);
        assert_eq!(told, errors, "{text:?}");
        assert_eq!(statements, kept, "{text:?}");
    }
}

#[test]
fn a_here_document_that_swallows_an_end_is_named() {
    for (text, what, by) in [
        ("if a; then\n  cat <<END\n  b\n  END\nfi\n", "if", "fi"),
        ("for a in b; do\n  cat <<END\nb\ndone\n", "for", "done"),
        ("f() {\n  cat <<END\n}\n", "{", "}"),
    ] {
        let (told, _) = told(text);
        let expected =
            format!("END: the here-document `END` is never closed: it takes all that follows, also the `{by}` of the `{what}` around it");
        assert_eq!(told, [expected], "{text:?}");
    }
    let script = parse(b"cat <<END\nb\n", &ScriptMap::verbatim(0));
    assert!(script.errors.is_empty(), "bash only warns");
    assert_eq!(script.open_documents.len(), 1);
}
