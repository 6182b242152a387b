//! A repository as it would be with other texts in some of its files.

use std::collections::BTreeMap;

use crate::source::{EntryKind, Files, ReadError};

/// Texts of files, by their path in the repository.
pub type Texts = BTreeMap<String, String>;

/// Files with other texts in the place of some.
pub struct Overlay<'a> {
    files: &'a dyn Files,
    texts: &'a Texts,
}

impl<'a> Overlay<'a> {
    /// `files` with these texts.
    pub fn new(files: &'a dyn Files, texts: &'a Texts) -> Self {
        Self { files, texts }
    }
}

impl Files for Overlay<'_> {
    fn kind(&self, path: &str) -> Option<EntryKind> {
        self.files.kind(path)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        match self.texts.get(path) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => self.files.read(path),
        }
    }
}
