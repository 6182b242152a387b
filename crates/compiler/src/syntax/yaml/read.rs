//! Events of the YAML parser to our tree.

use granit_parser::{Event, Parser, ScalarStyle as Notation, Tag};
use rustc_hash::FxHashMap;

use super::ScalarKind;
use super::fault::{self, Understood};
use super::tree::{Document, Duplicate, Entry, Node, NodeId, NodeKind, Scalar, ScalarStyle, ScalarText, YamlError};
use crate::source::{Chomping, ScriptMap, Span, line_start};

/// How many nodes aliases may stand for, beyond the nodes that the file itself has.
const MAX_ALIASED_NODES: u64 = 1_000_000;

/// Reads the first document of a text.
pub fn read(text: &str) -> Document {
    let mut builder = Builder::new(text);
    let options = granit_parser::options! {
        strict_indentation: true,
        max_buffered_comment_events: usize::MAX,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
    };
    let mut last_end = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                last_end = span.byte_range().map_or(last_end, |range| range.end.max(last_end));
                let indent = span.indent;
                let span = span.byte_range().map_or_else(Span::default, |range| Span::new(range.start, range.end));
                if !builder.event(event, span, indent) {
                    break;
                }
            }
            Err(error) => {
                let error = fault::explain(&builder.understood(last_end), &error);
                builder.document.errors.push(error);
                break;
            }
        }
    }
    builder.finish()
}

struct Builder<'a> {
    text: &'a str,
    document: Document,
    open: Vec<Open>,
    anchors: FxHashMap<usize, Anchor>,
    /// For each node, how many nodes it stands for when aliases are followed.
    weights: Vec<u64>,
    documents: usize,
}

#[derive(Clone, Copy)]
struct Anchor {
    node: NodeId,
    closed: bool,
}

struct Open {
    node: NodeId,
    anchor: usize,
    is_mapping: bool,
    children: Vec<NodeId>,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, document: Document::default(), open: Vec::new(), anchors: FxHashMap::default(), weights: Vec::new(), documents: 0 }
    }

    /// Takes an event; false where reading should stop.
    fn event(&mut self, event: Event<'_>, span: Span, indent: Option<usize>) -> bool {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.error(
                        span,
                        "several YAML documents in one file",
                        "only the first document is read",
                        Some("remove the `---` line, or move what follows to a file of its own"),
                    );
                    return false;
                }
            }
            Event::Comment(..) => self.document.comments.push(span),
            Event::Scalar(value, notation, anchor, tag) => {
                let scalar = self.scalar(&value, notation, tag.as_deref(), span, indent);
                let node = self.add(NodeKind::Scalar(scalar), span, 1);
                self.anchor(anchor, node, true);
                self.place(node);
            }
            Event::SequenceStart(_, anchor, _) => self.begin(anchor, false, span),
            Event::MappingStart(_, anchor, _) => self.begin(anchor, true, span),
            Event::SequenceEnd | Event::MappingEnd => return self.end(span),
            Event::Alias(id) => self.alias(id, span),
            Event::UnresolvedAlias(name) => {
                let label = format!("there is no `&{name}` before it");
                self.error(span, &format!("the alias `*{name}` has no anchor"), &label, None);
                let node = self.null(span);
                self.place(node);
            }
            _ => {}
        }
        true
    }

    fn understood(&self, end: usize) -> Understood<'a> {
        let is_block = |node: &&Node| matches!(&node.kind, NodeKind::Scalar(scalar) if matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded));
        let block = self.document.nodes.last().filter(is_block).map(|node| node.span);
        let innermost = self.open.last().map(|open| self.document.span(open.node).start as usize);
        let bracket = innermost.filter(|start| self.text[*start..].starts_with(['[', '{']));
        Understood { text: self.text, end, block, bracket }
    }

    fn finish(mut self) -> Document {
        // Collections that a syntax error left open keep what they hold.
        while !self.open.is_empty() {
            self.end(Span::new(self.text.len(), self.text.len()));
        }
        self.document
    }

    fn error(&mut self, span: Span, message: &str, label: &str, help: Option<&str>) {
        let (message, label) = (message.to_owned(), Some(label.to_owned()));
        self.document.errors.push(YamlError { span, message, label, help: help.map(str::to_owned) });
    }

    fn add(&mut self, kind: NodeKind, span: Span, weight: u64) -> NodeId {
        self.document.nodes.push(Node { span, kind });
        self.weights.push(weight);
        NodeId(self.document.nodes.len() as u32 - 1)
    }

    fn null(&mut self, span: Span) -> NodeId {
        let text = ScalarText::Verbatim(Span { start: span.start, end: span.start });
        self.add(NodeKind::Scalar(Scalar { kind: ScalarKind::Null, style: ScalarStyle::Plain, text }), span, 1)
    }

    fn anchor(&mut self, id: usize, node: NodeId, closed: bool) {
        if id != 0 {
            self.anchors.insert(id, Anchor { node, closed });
        }
    }

    fn place(&mut self, node: NodeId) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(node),
            None => {
                self.document.root.get_or_insert(node);
            }
        }
    }

    fn begin(&mut self, anchor: usize, is_mapping: bool, span: Span) {
        let kind = if is_mapping { NodeKind::Mapping(Box::default()) } else { NodeKind::Sequence(Box::default()) };
        let node = self.add(kind, span, 1);
        self.anchor(anchor, node, false);
        self.place(node);
        self.open.push(Open { node, anchor, is_mapping, children: Vec::new() });
    }

    fn end(&mut self, span: Span) -> bool {
        let Some(closed) = self.open.pop() else { return true };
        self.anchor(closed.anchor, closed.node, true);
        let start = self.document.span(closed.node);
        // Block collections have no closing token: they end with their last child.
        let last = closed.children.last().map_or(start, |child| self.document.span(*child));
        let end = if span.is_empty() { last.end.max(start.end) } else { span.end };
        let weight = closed.children.iter().map(|child| self.weights[child.0 as usize]).fold(1, u64::saturating_add);
        self.weights[closed.node.0 as usize] = weight;
        let kind = if closed.is_mapping { self.mapping(&closed.children) } else { NodeKind::Sequence(closed.children.into()) };
        let node = &mut self.document.nodes[closed.node.0 as usize];
        node.span = Span { start: start.start, end };
        node.kind = kind;
        if weight > MAX_ALIASED_NODES + self.document.nodes.len() as u64 {
            let message = format!("aliases expand to more than {MAX_ALIASED_NODES} values");
            let span = Span { end: start.end.max(start.start), ..start };
            self.error(
                span,
                &message,
                "this value contains them",
                Some("write the values out, or use fewer aliases inside anchored values"),
            );
            // Nothing may walk into it: the value is dropped, the error replaces it.
            self.document.root = None;
            self.open.clear();
            return false;
        }
        true
    }

    fn alias(&mut self, id: usize, span: Span) {
        let node = match self.anchors.get(&id).copied() {
            Some(anchor) if anchor.closed => {
                let weight = self.weights[anchor.node.0 as usize];
                self.add(NodeKind::Alias(anchor.node), span, weight)
            }
            _ => {
                self.error(
                    span,
                    "recursive alias",
                    "it is inside the value that it names, which would never end",
                    Some("move the anchor to a value that does not contain its own alias"),
                );
                self.null(span)
            }
        };
        self.place(node);
    }

    fn mapping(&mut self, children: &[NodeId]) -> NodeKind {
        let mut entries: Vec<Entry> = Vec::with_capacity(children.len() / 2);
        let mut merges = Vec::new();
        let mut seen: FxHashMap<String, NodeId> = FxHashMap::default();
        for pair in children.chunks(2) {
            let key = pair[0];
            let value = match pair.get(1) {
                Some(value) => *value,
                None => self.null(self.document.span(key)),
            };
            let Some(name) = self.document.text(self.text, key).map(std::borrow::Cow::into_owned) else {
                entries.push(Entry { key, value });
                continue;
            };
            let is_plain = self.document.scalar(key).is_some_and(|scalar| scalar.style == ScalarStyle::Plain);
            if name == "<<" && is_plain {
                merges.push((key, value));
                continue;
            }
            if let Some(first) = seen.get(&name) {
                self.document.duplicates.push(Duplicate { first: *first, again: key });
            } else {
                seen.insert(name, key);
            }
            entries.push(Entry { key, value });
        }
        for (key, value) in merges {
            self.merge(key, value, &mut entries, &mut seen);
        }
        NodeKind::Mapping(entries.into())
    }

    fn merge(&mut self, key: NodeId, value: NodeId, entries: &mut Vec<Entry>, seen: &mut FxHashMap<String, NodeId>) {
        let (target, node) = self.document.resolve(value);
        let merged: Vec<NodeId> = match &node.kind {
            NodeKind::Mapping(_) => vec![target],
            NodeKind::Sequence(items) => items.to_vec(),
            _ => Vec::new(),
        };
        let all_mappings = merged.iter().all(|id| matches!(self.document.resolve(*id).1.kind, NodeKind::Mapping(_)));
        // The place of an alias that leads nowhere has its error already.
        let place = self.document.span(value);
        if self.document.errors.iter().any(|error| error.span == place) {
            return;
        }
        if merged.is_empty() || !all_mappings {
            let span = self.document.span(key);
            self.error(span, "`<<` needs a mapping", "its value is not a mapping", Some("give it an alias of a mapping: `<<: *name`"));
            return;
        }
        for source in merged {
            for entry in self.document.entries(source).to_vec() {
                let Some(name) = self.document.text(self.text, entry.key).map(std::borrow::Cow::into_owned) else { continue };
                if let std::collections::hash_map::Entry::Vacant(vacant) = seen.entry(name) {
                    vacant.insert(entry.key);
                    entries.push(entry);
                }
            }
        }
    }

    fn scalar(&self, value: &str, notation: Notation, tag: Option<&Tag>, span: Span, indent: Option<usize>) -> Scalar {
        let style = match notation {
            Notation::Plain => ScalarStyle::Plain,
            Notation::Literal => ScalarStyle::Literal,
            Notation::Folded => ScalarStyle::Folded,
            _ => ScalarStyle::Quoted,
        };
        let kind = match tag.and_then(Tag::core_suffix) {
            Some("null") => ScalarKind::Null,
            Some("bool") => ScalarKind::Bool,
            Some("int") => ScalarKind::Integer,
            Some("float") => ScalarKind::Float,
            Some(_) => ScalarKind::String,
            None if style == ScalarStyle::Plain && tag.is_none() => ScalarKind::of_plain(value),
            None => ScalarKind::String,
        };
        let text = match style {
            ScalarStyle::Literal => self.block(value, span, indent),
            ScalarStyle::Folded => None,
            ScalarStyle::Plain | ScalarStyle::Quoted => self.verbatim(value, style, span),
        };
        Scalar { kind, style, text: text.unwrap_or_else(|| ScalarText::Owned(value.into())) }
    }

    fn verbatim(&self, value: &str, style: ScalarStyle, span: Span) -> Option<ScalarText> {
        let inner = match style {
            ScalarStyle::Quoted if span.len() >= 2 => Span { start: span.start + 1, end: span.end - 1 },
            _ => Span { start: span.start, end: span.start + value.len() as u32 },
        };
        (inner.slice(self.text) == value).then_some(ScalarText::Verbatim(inner))
    }

    /// A literal block that can be read again from the file, byte for byte; `None` where it cannot.
    fn block(&self, value: &str, span: Span, indent: Option<usize>) -> Option<ScalarText> {
        let bytes = self.text.as_bytes();
        let first_line = line_start(bytes, span.start as usize);
        let indent = indent.unwrap_or(span.start as usize - first_line);
        // Empty lines may stand between the header and the first content.
        let mut start = first_line;
        let header = loop {
            let previous = line_start(bytes, previous_line_end(bytes, start)?);
            let line = self.text.get(previous..start)?.trim();
            if !line.is_empty() {
                break line;
            }
            start = previous;
        };
        let chomping = header_chomping(header)?;
        let content = Span::new(start, span.end as usize);
        ScriptMap::is_literal_block(self.text, content, indent, chomping, value).then_some(ScalarText::Block {
            content,
            indent: indent as u32,
            chomping,
        })
    }
}

/// The end, without its line break, of the line before the one that begins at `start`.
fn previous_line_end(bytes: &[u8], start: usize) -> Option<usize> {
    let last = start.checked_sub(1)?;
    let is_crlf = bytes[last] == b'\n' && last > 0 && bytes[last - 1] == b'\r';
    Some(if is_crlf { last - 1 } else { last })
}

/// The chomping of the block header that a line ends with: `key: |-  # comment`.
fn header_chomping(line: &str) -> Option<Chomping> {
    let header = line.rmatch_indices('|').map(|(at, _)| &line[at + 1..]).find(|rest| {
        let rest = rest.trim_start_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        rest.is_empty() || (rest.starts_with([' ', '\t']) && matches!(rest.trim_start().chars().next(), None | Some('#')))
    })?;
    let indicators = header.split([' ', '\t']).next().unwrap_or_default();
    Some(if indicators.contains('+') {
        Chomping::Keep
    } else if indicators.contains('-') {
        Chomping::Strip
    } else {
        Chomping::Clip
    })
}
