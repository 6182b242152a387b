//! Whether a tree is surely valid, by the schema itself but without compiling it, which costs a small run a quarter.
//!
//! Only the cheap keywords are understood. Whatever is wrong, or asks for more, is left to the validator.

use std::sync::{PoisonError, RwLock};

use regex::bytes::{Regex, RegexBuilder};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value};

use super::json::to_json;
use super::{by_address, schema};
use crate::syntax::yaml::{Document, NodeId, NodeKind, ScalarKind};

/// Whether a keyword says nothing about a value.
fn is_annotation(keyword: &str) -> bool {
    matches!(keyword, "$schema" | "$id" | "$defs" | "title" | "description" | "default" | "examples" | "x-expected")
}

/// A part of a schema, and the whole that its references are read in.
#[derive(Clone, Copy)]
struct Part {
    whole: &'static Value,
    schema: &'static Value,
}

/// `false` says nothing.
pub(super) fn is_surely_valid(document: &Document, text: &str, root: NodeId, name: &str) -> bool {
    let whole = schema(name);
    FirstLook { document, text }.allows(Part { whole, schema: whole }, root)
}

struct FirstLook<'t> {
    document: &'t Document,
    text: &'t str,
}

impl FirstLook<'_> {
    fn allows(&self, part: Part, node: NodeId) -> bool {
        let Value::Object(keywords) = part.schema else { return part.schema == &Value::Bool(true) };
        keywords.iter().all(|(keyword, value)| self.satisfies(keyword, Part { schema: value, ..part }, node))
            && self.allows_members(keywords, part, node)
    }

    /// Whether the node is as a keyword asks; the part is the keyword's value.
    fn satisfies(&self, keyword: &str, part: Part, node: NodeId) -> bool {
        let value = part.schema;
        match keyword {
            "type" => self.is_of_type(value, node),
            "enum" => value.as_array().is_some_and(|values| values.contains(&to_json(self.document, self.text, node))),
            "minLength" => self.is_length(node, value, |text, least| text.chars().take(least).count() == least),
            "maxLength" => self.is_length(node, value, |text, most| text.chars().nth(most).is_none()),
            "pattern" => self.document.string(self.text, node).is_none_or(|string| is_match(value, &string)),
            "$ref" => referred(part).is_some_and(|part| self.allows(part, node)),
            "items" => self.document.items(node).iter().all(|item| self.allows(part, *item)),
            "uniqueItems" => self.are_unique(self.document.items(node)),
            "required" => self.has_all(value, node),
            // Together they say what a member may be.
            "properties" | "patternProperties" | "additionalProperties" | "propertyNames" => true,
            other => is_annotation(other),
        }
    }

    fn allows_members(&self, keywords: &'static Map<String, Value>, part: Part, node: NodeId) -> bool {
        let entries = self.document.entries(node);
        if entries.is_empty() {
            return true;
        }
        let [properties, patterns, others, of_names] =
            ["properties", "patternProperties", "additionalProperties", "propertyNames"].map(|keyword| keywords.get(keyword));
        entries.iter().all(|entry| {
            let Some(name) = self.document.text(self.text, entry.key) else { return false };
            let named = properties.and_then(|properties| properties.get(name.as_ref()));
            let Some(matching) = matching(patterns, &name) else { return false };
            let rest = others.filter(|_| named.is_none() && matching.is_empty());
            of_names.is_none_or(|names| allows_name(names, &name))
                && named.into_iter().chain(matching).chain(rest).all(|schema| self.allows(Part { schema, ..part }, entry.value))
        })
    }

    fn is_of_type(&self, types: &Value, node: NodeId) -> bool {
        let kind = &self.document.resolve(node).1.kind;
        let is_scalar = |of: &[ScalarKind]| matches!(kind, NodeKind::Scalar(scalar) if of.contains(&scalar.kind));
        let is = |name: &Value| match name.as_str() {
            Some("object") => matches!(kind, NodeKind::Mapping(_)),
            Some("array") => matches!(kind, NodeKind::Sequence(_)),
            Some("string") => is_scalar(&[ScalarKind::String]),
            Some("number") => is_scalar(&[ScalarKind::Integer, ScalarKind::Float]),
            Some("boolean") => is_scalar(&[ScalarKind::Bool]),
            Some("null") => is_scalar(&[ScalarKind::Null]),
            _ => false,
        };
        types.as_array().map_or_else(|| is(types), |types| types.iter().any(is))
    }

    /// Whether a string is as long as a limit asks, in characters; whatever else it is may be of any length.
    fn is_length(&self, node: NodeId, limit: &Value, fits: impl Fn(&str, usize) -> bool) -> bool {
        let limit = limit.as_u64().and_then(|limit| usize::try_from(limit).ok());
        self.document.string(self.text, node).is_none_or(|text| limit.is_some_and(|limit| fits(&text, limit)))
    }

    fn are_unique(&self, items: &[NodeId]) -> bool {
        let mut seen = FxHashSet::default();
        items.iter().all(|item| self.document.string(self.text, *item).is_some_and(|item| seen.insert(item)))
    }

    fn has_all(&self, names: &Value, node: NodeId) -> bool {
        let has = |name: &Value| name.as_str().is_some_and(|name| self.document.entry(self.text, node, name).is_some());
        let is_mapping = matches!(self.document.resolve(node).1.kind, NodeKind::Mapping(_));
        !is_mapping || names.as_array().is_some_and(|names| names.iter().all(has))
    }
}

/// Where a reference leads: into its own schema, or to another of ours.
fn referred(part: Part) -> Option<Part> {
    let reference = part.schema.as_str()?;
    match reference.strip_prefix("#/$defs/") {
        Some(name) => Some(Part { schema: part.whole.get("$defs")?.get(name)?, ..part }),
        None => by_address(reference).map(|whole| Part { whole, schema: whole }),
    }
}

/// The schemas of `patternProperties` for a name; `None` where a pattern is not read here.
fn matching(patterns: Option<&'static Value>, name: &str) -> Option<Vec<&'static Value>> {
    let Some(patterns) = patterns.and_then(Value::as_object) else { return Some(Vec::new()) };
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

fn allows_name(schema: &'static Value, name: &str) -> bool {
    schema.as_object().is_some_and(|keywords| {
        keywords.iter().all(|(keyword, value)| match keyword.as_str() {
            "pattern" => is_match(value, name),
            other => is_annotation(other),
        })
    })
}

/// Whether a pattern surely matches: what is a letter or a blank beyond ASCII is left to the validator.
fn is_match(pattern: &'static Value, text: &str) -> bool {
    static COMPILED: RwLock<FxHashMap<&str, Option<Regex>>> = RwLock::new(FxHashMap::with_hasher(rustc_hash::FxBuildHasher));
    let Some(pattern) = pattern.as_str().filter(|_| text.is_ascii()) else { return false };
    let is_match = |compiled: &Option<Regex>| compiled.as_ref().is_some_and(|regex| regex.is_match(text.as_bytes()));
    if let Some(compiled) = COMPILED.read().unwrap_or_else(PoisonError::into_inner).get(pattern) {
        return is_match(compiled);
    }
    let compiled = RegexBuilder::new(pattern).unicode(false).build().ok();
    is_match(COMPILED.write().unwrap_or_else(PoisonError::into_inner).entry(pattern).or_insert(compiled))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{SchemaKind, violations};
    use super::is_surely_valid;
    use crate::syntax::yaml;

    /// Whether the first look is sure, and whether the validator finds nothing.
    fn both(text: &str, kind: SchemaKind) -> (bool, bool) {
        let document = yaml::read(text);
        let Some(root) = document.root() else { return (false, false) };
        (is_surely_valid(&document, text, root, kind.name()), violations(&document, text, root, kind).is_empty())
    }

    #[test]
    fn plain_configurations_are_seen_to_be_valid() {
        let v1 = "version: '1'\nx-own: [1]\ntest:\nmine:\n  image: a\n  script: echo\n  skip: true\n  x-own: 1\n";
        assert_eq!(both(v1, SchemaKind::ConfigV1), (true, true));
        let v2 = "version: 2\ntasks:\n  code-build:\n    steps:\n      - name: setup\n        script: echo\n        image: a\n";
        assert_eq!(both(v2, SchemaKind::ConfigV2), (true, true));
        let contract = "version: '1'\ntest: {x-async: {triggered-by: [a, b], reads: {app-url: {pattern: a}}}}\n";
        assert_eq!(both(contract, SchemaKind::ConfigV1), (true, true));
        assert_eq!(both("exclude: [a, b]\nproperties: [region]\n", SchemaKind::Settings), (true, true));
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
            ("version: '1'\ntest: {secret: Name}\n", false),
            ("version: '1'\ntest: {x-async: {triggered-by: [a, a]}}\n", false),
            ("version: '1'\ntest: {x-async: {reads: {a b: {}}}}\n", false),
            ("version: 1.0\n", true),
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
