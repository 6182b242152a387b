//! Findings to text and JSON.

mod concise;
mod full;
mod graph;
mod json;

pub use concise::concise;
pub use full::full;
pub use graph::{GraphOut, graph};
pub use json::{Report, Summary, json};

use crate::rules::Finding;
use crate::source::Sources;

/// The findings of one configuration with the files that they speak of.
pub struct Checked<'a> {
    /// The files.
    pub sources: &'a Sources,
    /// The findings.
    pub findings: &'a [Finding],
}

/// `1 error, 2 warnings`.
pub fn tally(summary: &Summary) -> String {
    let count = |number: usize, name: &str| format!("{number} {name}{}", if number == 1 { "" } else { "s" });
    let mut parts = vec![count(summary.errors, "error"), count(summary.warnings, "warning")];
    if summary.infos > 0 {
        parts.push(count(summary.infos, "note"));
    }
    parts.join(", ")
}
