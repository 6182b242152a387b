//! What the script of the page fetches: states, and the rest of a log.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use jiff::Timestamp;
use serde_json::json;
use sidestage_engine::execute::shown_duration;
use sidestage_engine::run::{History, RunFolder, RunView};

/// More of a log is fetched in several pieces.
const PIECE: u64 = 256 * 1024;

/// All runs with their stages, in the order of the table.
pub(super) fn state(history: &History) -> String {
    let now = Timestamp::now();
    let runs: Vec<_> = super::ordered(history)
        .iter()
        .map(|view| {
            let stages: Vec<_> = view
                .stages
                .iter()
                .map(|stage| {
                    json!({ "id": stage.id, "state": stage.state.name(), "time": stage.duration(now).map(shown_duration), "reason": stage.why() })
                })
                .collect();
            json!({
                "id": view.record.id, "what": view.record.title(), "state": view.state.name(), "ended": view.state.is_ended(),
                "time": view.duration(now).map(shown_duration), "parent": view.record.parent(), "stages": stages, "reason": view.reason,
            })
        })
        .collect();
    json!({ "runs": runs }).to_string()
}

/// A log from the byte `from` on.
pub(super) fn log((folder, view): &(RunFolder, RunView), place: &str, query: &[(String, String)]) -> Option<String> {
    let place: usize = place.parse().ok()?;
    let stage = view.stages.get(place)?;
    let from = query.iter().find(|(name, _)| name == "from").and_then(|(_, from)| from.parse().ok()).unwrap_or_default();
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(folder.log(place, &stage.id)) {
        file.seek(SeekFrom::Start(from)).ok()?;
        file.take(PIECE).read_to_end(&mut bytes).ok()?;
    }
    // The script counts bytes: a letter is not cut, unless it is none.
    let whole = match std::str::from_utf8(&bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    bytes.truncate(whole);
    Some(json!({ "text": String::from_utf8_lossy(&bytes), "next": from + whole as u64, "ended": stage.state.is_ended() }).to_string())
}
