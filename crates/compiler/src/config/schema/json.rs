//! Our tree as the validator sees it: nothing is converted or copied.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use serde_json::Value;

use crate::syntax::yaml::{Document, Entry, NodeId, NodeKind, ScalarKind};

/// The representation: YAML nodes.
pub(super) enum YamlJson {}

/// One node, or a key that is looked at as a string.
#[derive(Clone)]
pub(super) enum YamlNode<'a> {
    Tree { document: &'a Document, text: &'a str, id: NodeId },
    Name(&'a str),
}

impl<'a> YamlNode<'a> {
    pub(super) fn tree(document: &'a Document, text: &'a str, id: NodeId) -> Self {
        Self::Tree { document, text, id: document.resolve(id).0 }
    }

    fn scalar(&self, kinds: &[ScalarKind]) -> Option<Cow<'a, str>> {
        match self {
            Self::Tree { document, text, id } => {
                let scalar = document.scalar(*id)?;
                kinds.contains(&scalar.kind).then(|| document.text(text, *id)).flatten()
            }
            Self::Name(name) => kinds.contains(&ScalarKind::String).then_some(Cow::Borrowed(*name)),
        }
    }
}

impl Json for YamlJson {
    type Node<'a> = YamlNode<'a>;
    type PreparedKey = String;
    type StringBuffer = String;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(buffer: &mut String, string: &str, f: impl FnOnce(YamlNode<'_>) -> T) -> T {
        string.clone_into(buffer);
        f(YamlNode::Name(buffer))
    }
}

/// A number of the core schema.
pub(super) struct Number(serde_json::Number);

impl Number {
    fn parse(text: &str) -> Self {
        let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().map(serde_json::Number::from);
        let number = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
            (Some(digits), _) => radix(digits, 16),
            (_, Some(digits)) => radix(digits, 8),
            _ => text.parse::<i64>().ok().map(serde_json::Number::from),
        };
        let number = number.or_else(|| serde_json::Number::from_f64(text.parse().unwrap_or_default()));
        Self(number.unwrap_or_else(|| serde_json::Number::from(0)))
    }
}

impl JsonNumber for Number {
    fn as_u64(&self) -> Option<u64> {
        self.0.as_u64()
    }
    fn as_i64(&self) -> Option<i64> {
        self.0.as_i64()
    }
    fn as_f64(&self) -> Option<f64> {
        self.0.as_f64()
    }
    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.0.to_string())
    }
    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Borrowed(&self.0)
    }
}

impl<'a> Node<'a, YamlJson> for YamlNode<'a> {
    type Object = YamlMapping<'a>;
    type Array = YamlSequence<'a>;
    type Number = Number;

    fn as_object(&self) -> Option<YamlMapping<'a>> {
        let Self::Tree { document, text, id } = self else { return None };
        match &document.node(*id).kind {
            NodeKind::Mapping(entries) => Some(YamlMapping { document, text, entries }),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<YamlSequence<'a>> {
        let Self::Tree { document, text, id } = self else { return None };
        match &document.node(*id).kind {
            NodeKind::Sequence(items) => Some(YamlSequence { document, text, items }),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.scalar(&[ScalarKind::String])
    }

    fn as_number(&self) -> Option<Number> {
        self.scalar(&[ScalarKind::Integer, ScalarKind::Float]).map(|text| Number::parse(&text))
    }

    fn as_boolean(&self) -> Option<bool> {
        self.scalar(&[ScalarKind::Bool]).map(|text| text.eq_ignore_ascii_case("true"))
    }

    fn is_null(&self) -> bool {
        self.json_type() == JsonType::Null
    }

    fn json_type(&self) -> JsonType {
        let Self::Tree { document, id, .. } = self else { return JsonType::String };
        match &document.resolve(*id).1.kind {
            NodeKind::Mapping(_) => JsonType::Object,
            NodeKind::Sequence(_) => JsonType::Array,
            NodeKind::Scalar(scalar) => match scalar.kind {
                ScalarKind::Null => JsonType::Null,
                ScalarKind::Bool => JsonType::Boolean,
                ScalarKind::Integer | ScalarKind::Float => JsonType::Number,
                ScalarKind::String => JsonType::String,
            },
            NodeKind::Alias(_) => JsonType::Null,
        }
    }

    // Our schemas compare scalars only, and our messages are made from the tree: a list or mapping is never
    // read here, and building it would copy whole stages for each error.
    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(match self.json_type() {
            JsonType::Boolean => Value::Bool(self.as_boolean().unwrap_or_default()),
            JsonType::Number | JsonType::Integer => self.as_number().map_or(Value::Null, |number| Value::Number(number.0)),
            JsonType::String => Value::String(self.as_string().unwrap_or_default().into_owned()),
            JsonType::Object | JsonType::Array | JsonType::Null => Value::Null,
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Self::Tree { document, id, .. } => {
                let node: *const crate::syntax::yaml::Node = document.node(*id);
                Some(NodeIdentity::new(node.addr()))
            }
            Self::Name(_) => None,
        }
    }
}

/// A mapping; of a repeated key the last one counts.
pub(super) struct YamlMapping<'a> {
    document: &'a Document,
    text: &'a str,
    entries: &'a [Entry],
}

impl<'a> Object<'a, YamlJson> for YamlMapping<'a> {
    type Node = YamlNode<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn get(&self, key: &String) -> Option<YamlNode<'a>> {
        let entry = self.entries.iter().rev().find(|entry| self.document.text(self.text, entry.key).as_deref() == Some(key))?;
        Some(YamlNode::tree(self.document, self.text, entry.value))
    }

    fn members(&self) -> Members<'a> {
        Members { document: self.document, text: self.text, entries: self.entries.iter() }
    }
}

pub(super) struct Members<'a> {
    document: &'a Document,
    text: &'a str,
    entries: std::slice::Iter<'a, Entry>,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, YamlNode<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        let name = self.document.text(self.text, entry.key).unwrap_or_default();
        Some((name, YamlNode::tree(self.document, self.text, entry.value)))
    }
}

/// A list.
pub(super) struct YamlSequence<'a> {
    document: &'a Document,
    text: &'a str,
    items: &'a [NodeId],
}

impl<'a> Array<'a, YamlJson> for YamlSequence<'a> {
    type Node = YamlNode<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.items.len()
    }

    fn elements(&self) -> Elements<'a> {
        Elements { document: self.document, text: self.text, items: self.items.iter() }
    }
}

pub(super) struct Elements<'a> {
    document: &'a Document,
    text: &'a str,
    items: std::slice::Iter<'a, NodeId>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = YamlNode<'a>;

    fn next(&mut self) -> Option<YamlNode<'a>> {
        self.items.next().map(|item| YamlNode::tree(self.document, self.text, *item))
    }
}
