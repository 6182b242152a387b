//! Parameters: their declarations, their values, and `$(params.x)`.

use super::node::{Node, Report, texts_of};
use super::references::{self, Part};
use super::{names, usage};
use serde_json::Value;

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    List,
    Object,
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        match name {
            "string" => Some(Self::Text),
            "array" => Some(Self::List),
            "object" => Some(Self::Object),
            _ => None,
        }
    }

    /// Numbers and truth values are text for Tekton.
    fn of(value: &Value) -> Self {
        match value {
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
            _ => Self::Text,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::List => "array",
            Self::Object => "object",
        }
    }
}

/// A parameter that texts may refer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    pub(super) has_default: bool,
}

/// The parameters that a spec declares.
pub(super) fn declared<'a>(spec: &Node<'a>) -> Vec<Parameter<'a>> {
    let params = spec.list("params");
    params
        .iter()
        .filter_map(|node| Some(Parameter { name: node.filled("name")?, kind: kind(node), has_default: node.has("default") }))
        .collect()
}

/// The parameters that get a value; nothing else is known of them.
pub(super) fn given<'a>(params: &[Node<'a>]) -> Vec<Parameter<'a>> {
    let one = |node: &Node<'a>| Some(Parameter { name: node.filled("name")?, kind: Kind::of(node.value.get("value")?), has_default: true });
    params.iter().filter_map(one).collect()
}

fn kind(node: &Node<'_>) -> Kind {
    let named = node.text("type").and_then(Kind::named);
    let by_parts = || node.has("properties").then_some(Kind::Object);
    let by_default = || node.get("default").map(|default| Kind::of(default.value));
    named.or_else(by_parts).or_else(by_default).unwrap_or(Kind::Text)
}

/// The declarations of a spec: names, types of defaults.
pub(super) fn check_declarations(spec: &Node<'_>, report: &mut Report<'_>) {
    let params = spec.list("params");
    names::duplicates(&params, "name", "parameter", report);
    for node in &params {
        let kind = kind(node);
        if let Some(message) = node.filled("name").and_then(|name| names::parameter(name, kind == Kind::Object)) {
            report.add_field(node, "name", message);
        }
        if let Some(default) = node.get("default").filter(|default| Kind::of(default.value) != kind) {
            let message = format!("the type is {}, but the default is of type {}", kind.word(), Kind::of(default.value).word());
            report.add(&default, message);
        }
    }
}

/// Values for declared parameters: no parameter twice, each of its type. Values for others are allowed.
pub(super) fn check_values(params: &[Node<'_>], declared: &[Parameter<'_>], report: &mut Report<'_>) {
    names::duplicates(params, "name", "value for", report);
    for node in params {
        let Some(value) = node.get("value").filter(|value| !is_open(value)) else { continue };
        let known = declared.iter().find(|parameter| Some(parameter.name) == node.text("name"));
        if let Some(parameter) = known.filter(|parameter| parameter.kind != Kind::of(value.value)) {
            let message =
                format!("the parameter is of type {}, but the value is of type {}", parameter.kind.word(), Kind::of(value.value).word());
            report.add(&value, message);
        }
    }
}

/// A text that is one reference may become a list or an object.
fn is_open(value: &Node<'_>) -> bool {
    value.value.as_str().is_some_and(references::is_filled_in)
}

/// Parameters that need a value and get none.
pub(super) fn missing<'a>(declared: &[Parameter<'a>], given: &[Node<'_>]) -> Vec<&'a str> {
    let names = texts_of(given, "name");
    declared.iter().filter(|parameter| !parameter.has_default && !names.contains(&parameter.name)).map(|parameter| parameter.name).collect()
}

/// All `$(params.x)` of the texts of a node, by what is declared. Where a name is declared twice, the first counts.
pub(super) fn check_references(node: &Node<'_>, known: &[Parameter<'_>], report: &mut Report<'_>) {
    for (place, text) in node.texts() {
        for inner in references::all(text) {
            let message = reference(&place, text, inner, known);
            report.add_some(&place, message.map(|message| format!("`$({inner})`: {message}")));
        }
    }
}

fn reference(place: &Node<'_>, text: &str, inner: &str, known: &[Parameter<'_>]) -> Option<String> {
    let (name, part) = references::parameter(inner, "params")?;
    let Some(parameter) = find(known, name) else { return Some(format!("there is no parameter `{name}`")) };
    // A whole list becomes several arguments or items. It may be written without `[*]`.
    if parameter.name != name || parameter.kind != Kind::List || part == Part::Item {
        return None;
    }
    if !usage::takes_lists(&place.path) {
        return Some("an array can only stand in arguments, values or lists".to_owned());
    }
    (!references::is_alone(text, inner)).then(|| "an array must stand alone in its text".to_owned())
}

/// A parameter by its name, or the object that `object.key` is a part of.
fn find<'a, 'p>(known: &'a [Parameter<'p>], name: &str) -> Option<&'a Parameter<'p>> {
    let object = || {
        let (object, _) = name.rsplit_once('.')?;
        known.iter().find(|parameter| parameter.name == object && parameter.kind == Kind::Object)
    };
    known.iter().find(|parameter| parameter.name == name).or_else(object)
}
