//! `--format github`: workflow commands, which GitHub shows as annotations at the lines.

use std::fmt::Write;

use super::located::{Located, located};
use super::{Checked, Summary, tally};
use crate::diagnostics::Severity;

/// One annotation a finding, in a group for each file, and a last line that counts.
pub fn github(checked: &[Checked<'_>], summary: &Summary) -> String {
    let mut text = String::new();
    let mut file = None;
    for found in located(checked) {
        if file != Some(found.file.to_owned()) {
            text.push_str(if file.is_some() { "::endgroup::\n" } else { "" });
            // Writing to a string cannot fail.
            let _ = writeln!(text, "::group::{}", data(found.file));
            file = Some(found.file.to_owned());
        }
        annotation(&mut text, &found);
    }
    text.push_str(if file.is_some() { "::endgroup::\n" } else { "" });
    let _ = writeln!(text, "sidestage: {}", tally(summary));
    text
}

fn annotation(text: &mut String, found: &Located<'_>) {
    let level = match found.finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let _ = write!(text, "::{level} file={},line={},endLine={}", property(found.file), found.start.line, found.end.line);
    // Columns count only within one line; here the last one belongs to the range.
    if found.start.line == found.end.line {
        let last = found.end.column.saturating_sub(1).max(found.start.column);
        let _ = write!(text, ",col={},endColumn={last}", found.start.column);
    }
    let rule = found.finding.rule;
    let message = format!("{}\n{}", found.text(), rule.url());
    let _ = writeln!(text, ",title={}::{}", property(rule.name()), data(&message));
}

/// Text after the `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
