//! Graphviz DOT.

use super::label::{label, line};
use crate::graph::{EdgeKind, Graph, NodeKind};

/// More variables than this are counted at an edge.
const MOST: usize = 12;

/// The graph for Graphviz. Async stages are rounded, triggers solid, dashed under a condition, the order of stages dotted;
/// what is missing or part of a cycle is red.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from(
        "digraph pipeline {\n  rankdir=LR;\n  node [shape=box, fontname=\"Helvetica\"];\n  edge [fontname=\"Helvetica\", fontsize=10];\n",
    );
    for node in &graph.nodes {
        let style = match node.kind {
            NodeKind::Stage => "",
            NodeKind::Async => ", style=\"rounded,filled\", fillcolor=\"#e8f0fe\"",
            NodeKind::Missing => ", style=\"rounded,dashed\", color=\"#cf222e\", fontcolor=\"#cf222e\"",
        };
        line(&mut out, format_args!("  {} [label={}{style}];", quoted(&node.id), quoted(&node.stage)));
    }
    for edge in &graph.edges {
        let (from, to) = (quoted(&edge.from), quoted(&edge.to));
        let color = if edge.is_cycle { ", color=\"#cf222e\"" } else { "" };
        match edge.kind {
            EdgeKind::Trigger => {
                let style = if edge.certain { "" } else { ", style=dashed" };
                line(&mut out, format_args!("  {from} -> {to} [label={}{style}{color}];", quoted(&label(edge, MOST).join("\n"))));
            }
            EdgeKind::Order if edge.is_cycle => line(&mut out, format_args!("  {from} -> {to} [style=dotted{color}];")),
            EdgeKind::Order => line(&mut out, format_args!("  {from} -> {to} [style=dotted, color=gray];")),
        }
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
