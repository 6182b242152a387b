//! Code that cannot be followed, and may have exported anything.

use std::sync::Arc;

use compact_str::CompactString;

use super::facts::Fact;
use super::stage::{Event, StageFlow};
use crate::source::Location;

/// More of them than this are no story any more.
const MAX: usize = 8;

/// A place from which on nothing is known of what is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfollowed {
    /// The command.
    pub place: Location,
    /// Why, in words.
    pub why: CompactString,
}

impl Unfollowed {
    fn new(flow: &StageFlow, place: Location) -> Self {
        let why = flow.events.iter().find_map(|event| match event {
            Event::Opaque(opaque) if opaque.place == place => Some(opaque.what.clone()),
            Event::Export(export) if export.place == place && export.key.is_none() => Some("an export of a key that is not known".into()),
            _ => None,
        });
        Self { place, why: why.unwrap_or_else(|| "it exports, and it is not known when it runs".into()) }
    }

    /// The first place of a stage that may read anything.
    pub fn first_in(flow: &StageFlow) -> Option<Self> {
        let opaque = flow.opaque().find(|opaque| !opaque.is_platform())?;
        Some(Self { place: opaque.place, why: opaque.what.clone() })
    }

    fn add(flow: &StageFlow, place: Location, all: &mut Vec<Self>) {
        if all.len() < MAX && all.iter().all(|known| known.place != place) {
            all.push(Self::new(flow, place));
        }
    }

    /// Adds what cannot be followed in a whole stage, that leaves this fact behind.
    pub(super) fn add_all_of(flow: &StageFlow, left: &Fact, all: &mut Vec<Self>) {
        for event in &flow.events {
            match event {
                Event::Opaque(opaque) if !opaque.is_platform() => Self::add(flow, opaque.place, all),
                Event::Export(export) if export.key.is_none() => Self::add(flow, export.place, all),
                _ => {}
            }
        }
        for place in left.places.iter() {
            Self::add(flow, *place, all);
        }
    }
}

/// What stages before left, and what the stage itself met on its way.
pub(super) fn unfollowed(before: &[Unfollowed], met: &[&Fact], flow: &StageFlow) -> Arc<[Unfollowed]> {
    let mut all = before.to_vec();
    for place in met.iter().flat_map(|fact| fact.places.iter()) {
        Unfollowed::add(flow, *place, &mut all);
    }
    all.into()
}
