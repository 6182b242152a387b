//! The tree against what an independent reader reads, and scripts against their files.

use super::{Document, NodeId, NodeKind, ScalarKind, read};
use crate::source::Span;

fn script(text: &str, key: &str) -> (String, Vec<String>) {
    let document = read(text);
    let root = document.root().expect("a mapping");
    let (script, map) = document.script(text, document.get(text, root, key).expect("the key")).expect("a scalar");
    let mut offset = 0;
    let lines = script.split_inclusive('\n').map(|line| {
        let end = offset + line.trim_end_matches('\n').len();
        let place = map.to_file(Span::new(offset, end));
        offset += line.len();
        place.slice(text).to_owned()
    });
    let lines = lines.collect();
    (script.into_owned(), lines)
}

#[test]
fn every_line_of_a_literal_block_maps_to_its_bytes() {
    let cases = [
        ("clip", "a: |\n  one\n  two\n", "one\ntwo\n"),
        ("strip", "a: |-\n  one\n  two\n", "one\ntwo"),
        ("keep", "a: |+\n  one\n\n\n", "one\n\n\n"),
        ("crlf", "a: |\r\n  one\r\n  two\r\nb: 1\r\n", "one\ntwo\n"),
        ("indicator", "a: |2\n    one\n  two\n", "  one\ntwo\n"),
        ("indicator and chomping", "a: |2-\n    one\n  two\n", "  one\ntwo"),
        ("comment behind the header", "a: | # why | not\n  one\n", "one\n"),
        ("empty lines first", "a: |\n\n  \n  one\n", "\n\none\n"),
        ("empty line inside", "a: |\n  one\n\n  two\n", "one\n\ntwo\n"),
        ("blanks in an empty line", "a: |\n  one\n     \n  two\n", "one\n   \ntwo\n"),
        ("tabs", "a: |\n  if x\n  \tthen\n", "if x\n\tthen\n"),
        ("no line break at the end", "a: |\n  one", "one\n"),
        ("deeper", "x: 1\na: |\n      one\n        two\n", "one\n  two\n"),
        ("utf-8", "a: |\n  ä ö\n  ü\n", "ä ö\nü\n"),
    ];
    for (name, text, expected) in cases {
        let (script, lines) = script(text, "a");
        assert_eq!(script, expected, "{name}");
        let texts: Vec<&str> = expected.split_inclusive('\n').map(|line| line.trim_end_matches('\n')).collect();
        assert_eq!(lines, texts, "{name}: the bytes below each line are the line");
    }
}

#[test]
fn scalars_without_an_exact_map_fall_back_to_the_node() {
    let text = "folded: >\n  one\n  two\nescaped: \"a\\tb\"\nplain: ./run.sh x\nquoted: 'a b'\n";
    let document = read(text);
    let root = document.root().expect("a mapping");
    let place = |key: &str, start, end| {
        let (_, map) = document.script(text, document.get(text, root, key).expect("key")).expect("scalar");
        map.to_file(Span::new(start, end)).slice(text).to_owned()
    };
    assert_eq!(place("folded", 0, 3).trim_end(), "one\n  two");
    assert_eq!(place("escaped", 0, 1), "\"a\\tb\"");
    assert_eq!(place("plain", 2, 5), "run");
    assert_eq!(place("quoted", 2, 3), "b");
}

#[test]
fn spans_end_where_values_end() {
    let text = "stage:\n  list:\n    - a\n    - 'b'\n  flow: {x: [1, 2]}\n# end\n";
    let document = read(text);
    let root = document.root().expect("a mapping");
    let stage = document.get(text, root, "stage").expect("stage");
    let slice = |key| document.span(document.get(text, stage, key).expect("key")).slice(text);
    assert_eq!(slice("list"), "- a\n    - 'b'");
    assert_eq!(slice("flow"), "{x: [1, 2]}");
    assert_eq!(document.comments().iter().map(|span| span.slice(text)).collect::<Vec<_>>(), ["# end"]);
}

#[test]
fn errors_stand_at_their_place_and_the_rest_is_kept() {
    let cases = [
        ("a: 1\nb: [1\n", "invalid YAML"),
        ("a:\n\t- b\n", "invalid YAML"),
        ("a: 'b\n", "invalid YAML"),
        ("a: *b\n", "no anchor"),
        ("a: &a\n  b: *a\n", "recursive alias"),
        ("a: 1\n---\nb: 2\n", "several YAML documents"),
        ("<<: 1\n", "needs a mapping"),
    ];
    for (text, message) in cases {
        let document = read(text);
        let error = document.errors().first().unwrap_or_else(|| panic!("no error for {text:?}"));
        assert!(error.message.contains(message), "{text:?}: {}", error.message);
        assert!(error.span.end as usize <= text.len(), "{text:?}");
    }
    let document = read("a: 1\nb: [1\n");
    let root = document.root().expect("what stood before the error");
    assert!(document.get("a: 1\nb: [1\n", root, "a").is_some());
}

#[test]
fn the_commonest_faults_have_words_of_their_own_at_their_cause() {
    let cases = [
        ("a: |\n  x\n\t\n  y\n", "\t", "a tab in the indentation"),
        ("a: |\n  x\n\ty\n", "\t", "a tab in the indentation"),
        ("a: |\n\tx\n\ty\n", "\t", "a tab in the indentation"),
        ("a:\n\tb: c\n", "\t", "a tab in the indentation"),
        ("a: b\n<<<<<<< HEAD\nc: d\n", "<<<<<<< HEAD", "this is a marker of a merge conflict"),
        ("a: |\n  b\n=======\nc: d\n", "=======", "this is a marker of a merge conflict"),
        ("a: |\n  cat <<END\nhello\nEND\n", "hello", "indented less than the block before it, so it is not part of it"),
        ("a: 'b\nc: d\n", "'", "this quote is never closed"),
        ("a: \"b\" and c\n", "and c", "the value has ended with the quote before this"),
        ("a: \"b\\d\"\n", "\"", "a backslash in this string begins no escape that YAML knows"),
        ("a: [b, c\nd: e\n", "[", "this `[` is never closed, or a comma is missing in it"),
        ("a: {b: c\nd: e\n", "{", "this `{` is never closed, or a comma is missing in it"),
        ("a: b c: d\n", ":", "a colon and a space cannot be in a value without quotes"),
        ("a:\n  b c\n  d: e\n", "b c", "a key without a colon"),
        ("a:\n  d: e\n  b c\n", "b c", "a key without a colon"),
        ("a:'1'\nb:\n  c: d\n", ":", "no space follows this colon, so it makes no key"),
        ("a:\n  b: c\n   d: e\n", "d: e", "indented more than the line above, which has a value already"),
        ("a:\n    b: c\n  d: e\n", "d: e", "the indentation of this line fits no level above it"),
        ("a: - b\n", "-", "a list cannot begin in the line of its key"),
        ("a: | b\n", "|", "no text can follow `|` or `>` in its line"),
        ("a: @b\n", "@", "no value can begin with `@`"),
    ];
    for (text, place, label) in cases {
        let document = read(text);
        let error = document.errors().first().unwrap_or_else(|| panic!("no error for {text:?}"));
        assert_eq!((error.span.slice(text), error.label.as_deref()), (place, Some(label)), "{text:?}");
        assert_eq!(document.errors().len(), 1, "{text:?}");
    }
}

#[test]
fn bombs_are_refused_in_bounded_time() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = level - 1;
        let aliases = vec![format!("*a{below}"); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(read(&bomb).errors()[0].message.contains("aliases"));
    let deep = "[".repeat(20_000);
    assert!(!read(&deep).errors().is_empty());
}

#[test]
fn merge_keys_bring_in_what_the_mapping_does_not_say_itself() {
    let text = "base: &base {image: a, dind: true}\nstage:\n  <<: *base\n  image: b\n";
    let document = read(text);
    let stage = document.get(text, document.root().expect("root"), "stage").expect("stage");
    assert_eq!(document.text(text, document.get(text, stage, "image").expect("image")).as_deref(), Some("b"));
    assert_eq!(document.text(text, document.get(text, stage, "dind").expect("dind")).as_deref(), Some("true"));
}

/// The tree as the independent reader would give it.
fn value(document: &Document, text: &str, id: NodeId) -> serde_yaml::Value {
    let (id, node) = document.resolve(id);
    match &node.kind {
        NodeKind::Sequence(items) => serde_yaml::Value::Sequence(items.iter().map(|item| value(document, text, *item)).collect()),
        NodeKind::Mapping(entries) => {
            let entries = entries.iter().map(|entry| (value(document, text, entry.key), value(document, text, entry.value)));
            serde_yaml::Value::Mapping(entries.collect())
        }
        NodeKind::Scalar(scalar) => {
            let content = document.text(text, id).expect("a scalar").into_owned();
            match scalar.kind {
                ScalarKind::String => serde_yaml::Value::String(content),
                _ => serde_yaml::from_str(&content).expect("a plain scalar"),
            }
        }
        NodeKind::Alias(_) => unreachable!("resolved"),
    }
}

mod properties {
    use proptest::prelude::*;
    use serde_yaml::Value;

    fn yaml() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(|n| Value::Number(n.into())),
            "[ -~äöü\n\t]{0,24}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Sequence),
                prop::collection::btree_map("[a-z_]{1,8}", inner, 0..5)
                    .prop_map(|map| Value::Mapping(map.into_iter().map(|(k, v)| (Value::String(k), v)).collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_tree_is_what_an_independent_reader_reads(expected in yaml()) {
            let text = serde_yaml::to_string(&expected).expect("writable");
            let document = super::read(&text);
            prop_assert!(document.errors().is_empty(), "{text:?}: {:?}", document.errors());
            let root = document.root().expect("a value");
            let independent: Value = serde_yaml::from_str(&text).expect("readable");
            prop_assert_eq!(super::value(&document, &text, root), independent, "{:?}", text);
        }

        #[test]
        fn scripts_map_back_to_their_bytes(
            lines in prop::collection::vec("[ -~äö\t]{0,20}", 1..12),
            indent in 1usize..6,
            crlf in any::<bool>(),
            chomp in prop::sample::select(vec!["", "-", "+"]),
        ) {
            prop_assume!(lines.iter().any(|line| !line.is_empty()));
            let line_break = if crlf { "\r\n" } else { "\n" };
            let mut text = format!("key: |{indent}{chomp}{line_break}");
            for line in &lines {
                text.push_str(&" ".repeat(indent));
                text.push_str(line);
                text.push_str(line_break);
            }
            text.push_str("next: 1");
            let document = super::read(&text);
            prop_assert!(document.errors().is_empty(), "{text:?}: {:?}", document.errors());
            let root = document.root().expect("a mapping");
            let (script, map) = document.script(&text, document.get(&text, root, "key").expect("key")).expect("scalar");
            prop_assert!(map.is_exact(), "{:?}", text);
            for (start, c) in script.char_indices().filter(|(_, c)| *c != '\n') {
                let place = map.to_file(super::Span::new(start, start + c.len_utf8()));
                prop_assert_eq!(place.slice(&text), c.to_string(), "{:?} at {}", text, start);
            }
        }

        #[test]
        fn no_text_panics_and_no_error_leaves_the_file(text in "[a-z:\\-\\[\\]{}&*#|>'\"! \n\t\r\u{feff}ä]{0,80}") {
            let document = super::read(&text);
            for error in document.errors() {
                prop_assert!(error.span.end as usize <= text.len());
                prop_assert!(text.is_char_boundary(error.span.start as usize));
            }
        }
    }
}
