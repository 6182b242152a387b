//! Scripts and the words that commands get, before expansion.

use super::{Block, Part, StatementKind, parse};
use crate::source::{ScriptMap, Span};

/// The literal words of each simple command, in order, whatever stands around it.
fn commands(text: &str) -> Vec<Vec<String>> {
    let script = parse(text, &ScriptMap::verbatim(0));
    assert!(script.errors.is_empty(), "{text:?}: {:?}", script.errors);
    let mut found = Vec::new();
    collect(&script.body, &mut found);
    found
}

fn collect(block: &Block, found: &mut Vec<Vec<String>>) {
    for statement in block {
        match &statement.kind {
            StatementKind::Command(command) => {
                let words = std::iter::once(&command.name).chain(&command.arguments);
                found.push(words.map(|word| word.literal().map_or("?".to_owned(), |text| text.to_string())).collect());
                for part in command.arguments.iter().flat_map(|word| &word.parts) {
                    if let Part::Substitution(block, _) = part {
                        collect(block, found);
                    }
                }
                collect(command.inline.as_ref().unwrap_or(&Block::default()), found);
            }
            StatementKind::And(sides) | StatementKind::Or(sides) => {
                for side in [&sides.0, &sides.1] {
                    if let StatementKind::Command(command) = &side.kind {
                        found.push(vec![command.name.literal().unwrap_or_default().to_string()]);
                    }
                }
            }
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
    assert_eq!(commands("bash -c 'get_env a'").concat(), ["bash", "-c", "get_env a", "get_env", "a"]);
    assert_eq!(commands("a | b &").concat(), ["a", "b"]);
    assert_eq!(commands("{ a; }; ( b )").concat(), ["a", "b"]);
    assert_eq!(commands("a && b").concat(), ["a", "b"]);
    assert_eq!(commands("while read -r x; do a; done < <(b)").concat(), ["a"]);
    assert_eq!(commands("a\r\nb\r\n").concat(), ["a", "b"], "CRLF");
}

#[test]
fn spans_are_those_of_the_file() {
    let file = "s: |\n  echo 1\n  set_env \"key\" \"$(get_env other)\"\n  bash -c 'get_env inner'\n";
    let content = Span::new(5, file.len());
    let (text, map) = ScriptMap::literal_block(file, content, 2, crate::source::Chomping::Clip);
    let script = parse(&text, &map);
    let StatementKind::Command(command) = &script.body[1].kind else { panic!("a command") };
    assert_eq!(command.arguments[0].span.slice(file), "\"key\"");
    assert_eq!(command.arguments[0].inner_span(file).slice(file), "key");
    let Part::Substitution(block, _) = &command.arguments[1].parts[0] else { panic!("a substitution") };
    assert_eq!(block[0].span.slice(file), "get_env other");
    let StatementKind::Command(command) = &script.body[2].kind else { panic!("a command") };
    assert_eq!(command.inline.as_ref().map(|block| block[0].span.slice(file)), Some("get_env inner"));
}

#[test]
fn what_is_no_shell_is_named_and_the_rest_is_kept() {
    let text = "set_env a b\nif true; then\n  echo\n";
    let script = parse(text, &ScriptMap::verbatim(0));
    assert_eq!(script.errors.len(), 1, "{:?}", script.errors);
    assert!(script.errors[0].span.end as usize <= text.len());
    assert!(!script.body.is_empty(), "what stood before the error");
}

mod properties {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_script_panics_and_no_span_leaves_it(text in "[a-z$(){}\\[\\]\"'`|&;<>#!=\\\\ \n\tä]{0,120}") {
            let script = super::parse(&text, &super::ScriptMap::verbatim(0));
            for error in &script.errors {
                prop_assert!(error.span.end as usize <= text.len(), "{:?}", error);
            }
            for statement in &script.body {
                prop_assert!(statement.span.end as usize <= text.len());
            }
        }
    }
}
