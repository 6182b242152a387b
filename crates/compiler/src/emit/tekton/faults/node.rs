//! A place in a document, and the list of what is wrong there.

use super::Fault;
use serde_json::Value;

/// A value together with its path in the document.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    /// The field of a mapping. `null` counts as absent, as it does for Kubernetes.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self { value, path: self.at(key) })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The text of a field.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.value.get(key)?.as_str()
    }

    /// The text of a field; an empty one counts as absent, as it does for Go.
    pub(super) fn filled(&self, key: &str) -> Option<&'a str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    /// The items of a field that is a list.
    pub(super) fn list(&self, key: &str) -> Vec<Self> {
        self.get(key).map(|node| node.items()).unwrap_or_default()
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Vec<Self> {
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().enumerate().map(|(index, value)| Self { value, path: format!("{}[{index}]", self.path) }).collect()
    }

    /// The fields of a mapping.
    pub(super) fn fields(&self) -> Vec<(&'a str, Self)> {
        let fields = self.value.as_object().into_iter().flatten();
        fields.map(|(key, value)| (key.as_str(), Self { value, path: self.at(key) })).collect()
    }

    /// The node itself and all below that are text.
    pub(super) fn texts(&self) -> Vec<(Self, &'a str)> {
        if let Some(text) = self.value.as_str() {
            return vec![(self.clone(), text)];
        }
        let fields = self.fields().into_iter().map(|(_, node)| node);
        fields.chain(self.items()).flat_map(|node| node.texts()).collect()
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            return key.to_owned();
        }
        if key.contains(['.', '/']) {
            return format!("{}['{key}']", self.path);
        }
        format!("{}.{key}", self.path)
    }
}

/// The texts of a field of every item, e.g. all names.
pub(super) fn texts_of<'a>(nodes: &[Node<'a>], key: &str) -> Vec<&'a str> {
    nodes.iter().filter_map(|node| node.text(key)).collect()
}

/// The faults of one document.
#[derive(Debug)]
pub(super) struct Report<'a> {
    file: &'a str,
    faults: Vec<Fault>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str) -> Self {
        Self { file, faults: Vec::new() }
    }

    pub(super) fn add(&mut self, node: &Node<'_>, message: impl Into<String>) {
        self.faults.push(Fault { file: self.file.to_owned(), path: node.path.clone(), message: message.into() });
    }

    /// A fault of a field, which may be absent.
    pub(super) fn add_field(&mut self, node: &Node<'_>, key: &str, message: impl Into<String>) {
        let path = node.at(key);
        self.faults.push(Fault { file: self.file.to_owned(), path, message: message.into() });
    }

    /// A fault of a node if there is a message.
    pub(super) fn add_some(&mut self, node: &Node<'_>, message: Option<String>) {
        if let Some(message) = message {
            self.add(node, message);
        }
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }
}
