//! The graph from model and flow.

use std::collections::BTreeMap;

use crate::config::{Model, StageId};
use crate::flow::{Certainty, Flow, Run};
use crate::platform::PipelineKind;
use crate::source::Location;

/// Stages, and what leads from one to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// In the order of the file.
    pub nodes: Vec<Node>,
    /// Triggers in the order of their places, then the order of stages.
    pub edges: Vec<Edge>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Unique: the stage's name in format 1, `task/step` in format 2.
    pub id: String,
    /// The stage's name.
    pub stage: String,
    /// Whether it is started by triggers.
    pub is_async: bool,
    /// Where its name stands.
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

/// Builds the graph. The flow must have been analysed with all exports.
pub fn build(model: &Model, flow: &Flow, file: crate::source::FileId) -> Graph {
    let id = |stage: StageId| node_id(model, stage);
    let targets: Vec<StageId> = flow.pipelines.iter().flat_map(|pipeline| pipeline.runs.iter().map(|run| run.target)).collect();
    let nodes = model.stages().map(|(stage, declared)| Node {
        id: id(stage),
        stage: declared.name.name.to_string(),
        is_async: targets.contains(&stage) || model.is_async(stage),
        at: Location { file, span: declared.name.span },
    });
    let mut triggers: BTreeMap<(Location, String, String), Edge> = BTreeMap::new();
    let mut orders: BTreeMap<(String, String), Vec<PipelineKind>> = BTreeMap::new();
    for pipeline in &flow.pipelines {
        for run in &pipeline.runs {
            let key = (run.trigger.place, id(run.from), id(run.target));
            let edge = triggers.entry(key).or_insert_with(|| Edge {
                kind: EdgeKind::Trigger,
                from: id(run.from),
                to: id(run.target),
                pipelines: Vec::new(),
                site: Some(run.trigger.place),
                certain: run.certain,
                variables: Vec::new(),
            });
            edge.certain &= run.certain;
            if !edge.pipelines.contains(&pipeline.kind) {
                edge.pipelines.push(pipeline.kind);
            }
            for variable in variables(run) {
                add(&mut edge.variables, variable);
            }
        }
        for pair in pipeline.stages.windows(2) {
            let pipelines = orders.entry((id(pair[0].0), id(pair[1].0))).or_default();
            pipelines.push(pipeline.kind);
        }
    }
    let mut edges: Vec<Edge> = triggers.into_values().collect();
    for edge in &mut edges {
        edge.variables.sort_by(|left, right| left.name.cmp(&right.name));
    }
    edges.extend(orders.into_iter().map(|((from, to), pipelines)| Edge {
        kind: EdgeKind::Order,
        from,
        to,
        pipelines,
        site: None,
        certain: true,
        variables: Vec::new(),
    }));
    Graph { nodes: nodes.collect(), edges }
}

fn node_id(model: &Model, stage: StageId) -> String {
    let declared = model.stage(stage);
    match declared.task {
        Some(task) => format!("{}/{}", model.task(task).name.name, declared.name.name),
        None => declared.name.name.to_string(),
    }
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
    let only_exported = run.exports.iter().filter(|(key, _)| run.crossings.iter().all(|crossing| crossing.key != *key));
    crossing.chain(only_exported.map(|(key, fact)| Variable {
        name: key.to_string(),
        set: Vec::new(),
        exported: fact.places.to_vec(),
        exported_surely: fact.certainty == Certainty::Yes,
        read: Vec::new(),
    }))
}

fn add(variables: &mut Vec<Variable>, variable: Variable) {
    let Some(known) = variables.iter_mut().find(|known| known.name == variable.name) else {
        variables.push(variable);
        return;
    };
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
