//! `--format concise`: one line a finding, as editors and `grep` like it.

use std::fmt::Write;

use super::Checked;

/// `file:line:column: severity[rule] title: label`.
pub fn concise(checked: &Checked<'_>) -> String {
    let mut text = String::new();
    for finding in checked.findings {
        let source = checked.sources.get(finding.at.file);
        let at = source.position(finding.at.span.start);
        let (severity, rule) = (finding.severity.name(), finding.rule.name());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}:{}:{}: {severity}[{rule}] {}", checked.paths.show(source.path()), at.line, at.column, finding.line());
    }
    text
}
