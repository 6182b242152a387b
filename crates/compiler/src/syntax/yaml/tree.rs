//! The spanned tree of a YAML document.

use std::borrow::Cow;

use super::ScalarKind;
use crate::source::{Chomping, ScriptMap, Span};

/// A node of one [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

/// A YAML document as it was understood: the first of its file.
#[derive(Debug, Default)]
pub struct Document {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Option<NodeId>,
    pub(super) comments: Vec<Span>,
    pub(super) duplicates: Vec<Duplicate>,
    pub(super) errors: Vec<YamlError>,
}

/// A value and its bytes in the file.
#[derive(Debug)]
pub struct Node {
    /// The whole value without its anchor, tag and comments; a block scalar begins with its first content character.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// The shapes of a value.
#[derive(Debug)]
pub enum NodeKind {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    Sequence(Box<[NodeId]>),
    /// Keys and values in order; keys that a merge (`<<`) brought in stand last. Of a repeated key all
    /// occurrences are here: the last one counts.
    Mapping(Box<[Entry]>),
    /// `*name`: the node that carries the anchor.
    Alias(NodeId),
}

/// One key with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: NodeId,
    /// The value.
    pub value: NodeId,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes.
    Plain,
    /// `'..'` or `".."`.
    Quoted,
    /// `|`.
    Literal,
    /// `>`.
    Folded,
}

/// A scalar: its type, its notation, and where its text is.
#[derive(Debug)]
pub struct Scalar {
    /// Its type.
    pub kind: ScalarKind,
    /// Its notation.
    pub style: ScalarStyle,
    pub(super) text: ScalarText,
}

/// Where the text of a scalar is. Most texts are not copied: a large file is held once.
#[derive(Debug)]
pub(super) enum ScalarText {
    /// The text is in the file as it is.
    Verbatim(Span),
    /// A literal block, read again when it is asked for.
    Block { content: Span, indent: u32, chomping: Chomping },
    /// Escapes, folding or an unusual block: the text is not what the file holds.
    Owned(Box<str>),
}

/// A key that a mapping repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// The key where it is first.
    pub first: NodeId,
    /// The key where it is repeated.
    pub again: NodeId,
}

/// Something that is not YAML, or that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// The exact place.
    pub span: Span,
    /// What is wrong, as a title.
    pub message: String,
    /// The detail.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Document {
    /// From the beginning of a key to the end of its value.
    pub fn span_of_entry(&self, key: NodeId) -> Option<Span> {
        let entries = self.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Mapping(entries) => Some(entries.iter()),
            _ => None,
        });
        let entry = entries.flatten().find(|entry| entry.key == key)?;
        let (key, value) = (self.span(key), self.span(entry.value));
        Some(Span { start: key.start, end: key.end.max(value.end) })
    }

    /// The keys whose values do not count, because their mapping repeats them.
    pub fn superseded(&self) -> Vec<NodeId> {
        let mut superseded = Vec::new();
        for (index, duplicate) in self.duplicates.iter().enumerate() {
            let others = || self.duplicates.iter().enumerate().filter(|(_, other)| other.first == duplicate.first);
            if others().all(|(other, _)| index <= other) {
                superseded.push(duplicate.first);
            }
            if others().any(|(other, _)| index < other) {
                superseded.push(duplicate.again);
            }
        }
        superseded
    }

    /// A file that is no text: nothing but the reason.
    pub fn unreadable(error: YamlError) -> Self {
        Self { errors: vec![error], ..Self::default() }
    }

    /// The top-level value; `None` where the file is empty or not YAML at all.
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// The node itself; an alias stays one.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// All nodes, in the order in which they were read.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(index as u32), node))
    }

    /// The node behind any alias.
    pub fn resolve(&self, id: NodeId) -> (NodeId, &Node) {
        let node = self.node(id);
        match node.kind {
            NodeKind::Alias(target) => (target, self.node(target)),
            _ => (id, node),
        }
    }

    /// The bytes of a node.
    pub fn span(&self, id: NodeId) -> Span {
        self.node(id).span
    }

    /// Comments with their `#`, in order.
    pub fn comments(&self) -> &[Span] {
        &self.comments
    }

    /// What is wrong with the file as YAML.
    pub fn errors(&self) -> &[YamlError] {
        &self.errors
    }

    /// Keys that are repeated.
    pub fn duplicates(&self) -> &[Duplicate] {
        &self.duplicates
    }

    /// The entries of a mapping; none for any other node.
    pub fn entries(&self, id: NodeId) -> &[Entry] {
        match &self.resolve(id).1.kind {
            NodeKind::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for any other node.
    pub fn items(&self, id: NodeId) -> &[NodeId] {
        match &self.resolve(id).1.kind {
            NodeKind::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The entry of a key; the last one where it is repeated.
    pub fn entry(&self, text: &str, mapping: NodeId, key: &str) -> Option<Entry> {
        self.entries(mapping).iter().rev().find(|entry| self.text(text, entry.key).as_deref() == Some(key)).copied()
    }

    /// The value of a key.
    pub fn get(&self, text: &str, mapping: NodeId, key: &str) -> Option<NodeId> {
        self.entry(text, mapping, key).map(|entry| entry.value)
    }

    /// The scalar at a node.
    pub fn scalar(&self, id: NodeId) -> Option<&Scalar> {
        match &self.resolve(id).1.kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text of a scalar of whatever type; `None` for lists and mappings. `text` is the file's.
    pub fn text<'a>(&'a self, text: &'a str, id: NodeId) -> Option<Cow<'a, str>> {
        Some(match &self.scalar(id)?.text {
            ScalarText::Verbatim(span) => Cow::Borrowed(span.slice(text)),
            ScalarText::Owned(owned) => Cow::Borrowed(owned),
            ScalarText::Block { content, indent, chomping } => {
                Cow::Owned(ScriptMap::literal_block(text, *content, *indent as usize, *chomping).0)
            }
        })
    }

    /// Whether a scalar is a string.
    pub fn is_string(&self, id: NodeId) -> bool {
        self.scalar(id).is_some_and(|scalar| scalar.kind == ScalarKind::String)
    }

    /// The text of a scalar that is a string.
    pub fn string<'a>(&'a self, text: &'a str, id: NodeId) -> Option<Cow<'a, str>> {
        self.is_string(id).then(|| self.text(text, id)).flatten()
    }

    /// The text of a scalar, and the map from it to the file.
    pub fn script<'a>(&'a self, text: &'a str, id: NodeId) -> Option<(Cow<'a, str>, ScriptMap)> {
        let (_, node) = self.resolve(id);
        Some(match &self.scalar(id)?.text {
            ScalarText::Verbatim(span) => (Cow::Borrowed(span.slice(text)), ScriptMap::verbatim(span.start as usize)),
            ScalarText::Owned(owned) => (Cow::Borrowed(&**owned), ScriptMap::whole(node.span)),
            ScalarText::Block { content, indent, chomping } => {
                let (script, map) = ScriptMap::literal_block(text, *content, *indent as usize, *chomping);
                (Cow::Owned(script), map)
            }
        })
    }
}
