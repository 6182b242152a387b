//! Our tree as JSON, for the validator. Only a tree that the first look is not sure of is converted.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::syntax::yaml::{Document, Entry, NodeId, NodeKind, Scalar, ScalarKind};

/// Where strings are cut, in characters: no schema of ours has a limit that is higher. Aliases may stand for a million
/// values, and a long script among them would be copied as often.
pub(super) const MAX_CHARACTERS: usize = 300;

/// What an empty key is shown as: the validator's paths leave empty names out. YAML holds no such character.
const NAMELESS: &str = "\0";

/// A document as the validator sees it.
#[derive(Clone, Copy)]
pub(super) struct Tree<'a> {
    pub(super) document: &'a Document,
    pub(super) text: &'a str,
    /// A key that counts instead of the last one of its name.
    pub(super) chosen: Option<NodeId>,
}

impl Tree<'_> {
    /// The value at a node.
    pub(super) fn to_json(self, id: NodeId) -> Value {
        let (id, node) = self.document.resolve(id);
        match &node.kind {
            NodeKind::Mapping(entries) => {
                let member = |entry: &Entry| (name(&key(self.document, self.text, *entry)).to_owned(), self.to_json(entry.value));
                // The last one counts.
                let chosen = entries.iter().filter(|entry| self.is_chosen(**entry));
                entries.iter().chain(chosen).map(member).collect()
            }
            NodeKind::Sequence(items) => items.iter().map(|item| self.to_json(*item)).collect(),
            NodeKind::Scalar(scalar) => from_scalar(scalar, &self.document.text(self.text, id).unwrap_or_default()),
            NodeKind::Alias(_) => Value::Null,
        }
    }

    /// Whether an entry is the one that counts, or leads to it.
    fn is_chosen(self, entry: Entry) -> bool {
        self.chosen.is_some_and(|chosen| {
            let (value, key) = (self.document.span(entry.value), self.document.span(chosen));
            entry.key == chosen || (value.start <= key.start && key.end <= value.end)
        })
    }

    /// The entry that a name of the validator stands for.
    pub(super) fn entry(self, mapping: NodeId, named: &str) -> Option<Entry> {
        let entries = self.document.entries(mapping);
        let is_named = |entry: &&Entry| name(&key(self.document, self.text, **entry)) == named;
        let chosen = entries.iter().filter(|entry| self.is_chosen(**entry)).find(is_named);
        chosen.or_else(|| entries.iter().rev().find(is_named)).copied()
    }
}

/// The value at a node; of a repeated key the last one counts.
pub(super) fn to_json(document: &Document, text: &str, id: NodeId) -> Value {
    Tree { document, text, chosen: None }.to_json(id)
}

/// The key of an entry; one that is no text counts as an empty one.
pub(super) fn key<'a>(document: &'a Document, text: &'a str, entry: Entry) -> Cow<'a, str> {
    document.text(text, entry.key).unwrap_or_default()
}

/// What the validator knows a key as.
fn name(key: &str) -> &str {
    if key.is_empty() { NAMELESS } else { cut(key) }
}

/// Whether the validator sees only the beginning of a string.
pub(super) fn is_cut(string: &str) -> bool {
    cut(string).len() < string.len()
}

fn cut(string: &str) -> &str {
    string.char_indices().nth(MAX_CHARACTERS).map_or(string, |(end, _)| &string[..end])
}

fn from_scalar(scalar: &Scalar, content: &str) -> Value {
    match scalar.kind {
        ScalarKind::Null => Value::Null,
        ScalarKind::Bool => Value::Bool(content.eq_ignore_ascii_case("true")),
        ScalarKind::Integer | ScalarKind::Float => Value::Number(number(content)),
        ScalarKind::String => Value::String(cut(content).to_owned()),
    }
}

/// A number of the core schema.
fn number(text: &str) -> Number {
    let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().map(Number::from);
    let number = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => radix(digits, 16),
        (_, Some(digits)) => radix(digits, 8),
        _ => text.parse::<i64>().ok().map(Number::from),
    };
    number.or_else(|| Number::from_f64(text.parse().unwrap_or_default())).unwrap_or_else(|| Number::from(0))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::SCHEMAS;
    use super::{MAX_CHARACTERS, to_json};
    use crate::syntax::yaml;

    /// All `maxLength` of a schema.
    fn limits(schema: &Value) -> Vec<u64> {
        let below = schema.as_object().into_iter().flat_map(|object| object.values()).chain(schema.as_array().into_iter().flatten());
        schema.get("maxLength").and_then(Value::as_u64).into_iter().chain(below.flat_map(limits)).collect()
    }

    #[test]
    fn a_tree_is_the_json_that_it_means() {
        let text = "a: &a [1, 0x1F, -2.5, .inf, 'x', ~]\nb: *a\n? [k]\n: TRUE\nc: 1\nc: 2\n";
        let document = yaml::read(text);
        let list = json!([1, 31, -2.5, 0.0, "x", null]);
        let value = document.root().map(|root| to_json(&document, text, root));
        assert_eq!(value, Some(json!({"a": list, "b": list, "\0": true, "c": 2})));
    }

    #[test]
    fn a_long_string_keeps_what_a_limit_can_ask_for() {
        let text = format!("{}µ", "µ".repeat(MAX_CHARACTERS));
        let document = yaml::read(&text);
        let value = document.root().map(|root| to_json(&document, &text, root));
        assert_eq!(value, Some(Value::String("µ".repeat(MAX_CHARACTERS))));

        let validated = ["config-v1", "config-v2", "settings", "async-contract"];
        let schemas = SCHEMAS.iter().filter(|schema| validated.contains(&schema.name));
        let limits: Vec<u64> = schemas.flat_map(|schema| limits(&serde_json::from_str(schema.text).unwrap_or_default())).collect();
        assert!(!limits.is_empty() && limits.iter().all(|limit| *limit < MAX_CHARACTERS as u64), "{limits:?}");
    }
}
