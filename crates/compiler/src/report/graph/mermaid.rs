//! A Mermaid flow chart, as GitHub and GitLab show it in Markdown.

use std::collections::HashMap;

use super::label::{label, line};
use crate::graph::{EdgeKind, Graph, NodeKind};

/// Mermaid refuses more text than this.
const MAX_CHARACTERS: usize = 50_000;
/// More variables than this are counted at an edge.
const MOST: usize = 3;

/// The graph is too large for Mermaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    /// The characters that it would take.
    pub characters: usize,
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the graph has {} characters, and Mermaid draws at most {MAX_CHARACTERS}", self.characters)
    }
}

impl std::error::Error for TooLarge {}

/// The graph for Mermaid, with a title.
pub fn mermaid(graph: &Graph, title: &str) -> Result<String, TooLarge> {
    let mut out = format!("---\ntitle: {}\n---\nflowchart LR\n", serde_json::Value::from(title));
    let numbers: HashMap<&str, usize> = graph.nodes.iter().enumerate().map(|(index, node)| (node.id.as_str(), index)).collect();
    for (index, node) in graph.nodes.iter().enumerate() {
        let text = escaped(&node.stage);
        match node.kind {
            NodeKind::Stage => line(&mut out, format_args!("  n{index}[\"{text}\"]")),
            NodeKind::Async => line(&mut out, format_args!("  n{index}([\"{text}\"]):::async")),
            NodeKind::Missing => line(&mut out, format_args!("  n{index}([\"{text}\"]):::missing")),
        }
    }
    let mut cycles = Vec::new();
    let mut count = 0;
    for edge in &graph.edges {
        let (Some(from), Some(to)) = (numbers.get(edge.from.as_str()), numbers.get(edge.to.as_str())) else { continue };
        match edge.kind {
            EdgeKind::Trigger => {
                let arrow = if edge.certain { "==>" } else { "-.->" };
                let label = label(edge, MOST).iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br/>");
                let label = if label.is_empty() { String::new() } else { format!("|\"{label}\"|") };
                line(&mut out, format_args!("  n{from} {arrow}{label} n{to}"));
            }
            EdgeKind::Order => line(&mut out, format_args!("  n{from} --> n{to}")),
        }
        if edge.is_cycle {
            cycles.push(count.to_string());
        }
        count += 1;
    }
    out.push_str("  classDef async fill:#ddf4ff,stroke:#0969da,color:#1f2328\n");
    if graph.nodes.iter().any(|node| node.kind == NodeKind::Missing) {
        out.push_str("  classDef missing fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-dasharray:4 3\n");
    }
    if !cycles.is_empty() {
        line(&mut out, format_args!("  linkStyle {} stroke:#cf222e", cycles.join(",")));
    }
    let characters = out.chars().count();
    if characters > MAX_CHARACTERS { Err(TooLarge { characters }) } else { Ok(out) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', " ")
}
