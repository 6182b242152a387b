//! What the service knows, in one embedded database: in a file, or in memory.
//!
//! A change is one transaction, and it is on disk before it is answered.

use std::fs::{DirBuilder, File, OpenOptions};
use std::path::Path;

use redb::backends::InMemoryBackend;
use redb::{Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, StorageError, TableDefinition, WriteTransaction};
use serde_json::Value;

use super::error::{ApiError, StartError};

/// A JSON document.
pub(super) type Document = serde_json::Map<String, Value>;

/// What kinds of documents there are. Runs have a key that counts up, the others their name or id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Property,
    Trigger,
    Run,
}

impl Kind {
    fn table(self) -> TableDefinition<'static, &'static str, &'static [u8]> {
        TableDefinition::new(match self {
            Self::Property => "properties",
            Self::Trigger => "triggers",
            Self::Run => "runs",
        })
    }
}

const FACTS: TableDefinition<&str, &[u8]> = TableDefinition::new("facts");
const KINDS: [Kind; 3] = [Kind::Property, Kind::Trigger, Kind::Run];

pub(super) struct Store {
    database: Database,
}

/// A view of the store that does not change.
pub(super) struct View(ReadTransaction);

/// A change that is made as a whole or not at all.
pub(super) struct Change(WriteTransaction);

/// The file of the store, which only its owner can read: it contains secrets.
fn private(folder: &Path, path: &Path) -> std::io::Result<File> {
    let (mut folders, mut options) = (DirBuilder::new(), OpenOptions::new());
    folders.recursive(true);
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    folders.create(folder)?;
    options.open(path)
}

fn broken(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal(format!("the store cannot be used: {error}"))
}

impl Store {
    /// Opens the store in a folder, or a new one in memory.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, StartError> {
        let database = match folder {
            None => Database::builder().create_with_backend(InMemoryBackend::new()).map_err(|error| StartError(error.to_string()))?,
            Some(folder) => {
                let path = folder.join("pipeline.redb");
                let unusable =
                    |error: &dyn std::fmt::Display| StartError(format!("the store {} cannot be opened: {error}", path.display()));
                let file = private(folder, &path).map_err(|error| unusable(&error))?;
                Database::builder().create_file(file).map_err(|error| match error {
                    DatabaseError::DatabaseAlreadyOpen => unusable(&"another `sidestage serve` uses it"),
                    DatabaseError::Storage(StorageError::Corrupted(_) | StorageError::Io(_)) => {
                        unusable(&format!("{error}; where it is damaged, name another folder with --state"))
                    }
                    _ => unusable(&error),
                })?
            }
        };
        let store = Self { database };
        // Readers find every table.
        store
            .change(|change| {
                change.0.open_table(FACTS).map_err(broken)?;
                KINDS.iter().try_for_each(|kind| change.0.open_table(kind.table()).map(drop).map_err(broken))
            })
            .map_err(|_| StartError("the store cannot be written".to_owned()))?;
        Ok(store)
    }

    pub(super) fn view(&self) -> Result<View, ApiError> {
        self.database.begin_read().map(View).map_err(broken)
    }

    /// Makes a change; what is refused changes nothing.
    pub(super) fn change<T>(&self, steps: impl FnOnce(&Change) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let change = Change(self.database.begin_write().map_err(broken)?);
        let result = steps(&change)?;
        change.0.commit().map_err(broken)?;
        Ok(result)
    }

    /// A fact of the service itself, made once.
    pub(super) fn fact(&self, name: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, ApiError> {
        self.change(|change| {
            let mut table = change.0.open_table(FACTS).map_err(broken)?;
            let known = table.get(name).map_err(broken)?.map(|value| value.value().to_vec());
            if let Some(known) = known {
                return Ok(known);
            }
            let fact = make();
            table.insert(name, fact.as_slice()).map_err(broken)?;
            Ok(fact)
        })
    }
}

/// What both views and changes can read.
pub(super) trait Read {
    fn get(&self, kind: Kind, key: &str) -> Result<Option<Document>, ApiError>;
    /// All documents of a kind with their keys, in the order of the keys.
    fn all(&self, kind: Kind) -> Result<Vec<(String, Document)>, ApiError>;
}

impl Read for View {
    fn get(&self, kind: Kind, key: &str) -> Result<Option<Document>, ApiError> {
        get(&self.0.open_table(kind.table()).map_err(broken)?, key)
    }

    fn all(&self, kind: Kind) -> Result<Vec<(String, Document)>, ApiError> {
        all(&self.0.open_table(kind.table()).map_err(broken)?)
    }
}

impl Read for Change {
    fn get(&self, kind: Kind, key: &str) -> Result<Option<Document>, ApiError> {
        get(&self.0.open_table(kind.table()).map_err(broken)?, key)
    }

    fn all(&self, kind: Kind) -> Result<Vec<(String, Document)>, ApiError> {
        all(&self.0.open_table(kind.table()).map_err(broken)?)
    }
}

impl Change {
    pub(super) fn put(&self, kind: Kind, key: &str, document: &Document) -> Result<(), ApiError> {
        let text = serde_json::to_vec(document).map_err(broken)?;
        let mut table = self.0.open_table(kind.table()).map_err(broken)?;
        table.insert(key, text.as_slice()).map(drop).map_err(broken)
    }

    pub(super) fn remove(&self, kind: Kind, key: &str) -> Result<bool, ApiError> {
        let mut table = self.0.open_table(kind.table()).map_err(broken)?;
        let removed = table.remove(key).map_err(broken)?.is_some();
        Ok(removed)
    }
}

fn get(table: &impl ReadableTable<&'static str, &'static [u8]>, key: &str) -> Result<Option<Document>, ApiError> {
    table.get(key).map_err(broken)?.map(|text| serde_json::from_slice(text.value()).map_err(broken)).transpose()
}

fn all(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Vec<(String, Document)>, ApiError> {
    let mut found = Vec::new();
    for entry in table.iter().map_err(broken)? {
        let (key, text) = entry.map_err(broken)?;
        found.push((key.value().to_owned(), serde_json::from_slice(text.value()).map_err(broken)?));
    }
    Ok(found)
}
