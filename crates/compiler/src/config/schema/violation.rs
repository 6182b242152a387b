//! What the validator found, at its place in the file and in our own words.

use std::borrow::Cow;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::LocationSegment;
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::expected_by_pattern;
use super::json::{self, Tree};
use crate::source::Span;
use crate::syntax::yaml::{Document, Entry, NodeId, NodeKind, ScalarKind, written};

/// Something that a schema does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The value, or the key, that is wrong.
    pub span: Span,
    /// The keys and indices that lead to the value, from the top.
    pub path: Vec<String>,
    /// What is wrong.
    pub kind: ViolationKind,
}

/// The kinds of violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViolationKind {
    /// A key that the schema does not know.
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A required key that is missing.
    MissingKey {
        /// The key.
        key: String,
    },
    /// A list repeats an item.
    RepeatedItem {
        /// The item.
        item: String,
        /// Where it is first.
        first: Span,
    },
    /// Anything else: expected and found, in words.
    Invalid {
        /// For example ``expected true or false, found the string `stopAndFail` ``.
        message: String,
        /// What to write in the place of the value, where that can be told.
        repair: Option<String>,
    },
}

pub(super) fn violations(tree: Tree<'_>, root: NodeId, error: &ValidationError<'_>) -> Vec<Violation> {
    let Tree { document, text, .. } = tree;
    let mut path = Vec::new();
    let mut node = root;
    let mut last_entry: Option<Entry> = None;
    for segment in error.instance_path() {
        match segment {
            LocationSegment::Property(name) => {
                let Some(entry) = tree.entry(node, &name) else { break };
                node = entry.value;
                last_entry = Some(entry);
                path.push(json::key(document, text, entry).into_owned());
            }
            LocationSegment::Index(index) => {
                let Some(item) = document.items(node).get(index) else { break };
                node = *item;
                path.push(index.to_string());
            }
        }
    }
    let repaired =
        |span, message: String, repair| vec![Violation { span, path: path.clone(), kind: ViolationKind::Invalid { message, repair } }];
    let invalid = |span, message| repaired(span, message, None);
    let found = describe(document, text, node);
    // An empty value has no bytes: its key is marked instead.
    let place = match (document.span(node), last_entry) {
        (span, Some(entry)) if span.is_empty() => document.span(entry.key),
        (span, _) => first_line(text, span),
    };
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let entries = unexpected.iter().filter_map(|name| tree.entry(node, name));
            entries
                .map(|entry| Violation {
                    span: document.span(entry.key),
                    path: path.clone(),
                    kind: ViolationKind::UnknownKey { key: json::key(document, text, entry).into_owned() },
                })
                .collect()
        }
        Kind::PropertyNames { error: inner } => {
            let entry = inner.instance().as_str().and_then(|name| tree.entry(node, name));
            let span = entry.map_or(place, |entry| document.span(entry.key));
            let expected = match inner.kind() {
                Kind::Pattern { pattern } => expected_by_pattern(pattern),
                _ => None,
            };
            invalid(
                span,
                match (expected, entry) {
                    (Some(expected), Some(entry)) => format!("expected {expected}, found `{}`", json::key(document, text, entry)),
                    _ => "this name is not allowed here".to_owned(),
                },
            )
        }
        Kind::Required { property } => {
            let key = property.as_str().unwrap_or_default().to_owned();
            let span = last_entry.filter(|entry| entry.value == node).map_or(place, |entry| document.span(entry.key));
            vec![Violation { span, path, kind: ViolationKind::MissingKey { key } }]
        }
        Kind::Type { kind } => {
            let repair = Scalar::of(document, text, node).and_then(|scalar| scalar.as_type(kind, path.last()));
            repaired(place, format!("expected {}, found {found}", expected_types(kind)), repair)
        }
        Kind::Enum { options } => {
            let repair = Scalar::of(document, text, node).and_then(|scalar| scalar.as_one_of(options));
            repaired(place, format!("expected {}, found {found}", one_of(options)), repair)
        }
        Kind::Constant { expected_value } => invalid(place, format!("expected {}, found {found}", literal(expected_value))),
        // What the validator was not shown may be right.
        Kind::Pattern { .. } if document.text(text, node).is_some_and(|string| json::is_cut(&string)) => Vec::new(),
        Kind::Pattern { pattern } => match expected_by_pattern(pattern) {
            Some(expected) => invalid(place, format!("expected {expected}, found {found}")),
            None => invalid(place, format!("{found} does not match `{pattern}`")),
        },
        Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => {
            invalid(place, "must not be empty".to_owned())
        }
        Kind::MaxLength { limit } => invalid(place, format!("{found} is longer than {limit} characters")),
        Kind::UniqueItems => repeated(document, text, node, &path),
        other => invalid(place, format!("{found} does not satisfy `{}` of the schema", other.keyword())),
    }
}

/// A value that may only be written in another way.
struct Scalar<'a> {
    content: Cow<'a, str>,
    kind: ScalarKind,
}

impl<'a> Scalar<'a> {
    /// A short value of one line that stands where it is used.
    fn of(document: &'a Document, text: &'a str, id: NodeId) -> Option<Self> {
        let (own, node) = document.resolve(id);
        let NodeKind::Scalar(scalar) = &node.kind else { return None };
        let content = document.text(text, id)?;
        let is_short = own == id && content.len() <= 80 && !content.contains(['\n', '\'', '"', '\\']) && !content.is_empty();
        is_short.then_some(Self { content, kind: scalar.kind })
    }

    /// The same as a value of another type.
    fn as_type(&self, wanted: &TypeKind, key: Option<&String>) -> Option<String> {
        let wants = |kind| match wanted {
            TypeKind::Single(one) => *one == kind,
            TypeKind::Multiple(kinds) => kinds.contains(kind),
        };
        let is_text = self.kind == ScalarKind::String;
        if wants(jsonschema::JsonType::Array) && is_text {
            // Names with commas between them are several.
            let items = self.content.split(',').map(str::trim).filter(|item| !item.is_empty());
            return Some(format!("[{}]", items.map(written).collect::<Vec<_>>().join(", ")));
        }
        if wants(jsonschema::JsonType::Boolean) && is_text {
            return match self.content.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Some("true".to_owned()),
                "false" | "no" | "off" => Some("false".to_owned()),
                _ => None,
            };
        }
        let is_number = matches!(self.kind, ScalarKind::Integer | ScalarKind::Float);
        if wants(jsonschema::JsonType::String) && is_number {
            // A number of seconds is the only one that is meant.
            let unit = if key.is_some_and(|key| key == "timeout") { "s" } else { "" };
            return Some(format!("'{}{unit}'", self.content));
        }
        None
    }

    /// The option that is meant: `'1.0'` is `'1'`.
    fn as_one_of(&self, options: &Value) -> Option<String> {
        let meant = self.content.strip_suffix(".0").unwrap_or(&self.content);
        let is_option = options.as_array()?.iter().any(|option| option.as_str() == Some(meant));
        (is_option && meant.bytes().all(|byte| byte.is_ascii_digit())).then(|| format!("'{meant}'"))
    }
}

/// Each item of a list that is in it before.
fn repeated(document: &Document, text: &str, list: NodeId, path: &[String]) -> Vec<Violation> {
    let mut seen: FxHashMap<Cow<'_, str>, Span> = FxHashMap::default();
    let mut violations = Vec::new();
    for (index, node) in document.items(list).iter().enumerate() {
        let Some(item) = document.text(text, *node) else { continue };
        let span = document.span(*node);
        match seen.get(&item) {
            Some(first) => violations.push(Violation {
                span,
                path: path.iter().cloned().chain([index.to_string()]).collect(),
                kind: ViolationKind::RepeatedItem { item: item.into_owned(), first: *first },
            }),
            None => {
                seen.insert(item, span);
            }
        }
    }
    violations
}

/// Only the first line of a mapping or a long string is marked: a whole stage in red does not help.
fn first_line(text: &str, span: Span) -> Span {
    let line = span.slice(text).lines().next().unwrap_or_default();
    Span { start: span.start, end: span.start + line.trim_end().len() as u32 }
}

fn describe(document: &Document, text: &str, id: NodeId) -> String {
    let (id, node) = document.resolve(id);
    match &node.kind {
        NodeKind::Mapping(_) => "a mapping".to_owned(),
        NodeKind::Sequence(_) => "a list".to_owned(),
        NodeKind::Alias(_) => "an alias".to_owned(),
        NodeKind::Scalar(scalar) => {
            let content = document.text(text, id).unwrap_or_default();
            match scalar.kind {
                ScalarKind::Null => "nothing".to_owned(),
                ScalarKind::Bool => format!("`{content}`"),
                ScalarKind::Integer | ScalarKind::Float => format!("the number `{content}`"),
                ScalarKind::String if content.len() > 40 || content.contains('\n') => "a string".to_owned(),
                ScalarKind::String if looks_like_a_number(&content) => format!("the string `'{content}'`"),
                ScalarKind::String => format!("the string `{content}`"),
            }
        }
    }
}

fn expected_types(kind: &TypeKind) -> String {
    let name = |kind: jsonschema::JsonType| match kind {
        jsonschema::JsonType::Array => "a list",
        jsonschema::JsonType::Boolean => "`true` or `false`",
        jsonschema::JsonType::Integer => "a whole number",
        jsonschema::JsonType::Null => "nothing",
        jsonschema::JsonType::Number => "a number",
        jsonschema::JsonType::Object => "a mapping",
        jsonschema::JsonType::String => "a string",
    };
    match kind {
        TypeKind::Single(kind) => name(*kind).to_owned(),
        TypeKind::Multiple(kinds) => {
            let mut names: Vec<&str> = kinds.iter().map(name).collect();
            // Nothing is rarely what is meant: it comes last.
            names.sort_by_key(|name| *name == "nothing");
            names.join(" or ")
        }
    }
}

fn one_of(options: &Value) -> String {
    // A number that is also allowed as a string is said once, as the string.
    let all = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let is_said = |option: &&Value| !option.is_number() || !all.iter().any(|other| other.as_str() == Some(option.to_string().as_str()));
    let options: Vec<String> = all.iter().filter(is_said).map(literal).collect();
    match options.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => options.concat(),
    }
}

/// Without its quotes it would be one.
fn looks_like_a_number(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) && text.chars().all(|letter| letter.is_ascii_digit() || letter == '.')
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) if looks_like_a_number(text) => format!("`'{text}'`"),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use super::super::{SchemaKind, ViolationKind, validate};
    use crate::syntax::yaml;

    /// The text that each violation marks, and what it is.
    fn violations(text: &str) -> Vec<(&str, ViolationKind)> {
        let document = yaml::read(text);
        let found = validate(&document, text, document.root().expect("a tree"), SchemaKind::ConfigV1);
        found.into_iter().map(|violation| (violation.span.slice(text), violation.kind)).collect()
    }

    #[test]
    fn a_name_longer_than_the_validator_is_shown_stands_for_its_own_entry() {
        let key = "k".repeat(400);
        let unknown = ViolationKind::UnknownKey { key: key.clone() };
        assert_eq!(violations(&format!("version: '1'\ntest: {{script: a, {key}: 1}}\n")), [(key.as_str(), unknown)]);
        let wrong = format!("version: '1'\n{key}: {{skip: 1}}\n");
        let found = violations(&wrong);
        assert!(matches!(&found[..], [("1", ViolationKind::Invalid { .. })]), "{found:?}");
    }

    #[test]
    fn a_value_below_a_key_that_is_empty_or_no_text_is_told_at_its_own_place() {
        for key in ["? [a]\n", "''"] {
            let text = format!("version: '1'\n{key}: b\n");
            let found = violations(&text);
            assert!(matches!(&found[..], [("b", ViolationKind::Invalid { .. })]), "{found:?}");
        }
    }
}
