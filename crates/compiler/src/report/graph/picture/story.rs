//! What the title of each part says: where it is declared, set, exported, triggered and read.

use std::collections::BTreeSet;

use super::Pictured;
use super::layout::{Chip, Fate};
use crate::graph::{Edge, Graph, Node, NodeKind};
use crate::source::{Location, PathsFrom, Sources};

/// Of more places or names than this the rest is counted.
const ENOUGH: usize = 6;

/// Places as the reader knows them.
pub(in crate::report::graph) struct Story<'a> {
    pub(super) name: &'a str,
    sources: &'a Sources,
    paths: &'a PathsFrom,
}

impl<'a> Story<'a> {
    pub(in crate::report::graph) fn new(pictured: &Pictured<'a>) -> Self {
        Self { name: pictured.name, sources: pictured.sources, paths: pictured.paths }
    }

    /// `deploy/run:12`.
    fn place(&self, at: Location) -> String {
        let source = self.sources.get(at.file);
        format!("{}:{}", self.paths.show(source.path()), source.position(at.span.start).line)
    }

    fn places(&self, all: impl IntoIterator<Item = Location>) -> String {
        let all: BTreeSet<Location> = all.into_iter().collect();
        listed(all.into_iter().map(|at| self.place(at)).collect())
    }

    pub(super) fn node(&self, node: &Node) -> String {
        let (what, place) = match node.kind {
            NodeKind::Stage => ("stage", "at"),
            NodeKind::Async => ("async stage", "at"),
            NodeKind::Missing => ("not in this configuration", "triggered at"),
        };
        let task = node.task.as_ref().map(|task| format!("\ntask {task}")).unwrap_or_default();
        format!("{}: {what}\n{place} {}{task}", node.stage, self.place(node.at))
    }

    pub(super) fn edges(&self, edges: &[&Edge]) -> String {
        let Some(first) = edges.first() else { return String::new() };
        let sites = self.places(edges.iter().filter_map(|edge| edge.site));
        let words = if sites.is_empty() {
            format!("{} runs after {}", first.to, first.from)
        } else {
            format!("{} triggers {}\nat {sites}", first.from, first.to)
        };
        let condition = if edges.iter().any(|edge| edge.certain) { "" } else { "\nunder a condition" };
        let cycle = if edges.iter().any(|edge| edge.is_cycle) { "\npart of a cycle" } else { "" };
        format!("{words}{condition}{cycle}")
    }

    pub(super) fn chip(&self, chip: &Chip, graph: &Graph) -> String {
        let [name] = &chip.names[..] else {
            let words = if chip.fate == Fate::Unread { "exported, not read" } else { "read" };
            return if chip.names.is_empty() { chip.text.clone() } else { format!("{words}: {}", listed(chip.names.clone())) };
        };
        let variables = || chip.edges.iter().flat_map(|edge| &graph.edges[*edge].variables).filter(|variable| variable.name == *name);
        let mut lines = vec![name.clone()];
        let mut line = |words: &str, places: String| {
            if !places.is_empty() {
                lines.push(format!("{words} {places}"));
            }
        };
        line("set at", self.places(variables().flat_map(|variable| variable.set.iter().copied())));
        let exported = self.places(variables().flat_map(|variable| variable.exported.iter().copied()));
        match chip.fate {
            Fate::Lost => line("never exported", " ".to_owned()),
            Fate::Partly => line("exported on only some paths, at", exported),
            Fate::Sent | Fate::Unread => line("exported at", exported),
        }
        line("read at", self.places(variables().flat_map(|variable| variable.read.iter().copied())));
        lines.join("\n").replace("exported  ", "exported")
    }
}

/// `a, b and 4 more`.
fn listed(mut all: Vec<String>) -> String {
    all.dedup();
    let more = all.len().saturating_sub(ENOUGH);
    all.truncate(ENOUGH);
    if more == 0 { all.join(", ") } else { format!("{} and {more} more", all.join(", ")) }
}
