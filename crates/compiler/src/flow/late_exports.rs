//! Exports after the trigger: what a run gets is fixed by then.

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use super::facts::{ChangeId, Cursor, Facts, Subject};
use super::pipeline::Run;
use super::stage::{Event, Export, StageFlow};
use crate::config::{Order, StageId};

/// Finds for each key that a run is not sent the first export after its trigger: on its own path, or in a stage that
/// runs after it. `parents` are the stages, each with its place in the order.
pub(super) fn find(parents: &[(usize, StageId, Arc<StageFlow>)], runs: &mut [Run], facts: &Facts, order: &Order) {
    let by_key = exports_by_key(parents);
    let index_of: FxHashMap<StageId, usize> = parents.iter().map(|(index, id, _)| (*id, *index)).collect();
    let mut cursor = Cursor::at(facts, ChangeId::ROOT);
    for run in runs.iter_mut().filter(|run| !run.from_async) {
        let Some(from) = index_of.get(&run.from) else { continue };
        let triggered = facts.find(&Subject::Triggered(run.trigger.place));
        for crossing in run.crossings.iter_mut().filter(|crossing| crossing.exported.is_none()) {
            let exports = by_key.get(&crossing.key).map_or(&[][..], Vec::as_slice);
            let late = exports.iter().find(|(index, at, export)| {
                if index != from {
                    return order.is_before(*from, *index);
                }
                // What comes later in the log may stand on another path: only on this one it has been triggered.
                *at > run.trigger.order && {
                    cursor.go(export.at);
                    triggered.is_some_and(|triggered| cursor.fact(triggered).is_some())
                }
            });
            crossing.exported_late = late.map(|(_, _, export)| export.place);
        }
    }
}

/// An export with the place of its stage in the order, and its own in the log of the stage.
type Placed<'a> = (usize, u32, &'a Export);

fn exports_by_key(parents: &[(usize, StageId, Arc<StageFlow>)]) -> FxHashMap<&CompactString, Vec<Placed<'_>>> {
    let mut by_key: FxHashMap<&CompactString, Vec<Placed<'_>>> = FxHashMap::default();
    for (index, _, flow) in parents {
        for (at, event) in flow.events.iter().enumerate() {
            if let Event::Export(export) = event
                && let Some(key) = &export.key
            {
                by_key.entry(key).or_default().push((*index, at as u32, export));
            }
        }
    }
    by_key
}
