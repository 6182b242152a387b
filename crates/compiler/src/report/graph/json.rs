//! `graph --format json`: `schemas/graph.schema.json`.

use serde::Serialize;

use crate::graph::{EdgeKind, Graph, NodeKind};
use crate::source::{Location, PathsFrom, Place, Sources};

/// The graph with every place written out.
#[derive(Debug, Serialize)]
pub struct GraphOut {
    version: u32,
    nodes: Vec<NodeOut>,
    edges: Vec<EdgeOut>,
    pipelines: Vec<SpineOut>,
}

#[derive(Debug, Serialize)]
struct SpineOut {
    pipeline: &'static str,
    stages: Vec<String>,
}

#[derive(Debug, Serialize)]
struct NodeOut {
    id: String,
    stage: String,
    r#async: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    missing: bool,
    #[serde(flatten)]
    place: Place,
}

#[derive(Debug, Serialize)]
struct EdgeOut {
    kind: &'static str,
    from: String,
    to: String,
    pipelines: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<Place>,
    certain: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cycle: bool,
    variables: Vec<VariableOut>,
}

#[derive(Debug, Serialize)]
struct VariableOut {
    name: String,
    set: Vec<Place>,
    exported: Vec<Place>,
    read: Vec<Place>,
}

/// The graph as a value for JSON.
pub fn json(graph: &Graph, sources: &Sources, paths: &PathsFrom) -> GraphOut {
    let place = |at| Place::new(sources, at).shown(|path| paths.show(path));
    let places = |all: &[Location]| all.iter().map(|at| place(*at)).collect();
    let nodes = graph.nodes.iter().map(|node| NodeOut {
        id: node.id.clone(),
        stage: node.stage.clone(),
        r#async: node.kind != NodeKind::Stage,
        missing: node.kind == NodeKind::Missing,
        place: place(node.at),
    });
    let edges = graph.edges.iter().map(|edge| EdgeOut {
        kind: match edge.kind {
            EdgeKind::Trigger => "trigger",
            EdgeKind::Order => "order",
        },
        from: edge.from.clone(),
        to: edge.to.clone(),
        pipelines: edge.pipelines.iter().map(|pipeline| pipeline.name()).collect(),
        site: edge.site.map(place),
        certain: edge.certain,
        cycle: edge.is_cycle,
        variables: edge
            .variables
            .iter()
            .map(|variable| VariableOut {
                name: variable.name.clone(),
                set: places(&variable.set),
                exported: places(&variable.exported),
                read: places(&variable.read),
            })
            .collect(),
    });
    let pipelines = graph.pipelines.iter().map(|spine| SpineOut { pipeline: spine.kind.name(), stages: spine.stages.clone() });
    GraphOut { version: 1, nodes: nodes.collect(), edges: edges.collect(), pipelines: pipelines.collect() }
}
