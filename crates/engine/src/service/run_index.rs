//! Which runs there are: by id, and those of a trigger that have not ended. So a call reads no other runs.

use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::error::ApiError;
use super::store::{Document, broken, text};
use super::validation::ENDED;

/// The key of each run, by its id.
pub(super) const KEYS: TableDefinition<&str, &str> = TableDefinition::new("run-keys");

/// The keys of runs that have not ended, each after the id of its trigger.
const OPEN: TableDefinition<(&str, &str), ()> = TableDefinition::new("open-runs");

/// The id of a run's trigger.
pub(super) fn trigger_of(run: &Document) -> &str {
    run.get("trigger").and_then(|trigger| trigger["id"].as_str()).unwrap_or_default()
}

/// Makes the index of all runs: stores of earlier versions have none.
pub(super) fn build(change: &WriteTransaction, runs: &[(String, Document)]) -> Result<(), ApiError> {
    change.delete_table(KEYS).map_err(broken)?;
    change.delete_table(OPEN).map_err(broken)?;
    change.open_table(KEYS).map_err(broken)?;
    runs.iter().try_for_each(|(key, run)| put(change, key, run))
}

/// Notes a run that is new or has changed.
pub(super) fn put(change: &WriteTransaction, key: &str, run: &Document) -> Result<(), ApiError> {
    change.open_table(KEYS).map_err(broken)?.insert(text(run, "id"), key).map_err(broken)?;
    let mut open = change.open_table(OPEN).map_err(broken)?;
    let entry = (trigger_of(run), key);
    let noted = if ENDED.contains(&text(run, "status")) { open.remove(entry).map(drop) } else { open.insert(entry, ()).map(drop) };
    noted.map_err(broken)
}

/// Forgets a run.
pub(super) fn remove(change: &WriteTransaction, key: &str, run: &Document) -> Result<(), ApiError> {
    change.open_table(KEYS).map_err(broken)?.remove(text(run, "id")).map_err(broken)?;
    change.open_table(OPEN).map_err(broken)?.remove((trigger_of(run), key)).map_err(broken)?;
    Ok(())
}

/// The keys of a trigger's runs that have not ended, oldest first.
pub(super) fn open_of(change: &WriteTransaction, trigger: &str) -> Result<Vec<String>, ApiError> {
    let table = change.open_table(OPEN).map_err(broken)?;
    let mut keys = Vec::new();
    for entry in table.range((trigger, "")..).map_err(broken)? {
        let (entry, _) = entry.map_err(broken)?;
        let (of, key) = entry.value();
        if of != trigger {
            break;
        }
        keys.push(key.to_owned());
    }
    Ok(keys)
}
