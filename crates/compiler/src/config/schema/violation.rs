//! What the validator found, at its place in the file and in our own words.

use std::borrow::Cow;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::LocationSegment;
use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::source::Span;
use crate::syntax::yaml::{Document, Entry, NodeId, NodeKind, ScalarKind};

/// Something that a schema does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The value, or the key, that is wrong.
    pub span: Span,
    /// The keys and indices that lead to the value, from the top.
    pub path: Vec<String>,
    /// What is wrong.
    pub problem: Problem,
}

/// The kinds of violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A key that the schema does not know, and the keys that it knows there.
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A list holds an item again that must stand in it once.
    RepeatedItem {
        /// The item.
        item: String,
        /// Where it stands first.
        first: Span,
    },
    /// Anything else: expected and found, in words.
    Invalid {
        /// For example ``expected true or false, found the text `stopAndFail` ``.
        message: String,
    },
}

pub(super) fn violations(document: &Document, text: &str, root: NodeId, error: &ValidationError<'_>) -> Vec<Violation> {
    let mut path = Vec::new();
    let mut node = root;
    let mut last_entry: Option<Entry> = None;
    for segment in error.instance_path() {
        match segment {
            LocationSegment::Property(name) => {
                let Some(entry) = document.entry(text, node, &name) else { break };
                node = entry.value;
                last_entry = Some(entry);
                path.push(name.into_owned());
            }
            LocationSegment::Index(index) => {
                let Some(item) = document.items(node).get(index) else { break };
                node = *item;
                path.push(index.to_string());
            }
        }
    }
    let invalid = |span, message: String| vec![Violation { span, path: path.clone(), problem: Problem::Invalid { message } }];
    let found = describe(document, text, node);
    // A value of nothing has no bytes: its key stands for it.
    let place = match (document.span(node), last_entry) {
        (span, Some(entry)) if span.is_empty() => document.span(entry.key),
        (span, _) => first_line(text, span),
    };
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let keys = unexpected.iter().filter_map(|key| Some((key, document.entry(text, node, key)?)));
            keys.map(|(key, entry)| Violation {
                span: document.span(entry.key),
                path: path.clone(),
                problem: Problem::UnknownKey { key: key.clone() },
            })
            .collect()
        }
        Kind::PropertyNames { error: inner } => {
            let name = inner.instance().as_str();
            let key = name.and_then(|name| document.entry(text, node, name));
            let span = key.map_or(place, |entry| document.span(entry.key));
            invalid(
                span,
                match (inner.kind(), name) {
                    (Kind::Pattern { .. }, Some(name)) if path.last().is_some_and(|key| key == "reads") => {
                        format!("expected a name of letters, digits, `-`, `_` and `.`, found `{name}`")
                    }
                    _ => "this name is not allowed here".to_owned(),
                },
            )
        }
        Kind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            let span = last_entry.filter(|entry| entry.value == node).map_or(place, |entry| document.span(entry.key));
            invalid(span, format!("the key `{property}` is missing"))
        }
        Kind::Type { kind } => invalid(place, format!("expected {}, found {found}", expected_types(kind))),
        Kind::Enum { options } => invalid(place, format!("expected {}, found {found}", one_of(options))),
        Kind::Constant { expected_value } => invalid(place, format!("expected {}, found {found}", literal(expected_value))),
        Kind::Pattern { pattern } => invalid(
            place,
            match path.last().map(String::as_str) {
                Some("timeout") => format!("expected a duration such as `30m` or `1h30m`, found {found}"),
                Some("name") => {
                    format!("expected a name of `a-z`, `0-9` and `-` that begins and ends with a letter or digit, found {found}")
                }
                _ => format!("{found} does not have the form `{pattern}`"),
            },
        ),
        Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => {
            invalid(place, "it must not be empty".to_owned())
        }
        Kind::MaxLength { limit } => invalid(place, format!("{found} is longer than {limit} characters")),
        Kind::UniqueItems => repeated(document, text, node, &path),
        other => invalid(place, format!("{found} breaks the rule `{}` of the schema", other.keyword())),
    }
}

/// Each item of a list that stands there before.
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
                problem: Problem::RepeatedItem { item: item.into_owned(), first: *first },
            }),
            None => {
                seen.insert(item, span);
            }
        }
    }
    violations
}

/// A mapping or a long text is marked by its first line: a whole stage in red helps nobody.
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
                ScalarKind::String if content.len() > 40 || content.contains('\n') => "a text".to_owned(),
                ScalarKind::String => format!("the text `{content}`"),
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
        jsonschema::JsonType::String => "a text",
    };
    match kind {
        TypeKind::Single(kind) => name(*kind).to_owned(),
        TypeKind::Multiple(kinds) => {
            let mut names: Vec<&str> = kinds.iter().map(name).collect();
            // Nothing is rarely what is meant: it stands last.
            names.sort_by_key(|name| *name == "nothing");
            names.join(" or ")
        }
    }
}

fn one_of(options: &Value) -> String {
    let options: Vec<String> = options.as_array().map(|all| all.iter().map(literal).collect()).unwrap_or_default();
    match options.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => options.concat(),
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}
