//! Several values at once, all of them or none: what they replace is kept in a journal until all are written. Where the
//! writer fails, or is killed, it is put back: by the writer, or before the next command looks at the store.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::json_bytes::JsonBytes;
use super::name;
use super::store::{self, Lock, Store};

/// In the folder of the store; no kind has this name.
const JOURNAL: &str = ".replaced";

/// A value, and the keys to put it under.
#[derive(Debug)]
pub(super) struct Put<'a> {
    pub(super) kind: &'static str,
    pub(super) keys: Vec<&'a [u8]>,
    pub(super) value: &'a [u8],
}

/// What was at a path of the store; nothing where there was none.
#[derive(Serialize, Deserialize)]
struct Replaced {
    path: PathBuf,
    value: Option<JsonBytes>,
}

impl Store {
    /// Puts all values or none. Who puts values of these kinds holds the lock, or what is put back may be another one's.
    pub(super) fn put_all(&self, _lock: &Lock, puts: &[Put]) -> Result<(), StoreError> {
        for put in puts {
            name::fit(&put.keys).map_err(StoreError::Usage)?;
        }
        let write = |put: &Put| self.put(put.kind, &put.keys, put.value);
        // One value is never half written.
        if puts.len() <= 1 {
            return puts.iter().try_for_each(write);
        }
        self.keep_replaced(puts)?;
        let written = puts.iter().try_for_each(write).and_then(|()| self.close_journal());
        // What cannot be put back now is so later: the journal stays.
        written.inspect_err(|_| drop(self.put_back()))
    }

    /// Puts back what a writer that was killed has replaced.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        if self.journal().exists() { self.lock().map(drop) } else { Ok(()) }
    }

    /// As `settle`, for the one who holds the lock.
    pub(super) fn put_back(&self) -> Result<(), StoreError> {
        let Some(text) = store::read(&self.journal())? else { return Ok(()) };
        let damaged = |error: String| StoreError::Failed(format!("{} is damaged: {error}", self.journal().display()));
        let replaced: Vec<Replaced> = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        for Replaced { path, value } in replaced {
            match value {
                Some(value) => self.put_at(&self.root().join(path), &value.any_bytes().map_err(damaged)?)?,
                None => self.clear(&path)?,
            }
        }
        self.close_journal()
    }

    fn journal(&self) -> PathBuf {
        self.root().join(JOURNAL)
    }

    fn keep_replaced(&self, puts: &[Put]) -> Result<(), StoreError> {
        let replaced = |put: &Put| {
            let path = name::path_of_entry(put.kind, &put.keys);
            let value = store::read(&self.root().join(&path))?.map(JsonBytes::new);
            Ok(Replaced { path, value })
        };
        let replaced = puts.iter().map(replaced).collect::<Result<Vec<_>, StoreError>>()?;
        let text = serde_json::to_vec(&replaced).map_err(|error| StoreError::Failed(error.to_string()))?;
        self.put_at(&self.journal(), &text)
    }

    fn close_journal(&self) -> Result<(), StoreError> {
        fs::remove_file(self.journal()).map_err(|error| StoreError::io("removed", &self.journal(), &error))
    }

    /// Removes a value, and the folders that were made for it: an empty one would be an entry without properties.
    fn clear(&self, path: &Path) -> Result<(), StoreError> {
        let whole = self.root().join(path);
        // A folder in its place is not a value, and was there before.
        if !whole.is_dir() {
            store::remove(&whole)?;
        }
        for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            if fs::remove_dir(self.root().join(folder)).is_err() {
                break;
            }
        }
        Ok(())
    }
}
