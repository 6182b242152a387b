//! `--format concise`: one line a finding, as editors and `grep` like it.

use std::fmt::Write;

use super::Checked;
use crate::report::Look;

/// `file:line:column: severity[rule] title: label`; on terminals the rule is a link.
pub fn concise(checked: &Checked<'_>, look: Look) -> String {
    let mut text = String::new();
    for finding in checked.findings {
        let source = checked.sources.get(finding.at.file);
        let at = source.position(finding.at.span.start);
        let (severity, name) = (finding.severity.name(), finding.rule.name());
        let rule = if look.links { format!("\u{1b}]8;;{}\u{1b}\\{name}\u{1b}]8;;\u{1b}\\", finding.rule.url()) } else { name.to_owned() };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}:{}:{}: {severity}[{rule}] {}", checked.paths.show(source.path()), at.line, at.column, finding.line());
    }
    text
}
