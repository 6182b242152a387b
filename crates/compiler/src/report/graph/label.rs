//! What the charts as text share: what crosses an edge, in a few lines.

use std::fmt::Write;

use crate::graph::{Edge, Variable};

/// A line for each variable that the target reads, the first `most` of them, then how many more are read or sent.
/// `name?` where only some paths export it; `name (not exported)`.
pub(super) fn label(edge: &Edge, most: usize) -> Vec<String> {
    let (read, sent): (Vec<&Variable>, Vec<&Variable>) = edge.variables.iter().partition(|variable| !variable.read.is_empty());
    let mut lines: Vec<String> = read.iter().take(most).map(|variable| describe(variable)).collect();
    if let Some(more @ 1..) = read.len().checked_sub(most) {
        lines.push(format!("+{more} more read"));
    }
    if !sent.is_empty() {
        lines.push(format!("+{} not read", sent.len()));
    }
    lines
}

/// Adds a line to a text.
pub(super) fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
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
