//! Whether a tree is surely valid, by the schema itself but without compiling it, which costs a small run a quarter.
//!
//! Only the cheap keywords are understood. Whatever is wrong, or asks for more, is left to the validator.

use jsonschema::JsonType;
use jsonschema::json::{Array, JsonNumber, Node, Object};
use serde_json::{Map, Value};

use super::json::{YamlMapping, YamlNode};

/// What says nothing about a value.
const ANNOTATIONS: [&str; 8] = ["$schema", "$id", "$defs", "title", "description", "default", "examples", "x-expected"];

/// A schema, which its references are read in.
pub(super) struct FirstLook<'s> {
    schema: &'s Value,
}

impl<'s> FirstLook<'s> {
    pub(super) fn new(schema: &'s Value) -> Self {
        Self { schema }
    }

    /// `false` says nothing.
    pub(super) fn is_surely_valid(&self, node: &YamlNode<'_>) -> bool {
        self.allows(self.schema, node)
    }

    fn allows(&self, schema: &Value, node: &YamlNode<'_>) -> bool {
        let Value::Object(keywords) = schema else { return schema == &Value::Bool(true) };
        keywords.iter().all(|(keyword, value)| self.satisfies(keyword, value, node))
            && node.as_object().is_none_or(|mapping| self.allows_members(keywords, &mapping))
    }

    fn satisfies(&self, keyword: &str, value: &Value, node: &YamlNode<'_>) -> bool {
        match keyword {
            "type" => is_of_type(value, node.json_type()),
            "enum" => value.as_array().is_some_and(|values| values.iter().any(|value| is_equal(value, node))),
            "minLength" => length(node).is_none_or(|length| value.as_u64().is_some_and(|least| length >= least)),
            "maxLength" => length(node).is_none_or(|length| value.as_u64().is_some_and(|most| length <= most)),
            "$ref" => self.definition(value).is_some_and(|schema| self.allows(schema, node)),
            "items" => node.as_array().is_none_or(|items| items.elements().all(|item| self.allows(value, &item))),
            "required" => node.as_object().is_none_or(|mapping| has_all(value, &mapping)),
            // Together they say what a member may be.
            "properties" | "patternProperties" | "additionalProperties" => true,
            other => ANNOTATIONS.contains(&other),
        }
    }

    fn allows_members(&self, keywords: &Map<String, Value>, mapping: &YamlMapping<'_>) -> bool {
        mapping.members().all(|(name, value)| {
            let named = keywords.get("properties").and_then(|properties| properties.get(name.as_ref()));
            let Some(matching) = matching(keywords, &name) else { return false };
            let rest = keywords.get("additionalProperties").filter(|_| named.is_none() && matching.is_empty());
            named.into_iter().chain(matching).chain(rest).all(|schema| self.allows(schema, &value))
        })
    }

    fn definition(&self, reference: &Value) -> Option<&'s Value> {
        self.schema.get("$defs")?.get(reference.as_str()?.strip_prefix("#/$defs/")?)
    }
}

/// The schemas of `patternProperties` for a name; `None` where a pattern is more than a beginning.
fn matching<'s>(keywords: &'s Map<String, Value>, name: &str) -> Option<Vec<&'s Value>> {
    let Some(patterns) = keywords.get("patternProperties").and_then(Value::as_object) else { return Some(Vec::new()) };
    let mut schemas = Vec::new();
    for (pattern, schema) in patterns {
        let beginning = pattern.strip_prefix('^')?;
        if !beginning.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return None;
        }
        if name.starts_with(beginning) {
            schemas.push(schema);
        }
    }
    Some(schemas)
}

fn is_of_type(types: &Value, is: JsonType) -> bool {
    let is_one = |name: &Value| match name.as_str() {
        Some("object") => is == JsonType::Object,
        Some("array") => is == JsonType::Array,
        Some("string") => is == JsonType::String,
        Some("number") => is == JsonType::Number,
        Some("boolean") => is == JsonType::Boolean,
        Some("null") => is == JsonType::Null,
        _ => false,
    };
    types.as_array().map_or_else(|| is_one(types), |types| types.iter().any(is_one))
}

fn is_equal(value: &Value, node: &YamlNode<'_>) -> bool {
    match value {
        Value::String(text) => node.as_string().is_some_and(|string| string == text.as_str()),
        Value::Number(number) => number.is_i64() && node.as_number().and_then(|node| node.as_i64()) == number.as_i64(),
        _ => false,
    }
}

/// The characters of a string.
fn length(node: &YamlNode<'_>) -> Option<u64> {
    node.as_string().map(|text| text.chars().count() as u64)
}

fn has_all(names: &Value, mapping: &YamlMapping<'_>) -> bool {
    let has = |name: &Value| name.as_str().is_some_and(|name| mapping.get(&name.to_owned()).is_some());
    names.as_array().is_some_and(|names| names.iter().all(has))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{SchemaKind, first_look, violations};
    use crate::syntax::yaml;

    /// Whether the first look is sure, and whether the validator finds nothing.
    fn both(text: &str, kind: SchemaKind) -> (bool, bool) {
        let document = yaml::read(text);
        let Some(root) = document.root() else { return (false, false) };
        (first_look(&document, text, root, kind), violations(&document, text, root, kind).is_empty())
    }

    #[test]
    fn plain_configurations_are_seen_to_be_valid() {
        let v1 = "version: '1'\nx-own: [1]\ntest:\nmine:\n  image: a\n  script: echo\n  skip: true\n  x-own: 1\n";
        assert_eq!(both(v1, SchemaKind::ConfigV1), (true, true));
        let v2 = "version: 2\ntasks:\n  code-build:\n    steps:\n      - name: setup\n        script: echo\n        image: a\n";
        assert!(both(v2, SchemaKind::ConfigV2).1);
    }

    #[test]
    fn what_is_wrong_or_asks_for_more_is_left_to_the_validator() {
        for (text, is_valid) in [
            ("test:\n", false),
            ("version: 3\n", false),
            ("version: '1'\ntest: {scripts: a}\n", false),
            ("version: '1'\ntest: {script: 1}\n", false),
            ("version: '1'\ntest: {image: ''}\n", false),
            ("version: '1'\ntest: {skip: 'true'}\n", false),
            ("version: '1'\ntest: {secret: name}\n", true),
            ("version: '1'\ntest: {x-async: {description: a}}\n", true),
        ] {
            assert_eq!(both(text, SchemaKind::ConfigV1), (false, is_valid), "{text}");
        }
    }

    /// Values of every kind, under names that the schemas know and others.
    fn value() -> impl Strategy<Value = String> {
        let scalars = ["'1'", "1", "1.0", "0x1", "2", "''", "a", "~", "true", "Always", "5m", "$a b", "µ"];
        let names = [
            "version",
            "tasks",
            "finally",
            "test",
            "code-build",
            "steps",
            "from",
            "name",
            "image",
            "script",
            "skip",
            "secret",
            "runAfter",
            "when",
            "timeout",
            "include",
            "x-async",
            "x-own",
            "xx",
            "reads",
            "triggered-by",
            "exclude",
            "rules",
            "''",
            "? []\n",
        ];
        let leaf = prop::sample::select(scalars.to_vec()).prop_map(str::to_owned);
        leaf.prop_recursive(4, 32, 5, move |inner| {
            let entry = (prop::sample::select(names.to_vec()), inner.clone()).prop_map(|(name, value)| format!("{name}: {value}"));
            let mapping = prop::collection::vec(entry, 0..5).prop_map(|entries| format!("{{{}}}", entries.join(", ")));
            let list = prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(", ")));
            prop_oneof![3 => mapping, 1 => list]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_is_surely_valid_is_valid(name in "version|test|tasks", value in value(), version in "version: ('1'|2|x), |") {
            let text = format!("{{{version}{name}: {value}}}");
            for kind in [SchemaKind::ConfigV1, SchemaKind::ConfigV2, SchemaKind::Settings] {
                let (is_sure, is_valid) = both(&text, kind);
                prop_assert!(!is_sure || is_valid, "{text}");
            }
        }
    }
}
