//! The files of an analysis, and the one trait through which they come in.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::{LineTable, Position, Span};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file that can be read.
    File,
    /// A folder.
    Folder,
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// Nothing is there.
    Missing,
    /// It stands, or a link leads, outside the repository.
    Outside,
    /// The system's reason.
    Failed(String),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("no such file"),
            Self::Outside => f.write_str("it is outside the repository"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ReadError {}

/// The repository that a config belongs to, as far as the compiler may see it.
///
/// Paths are relative to the repository's root, separated by `/`, without `.` and `..` (see [`normalize`]).
pub trait Files: Sync {
    /// What is at the path; `None` where nothing is, or where it leads out of the repository.
    fn kind(&self, path: &str) -> Option<EntryKind>;

    /// The bytes of a file.
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;
}

/// Files in memory: for tests, editors, and texts that have no repository.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(BTreeMap<String, String>);

impl MemoryFiles {
    /// Files from pairs of path and text.
    pub fn new<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        Self(files.into_iter().map(|(path, text)| (path.into(), text.into())).collect())
    }
}

impl Files for MemoryFiles {
    fn kind(&self, path: &str) -> Option<EntryKind> {
        if self.0.contains_key(path) {
            return Some(EntryKind::File);
        }
        let folder = format!("{path}/");
        let is_folder = path.is_empty() || self.0.keys().any(|key| key.starts_with(&folder));
        is_folder.then_some(EntryKind::Folder)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        self.0.get(path).map(|text| text.as_bytes().to_vec()).ok_or(ReadError::Missing)
    }
}

/// Resolves `.` and `..` in a path by its text alone. `None` where it leaves the folder it starts from.
pub fn normalize(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A file of [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(u32);

impl FileId {
    /// Its place among all files.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// One file: its text, and where its lines begin.
#[derive(Debug)]
pub struct Source {
    path: String,
    text: Arc<String>,
    lines: OnceLock<LineTable>,
}

impl Source {
    /// The path from the repository's root, with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &Arc<String> {
        &self.text
    }

    /// Line and column of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        self.line_table().position(&self.text, offset as usize)
    }

    /// Where its lines begin; computed when it is first asked for.
    pub fn line_table(&self) -> &LineTable {
        self.lines.get_or_init(|| LineTable::new(&self.text))
    }

    /// The text of a span.
    pub fn slice(&self, span: Span) -> &str {
        span.slice(&self.text)
    }
}

/// All files that an analysis has read.
#[derive(Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Takes a file in.
    pub fn add(&mut self, path: String, text: Arc<String>) -> FileId {
        self.0.push(Source { path, text, lines: OnceLock::new() });
        FileId(self.0.len() as u32 - 1)
    }

    /// The first file alone, under its id.
    pub(crate) fn first(&self) -> Self {
        let copy = |source: &Source| Source { path: source.path.clone(), text: source.text.clone(), lines: OnceLock::new() };
        Self(self.0.iter().take(1).map(copy).collect())
    }

    /// A file by its id.
    ///
    /// # Panics
    /// For an id of other `Sources`.
    pub fn get(&self, id: FileId) -> &Source {
        &self.0[id.0 as usize]
    }

    /// All files, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// How many files were read.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn paths_resolve_by_text_and_never_leave_their_root() {
        assert_eq!(normalize("./a//b/../c").as_deref(), Some("a/c"));
        assert_eq!(normalize("a/..").as_deref(), Some(""));
        assert_eq!(normalize("a/../../etc/passwd"), None);
    }
}
