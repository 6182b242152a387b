//! The facts behind the picture, for the script of the page. Places are numbers in one table, each with its lines of code.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::diagnostics::Finding;
use crate::graph::{Edge, EdgeKind, NodeKind};
use crate::report::graph::mermaid;
use crate::report::graph::picture::{Pictured, Scene};
use crate::source::Location;

/// Lines before and after a place.
const CONTEXT: usize = 2;
/// Of longer lines the rest is left out.
const MAX_LINE: usize = 240;

/// All of it.
#[derive(Serialize)]
pub(super) struct Data {
    name: String,
    scenes: Vec<SceneOut>,
    findings: Vec<FindingOut>,
    places: Vec<PlaceOut>,
}

#[derive(Serialize)]
struct SceneOut {
    /// For the address of the page.
    key: String,
    title: String,
    /// None for what nothing starts.
    pipelines: Vec<&'static str>,
    nodes: Vec<NodeOut>,
    edges: Vec<EdgeOut>,
    /// Names that are exported and not read by a target, and where they are exported.
    unread: Vec<(String, Vec<usize>)>,
    /// Nothing where the chart is too large for Mermaid.
    #[serde(skip_serializing_if = "Option::is_none")]
    mermaid: Option<String>,
}

#[derive(Serialize)]
struct NodeOut {
    id: String,
    stage: String,
    kind: &'static str,
    place: usize,
}

#[derive(Serialize)]
struct EdgeOut {
    from: String,
    to: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<usize>,
    certain: bool,
    cycle: bool,
    variables: Vec<VariableOut>,
    /// Numbers in the scene's `unread`.
    unread: Vec<usize>,
}

#[derive(Serialize)]
struct VariableOut {
    name: String,
    set: Vec<usize>,
    exported: Vec<usize>,
    surely: bool,
    read: Vec<usize>,
}

#[derive(Serialize)]
struct FindingOut {
    rule: &'static str,
    severity: &'static str,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    url: String,
    place: usize,
    related: Vec<(usize, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    pipelines: Vec<&'static str>,
}

/// A place with its lines: columns are characters from 1.
#[derive(Serialize)]
struct PlaceOut {
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    /// The number of the first of the lines.
    first: usize,
    lines: Vec<String>,
}

/// Collects it.
pub(super) fn data(pictured: &Pictured<'_>, scenes: &[Scene<'_>], findings: &[Finding]) -> Data {
    let mut places = Places { pictured, known: HashMap::new(), all: Vec::new() };
    let scenes = scenes.iter().map(|scene| scene_out(scene, pictured, &mut places)).collect();
    let findings = findings.iter().map(|finding| finding_out(finding, &mut places)).collect();
    Data { name: pictured.name.to_owned(), scenes, findings, places: places.all }
}

fn scene_out(scene: &Scene<'_>, pictured: &Pictured<'_>, places: &mut Places<'_>) -> SceneOut {
    let shown = scene.shown();
    let nodes = scene.graph.nodes.iter().enumerate().filter(|(index, _)| shown.contains(index)).map(|(_, node)| NodeOut {
        id: node.id.clone(),
        stage: node.stage.clone(),
        kind: match node.kind {
            NodeKind::Stage => "stage",
            NodeKind::Async => "async",
            NodeKind::Missing => "missing",
        },
        place: places.number(node.at),
    });
    let nodes = nodes.collect();
    let edges: &[Edge] = if scene.pipelines.is_empty() { &[] } else { &scene.graph.edges };
    let mut unread: BTreeMap<&str, BTreeSet<Location>> = BTreeMap::new();
    for variable in edges.iter().flat_map(|edge| &edge.variables).filter(|variable| variable.read.is_empty()) {
        unread.entry(&variable.name).or_default().extend(&variable.exported);
    }
    let number: HashMap<&str, usize> = unread.keys().enumerate().map(|(index, name)| (*name, index)).collect();
    let edges = edges.iter().map(|edge| edge_out(edge, &number, places)).collect();
    let title = format!("{}: {}", scene.title, pictured.name);
    SceneOut {
        key: scene.pipelines.first().map_or("rest", |kind| kind.name()).to_owned(),
        title: scene.title.clone(),
        pipelines: scene.pipelines.iter().map(|kind| kind.name()).collect(),
        nodes,
        edges,
        unread: unread.into_iter().map(|(name, at)| (name.to_owned(), places.numbers(at))).collect(),
        mermaid: mermaid(scene.graph, &title).ok(),
    }
}

fn edge_out(edge: &Edge, unread: &HashMap<&str, usize>, places: &mut Places<'_>) -> EdgeOut {
    let variables = edge.variables.iter().filter(|variable| !variable.read.is_empty()).map(|variable| VariableOut {
        name: variable.name.clone(),
        set: places.numbers(variable.set.iter().copied()),
        exported: places.numbers(variable.exported.iter().copied()),
        surely: variable.exported_surely,
        read: places.numbers(variable.read.iter().copied()),
    });
    EdgeOut {
        from: edge.from.clone(),
        to: edge.to.clone(),
        kind: match edge.kind {
            EdgeKind::Trigger => "trigger",
            EdgeKind::Order => "order",
        },
        variables: variables.collect(),
        site: edge.site.map(|site| places.number(site)),
        certain: edge.certain,
        cycle: edge.is_cycle,
        unread: edge.variables.iter().filter(|variable| variable.read.is_empty()).map(|variable| unread[variable.name.as_str()]).collect(),
    }
}

fn finding_out(finding: &Finding, places: &mut Places<'_>) -> FindingOut {
    FindingOut {
        rule: finding.rule.name(),
        severity: finding.severity.name(),
        title: finding.message.clone(),
        label: finding.label.clone(),
        help: finding.help.clone(),
        url: finding.rule.url(),
        place: places.number(finding.at),
        related: finding.related.iter().map(|related| (places.number(related.at), related.message.clone())).collect(),
        stage: finding.stage.as_ref().map(ToString::to_string),
        variable: finding.variable.as_ref().map(ToString::to_string),
        pipelines: finding.pipelines.iter().map(|pipeline| pipeline.name()).collect(),
    }
}

/// The table of places, each once.
struct Places<'a> {
    pictured: &'a Pictured<'a>,
    known: HashMap<Location, usize>,
    all: Vec<PlaceOut>,
}

impl Places<'_> {
    fn numbers(&mut self, all: impl IntoIterator<Item = Location>) -> Vec<usize> {
        all.into_iter().map(|at| self.number(at)).collect()
    }

    fn number(&mut self, at: Location) -> usize {
        if let Some(number) = self.known.get(&at) {
            return *number;
        }
        let source = self.pictured.sources.get(at.file);
        let (start, end) = (source.position(at.span.start), source.position(at.span.end));
        let table = source.line_table();
        let first = start.line.saturating_sub(CONTEXT).max(1);
        let last = (start.line + CONTEXT).min(table.lines());
        let line = |number: usize| {
            let from = table.line_start(number);
            let to = if number < table.lines() { table.line_start(number + 1) } else { source.text().len() };
            source.text()[from..to].trim_end_matches(['\r', '\n']).chars().take(MAX_LINE).collect()
        };
        self.all.push(PlaceOut {
            file: self.pictured.paths.show(source.path()),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            first,
            lines: (first..=last).map(line).collect(),
        });
        self.known.insert(at, self.all.len() - 1);
        self.all.len() - 1
    }
}
