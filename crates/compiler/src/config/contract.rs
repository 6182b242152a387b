//! `x-async`: what a stage says of the runs that trigger it. What has the wrong shape is left out; the schema says why.

use super::Named;
use crate::source::Span;
use crate::syntax::yaml::{Document, Entry, NodeId, NodeKind, ScalarKind};

/// The contract of an async stage.
#[derive(Debug)]
pub struct Contract {
    /// The key `x-async`.
    pub span: Span,
    /// What the stage does, in a sentence.
    pub description: Option<Text>,
    /// The stages that may trigger it; `None` where the contract does not say.
    pub triggered_by: Option<Listed<Named>>,
    /// The variables that it reads; `None` where the contract does not say.
    pub reads: Option<Listed<DeclaredRead>>,
}

/// What stands below one key of a contract.
#[derive(Debug)]
pub struct Listed<T> {
    /// The key.
    pub span: Span,
    /// What is listed, in the order of the file.
    pub items: Vec<T>,
}

/// A variable that a contract declares.
#[derive(Debug)]
pub struct DeclaredRead {
    /// Its name.
    pub name: Named,
    /// Whether it must be sent; `None` where the contract leaves it to the scripts.
    pub required: Option<bool>,
    /// The regular expression that its value must match somewhere.
    pub pattern: Option<Text>,
    /// The value that is sent where the parent has none.
    pub default: Option<Text>,
    /// What it means, in a sentence.
    pub description: Option<Text>,
}

/// A text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Where.
    pub span: Span,
}

impl Contract {
    /// All variables that it declares.
    pub fn declared(&self) -> &[DeclaredRead] {
        self.reads.as_ref().map_or(&[], |reads| &reads.items)
    }

    /// What it declares of a variable.
    pub fn read(&self, name: &str) -> Option<&DeclaredRead> {
        self.declared().iter().find(|read| read.name.name == name)
    }

    /// Reads the value of `x-async`; `None` where it is no mapping.
    pub(super) fn new(document: &Document, text: &str, entry: Entry) -> Option<Self> {
        let reader = Reader { document, text };
        reader.is_mapping(entry.value).then(|| Self {
            span: document.span(entry.key),
            description: reader.text(entry.value, "description"),
            triggered_by: reader.triggered_by(entry.value),
            reads: reader.reads(entry.value),
        })
    }
}

struct Reader<'a> {
    document: &'a Document,
    text: &'a str,
}

impl Reader<'_> {
    fn triggered_by(&self, contract: NodeId) -> Option<Listed<Named>> {
        let Entry { key, value } = self.document.entry(self.text, contract, "triggered-by")?;
        if !matches!(self.document.resolve(value).1.kind, NodeKind::Sequence(_)) {
            return None;
        }
        let named = |node: &NodeId| Some(Named { name: self.document.string(self.text, *node)?.into(), span: self.document.span(*node) });
        Some(Listed { span: self.document.span(key), items: self.document.items(value).iter().filter_map(named).collect() })
    }

    fn reads(&self, contract: NodeId) -> Option<Listed<DeclaredRead>> {
        let Entry { key, value } = self.document.entry(self.text, contract, "reads")?;
        if !self.is_mapping(value) {
            return None;
        }
        let mut items: Vec<DeclaredRead> = Vec::new();
        for entry in self.document.entries(value) {
            let Some(name) = self.document.text(self.text, entry.key) else { continue };
            let read = DeclaredRead {
                name: Named { name: name.into(), span: self.document.span(entry.key) },
                required: self.boolean(entry.value, "required"),
                pattern: self.text(entry.value, "pattern"),
                default: self.text(entry.value, "default"),
                description: self.text(entry.value, "description"),
            };
            // Of a repeated key the last one counts.
            items.retain(|known| known.name.name != read.name.name);
            items.push(read);
        }
        Some(Listed { span: self.document.span(key), items })
    }

    fn is_mapping(&self, node: NodeId) -> bool {
        matches!(self.document.resolve(node).1.kind, NodeKind::Mapping(_))
    }

    fn text(&self, node: NodeId, key: &str) -> Option<Text> {
        let value = self.document.get(self.text, node, key)?;
        Some(Text { text: self.document.string(self.text, value)?.into_owned(), span: self.document.span(value) })
    }

    fn boolean(&self, node: NodeId, key: &str) -> Option<bool> {
        let value = self.document.get(self.text, node, key)?;
        if self.document.scalar(value)?.kind != ScalarKind::Bool {
            return None;
        }
        Some(self.document.text(self.text, value)?.eq_ignore_ascii_case("true"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that panics has failed, as it should
mod tests {
    use crate::config::{Contract, Format, read};

    fn contract(of: &str) -> Option<Contract> {
        let text = format!("version: '1'\nzap:\n  script: x\n  x-async: {of}\n");
        let mut model = read(&crate::syntax::yaml::read(&text), &text, Format::V1);
        model.stages.remove(0).contract
    }

    #[test]
    fn what_has_the_right_shape_is_read_and_the_rest_left_out() {
        assert!(contract("zap").is_none());
        let empty = contract("{}").unwrap();
        assert!(empty.reads.is_none() && empty.triggered_by.is_none());

        let whole =
            contract("{triggered-by: [scan, 1, [x]], reads: {a: {required: True, pattern: ^x, default: 1}, b: , a: {required: 'no'}}}");
        let whole = whole.unwrap();
        assert_eq!(whole.triggered_by.as_ref().unwrap().items.len(), 1, "a number and a list are no names");
        assert_eq!(whole.declared().len(), 2);
        assert_eq!(whole.read("a").unwrap().required, None, "the last one counts, and `no` is a text");

        let typed = contract("{reads: {a: {required: True, pattern: ^x, default: 1}}}").unwrap();
        let read = typed.read("a").unwrap();
        assert_eq!((read.required, read.default.as_ref()), (Some(true), None), "a number is no text");
        assert_eq!(read.pattern.as_ref().unwrap().text, "^x");
    }
}
