//! Durations of fields.

use super::node::{Node, Report};
use super::references;
use crate::platform::duration::{Duration, parse};

/// The duration of a field, after a fault where it is none or negative. One that is filled in later is not known.
pub(super) fn check(node: &Node<'_>, key: &str, report: &mut Report<'_>) -> Option<Duration> {
    let text = node.text(key).filter(|text| !references::is_filled_in(text))?;
    match parse(text) {
        None => report.add_field(node, key, no_duration(text)),
        Some(duration) if duration < 0 => report.add_field(node, key, format!("the duration `{text}` is negative")),
        Some(duration) => return Some(duration),
    }
    None
}

fn no_duration(text: &str) -> String {
    format!("`{text}` is no duration: write numbers with h, m, s or ms, such as `1h30m`")
}
