//! `--format sarif`: SARIF 2.1.0.

use serde_json::{Value, json};

use super::Checked;
use super::located::{Located, located};
use crate::diagnostics::{Finding, RuleId, Severity};
use crate::rules;
use crate::source::{Location, Position};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// All findings as one run; addresses of files are relative to the repository's root.
pub fn sarif(checked: &[Checked<'_>]) -> Value {
    let found = located(checked);
    let rules: Vec<Value> = RuleId::ALL.iter().map(|id| rule(*id)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "sidestage",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": "https://sidestage.dev",
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "SRCROOT": { "description": { "text": "The root of the repository." } } },
            "results": found.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn rule(id: RuleId) -> Value {
    json!({
        "id": id.name(),
        "shortDescription": { "text": sentence(id.rule().summary) },
        "fullDescription": { "text": sentence(id.rule().summary) },
        "help": { "text": rules::page(id), "markdown": rules::page(id) },
        "helpUri": id.url(),
        "defaultConfiguration": { "level": level(id.rule().severity) },
    })
}

fn result(found: &Located<'_>) -> Value {
    let Located { finding, .. } = found;
    let index = RuleId::ALL.iter().position(|id| *id == finding.rule);
    let mut result = json!({
        "ruleId": finding.rule.name(),
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": sentence(&found.text()) },
        "locations": [{ "physicalLocation": physical(found.file, found.start, found.end) }],
        "partialFingerprints": { "sidestage/v1": found.fingerprint },
    });
    if !finding.related.is_empty() {
        result["relatedLocations"] = finding.related.iter().map(|related| at(found, related.at, &related.message)).collect();
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": steps(found) }] }]);
    }
    if let Some(fix) = fix(found, finding) {
        result["fixes"] = json!([fix]);
    }
    result
}

/// From where the story begins to the finding itself.
fn steps(found: &Located<'_>) -> Vec<Value> {
    let related = found.finding.related.iter().map(|related| json!({ "location": at(found, related.at, &related.message) }));
    let own = found.finding.label.as_deref().unwrap_or(&found.finding.message);
    related.chain([json!({ "location": at(found, found.finding.at, own) })]).collect()
}

fn at(found: &Located<'_>, place: Location, message: &str) -> Value {
    let (file, start, end) = found.other(place);
    json!({ "physicalLocation": physical(file, start, end), "message": { "text": sentence(message) } })
}

fn physical(file: &str, start: Position, end: Position) -> Value {
    json!({
        "artifactLocation": { "uri": uri(file), "uriBaseId": "SRCROOT" },
        "region": region(start, end),
    })
}

/// The end does not belong to it.
fn region(start: Position, end: Position) -> Value {
    json!({ "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column })
}

fn fix(found: &Located<'_>, finding: &Finding) -> Option<Value> {
    let fix = finding.fix.as_ref()?;
    let change = |edit: &crate::diagnostics::Edit| {
        let (file, start, end) = found.other(edit.at);
        json!({
            "artifactLocation": { "uri": uri(file), "uriBaseId": "SRCROOT" },
            "replacements": [{ "deletedRegion": region(start, end), "insertedContent": { "text": edit.text } }],
        })
    };
    let changes: Vec<Value> = fix.edits.iter().map(change).collect();
    Some(json!({ "description": { "text": sentence(&fix.description) }, "artifactChanges": changes }))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// SARIF wants sentences.
fn sentence(text: &str) -> String {
    if text.ends_with(['.', '?', '!']) { text.to_owned() } else { format!("{text}.") }
}

/// A path as a relative address.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    // A colon in the first part would make a scheme of it; it is escaped above.
    uri
}
