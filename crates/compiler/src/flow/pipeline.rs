//! Stages in the order of a pipeline, and the async runs that they trigger.

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Detail;
use super::certainty::Certainty;
use super::elsewhere::{Elsewhere, elsewhere};
use super::facts::{ChangeId, Cursor, Fact, Facts, Subject, SubjectId};
use super::interpret::{Earlier, PipelineContext};
use super::late_exports;
use super::stage::{Read, StageFlow, Trigger};
use super::unfollowed::{Unfollowed, unfollowed};
use super::value::Secret;
use crate::config::{Model, Order, Runs, StageId, Target};
use crate::platform::{self, PipelineKind, StoreKind};
use crate::source::Location;

/// Of more places than this a fact keeps none: they are no story any more.
const ENOUGH_PLACES: usize = 8;
/// Properties of a repo without which an async run cannot clone it.
const CLONE_PROPERTIES: [&str; 2] = ["url", "commit"];

/// What one kind of pipeline does with the configuration.
#[derive(Debug)]
pub struct PipelineFlow {
    /// The kind.
    pub kind: PipelineKind,
    /// What is sure about the order of its stages.
    pub order: Order,
    /// The stages that it runs by itself, in order, with what they do in it; those that never run are left out.
    pub stages: Vec<(StageId, Arc<StageFlow>)>,
    /// The async stages that can be triggered in it, with what they do.
    pub targets: Vec<(StageId, Arc<StageFlow>)>,
    /// Every (trigger, target).
    pub runs: Vec<Run>,
    /// Secrets that are exported.
    pub leaks: Vec<Leak>,
    /// Triggers whose run may read another configuration.
    pub elsewhere: Vec<Elsewhere>,
}

impl PipelineFlow {
    /// What its stages and its async stages do.
    pub fn flows(&self) -> impl Iterator<Item = (StageId, &StageFlow)> {
        self.stages.iter().chain(&self.targets).map(|(id, flow)| (*id, &**flow))
    }

    /// What a stage does in it.
    pub fn flow(&self, id: StageId) -> Option<&StageFlow> {
        self.flows().find(|(other, _)| *other == id).map(|(_, flow)| flow)
    }
}

/// A secret that is exported.
#[derive(Debug)]
pub struct Leak {
    /// The stage that triggers, or the last one.
    pub stage: StageId,
    /// The key that is exported.
    pub key: CompactString,
    /// Its export.
    pub exported: Fact,
    /// Where the parent sets it; nothing for a parameter.
    pub set: Option<Fact>,
    /// The secret that its value is made of; nothing for a parameter that is a secret itself.
    pub secret: Option<Arc<Secret>>,
    /// The first trigger that sends it.
    pub trigger: Option<Location>,
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
    /// What never reaches the target; most runs lack nothing.
    lacking: Option<Box<Lacking>>,
    /// How many bytes the exported values have, as far as they are known.
    pub known_bytes: u32,
    /// All keys that are exported by then, sorted; empty unless [`Detail::Exports`] is asked for.
    pub exports: Vec<(CompactString, Fact)>,
}

/// A key between a parent and an async stage.
#[derive(Debug)]
pub struct Crossing {
    /// The key.
    pub key: CompactString,
    /// Where the target reads it: at least once.
    pub reads: Vec<Read>,
    /// Whether the parent has set it before the trigger.
    pub set: Option<Fact>,
    /// Whether it was exported before the trigger.
    pub exported: Option<Fact>,
    /// Whether it can be set on a way on which it is not exported.
    pub is_set_unsent: bool,
    /// Where it is first exported too late: after the trigger, or in a later stage.
    pub exported_late: Option<Location>,
    /// What ran before the trigger, cannot be followed, and may have exported it.
    pub unfollowed: Arc<[Unfollowed]>,
}

impl Crossing {
    /// Whether something ran before the trigger that may have exported it unseen.
    pub fn is_widened(&self) -> bool {
        !self.unfollowed.is_empty()
    }

    /// The read that fails first: one without a default, if there is one.
    pub fn hardest_read(&self) -> &Read {
        self.reads.iter().min_by_key(|read| (read.is_soft(), read.place)).unwrap_or(&self.reads[0])
    }
}

#[derive(Debug)]
struct Lacking {
    left_behind: Vec<LeftBehind>,
    repos: Vec<RepoUse>,
}

impl Run {
    /// What the target reads and the parent has, but no async run is ever given, sorted.
    pub fn left_behind(&self) -> &[LeftBehind] {
        self.lacking.as_ref().map_or(&[], |lacking| &lacking.left_behind)
    }

    /// Repos that the target uses and the parent registered without what a clone needs, sorted.
    pub fn repos(&self) -> &[RepoUse] {
        self.lacking.as_ref().map_or(&[], |lacking| &lacking.repos)
    }
}

/// Secrets, files and results: the target reads them, and only the parent has them.
#[derive(Debug)]
pub struct LeftBehind {
    /// Where the parent keeps it.
    pub kind: StoreKind,
    /// Its key.
    pub key: CompactString,
    /// Where the target reads it.
    pub reads: Vec<Read>,
    /// Where the parent makes it.
    pub set: Fact,
}

/// A repo that an async run cannot clone.
#[derive(Debug)]
pub struct RepoUse {
    /// Its name.
    pub name: CompactString,
    /// Where the target uses it.
    pub reads: Vec<Read>,
    /// Where the parent registers it.
    pub set: Fact,
    /// Properties that it lacks on every path.
    pub lacks: Vec<&'static str>,
}

/// Interprets a stage again in surroundings that matter to it.
pub(super) type Interpret<'a> = dyn FnMut(StageId, PipelineContext<'_>, &mut Facts) -> Option<StageFlow> + 'a;

type Known = FxHashMap<SubjectId, Fact>;

/// What every stage of a pipeline leaves behind, and what of it another stage finds.
#[derive(Default)]
struct Left {
    facts: FxHashMap<SubjectId, Leavings>,
}

/// What the stages leave of one subject.
struct Leavings {
    /// Whether it says that something is, or may be, exported.
    is_export: bool,
    /// The stage, as an index of the order, and the fact.
    facts: Vec<(usize, Fact)>,
}

impl Left {
    fn add(&mut self, subjects: &Facts, subject: SubjectId, index: usize, fact: Fact) {
        let leavings = self.facts.entry(subject).or_insert_with(|| Leavings {
            is_export: matches!(subjects.subject(subject), Subject::Exported(_) | Subject::Widened),
            facts: Vec::new(),
        });
        leavings.facts.push((index, fact));
    }
}

/// What a stage finds of what the others leave.
struct Entry<'a> {
    left: &'a Left,
    order: &'a Order,
    /// The stage, as an index of the order.
    at: usize,
}

impl Earlier for Entry<'_> {
    fn exported(&self, facts: &Facts) -> Vec<SubjectId> {
        self.left.facts.keys().copied().filter(|subject| facts.is_export(*subject)).collect()
    }

    fn get(&self, subject: SubjectId) -> Option<Fact> {
        let mut found: Option<Fact> = None;
        let leavings = self.left.facts.get(&subject)?;
        for (index, fact) in leavings.facts.iter().rev() {
            let fact = if *index >= self.at {
                // A stage that the order has later may still run at the same time: what it exports may be there,
                // what it sets is no promise.
                if *index == self.at || !leavings.is_export || self.order.is_before(self.at, *index) {
                    continue;
                }
                fact.beside()
            } else if self.order.is_before(*index, self.at) {
                fact.clone()
            } else {
                if found.as_ref().is_some_and(|found| found.places.len() >= ENOUGH_PLACES) {
                    continue;
                }
                fact.beside()
            };
            let is_sure = fact.is_sure();
            found = Some(match found {
                Some(later) => later.then(Some(&fact)),
                None => fact,
            });
            // A certain setting replaces all that came before it.
            if is_sure {
                break;
            }
        }
        found
    }
}

/// What is known at one place of a stage.
struct Moment<'a> {
    facts: &'a Facts,
    cursor: Cursor<'a>,
    earlier: &'a dyn Earlier,
    /// What cannot be followed in the stages before.
    unfollowed_before: &'a [Unfollowed],
}

impl Moment<'_> {
    fn at(&self, subject: SubjectId) -> Option<Fact> {
        let earlier = self.earlier.get(subject);
        match self.cursor.fact(subject) {
            Some(fact) => Some(fact.then(earlier.as_ref())),
            None => earlier,
        }
    }

    fn fact(&self, subject: &Subject) -> Option<Fact> {
        self.at(self.facts.find(subject)?)
    }

    /// What ran until here and may have exported anything.
    fn unfollowed(&self, flow: &StageFlow) -> Arc<[Unfollowed]> {
        let Some(subject) = self.facts.find(&Subject::Widened) else { return Arc::new([]) };
        unfollowed(self.unfollowed_before, &self.cursor.facts(subject), flow)
    }

    /// How many bytes the known values of all exports have.
    fn known_bytes(&self) -> usize {
        let exported = self.facts.large_exports().filter(|(export, _)| self.at(*export).is_some());
        exported.filter_map(|(_, set)| self.at(set)?.known_length()).sum()
    }

    fn exports(&self) -> Vec<(CompactString, Fact)> {
        let mut exports: Vec<(CompactString, Fact)> = Vec::new();
        let before = self.earlier.exported(self.facts).into_iter().filter(|subject| self.cursor.fact(*subject).is_none());
        for id in before.chain(self.cursor.changed().map(|(subject, _)| subject)) {
            if let (Subject::Exported(key), Some(fact)) = (self.facts.subject(id), self.at(id)) {
                exports.push((key.clone(), fact));
            }
        }
        exports.sort_by(|left, right| left.0.cmp(&right.0));
        exports
    }
}

/// Composes the stages of one kind of pipeline; `None` where the configuration has nothing for it.
pub(super) fn compose(
    model: &Model,
    kind: PipelineKind,
    detail: Detail,
    stages: &[Arc<StageFlow>],
    facts: &mut Facts,
    interpret: &mut Interpret<'_>,
) -> Option<PipelineFlow> {
    let order = model.order(kind);
    if order.stages.is_empty() {
        return None;
    }
    let mut composer = Composer {
        model,
        kind,
        detail,
        stages,
        facts,
        interpret,
        parents: Vec::new(),
        targets: Vec::new(),
        runs: Vec::new(),
        leaks: Vec::new(),
        elsewhere: Vec::new(),
        target_index: FxHashMap::default(),
        seen: FxHashSet::default(),
        waiting: Vec::new(),
    };
    composer.parents(&order);
    composer.async_runs();
    late_exports::find(&composer.parents, &mut composer.runs, composer.facts, &order);
    let Composer { parents, targets, runs, leaks, elsewhere, .. } = composer;
    let stages = parents.into_iter().map(|(_, id, flow)| (id, flow)).collect();
    Some(PipelineFlow { kind, order, stages, targets, runs, leaks, elsewhere })
}

struct Composer<'a, 'i> {
    model: &'a Model,
    kind: PipelineKind,
    detail: Detail,
    stages: &'a [Arc<StageFlow>],
    facts: &'a mut Facts,
    interpret: &'a mut Interpret<'i>,
    /// Index of the order, stage, what it does.
    parents: Vec<(usize, StageId, Arc<StageFlow>)>,
    targets: Vec<(StageId, Arc<StageFlow>)>,
    runs: Vec<Run>,
    leaks: Vec<Leak>,
    elsewhere: Vec<Elsewhere>,
    /// Where each target stands in the list.
    target_index: FxHashMap<StageId, usize>,
    /// Async stages whose own triggers were followed.
    seen: FxHashSet<StageId>,
    /// Async stages that trigger others, with what they were given.
    waiting: Vec<(StageId, Known)>,
}

impl Composer<'_, '_> {
    fn parents(&mut self, order: &Order) {
        let mut left = Left::default();
        for (index, id) in order.stages.iter().enumerate() {
            let stage = self.model.stage(*id);
            if stage.runs == Runs::Never {
                continue;
            }
            let flow = self.in_surroundings(*id, &Entry { left: &left, order, at: index });
            for (subject, fact) in &flow.end {
                let fact = if stage.runs == Runs::Maybe { fact.weakened() } else { fact.clone() };
                left.add(self.facts, *subject, index, fact);
            }
            self.parents.push((index, *id, flow));
        }
        // What runs at the same time as a stage can stand behind it in the order: first all stages, then the triggers.
        for (index, id, flow) in self.parents.clone() {
            if flow.triggers().next().is_some() {
                let before = self.unfollowed_before(order, &left, index);
                self.triggers(id, false, &flow, &Entry { left: &left, order, at: index }, &before);
            }
        }
        self.leaks_without_trigger(order, &left);
    }

    fn async_runs(&mut self) {
        while let Some((id, known)) = self.waiting.pop() {
            let flow = self.target(id, &known);
            self.triggers(id, true, &flow, &known, &[]);
        }
    }

    /// What a stage does here; interpreted again only where the surroundings can make a difference.
    fn in_surroundings(&mut self, id: StageId, earlier: &dyn Earlier) -> Arc<StageFlow> {
        let plain = &self.stages[id.0 as usize];
        let depends_on_earlier = plain.reads().any(|read| {
            let Some(key) = read.key.clone().filter(|_| read.kind == StoreKind::Env) else { return false };
            let subject = self.facts.find(&Subject::Set(StoreKind::Env, key));
            subject.and_then(|subject| earlier.get(subject)).is_some_and(|fact| fact.value.is_some())
        });
        if !plain.depends_on_pipeline && !depends_on_earlier {
            return plain.clone();
        }
        let surroundings =
            PipelineContext { pipeline: Some(self.kind), entry: Some(earlier), stage: id, may_fail: self.model.stage(id).may_fail };
        match (self.interpret)(id, surroundings, self.facts) {
            Some(flow) => Arc::new(flow),
            None => plain.clone(),
        }
    }

    fn target(&mut self, id: StageId, known: &Known) -> Arc<StageFlow> {
        if let Some(index) = self.target_index.get(&id) {
            return self.targets[*index].1.clone();
        }
        let flow = self.in_surroundings(id, known);
        self.target_index.insert(id, self.targets.len());
        self.targets.push((id, flow.clone()));
        flow
    }

    /// What cannot be followed in the stages that run before another one, or may run at the same time.
    fn unfollowed_before(&self, order: &Order, left: &Left, at: usize) -> Vec<Unfollowed> {
        let leavings = self.facts.find(&Subject::Widened).and_then(|widened| left.facts.get(&widened));
        let facts = leavings.into_iter().flat_map(|leavings| &leavings.facts);
        let before = facts.filter(|(index, _)| *index != at && !order.is_before(at, *index));
        let flow_of = |index: usize| self.parents.iter().find(|(parent, _, _)| *parent == index).map(|(_, _, flow)| flow);
        let mut all = Vec::new();
        for (index, fact) in before {
            if let Some(flow) = flow_of(*index) {
                Unfollowed::add_all_of(flow, fact, &mut all);
            }
        }
        all
    }

    fn triggers(
        &mut self,
        from: StageId,
        from_async: bool,
        flow: &Arc<StageFlow>,
        earlier: &dyn Earlier,
        unfollowed_before: &[Unfollowed],
    ) {
        let mut resolved = Vec::new();
        for trigger in flow.triggers() {
            let is_one = trigger.names.len() == 1 && trigger.unknown.is_none();
            for name in &trigger.names {
                if let Target::Stage(target) = self.model.target(name) {
                    resolved.push((trigger, target, is_one && trigger.certain));
                }
            }
        }
        let targets: Vec<Arc<StageFlow>> = resolved.iter().map(|(_, target, _)| self.target(*target, &Known::default())).collect();
        let mut moment = Moment { facts: self.facts, cursor: Cursor::at(self.facts, ChangeId::ROOT), earlier, unfollowed_before };
        for trigger in flow.triggers() {
            moment.cursor.go(trigger.at);
            self.elsewhere.extend(elsewhere(trigger, |subject| moment.fact(subject)));
        }
        for ((trigger, target, certain), target_flow) in resolved.into_iter().zip(targets) {
            moment.cursor.go(trigger.at);
            let triggers_more = target_flow.triggers().next().is_some() && self.seen.insert(target);
            let exports = if triggers_more || self.detail == Detail::Exports { moment.exports() } else { Vec::new() };
            if triggers_more {
                let given = exports.iter().filter_map(|(key, fact)| {
                    let subject = self.facts.find(&Subject::Set(StoreKind::Env, key.clone()))?;
                    Some((subject, fact.clone()))
                });
                self.waiting.push((target, given.collect()));
            }
            find_leaks(&mut self.leaks, &moment, from, Some(trigger.place));
            self.runs.push(Run {
                from,
                from_async,
                trigger: trigger.clone(),
                target,
                certain,
                crossings: crossings(&target_flow, &moment, flow),
                lacking: lacking(&target_flow, &moment),
                known_bytes: moment.known_bytes() as u32,
                exports,
            });
        }
    }

    /// Secrets that are exported although nothing here triggers: another script may.
    fn leaks_without_trigger(&mut self, order: &Order, left: &Left) {
        let Some((last, _, _)) = self.parents.last() else { return };
        let stage = order.stages[*last];
        let end: Known = left.facts.iter().filter_map(|(subject, leavings)| Some((*subject, leavings.facts.last()?.1.clone()))).collect();
        let moment = Moment { facts: self.facts, cursor: Cursor::at(self.facts, ChangeId::ROOT), earlier: &end, unfollowed_before: &[] };
        find_leaks(&mut self.leaks, &moment, stage, None);
    }
}

/// What the target reads of one kind of keys, and has not surely set itself.
fn reads_by_key(target: &StageFlow, is_asked: impl Fn(StoreKind) -> bool) -> FxHashMap<(StoreKind, &CompactString), Vec<Read>> {
    let mut by_key: FxHashMap<(StoreKind, &CompactString), Vec<Read>> = FxHashMap::default();
    for read in target.reads().filter(|read| is_asked(read.kind) && read.own != Some(Certainty::Yes)) {
        if let Some(key) = &read.key {
            let reads = by_key.entry((read.kind, key)).or_default();
            if !reads.contains(read) {
                reads.push(read.clone());
            }
        }
    }
    by_key
}

fn crossings(target: &StageFlow, moment: &Moment<'_>, parent: &StageFlow) -> Vec<Crossing> {
    let unfollowed = moment.unfollowed(parent);
    let by_key = reads_by_key(target, |kind| kind == StoreKind::Env);
    let crossings = by_key.into_iter().map(|((_, key), mut reads)| {
        reads.shrink_to_fit();
        let exported = moment.fact(&Subject::Exported(key.clone()));
        let is_sent = exported.as_ref().is_some_and(|exported| exported.certainty == Certainty::Yes);
        let unsent = moment.fact(&Subject::Unsent(key.clone()));
        Crossing {
            key: key.clone(),
            reads,
            set: moment.fact(&Subject::Set(StoreKind::Env, key.clone())),
            is_set_unsent: !is_sent && unsent.is_some_and(|fact| fact.certainty.is_possible()),
            exported,
            exported_late: None,
            unfollowed: unfollowed.clone(),
        }
    });
    let mut crossings: Vec<Crossing> = crossings.collect();
    crossings.sort_by(|left, right| left.key.cmp(&right.key));
    crossings
}

fn lacking(target: &StageFlow, moment: &Moment<'_>) -> Option<Box<Lacking>> {
    let lacking = Lacking { left_behind: left_behind(target, moment), repos: repos(target, moment) };
    (!lacking.left_behind.is_empty() || !lacking.repos.is_empty()).then(|| Box::new(lacking))
}

fn left_behind(target: &StageFlow, moment: &Moment<'_>) -> Vec<LeftBehind> {
    let stays = |kind| matches!(kind, StoreKind::Secret | StoreKind::File | StoreKind::Result | StoreKind::Data | StoreKind::Workspace);
    let by_key = reads_by_key(target, stays);
    let left_behind = by_key.into_iter().filter_map(|((kind, key), reads)| {
        let set = moment.fact(&Subject::Set(kind, key.clone()))?;
        Some(LeftBehind { kind, key: key.clone(), reads, set })
    });
    let mut left_behind: Vec<LeftBehind> = left_behind.collect();
    left_behind.sort_by(|left, right| (left.kind, &left.key).cmp(&(right.kind, &right.key)));
    left_behind
}

fn repos(target: &StageFlow, moment: &Moment<'_>) -> Vec<RepoUse> {
    let by_key = reads_by_key(target, |kind| kind == StoreKind::Repo);
    let repos = by_key.into_iter().filter_map(|((_, name), reads)| {
        let set = moment.fact(&Subject::Set(StoreKind::Repo, name.clone()))?;
        let has = |property: &str| moment.fact(&Subject::RepoProperty(name.clone(), property.into())).is_some();
        // What adds a property to a repo that the platform knows is no registration.
        let is_registered = ["url", "path", "branch", "commit"].into_iter().any(has);
        if !is_registered || moment.fact(&Subject::AnyRepoProperty(name.clone())).is_some() || platform::is_registered_repo(name) {
            return None;
        }
        let lacks: Vec<&'static str> = CLONE_PROPERTIES.into_iter().filter(|property| !has(property)).collect();
        (!lacks.is_empty()).then(|| RepoUse { name: name.clone(), reads, set, lacks })
    });
    let mut repos: Vec<RepoUse> = repos.collect();
    repos.sort_by(|left, right| left.name.cmp(&right.name));
    repos
}

/// Notes each exported secret once.
fn find_leaks(leaks: &mut Vec<Leak>, moment: &Moment<'_>, stage: StageId, trigger: Option<Location>) {
    for id in moment.facts.risky_exports() {
        let Subject::Exported(key) = moment.facts.subject(*id) else { continue };
        if leaks.iter().any(|leak| leak.key == *key) {
            continue;
        }
        let Some(exported) = moment.at(*id) else { continue };
        let set = moment.fact(&Subject::Set(StoreKind::Env, key.clone()));
        let secret = set.as_ref().and_then(|set| set.secret().cloned());
        let is_parameter = set.is_none() && platform::is_secure(key);
        if secret.is_some() || is_parameter {
            leaks.push(Leak { stage, key: key.clone(), exported, set, secret, trigger });
        }
    }
}
