//! The triggers of a configuration, once each: several rules look at them.

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use crate::config::{StageId, Target};
use crate::flow::{StageFlow, Trigger};
use crate::platform::{self, PipelineKind};
use crate::rules::Context;
use crate::source::Location;

/// A place that triggers, with all that is known of it from every pipeline that comes by.
#[derive(Debug)]
pub(crate) struct TriggerSite {
    /// The trigger; its cause is empty where at least one pipeline knows the name.
    pub(crate) trigger: Trigger,
    /// The first stage that comes by.
    pub(crate) stage: CompactString,
    /// The names, and what they lead to.
    pub(crate) names: Vec<(CompactString, Target)>,
    /// The pipelines that come by; empty for a stage that none runs.
    pub(crate) pipelines: Vec<PipelineKind>,
    /// Which configuration the run reads.
    pub(crate) reads: Reads,
}

/// Which configuration an async run reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reads {
    /// The one that triggers.
    Own,
    /// Another one of the repository, of this path.
    Other(CompactString),
    /// Another one that is not known.
    Unknown,
}

/// What the run of a trigger reads, as all pipelines that come by say.
fn reads(context: &Context<'_>, name_place: Location) -> Reads {
    let mut chosen = context.flow.elsewhere.iter().filter(|elsewhere| elsewhere.name_place == name_place);
    let Some(first) = chosen.next() else { return Reads::Own };
    match &first.configuration {
        Some(path) if chosen.all(|other| other.configuration.as_ref() == Some(path)) => match path == context.path {
            true => Reads::Own,
            false if context.others.contains_key(path) => Reads::Other(path.clone()),
            false => Reads::Unknown,
        },
        _ => Reads::Unknown,
    }
}

/// All triggers, in order of their places.
pub(crate) fn trigger_sites<'c>(context: &'c Context<'_>) -> &'c [TriggerSite] {
    context.trigger_sites.get_or_init(|| find(context))
}

fn find(context: &Context<'_>) -> Vec<TriggerSite> {
    let mut found = Found { context, sites: Vec::new(), by_place: FxHashMap::default() };
    let mut composed = vec![false; context.model.stages.len()];
    for pipeline in &context.flow.pipelines {
        for (id, flow) in pipeline.flows() {
            composed[id.0 as usize] = true;
            found.add(id, flow, Some(pipeline.kind));
        }
    }
    for (id, _) in context.model.stages().filter(|(id, _)| !composed[id.0 as usize]) {
        found.add(id, context.flow.stage(id), None);
    }
    let mut triggers = found.sites;
    triggers.sort_unstable_by_key(|triggered| triggered.trigger.place);
    triggers
}

/// Whether code that cannot be read may trigger: any stage, or the one that is asked for. Scripts of the user's that
/// are not there may do anything; those of the platform trigger where their name says so, and its scan `owasp-zap`.
pub(crate) fn may_trigger_unseen(context: &Context<'_>, stage: Option<&str>) -> bool {
    let mut opaque = context.flow.stages.iter().flat_map(|flow| flow.opaque());
    opaque.any(|opaque| opaque.platform_script.as_ref().is_none_or(|script| platform::may_trigger(script, stage)))
}

struct Found<'a> {
    context: &'a Context<'a>,
    sites: Vec<TriggerSite>,
    by_place: FxHashMap<Location, usize>,
}

impl Found<'_> {
    fn add(&mut self, id: StageId, flow: &StageFlow, pipeline: Option<PipelineKind>) {
        for trigger in flow.triggers() {
            let place = *self.by_place.entry(trigger.name_place).or_insert(self.sites.len());
            if place == self.sites.len() {
                self.sites.push(TriggerSite {
                    trigger: trigger.clone(),
                    stage: self.context.model.stage(id).name.name.clone(),
                    names: Vec::new(),
                    pipelines: Vec::new(),
                    reads: reads(self.context, trigger.name_place),
                });
            }
            let triggered = &mut self.sites[place];
            if trigger.unknown.is_none() {
                triggered.trigger.unknown = None;
            }
            for name in &trigger.names {
                if triggered.names.iter().all(|(known, _)| known != name) {
                    triggered.names.push((name.clone(), self.context.model.target(name)));
                }
            }
            if let Some(pipeline) = pipeline
                && !triggered.pipelines.contains(&pipeline)
            {
                triggered.pipelines.push(pipeline);
            }
        }
    }
}
