//! Objects as text that readers of YAML 1.1 and 1.2 read alike.

use minijinja::{Error, ErrorKind};
use serde::Serialize;
use serde_json::Value;
use serde_saphyr::ser_options;

use super::faults::Document;
use crate::emit::Emitted;

/// Several documents of one file.
pub(super) struct File {
    path: String,
    text: String,
    documents: Vec<Value>,
}

impl File {
    /// A file that begins with a comment of these lines.
    pub(super) fn new(path: &str, comment: &str) -> Self {
        let text = comment.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect();
        Self { path: path.to_owned(), text, documents: Vec::new() }
    }

    /// Adds a document.
    pub(super) fn add(mut self, document: &impl Serialize) -> Result<Self, Error> {
        let failed = |error: String| Error::new(ErrorKind::BadSerialization, error);
        if !self.documents.is_empty() {
            self.text.push_str("---\n");
        }
        self.documents.push(serde_json::to_value(document).map_err(|error| failed(error.to_string()))?);
        let options = ser_options! { compact_list_indent: false, folded_wrap_chars: 110 };
        let text = serde_saphyr::to_string_with_options(document, options);
        self.text.push_str(&text.map_err(|error| failed(error.to_string()))?);
        Ok(self)
    }

    /// Its documents, each with the path of the file.
    pub(super) fn documents(&self) -> impl Iterator<Item = Document<'_>> {
        self.documents.iter().map(|value| Document { file: &self.path, value })
    }

    pub(super) fn emitted(self) -> Emitted {
        Emitted { path: self.path, text: self.text, is_executable: false }
    }
}
