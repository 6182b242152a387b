//! What the formats for other tools share: findings with their places in the repository, and a text by which each is known.

use std::collections::HashMap;

use super::Checked;
use crate::diagnostics::{Finding, Severity};
use crate::source::{Location, Position};

/// A finding, and where it is: the file from the repository's root, the end excluded.
pub(super) struct Located<'a> {
    pub(super) checked: &'a Checked<'a>,
    pub(super) finding: &'a Finding,
    pub(super) file: &'a str,
    pub(super) start: Position,
    pub(super) end: Position,
    /// Unique among all findings, and the same when lines move or words change.
    pub(super) fingerprint: String,
}

/// All findings, in their order.
pub(super) fn located<'a>(checked: &'a [Checked<'a>]) -> Vec<Located<'a>> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let one = |(checked, finding): (&'a Checked<'a>, &'a Finding)| {
        let source = checked.sources.get(finding.at.file);
        let named = [finding.stage.as_deref(), finding.variable.as_deref()].map(Option::unwrap_or_default).join(":");
        let base = format!("{}:{}:{named}", finding.rule.name(), source.path());
        let ordinal = seen.entry(base.clone()).or_default();
        *ordinal += 1;
        let fingerprint = format!("{base}:{ordinal}");
        let (start, end) = (source.position(finding.at.span.start), source.position(finding.at.span.end));
        Located { checked, finding, file: source.path(), start, end, fingerprint }
    };
    checked.iter().flat_map(|checked| checked.findings.iter().map(move |finding| (checked, finding))).map(one).collect()
}

impl Located<'_> {
    /// The file and the range of another place of the same configuration.
    pub(super) fn other(&self, at: Location) -> (&str, Position, Position) {
        let source = self.checked.sources.get(at.file);
        (source.path(), source.position(at.span.start), source.position(at.span.end))
    }

    /// Title and detail, then what to type, a line each.
    pub(super) fn text(&self) -> String {
        let help = self.finding.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        format!("{}{help}", self.finding.line())
    }

    pub(super) fn is_note(&self) -> bool {
        self.finding.severity == Severity::Info
    }
}
