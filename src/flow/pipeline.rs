//! Stages in the order of a pipeline, and the async runs that they trigger.

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Detail;
use super::facts::{Certainty, Cursor, Fact, Facts, Subject, SubjectId};
use super::machine::Surroundings;
use super::stage::{Read, StageFlow, Trigger};
use crate::model::{Model, Runs, StageId, Target};
use crate::platform::{PipelineKind, StoreKind};
use crate::source::Location;

/// What one kind of pipeline does with the configuration.
#[derive(Debug)]
pub struct PipelineFlow {
    /// The kind.
    pub kind: PipelineKind,
    /// The stages that it runs by itself, in order, with what they do in it.
    pub stages: Vec<(StageId, Arc<StageFlow>)>,
    /// The async stages that can be triggered in it, with what they do.
    pub targets: Vec<(StageId, Arc<StageFlow>)>,
    /// Every (trigger, target).
    pub runs: Vec<Run>,
}

/// A trigger and the stage that it starts.
#[derive(Debug)]
pub struct Run {
    /// The stage whose script triggers.
    pub from: StageId,
    /// Whether `from` is itself an async stage.
    pub from_async: bool,
    /// The trigger.
    pub trigger: Trigger,
    /// The stage that starts.
    pub target: StageId,
    /// Whether this trigger surely starts this stage.
    pub certain: bool,
    /// What happens to each key that the target reads and the parent knows, sorted by key.
    pub crossings: Vec<Crossing>,
    /// All keys that are exported by then, sorted; empty unless [`Detail::Exports`] is asked for.
    pub exports: Vec<(CompactString, Fact)>,
}

/// A key between a parent and an async stage.
#[derive(Debug)]
pub struct Crossing {
    /// The key.
    pub key: CompactString,
    /// Where the target reads it.
    pub reads: Vec<Read>,
    /// Whether the parent has set it before the trigger.
    pub set: Option<Fact>,
    /// Whether it was exported before the trigger.
    pub exported: Option<Fact>,
    /// Where it is exported too late: behind the trigger, or in a later stage.
    pub exported_later: Vec<Location>,
    /// Whether something ran before the trigger that may have exported it unseen.
    pub widened: bool,
}

/// Interprets a stage again in surroundings that matter to it.
pub(super) type Interpret<'a> = dyn FnMut(StageId, Surroundings<'_>, &mut Facts) -> Option<StageFlow> + 'a;

type Known = FxHashMap<SubjectId, Fact>;

/// Composes the stages of one kind of pipeline; `None` where the configuration has nothing for it.
pub(super) fn compose(
    model: &Model,
    kind: PipelineKind,
    detail: Detail,
    stages: &[Arc<StageFlow>],
    facts: &mut Facts,
    interpret: &mut Interpret<'_>,
) -> Option<PipelineFlow> {
    let sequence = model.sequence(kind);
    if sequence.is_empty() {
        return None;
    }
    let mut composer = Composer {
        model,
        detail,
        stages,
        facts,
        interpret,
        flow: PipelineFlow { kind, stages: Vec::new(), targets: Vec::new(), runs: Vec::new() },
        targets: FxHashMap::default(),
        seen: FxHashSet::default(),
        waiting: Vec::new(),
    };
    composer.parents(&sequence);
    composer.async_runs();
    composer.exports_that_come_late();
    Some(composer.flow)
}

struct Composer<'a, 'i> {
    model: &'a Model,
    detail: Detail,
    stages: &'a [Arc<StageFlow>],
    facts: &'a mut Facts,
    interpret: &'a mut Interpret<'i>,
    flow: PipelineFlow,
    /// Where each target stands in the flow's list.
    targets: FxHashMap<StageId, usize>,
    /// Async stages whose own triggers were followed.
    seen: FxHashSet<StageId>,
    /// Async stages that trigger others, with what they were given.
    waiting: Vec<(StageId, Known)>,
}

impl Composer<'_, '_> {
    fn parents(&mut self, sequence: &[StageId]) {
        let mut known = Known::default();
        for id in sequence {
            let stage = self.model.stage(*id);
            if stage.runs == Runs::Never {
                continue;
            }
            let flow = self.in_surroundings(*id, &known);
            self.triggers(*id, false, &flow, &known);
            for (subject, fact) in &flow.end {
                let fact = if stage.runs == Runs::Maybe { fact.weakened() } else { fact.clone() };
                let after = fact.after(known.get(subject));
                known.insert(*subject, after);
            }
            self.flow.stages.push((*id, flow));
        }
    }

    fn async_runs(&mut self) {
        while let Some((id, known)) = self.waiting.pop() {
            let flow = self.target(id, &known);
            self.triggers(id, true, &flow, &known);
        }
    }

    /// What a stage does here; interpreted again only where the surroundings can make a difference.
    fn in_surroundings(&mut self, id: StageId, known: &Known) -> Arc<StageFlow> {
        let plain = &self.stages[id.0 as usize];
        let reads_a_constant = plain.reads.iter().any(|read| {
            let Some(key) = read.key.clone().filter(|_| read.kind == StoreKind::Env) else { return false };
            let subject = self.facts.find(&Subject::Set(StoreKind::Env, key));
            subject.and_then(|subject| known.get(&subject)).is_some_and(|fact| fact.value.is_some())
        });
        if !plain.depends_on_pipeline && !reads_a_constant {
            return plain.clone();
        }
        let surroundings = Surroundings { pipeline: Some(self.flow.kind), entry: Some(known) };
        match (self.interpret)(id, surroundings, self.facts) {
            Some(flow) => Arc::new(flow),
            None => plain.clone(),
        }
    }

    fn target(&mut self, id: StageId, known: &Known) -> Arc<StageFlow> {
        if let Some(index) = self.targets.get(&id) {
            return self.flow.targets[*index].1.clone();
        }
        let flow = self.in_surroundings(id, known);
        self.targets.insert(id, self.flow.targets.len());
        self.flow.targets.push((id, flow.clone()));
        flow
    }

    fn triggers(&mut self, from: StageId, from_async: bool, flow: &Arc<StageFlow>, known: &Known) {
        let mut resolved = Vec::new();
        for trigger in &flow.triggers {
            let is_one = trigger.names.len() == 1 && trigger.unknown.is_none();
            for name in &trigger.names {
                if let Target::Stage(target) = self.model.target(name) {
                    resolved.push((trigger, target, is_one && trigger.certain));
                }
            }
        }
        let targets: Vec<Arc<StageFlow>> = resolved.iter().map(|(_, target, _)| self.target(*target, &Known::default())).collect();
        let widened = self.facts.find(&Subject::Widened);
        let mut cursor = Cursor::at(self.facts, super::facts::ChangeId::ROOT);
        for ((trigger, target, certain), target_flow) in resolved.into_iter().zip(targets) {
            cursor.go(trigger.at);
            let now = |subject: Option<SubjectId>| -> Option<Fact> {
                let subject = subject?;
                let earlier = known.get(&subject);
                match cursor.fact(subject) {
                    Some(fact) => Some(fact.after(earlier)),
                    None => earlier.cloned(),
                }
            };
            let is_widened = now(widened).is_some();
            let crossings = crossings(&target_flow, |key| {
                let set = now(self.facts.find(&Subject::Set(StoreKind::Env, key.clone())));
                let exported = now(self.facts.find(&Subject::Exported(key.clone())));
                (set, exported, is_widened)
            });
            let triggers_more = !target_flow.triggers.is_empty() && self.seen.insert(target);
            let mut exports: Vec<(CompactString, Fact)> = Vec::new();
            let is_needed = triggers_more || self.detail == Detail::Exports;
            let exported_before = known.keys().copied().filter(|subject| cursor.fact(*subject).is_none());
            if is_needed {
                for subject in exported_before.chain(cursor.changed().map(|(subject, _)| subject)) {
                    if let (Subject::Exported(key), Some(fact)) = (self.facts.subject(subject), now(Some(subject))) {
                        exports.push((key.clone(), fact));
                    }
                }
                exports.sort_by(|left, right| left.0.cmp(&right.0));
            }
            if triggers_more {
                let given = exports.iter().filter_map(|(key, fact)| {
                    let subject = self.facts.find(&Subject::Set(StoreKind::Env, key.clone()))?;
                    Some((subject, fact.clone()))
                });
                self.waiting.push((target, given.collect()));
            }
            self.flow.runs.push(Run { from, from_async, trigger: trigger.clone(), target, certain, crossings, exports });
        }
    }

    fn exports_that_come_late(&mut self) {
        let mut places: FxHashMap<CompactString, Vec<Location>> = FxHashMap::default();
        for (_, flow) in &self.flow.stages {
            for export in &flow.exports {
                if let Some(key) = &export.key {
                    places.entry(key.clone()).or_default().push(export.place);
                }
            }
        }
        for crossing in self.flow.runs.iter_mut().filter(|run| !run.from_async).flat_map(|run| &mut run.crossings) {
            if crossing.exported.is_none()
                && let Some(later) = places.get(&crossing.key)
            {
                crossing.exported_later.clone_from(later);
            }
        }
    }
}

fn crossings(target: &StageFlow, mut facts: impl FnMut(&CompactString) -> (Option<Fact>, Option<Fact>, bool)) -> Vec<Crossing> {
    let mut by_key: FxHashMap<&CompactString, Vec<Read>> = FxHashMap::default();
    for read in &target.reads {
        // What the stage has surely set itself does not come from the parent.
        if read.kind == StoreKind::Env
            && read.own != Some(Certainty::Yes)
            && let Some(key) = &read.key
        {
            by_key.entry(key).or_default().push(read.clone());
        }
    }
    let mut crossings: Vec<Crossing> = by_key
        .into_iter()
        .map(|(key, reads)| {
            let (set, exported, widened) = facts(key);
            Crossing { key: key.clone(), reads, set, exported, exported_later: Vec::new(), widened }
        })
        .collect();
    crossings.sort_by(|left, right| left.key.cmp(&right.key));
    crossings
}
