//! `--format gitlab`: a code quality report.

use serde::Serialize;

use super::Checked;
use super::located::located;
use crate::diagnostics::Severity;

/// One entry of the report.
#[derive(Debug, Serialize)]
pub struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Place,
    /// The page of the rule.
    content: Content,
}

#[derive(Debug, Serialize)]
struct Place {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

#[derive(Debug, Serialize)]
struct Content {
    body: String,
}

/// All findings, as GitLab reads them.
pub fn gitlab(checked: &[Checked<'_>]) -> Vec<Issue> {
    let issue = |found: super::located::Located<'_>| Issue {
        description: found.finding.line(),
        check_name: found.finding.rule.name(),
        severity: match found.finding.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Info => "info",
        },
        location: Place { path: found.file.to_owned(), lines: Lines { begin: found.start.line, end: found.end.line } },
        content: Content { body: format!("{}\n\n{}", found.text(), found.finding.rule.url()) },
        fingerprint: found.fingerprint,
    };
    located(checked).into_iter().map(issue).collect()
}
