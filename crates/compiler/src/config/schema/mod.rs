//! JSON Schema validation of the spanned tree. The schemas are the files of `schemas/`.

mod first_look;
mod json;
mod violation;

use std::sync::OnceLock;

use jsonschema::Validator;
use rustc_hash::FxHashMap;
use serde_json::Value;

pub use violation::{Violation, ViolationKind};

use crate::syntax::yaml::{Document, NodeId};
use first_look::is_surely_valid;

/// A schema that belongs to the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Its name: `config-v1`, `findings`, ...
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! schemas {
    ($($name:literal),* $(,)?) => {
        /// All schemas, by name.
        pub const SCHEMAS: &[Schema] = &[
            $(Schema { name: $name, text: include_str!(concat!("../../../../../schemas/", $name, ".schema.json")) }),*
        ];
    };
}

schemas![
    "async-contract",
    "async-runs",
    "baseline",
    "config-v1",
    "config-v2",
    "findings",
    "graph",
    "payload",
    "plan",
    "rules",
    "run-events",
    "runs",
    "settings",
    "terraform",
    "webhook",
];

/// The schema of a name.
pub fn named(name: &str) -> Option<&'static Schema> {
    SCHEMAS.iter().find(|schema| schema.name == name)
}

/// The schema that a tree is validated against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaKind {
    /// A configuration of format 1.
    ConfigV1,
    /// A configuration of format 2.
    ConfigV2,
    /// `.sidestage.yaml`.
    Settings,
}

/// The values of more repeated keys than these are not looked into.
const MAX_SUPERSEDED: usize = 50;

/// Everything in the value at `root` that the schema does not allow, in the order of the file.
pub fn validate(document: &Document, text: &str, root: NodeId, kind: SchemaKind) -> Vec<Violation> {
    if is_surely_valid(document, text, root, kind.name()) { Vec::new() } else { violations(document, text, root, kind) }
}

fn violations(document: &Document, text: &str, root: NodeId, kind: SchemaKind) -> Vec<Violation> {
    let of = |chosen: Option<NodeId>| {
        let tree = json::Tree { document, text, chosen };
        let value = tree.to_json(root);
        validator(kind).iter_errors(&value).flat_map(|error| violation::violations(tree, root, &error)).collect::<Vec<_>>()
    };
    let mut violations = of(None);
    // What a repeated key has first does not count, and what is wrong in it is still to be known.
    for key in document.superseded().into_iter().take(MAX_SUPERSEDED) {
        let Some(within) = document.span_of_entry(key) else { continue };
        violations.extend(of(Some(key)).into_iter().filter(|found| within.start <= found.span.start && found.span.end <= within.end));
    }
    violations.sort_by_key(|violation| violation.span);
    violations.dedup();
    violations
}

/// What a pattern of our schemas asks for, in words: the key `x-expected` beside it.
fn expected_by_pattern(pattern: &str) -> Option<&'static str> {
    static WORDS: OnceLock<FxHashMap<&str, &str>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let mut words = FxHashMap::default();
        for named in SCHEMAS {
            collect_expected(schema(named.name), &mut words);
        }
        words
    });
    words.get(pattern).copied()
}

fn collect_expected(value: &'static Value, words: &mut FxHashMap<&'static str, &'static str>) {
    if let (Some(Value::String(pattern)), Some(Value::String(expected))) = (value.get("pattern"), value.get("x-expected")) {
        words.insert(pattern, expected);
    }
    match value {
        Value::Object(object) => object.values().for_each(|value| collect_expected(value, words)),
        Value::Array(items) => items.iter().for_each(|value| collect_expected(value, words)),
        _ => {}
    }
}

impl SchemaKind {
    fn name(self) -> &'static str {
        match self {
            Self::ConfigV1 => "config-v1",
            Self::ConfigV2 => "config-v2",
            Self::Settings => "settings",
        }
    }
}

/// The schema of a name, read.
// The schemas are part of the program: a test reads each of them, so this cannot fail for a user.
#[allow(clippy::expect_used)]
fn schema(name: &str) -> &'static Value {
    static READ: [OnceLock<Value>; SCHEMAS.len()] = [const { OnceLock::new() }; SCHEMAS.len()];
    let index = SCHEMAS.iter().position(|schema| schema.name == name).expect("a schema of ours");
    READ[index].get_or_init(|| serde_json::from_str(SCHEMAS[index].text).expect("valid JSON"))
}

/// The schema that a reference from another one names.
fn by_address(address: &str) -> Option<&'static Value> {
    let name = address.strip_prefix("https://sidestage.dev/schemas/")?.strip_suffix(".schema.json")?;
    named(name).map(|found| schema(found.name))
}

fn validator(kind: SchemaKind) -> &'static Validator {
    static VALIDATORS: [OnceLock<Validator>; 3] = [const { OnceLock::new() }; 3];
    VALIDATORS[kind as usize].get_or_init(|| compile(kind.name()))
}

/// A validator of a schema, which holds the one that it refers to: `validator_for` fetches nothing.
#[allow(clippy::expect_used)] // a test compiles each of them
fn compile(name: &str) -> Validator {
    const CONTRACT: &str = "async-contract";
    let mut whole = schema(name).clone();
    if name != CONTRACT {
        whole["$defs"][CONTRACT] = schema(CONTRACT).clone();
    }
    jsonschema::validator_for(&whole).expect("a valid schema")
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    #[test]
    fn every_schema_is_a_valid_schema() {
        for schema in super::SCHEMAS {
            jsonschema::meta::validate(super::schema(schema.name)).unwrap_or_else(|error| panic!("{}: {error}", schema.name));
            super::compile(schema.name);
        }
    }

    #[test]
    fn every_pattern_says_in_words_what_it_expects() {
        for name in ["config-v1", "config-v2", "settings", "async-contract"] {
            let mut nodes = vec![super::schema(name)];
            while let Some(node) = nodes.pop() {
                if let Some(pattern) = node.get("pattern").and_then(serde_json::Value::as_str) {
                    let expected = super::expected_by_pattern(pattern);
                    assert_eq!(expected, node["x-expected"].as_str(), "{name}: {pattern}");
                    assert!(expected.is_some(), "{name}: {pattern}");
                }
                match node {
                    serde_json::Value::Object(object) => nodes.extend(object.values()),
                    serde_json::Value::Array(items) => nodes.extend(items),
                    _ => {}
                }
            }
        }
        assert_eq!(super::expected_by_pattern("^nobody's$"), None);
    }

    #[test]
    fn keywords_of_the_newest_draft_count() {
        // `prefixItems`, `dependentRequired` and `unevaluatedProperties` do not exist in older drafts.
        let node = serde_json::json!({"version": 1, "nodes": [{"id": "a", "stage": "a", "async": false, "file": "x"}], "edges": []});
        assert!(!super::compile("graph").is_valid(&node), "`file` needs `range`");
    }
}
