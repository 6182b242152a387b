//! What is drawn: the pipelines, each with its graph, its title and its drawing.

use std::collections::{BTreeSet, HashSet};

use super::Pictured;
use super::layout::{Drawing, drawing, rest};
use crate::graph::{Edge, EdgeKind, Graph};
use crate::platform::PipelineKind;

/// A part of a picture.
pub(in crate::report::graph) struct Scene<'a> {
    /// The pipelines that it shows: none for what nothing starts.
    pub(in crate::report::graph) pipelines: Vec<PipelineKind>,
    /// `CI`, `PR and CI`, or what it shows instead.
    pub(in crate::report::graph) title: String,
    pub(in crate::report::graph) graph: &'a Graph,
    pub(in crate::report::graph) drawing: Drawing,
}

impl Scene<'_> {
    /// The nodes that are drawn.
    pub(in crate::report::graph) fn shown(&self) -> BTreeSet<usize> {
        self.drawing.shapes.iter().map(|shape| shape.node).collect()
    }
}

/// The parts of a picture, in the order of the pipelines. Pipelines that do the same are one part.
pub(in crate::report::graph) fn scenes<'a>(pictured: &Pictured<'a>) -> Vec<Scene<'a>> {
    let mut groups: Vec<(&Graph, Vec<PipelineKind>)> = Vec::new();
    for graph in pictured.each {
        let kinds = graph.pipelines.iter().map(|spine| spine.kind);
        match groups.iter_mut().find(|(known, _)| is_alike(known, graph)) {
            Some((_, all)) => all.extend(kinds),
            None => groups.push((graph, kinds.collect())),
        }
    }
    let parts = groups.into_iter().map(|(graph, pipelines)| {
        let title = title(&pipelines);
        Scene { pipelines, title, graph, drawing: drawing(graph) }
    });
    let mut parts: Vec<Scene<'_>> = parts.collect();
    let idle = idle(pictured);
    if !idle.is_empty() {
        parts.push(Scene {
            pipelines: Vec::new(),
            title: "Started by nothing".to_owned(),
            graph: pictured.whole,
            drawing: rest(pictured.whole, &idle),
        });
    }
    parts
}

/// `CI pipeline`, `PR, CI and CD pipelines`.
fn title(kinds: &[PipelineKind]) -> String {
    let names: Vec<String> = kinds.iter().map(|kind| kind.name().to_uppercase()).collect();
    match names.split_last() {
        Some((_, [])) if kinds == [PipelineKind::Simple] => "Pipeline".to_owned(),
        Some((last, [])) => format!("{last} pipeline"),
        Some((last, rest)) => format!("{} and {last} pipelines", rest.join(", ")),
        None => String::new(),
    }
}

/// Whether two pipelines do the same.
fn is_alike(left: &Graph, right: &Graph) -> bool {
    let spine = |graph: &'_ Graph| graph.pipelines.iter().flat_map(|spine| spine.stages.iter().cloned()).collect::<Vec<_>>();
    let is_same = |(left, right): (&Edge, &Edge)| left.does_as(right);
    left.nodes == right.nodes
        && left.edges.len() == right.edges.len()
        && spine(left) == spine(right)
        && left.edges.iter().zip(&right.edges).all(is_same)
}

/// The stages that no pipeline runs and no trigger leads to.
fn idle(pictured: &Pictured<'_>) -> Vec<usize> {
    let graph = pictured.whole;
    let triggered = graph.edges.iter().filter(|edge| edge.kind == EdgeKind::Trigger).map(|edge| edge.to.as_str());
    let run = pictured.each.iter().flat_map(|graph| &graph.pipelines).flat_map(|spine| spine.stages.iter().map(String::as_str));
    let started: HashSet<&str> = triggered.chain(run).collect();
    graph.nodes.iter().enumerate().filter(|(_, node)| !started.contains(node.id.as_str())).map(|(index, _)| index).collect()
}
