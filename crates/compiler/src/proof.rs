//! How much of what crosses from parents to async stages is proven: silence about the rest is not proof.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use crate::config::settings::Settings;
use crate::config::{Model, StageId};
use crate::flow::{Certainty, Crossing, Flow, Unfollowed};
use crate::origin::is_given;
use crate::source::Location;

/// What is known of the variables that cross.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// How many places trigger.
    pub triggers: usize,
    /// How many variables cross of which it is known whether they are exported.
    pub proven: usize,
    /// The others.
    pub unproven: Vec<Unproven>,
    /// Async stages of which it is not known all that they read.
    pub unseen: Vec<Unseen>,
    /// Where scripts are too long to be followed further.
    pub cut: Vec<Location>,
}

/// A variable of which it is not known whether it crosses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unproven {
    /// The variable.
    pub variable: CompactString,
    /// The async stage that reads it.
    pub stage: CompactString,
    /// The trigger.
    pub trigger: Location,
    /// The first place that cannot be followed, and why.
    pub because: Unfollowed,
}

/// An async stage that may read more than is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The stage.
    pub stage: CompactString,
    /// The first place in it that cannot be followed, and why.
    pub because: Unfollowed,
}

impl Proof {
    /// Counts each variable once a trigger and target: it is proven where it is in every pipeline.
    pub fn of(model: &Model, flow: &Flow, settings: &Settings) -> Self {
        let mut triggers: BTreeSet<Location> = BTreeSet::new();
        let mut cut: BTreeSet<Location> = BTreeSet::new();
        let mut crossings: BTreeMap<(Location, StageId, &CompactString), Option<&Unfollowed>> = BTreeMap::new();
        for pipeline in &flow.pipelines {
            for (_, stage) in pipeline.flows() {
                triggers.extend(stage.triggers().map(|trigger| trigger.place));
                cut.extend(stage.cut);
            }
            for run in &pipeline.runs {
                for crossing in run.crossings.iter().filter(|crossing| crosses(crossing, settings)) {
                    let unfollowed = crossings.entry((run.trigger.place, run.target, &crossing.key)).or_default();
                    *unfollowed = unfollowed.or_else(|| doubt(crossing));
                }
            }
        }
        let unproven = crossings.iter().filter_map(|((trigger, target, variable), because)| {
            let stage = model.stage(*target).name.name.clone();
            Some(Unproven { variable: (*variable).clone(), stage, trigger: *trigger, because: (*because)?.clone() })
        });
        let unproven: Vec<Unproven> = unproven.collect();
        Self {
            triggers: triggers.len(),
            proven: crossings.len() - unproven.len(),
            unproven,
            unseen: unseen(model, flow),
            cut: cut.into_iter().collect(),
        }
    }
}

/// The async stages that cannot be followed to their end, in any pipeline.
fn unseen(model: &Model, flow: &Flow) -> Vec<Unseen> {
    let mut first: BTreeMap<StageId, Unfollowed> = BTreeMap::new();
    for (id, stage) in flow.pipelines.iter().flat_map(|pipeline| &pipeline.targets) {
        if let (Some(unfollowed), false) = (Unfollowed::first_in(stage), first.contains_key(id)) {
            first.insert(*id, unfollowed);
        }
    }
    first.into_iter().map(|(id, because)| Unseen { stage: model.stage(id).name.name.clone(), because }).collect()
}

/// Whether the parent exports a variable, or may export one that nobody else provides.
fn crosses(crossing: &Crossing, settings: &Settings) -> bool {
    let may_be_known = crossing.set.is_some() || crossing.exported_late.is_some() || !is_given(&crossing.key, settings);
    crossing.exported.is_some() || (crossing.is_widened() && may_be_known)
}

/// Why it is not known whether a variable is exported.
fn doubt(crossing: &Crossing) -> Option<&Unfollowed> {
    let is_exported = crossing.exported.as_ref().is_some_and(|exported| exported.certainty == Certainty::Yes);
    crossing.unfollowed.first().filter(|_| !is_exported)
}
