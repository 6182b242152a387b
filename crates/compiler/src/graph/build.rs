//! The graph from model and flow.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use super::cycles;
use crate::config::{Model, StageId, Target};
use crate::flow::{Certainty, Flow, PipelineFlow, Run, Trigger};
use crate::platform::PipelineKind;
use crate::source::{FileId, Location};

/// Stages, and what leads from one to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The stages in the order of the file, then the names that are triggered and are no stages.
    pub nodes: Vec<Node>,
    /// Triggers in the order of their places, then the order of stages.
    pub edges: Vec<Edge>,
    /// What each pipeline runs by itself, in an order that it can take.
    pub pipelines: Vec<Spine>,
}

/// What a pipeline runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spine {
    /// The pipeline.
    pub kind: PipelineKind,
    /// The ids of the nodes.
    pub stages: Vec<String>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A pipeline runs it by itself.
    Stage,
    /// Triggers start it.
    Async,
    /// Something triggers it, and the configuration does not have it.
    Missing,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Unique: the stage's name in format 1, `task/step` in format 2.
    pub id: String,
    /// The stage's name.
    pub stage: String,
    /// The task that it is a step of, in format 2.
    pub task: Option<String>,
    /// What it is.
    pub kind: NodeKind,
    /// Where its name stands; of a missing one, the first trigger.
    pub at: Location,
}

/// What an edge means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// A script of one starts the other.
    Trigger,
    /// A pipeline runs one after the other.
    Order,
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// What it means.
    pub kind: EdgeKind,
    /// The id of the node it leaves.
    pub from: String,
    /// The id of the node it enters.
    pub to: String,
    /// The pipelines in which it holds.
    pub pipelines: Vec<PipelineKind>,
    /// The trigger.
    pub site: Option<Location>,
    /// Whether the trigger surely starts this stage.
    pub certain: bool,
    /// Whether it is part of a cycle.
    pub is_cycle: bool,
    /// What crosses, or should, sorted by name.
    pub variables: Vec<Variable>,
}

/// A variable between a parent and an async stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its key.
    pub name: String,
    /// Where the parent sets it before the trigger.
    pub set: Vec<Location>,
    /// Where it is exported before the trigger.
    pub exported: Vec<Location>,
    /// Whether every path to the trigger exports it.
    pub exported_surely: bool,
    /// Where the target reads it.
    pub read: Vec<Location>,
}

/// The graph of all pipelines together. The flow must have been analysed with all exports.
pub fn build(model: &Model, flow: &Flow, file: FileId) -> Graph {
    build_of(model, flow, file, &flow.pipelines)
}

/// The graph of each pipeline by itself: what crosses can differ between them.
pub fn build_each(model: &Model, flow: &Flow, file: FileId) -> Vec<Graph> {
    flow.pipelines.iter().map(|pipeline| build_of(model, flow, file, std::slice::from_ref(pipeline))).collect()
}

fn build_of(model: &Model, flow: &Flow, file: FileId, pipelines: &[PipelineFlow]) -> Graph {
    let targets: BTreeSet<StageId> = flow.pipelines.iter().flat_map(|pipeline| pipeline.runs.iter().map(|run| run.target)).collect();
    let mut nodes: Vec<Node> = model
        .stages()
        .map(|(stage, declared)| Node {
            id: node_id(model, stage),
            stage: declared.name.name.to_string(),
            task: declared.task.map(|task| model.task(task).name.name.to_string()),
            kind: if targets.contains(&stage) || model.is_async(stage) { NodeKind::Async } else { NodeKind::Stage },
            at: Location { file, span: declared.name.span },
        })
        .collect();
    let mut edges = Edges { model, triggers: BTreeMap::new(), orders: BTreeMap::new() };
    let mut missing: BTreeMap<String, Location> = BTreeMap::new();
    for pipeline in pipelines {
        for run in &pipeline.runs {
            edges.run(run, pipeline.kind);
        }
        for (stage, trigger, name) in missing_triggers(model, flow, pipeline) {
            edges.missing(stage, trigger, name, pipeline.kind);
            let at = missing.entry(name.to_string()).or_insert(trigger.place);
            *at = trigger.place.min(*at);
        }
        let stages: Vec<StageId> = pipeline.stages.iter().map(|(stage, _)| *stage).collect();
        for (from, to) in pipeline.order.links(&stages) {
            edges.order(from, to, pipeline.kind);
        }
    }
    nodes.extend(missing.into_iter().map(|(name, at)| Node { id: name.clone(), stage: name, task: None, kind: NodeKind::Missing, at }));
    let spine = |pipeline: &PipelineFlow| Spine {
        kind: pipeline.kind,
        stages: pipeline.stages.iter().map(|(stage, _)| node_id(model, *stage)).collect(),
    };
    let pipelines: Vec<Spine> = pipelines.iter().map(spine).collect();
    let mut edges = edges.finish();
    mark_trigger_cycles(&mut edges);
    add_order_cycles(&mut edges, model, &pipelines);
    Graph { nodes, edges, pipelines }
}

/// Every trigger of a name that is no stage, with the stage whose script has it. Where the run may read another
/// configuration, no stage is missing.
pub fn missing_triggers<'a>(
    model: &'a Model,
    flow: &'a Flow,
    pipeline: &'a PipelineFlow,
) -> impl Iterator<Item = (StageId, &'a Trigger, &'a CompactString)> {
    let is_elsewhere = |place| flow.elsewhere.iter().any(|elsewhere| elsewhere.name_place == place);
    let triggers = pipeline.flows().flat_map(|(stage, flow)| flow.triggers().map(move |trigger| (stage, trigger)));
    triggers.filter(move |(_, trigger)| !is_elsewhere(trigger.name_place)).flat_map(move |(stage, trigger)| {
        let missing = trigger.names.iter().filter(|name| !matches!(model.target(name), Target::Stage(_)));
        missing.map(move |name| (stage, trigger, name))
    })
}

/// The id of a stage's node: its name in format 1, `task/step` in format 2.
pub(crate) fn node_id(model: &Model, stage: StageId) -> String {
    let declared = model.stage(stage);
    match declared.task {
        Some(task) => format!("{}/{}", model.task(task).name.name, declared.name.name),
        None => declared.name.name.to_string(),
    }
}

/// A trigger, and its variables by their names.
type Carrying = (Edge, BTreeMap<String, Variable>);

/// Edges by what they lead from and to, while they are joined over the pipelines.
struct Edges<'a> {
    model: &'a Model,
    triggers: BTreeMap<(Location, String, String), Carrying>,
    orders: BTreeMap<(String, String), Vec<PipelineKind>>,
}

impl Edges<'_> {
    fn run(&mut self, run: &Run, kind: PipelineKind) {
        let (from, to) = (node_id(self.model, run.from), node_id(self.model, run.target));
        let (edge, variables) = self.trigger(run.trigger.place, from, to, kind);
        edge.certain &= run.certain;
        for variable in self::variables(run) {
            match variables.get_mut(&variable.name) {
                Some(known) => join(known, variable),
                None => {
                    variables.insert(variable.name.clone(), variable);
                }
            }
        }
    }

    fn missing(&mut self, stage: StageId, trigger: &Trigger, name: &CompactString, kind: PipelineKind) {
        let from = node_id(self.model, stage);
        let (edge, _) = self.trigger(trigger.place, from, name.to_string(), kind);
        edge.certain &= trigger.certain && trigger.names.len() == 1 && trigger.unknown.is_none();
    }

    fn trigger(&mut self, site: Location, from: String, to: String, kind: PipelineKind) -> &mut Carrying {
        let entry = self.triggers.entry((site, from, to));
        let (_, from, to) = entry.key().clone();
        let known = entry.or_insert_with(|| (Edge { site: Some(site), ..Edge::new(EdgeKind::Trigger, from, to) }, BTreeMap::new()));
        if !known.0.pipelines.contains(&kind) {
            known.0.pipelines.push(kind);
        }
        known
    }

    fn order(&mut self, from: StageId, to: StageId, kind: PipelineKind) {
        self.orders.entry((node_id(self.model, from), node_id(self.model, to))).or_default().push(kind);
    }

    fn finish(self) -> Vec<Edge> {
        let triggers = self.triggers.into_values().map(|(edge, variables)| Edge { variables: variables.into_values().collect(), ..edge });
        let orders = self.orders.into_iter().map(|((from, to), pipelines)| Edge { pipelines, ..Edge::new(EdgeKind::Order, from, to) });
        triggers.chain(orders).collect()
    }
}

impl Edge {
    /// Whether another edge is the same, whatever the pipelines in which they hold.
    pub fn does_as(&self, other: &Self) -> bool {
        let Self { kind, from, to, pipelines: _, site, certain, is_cycle, variables } = self;
        (*kind, from, to, *site) == (other.kind, &other.from, &other.to, other.site)
            && (*certain, *is_cycle) == (other.certain, other.is_cycle)
            && *variables == other.variables
    }

    fn new(kind: EdgeKind, from: String, to: String) -> Self {
        Self { kind, from, to, pipelines: Vec::new(), site: None, certain: true, is_cycle: false, variables: Vec::new() }
    }
}

/// Marks the triggers by which async stages start each other again and again.
fn mark_trigger_cycles(edges: &mut [Edge]) {
    let is_trigger = |edge: &&mut Edge| edge.kind == EdgeKind::Trigger;
    let links: BTreeSet<(String, String)> =
        edges.iter().filter(|edge| edge.kind == EdgeKind::Trigger).map(|edge| (edge.from.clone(), edge.to.clone())).collect();
    let found = cycles(links.iter().map(|(from, to)| (from.as_str(), to.as_str())));
    let on_cycle: BTreeSet<(&str, &str)> = found.iter().flat_map(|cycle| steps(cycle)).collect();
    for edge in edges.iter_mut().filter(is_trigger) {
        edge.is_cycle = on_cycle.contains(&(edge.from.as_str(), edge.to.as_str()));
    }
}

/// Adds the links by which stages or tasks wait for each other: no order that a pipeline can take has them.
fn add_order_cycles(edges: &mut Vec<Edge>, model: &Model, pipelines: &[Spine]) {
    let spines: BTreeMap<&str, PipelineKind> =
        pipelines.iter().flat_map(|spine| spine.stages.iter().map(|stage| (stage.as_str(), spine.kind))).collect();
    let waits = model.waits();
    let links = waits.iter().flat_map(|wait| wait.after.iter().map(|after| (after.name.as_str(), wait.name)));
    for (first, second) in cycles(links).iter().flat_map(|cycle| steps(cycle)) {
        let ((_, last), (start, _)) = (ends(model, first), ends(model, second));
        let pipelines = spines.get(start.as_str()).copied().into_iter().collect();
        match edges.iter_mut().find(|edge| edge.kind == EdgeKind::Order && edge.from == last && edge.to == start) {
            Some(edge) => edge.is_cycle = true,
            None => edges.push(Edge { pipelines, is_cycle: true, ..Edge::new(EdgeKind::Order, last, start) }),
        }
    }
}

/// The nodes in which a stage or a task begins and ends.
fn ends(model: &Model, name: &str) -> (String, String) {
    let stages = model.stages().filter(|(_, stage)| match stage.task {
        Some(task) => model.task(task).name.name == name,
        None => stage.name.name == name,
    });
    let ids: Vec<String> = stages.map(|(id, _)| node_id(model, id)).collect();
    (ids.first().cloned().unwrap_or_default(), ids.last().cloned().unwrap_or_default())
}

/// The links of a cycle.
fn steps<'a>(cycle: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    (0..cycle.len()).map(|at| (cycle[at], cycle[(at + 1) % cycle.len()])).collect()
}

/// What the parent knows of at the trigger: all that it exported, and what the target reads that it has set.
fn variables(run: &Run) -> impl Iterator<Item = Variable> {
    let crossing = run.crossings.iter().filter(|crossing| crossing.set.is_some() || crossing.exported.is_some()).map(|crossing| Variable {
        name: crossing.key.to_string(),
        set: crossing.set.iter().flat_map(|fact| fact.places.iter().copied()).collect(),
        exported: crossing.exported.iter().flat_map(|fact| fact.places.iter().copied()).collect(),
        exported_surely: crossing.exported.as_ref().is_some_and(|fact| fact.certainty == Certainty::Yes),
        read: crossing.reads.iter().map(|read| read.place).collect(),
    });
    let read: BTreeSet<&str> = run.crossings.iter().map(|crossing| crossing.key.as_str()).collect();
    let only_exported = run.exports.iter().filter(move |(key, _)| !read.contains(key.as_str()));
    crossing.chain(only_exported.map(|(key, fact)| Variable {
        name: key.to_string(),
        set: Vec::new(),
        exported: fact.places.to_vec(),
        exported_surely: fact.certainty == Certainty::Yes,
        read: Vec::new(),
    }))
}

fn join(known: &mut Variable, variable: Variable) {
    let join = |places: &mut Vec<Location>, more: Vec<Location>| {
        places.extend(more);
        places.sort_unstable();
        places.dedup();
    };
    known.exported_surely &= variable.exported_surely;
    join(&mut known.set, variable.set);
    join(&mut known.exported, variable.exported);
    join(&mut known.read, variable.read);
}
