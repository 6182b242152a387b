//! What the service knows, in one embedded database: in a file, or in memory.
//!
//! A change is one transaction, and it is on disk before it is answered.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use redb::backends::InMemoryBackend;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde_json::Value;

use super::error::{ApiError, StartError};
use super::{run_index, store_file};

/// A JSON document.
pub(crate) type Document = serde_json::Map<String, Value>;

/// A member that is a text; empty where there is none.
pub(crate) fn text<'a>(document: &'a Document, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What kinds of documents there are. Runs have a key that counts up, the others their name or id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
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

pub(crate) struct Store {
    /// Where its file is; nothing where it is in memory.
    folder: Option<PathBuf>,
    /// Nothing while its file cannot be opened again.
    database: RwLock<Option<Database>>,
}

/// A view of the store that does not change.
pub(crate) struct View(ReadTransaction);

/// A change that is made as a whole or not at all.
pub(crate) struct Change(WriteTransaction);

pub(crate) fn broken(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal(format!("the store cannot be used: {error}"))
}

impl Store {
    /// Opens the store in a folder, or a new one in memory.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, StartError> {
        let Some(folder) = folder else {
            let database = Database::builder().create_with_backend(InMemoryBackend::new());
            let store = Self::of(database.map_err(|error| StartError(error.to_string()))?, None);
            store.prepare().map_err(|_| StartError("the store cannot be written".to_owned()))?;
            return Ok(store);
        };
        // Closing a damaged store can fail as opening it can.
        let opened = store_file::guarded(|| {
            let store = Self::of(store_file::open(folder)?, Some(folder.to_owned()));
            store.prepare().map_err(|error| error.message().to_owned())?;
            Ok(store)
        });
        opened.map_err(|reason| StartError(format!("the store {} cannot be opened: {reason}", store_file::path(folder).display())))
    }

    fn of(database: Database, folder: Option<PathBuf>) -> Self {
        Self { folder, database: RwLock::new(Some(database)) }
    }

    /// Readers find every table, and every document is one.
    fn prepare(&self) -> Result<(), ApiError> {
        self.change(|change| {
            change.0.open_table(FACTS).map_err(broken)?;
            KINDS.iter().try_for_each(|kind| change.0.open_table(kind.table()).map(drop).map_err(broken))?;
            for kind in [Kind::Property, Kind::Trigger] {
                change.all(kind)?;
            }
            run_index::build(&change.0, &change.all(Kind::Run)?)
        })
    }

    pub(crate) fn view(&self) -> Result<View, ApiError> {
        self.with(|database| database.begin_read().map(View).map_err(broken))
    }

    /// Makes a change; what is refused changes nothing.
    pub(crate) fn change<T>(&self, steps: impl FnOnce(&Change) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let result = self.with(|database| {
            let change = Change(database.begin_write().map_err(broken)?);
            let result = steps(&change)?;
            change.0.commit().map_err(broken)?;
            Ok(result)
        });
        if result.as_ref().is_err_and(ApiError::is_internal) {
            self.reopen();
        }
        result
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, ApiError>) -> Result<T, ApiError> {
        if self.database.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.reopen();
        }
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        work(database.as_ref().ok_or_else(|| broken("its file cannot be opened"))?)
    }

    /// After one failed write the database takes no other, as on a full disk: it is closed and opened again. Where that
    /// fails, the next request tries it.
    fn reopen(&self) {
        let Some(folder) = &self.folder else { return };
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let reopened = store_file::guarded(|| {
            // First closed: its file is locked.
            drop(database.take());
            store_file::reopen(folder)
        });
        *database = reopened.ok();
    }

    /// A fact of the service itself, made once.
    pub(crate) fn fact(&self, name: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, ApiError> {
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
pub(crate) trait Read {
    fn get(&self, kind: Kind, key: &str) -> Result<Option<Document>, ApiError>;
    /// All documents of a kind with their keys, in the order of the keys.
    fn all(&self, kind: Kind) -> Result<Vec<(String, Document)>, ApiError>;
    /// The key of the run of an id.
    fn run_key(&self, id: &str) -> Result<Option<String>, ApiError>;
}

impl Read for View {
    fn get(&self, kind: Kind, key: &str) -> Result<Option<Document>, ApiError> {
        get(&self.0.open_table(kind.table()).map_err(broken)?, key)
    }

    fn all(&self, kind: Kind) -> Result<Vec<(String, Document)>, ApiError> {
        all(&self.0.open_table(kind.table()).map_err(broken)?)
    }

    fn run_key(&self, id: &str) -> Result<Option<String>, ApiError> {
        run_key(&self.0.open_table(run_index::KEYS).map_err(broken)?, id)
    }
}

impl Read for Change {
    fn get(&self, kind: Kind, key: &str) -> Result<Option<Document>, ApiError> {
        get(&self.0.open_table(kind.table()).map_err(broken)?, key)
    }

    fn all(&self, kind: Kind) -> Result<Vec<(String, Document)>, ApiError> {
        all(&self.0.open_table(kind.table()).map_err(broken)?)
    }

    fn run_key(&self, id: &str) -> Result<Option<String>, ApiError> {
        run_key(&self.0.open_table(run_index::KEYS).map_err(broken)?, id)
    }
}

impl Change {
    pub(crate) fn put(&self, kind: Kind, key: &str, document: &Document) -> Result<(), ApiError> {
        let text = serde_json::to_vec(document).map_err(broken)?;
        if kind == Kind::Run {
            run_index::put(&self.0, key, document)?;
        }
        let mut table = self.0.open_table(kind.table()).map_err(broken)?;
        table.insert(key, text.as_slice()).map(drop).map_err(broken)
    }

    pub(crate) fn remove(&self, kind: Kind, key: &str) -> Result<bool, ApiError> {
        if let (Kind::Run, Some(run)) = (kind, self.get(kind, key)?) {
            run_index::remove(&self.0, key, &run)?;
        }
        let mut table = self.0.open_table(kind.table()).map_err(broken)?;
        let removed = table.remove(key).map_err(broken)?.is_some();
        Ok(removed)
    }

    /// Adds a run after all others.
    pub(crate) fn append_run(&self, run: &Document) -> Result<(), ApiError> {
        let last = {
            let runs = self.0.open_table(Kind::Run.table()).map_err(broken)?;
            runs.last().map_err(broken)?.map_or(0, |(key, _)| key.value().parse().unwrap_or(0_u64))
        };
        self.put(Kind::Run, &format!("{:020}", last + 1), run)
    }

    /// The runs of a trigger that have not ended, with their keys, oldest first.
    pub(crate) fn open_runs(&self, trigger: &str) -> Result<Vec<(String, Document)>, ApiError> {
        let keys = run_index::open_of(&self.0, trigger)?.into_iter();
        keys.filter_map(|key| self.get(Kind::Run, &key).map(|run| run.map(|run| (key, run))).transpose()).collect()
    }
}

fn run_key(table: &impl ReadableTable<&'static str, &'static str>, id: &str) -> Result<Option<String>, ApiError> {
    Ok(table.get(id).map_err(broken)?.map(|key| key.value().to_owned()))
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

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use serde_json::json;

    use super::*;

    fn run(id: &str, status: &str) -> Document {
        let run = json!({ "id": id, "status": status, "trigger": { "id": "trigger" } });
        run.as_object().expect("an object").clone()
    }

    #[test]
    fn a_call_reads_no_other_run() {
        let store = Store::open(None).map_err(|_| "no store").expect("a store");
        let added = store.change(|change| {
            change.append_run(&run("first", "queued"))?;
            change.append_run(&run("ended", "succeeded"))?;
            let key = change.run_key("ended")?.expect("its key");
            // Whoever reads it from now on fails.
            let mut runs = change.0.open_table(Kind::Run.table()).map_err(broken)?;
            runs.insert(key.as_str(), &b"no JSON"[..]).map(drop).map_err(broken)
        });
        assert!(added.is_ok());
        let called = store.change(|change| {
            let open: Vec<String> = change.open_runs("trigger")?.into_iter().map(|(_, run)| run["id"].to_string()).collect();
            change.append_run(&run("second", "queued"))?;
            let key = change.run_key("second")?.expect("its key");
            Ok((open, change.get(Kind::Run, &key)?.is_some()))
        });
        assert_eq!(called.ok(), Some((vec!["\"first\"".to_owned()], true)));
        // The near miss: a list of all runs meets it.
        assert!(store.view().and_then(|view| view.all(Kind::Run)).is_err());
    }
}
