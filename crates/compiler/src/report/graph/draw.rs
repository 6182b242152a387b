//! The graph as text: DOT and Mermaid.

use std::fmt::Write;

use crate::graph::{Edge, EdgeKind, Graph, Variable};

/// Graphviz DOT. Async stages are rounded, triggers solid, the order of stages dotted.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from(
        "digraph pipeline {\n  rankdir=LR;\n  node [shape=box, fontname=\"Helvetica\"];\n  edge [fontname=\"Helvetica\", fontsize=10];\n",
    );
    for node in &graph.nodes {
        let style = if node.is_async { ", style=\"rounded,filled\", fillcolor=\"#e8f0fe\"" } else { "" };
        line(&mut out, format_args!("  {} [label={}{style}];", quoted(&node.id), quoted(&node.stage)));
    }
    for edge in &graph.edges {
        let (from, to) = (quoted(&edge.from), quoted(&edge.to));
        match edge.kind {
            EdgeKind::Trigger => {
                let style = if edge.certain { "" } else { ", style=dashed" };
                line(&mut out, format_args!("  {from} -> {to} [label={}{style}];", quoted(&label(edge).join("\n"))));
            }
            EdgeKind::Order => line(&mut out, format_args!("  {from} -> {to} [style=dotted, color=gray];")),
        }
    }
    out.push_str("}\n");
    out
}

/// A Mermaid flow chart, as GitHub and GitLab show it in Markdown.
pub fn mermaid(graph: &Graph) -> String {
    let mut out = String::from("flowchart LR\n");
    let number = |id: &str| graph.nodes.iter().position(|node| node.id == id).unwrap_or_default();
    for (index, node) in graph.nodes.iter().enumerate() {
        let text = escaped(&node.stage);
        let shape = if node.is_async { format!("([\"{text}\"])") } else { format!("[\"{text}\"]") };
        line(&mut out, format_args!("  n{index}{shape}"));
    }
    for edge in &graph.edges {
        let (from, to) = (number(&edge.from), number(&edge.to));
        match edge.kind {
            EdgeKind::Trigger => {
                let arrow = if edge.certain { "-->" } else { "-.->" };
                let label = label(edge).iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br/>");
                let label = if label.is_empty() { String::new() } else { format!("|\"{label}\"|") };
                line(&mut out, format_args!("  n{from} {arrow}{label} n{to}"));
            }
            EdgeKind::Order => line(&mut out, format_args!("  n{from} --- n{to}")),
        }
    }
    out
}

/// What crosses an edge, a line each: a name; `name?` where only some paths export it; `name (not exported)`.
pub(super) fn label(edge: &Edge) -> Vec<String> {
    edge.variables.iter().map(describe).collect()
}

fn describe(variable: &Variable) -> String {
    if variable.exported.is_empty() {
        format!("{} (not exported)", variable.name)
    } else if variable.exported_surely {
        variable.name.clone()
    } else {
        format!("{}?", variable.name)
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', " ")
}
