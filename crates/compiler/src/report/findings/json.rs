//! `--format json`: `schemas/findings.schema.json`.

use serde::Serialize;

use super::Checked;
use super::located::{Located, located};
use crate::diagnostics::{Finding, Fix, Severity};
use crate::flow::Unfollowed;
use crate::proof::{Unproven, Unseen};
use crate::source::Place;

/// The whole answer of `check`.
#[derive(Debug, Serialize)]
pub struct Report {
    version: u32,
    findings: Vec<FindingOut>,
    summary: SummaryOut,
}

#[derive(Debug, Serialize)]
struct SummaryOut {
    #[serde(flatten)]
    counts: Summary,
    triggers: usize,
    proven: usize,
    unproven: Vec<UnprovenOut>,
    unseen: Vec<UnseenOut>,
}

/// A variable of which it is not known whether it crosses; the place is what cannot be followed.
#[derive(Debug, Serialize)]
struct UnprovenOut {
    variable: String,
    stage: String,
    #[serde(flatten)]
    because: UnfollowedOut,
    trigger: Place,
}

/// An async stage that may read more than is known; the place is what cannot be followed.
#[derive(Debug, Serialize)]
struct UnseenOut {
    stage: String,
    #[serde(flatten)]
    because: UnfollowedOut,
}

/// What cannot be followed, and why.
#[derive(Debug, Serialize)]
struct UnfollowedOut {
    #[serde(flatten)]
    place: Place,
    line: usize,
    reason: String,
}

/// How much was read and found.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Summary {
    /// Configurations.
    pub files: usize,
    /// Scripts: embedded ones and files.
    pub scripts: usize,
    /// Findings at error level.
    pub errors: usize,
    /// Findings at warning level.
    pub warnings: usize,
    /// Findings at info level.
    pub infos: usize,
}

impl Summary {
    /// Counts findings in.
    pub fn count(&mut self, findings: &[Finding]) {
        for finding in findings {
            match finding.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Info => self.infos += 1,
            }
        }
    }
}

#[derive(Debug, Serialize)]
struct FindingOut {
    rule: &'static str,
    severity: &'static str,
    url: String,
    fingerprint: String,
    fixable: bool,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<FixOut>,
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pipelines: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<RelatedOut>,
}

#[derive(Debug, Serialize)]
struct FixOut {
    safety: &'static str,
    description: String,
    edits: Vec<EditOut>,
}

#[derive(Debug, Serialize)]
struct EditOut {
    #[serde(flatten)]
    place: Place,
    text: String,
}

#[derive(Debug, Serialize)]
struct RelatedOut {
    #[serde(flatten)]
    place: Place,
    message: String,
}

/// All findings as one value.
pub fn json(checked: &[Checked<'_>], summary: Summary) -> Report {
    let findings = located(checked).into_iter().map(out);
    Report { version: 1, findings: findings.collect(), summary: summary_out(checked, summary) }
}

fn summary_out(checked: &[Checked<'_>], counts: Summary) -> SummaryOut {
    let proofs = || checked.iter().filter_map(|checked| Some((checked, checked.proof?)));
    let unproven = proofs().flat_map(|(checked, proof)| proof.unproven.iter().map(|unproven| unproven_out(checked, unproven)));
    let unseen = proofs().flat_map(|(checked, proof)| proof.unseen.iter().map(|unseen| unseen_out(checked, unseen)));
    SummaryOut {
        counts,
        triggers: proofs().map(|(_, proof)| proof.triggers).sum(),
        proven: proofs().map(|(_, proof)| proof.proven).sum(),
        unproven: unproven.collect(),
        unseen: unseen.collect(),
    }
}

fn unseen_out(checked: &Checked<'_>, unseen: &Unseen) -> UnseenOut {
    UnseenOut { stage: unseen.stage.to_string(), because: unfollowed_out(checked, &unseen.because) }
}

fn unproven_out(checked: &Checked<'_>, unproven: &Unproven) -> UnprovenOut {
    UnprovenOut {
        variable: unproven.variable.to_string(),
        stage: unproven.stage.to_string(),
        because: unfollowed_out(checked, &unproven.because),
        trigger: checked.place(unproven.trigger),
    }
}

fn unfollowed_out(checked: &Checked<'_>, unfollowed: &Unfollowed) -> UnfollowedOut {
    let at = unfollowed.place;
    let line = checked.sources.get(at.file).position(at.span.start).line;
    UnfollowedOut { place: checked.place(at), line, reason: unfollowed.why.to_string() }
}

fn out(Located { checked, finding, fingerprint, .. }: Located<'_>) -> FindingOut {
    let place = |at| checked.place(at);
    let related = finding.related.iter().map(|related| RelatedOut { place: place(related.at), message: related.message.clone() });
    FindingOut {
        rule: finding.rule.name(),
        severity: finding.severity.name(),
        url: finding.rule.url(),
        fingerprint,
        fixable: finding.fix.is_some(),
        message: finding.message.clone(),
        label: finding.label.clone(),
        help: finding.help.clone(),
        fix: finding.fix.as_ref().map(|fix| fix_out(checked, fix)),
        place: place(finding.at),
        stage: finding.stage.as_ref().map(ToString::to_string),
        variable: finding.variable.as_ref().map(ToString::to_string),
        pipelines: finding.pipelines.iter().map(|pipeline| pipeline.name()).collect(),
        related: related.collect(),
    }
}

fn fix_out(checked: &Checked<'_>, fix: &Fix) -> FixOut {
    let edits = fix.edits.iter().map(|edit| EditOut { place: checked.place(edit.at), text: edit.text.clone() });
    FixOut { safety: fix.safety.name(), description: fix.description.clone(), edits: edits.collect() }
}
