//! A baseline: the findings that are known, and not told again.
//!
//! A finding is recognised by what it says and by the text that it is about, not by its line: what is added above
//! brings none back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostics::Finding;
use crate::source::Sources;

/// The version of the format.
const VERSION: u64 = 1;
/// Of longer texts the beginning is kept.
const MAX_SOURCE: usize = 200;

/// What is known: `schemas/baseline.schema.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeMap<Known, usize>,
}

/// What a finding is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Known {
    /// The file, as findings show it.
    pub file: String,
    /// The rule's name; one that is no more is known all the same.
    pub rule: String,
    /// The stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// The message, without lines and columns.
    pub message: String,
    /// The text at the primary place: its first line, blanks joined.
    pub source: String,
}

/// The file as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    version: u64,
    findings: Vec<Counted>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Counted {
    #[serde(flatten)]
    known: Known,
    count: usize,
}

impl Baseline {
    /// Takes a finding in.
    pub fn add(&mut self, sources: &Sources, finding: &Finding) {
        *self.known.entry(Known::of(sources, finding)).or_default() += 1;
    }

    /// Takes out the findings that are known. What is known of them is then spent: an equal finding is new.
    pub fn subtract(&mut self, sources: &Sources, findings: &mut Vec<Finding>) {
        if self.known.is_empty() {
            return;
        }
        findings.retain(|finding| match self.known.get_mut(&Known::of(sources, finding)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
    }

    /// What is known and was not found: how often, in order.
    pub fn left(&self) -> impl Iterator<Item = (&Known, usize)> {
        self.known.iter().filter(|(_, count)| **count > 0).map(|(known, count)| (known, *count))
    }

    /// How many findings are known.
    pub fn len(&self) -> usize {
        self.known.values().sum()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file, sorted; the same findings give the same bytes.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        let findings = self.known.iter().map(|(known, count)| Counted { known: known.clone(), count: *count }).collect();
        Ok(serde_json::to_string_pretty(&Written { version: VERSION, findings })? + "\n")
    }

    /// Reads the file; else the reason why it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(VERSION) => {}
            Some(other) => return Err(format!("it has version {other}, and this sidestage reads version {VERSION}")),
            None => return Err("it has no `version`".to_owned()),
        }
        let written: Written = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let mut baseline = Self::default();
        for Counted { known, count } in written.findings {
            let sum = baseline.known.entry(known).or_default();
            *sum = sum.saturating_add(count);
        }
        Ok(baseline)
    }
}

impl Known {
    fn of(sources: &Sources, finding: &Finding) -> Self {
        let source = sources.get(finding.at.file);
        let text = source.slice(finding.at.span);
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        Self {
            file: source.path().to_owned(),
            rule: finding.rule.name().to_owned(),
            stage: finding.stage.as_ref().map(ToString::to_string),
            variable: finding.variable.as_ref().map(ToString::to_string),
            message: without_places(&finding.message),
            source: joined(line).chars().take(MAX_SOURCE).collect(),
        }
    }
}

/// Blanks of any kind and number are one.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A message without what an edit above changes: the numbers behind `line` and `column`.
fn without_places(message: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in message.split_whitespace() {
        let is_place =
            matches!(words.last(), Some(&("line" | "lines" | "column" | "byte"))) && word.starts_with(|c: char| c.is_ascii_digit());
        words.push(if is_place { "_" } else { word });
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::RuleId;
    use crate::source::{Location, Span};

    /// A file with a finding at each place of `bad`.
    fn found(text: &str) -> (Sources, Vec<Finding>) {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml".to_owned(), text.into());
        let places = text.match_indices("bad").map(|(at, bad)| Location { file, span: Span::new(at, at + bad.len()) });
        let findings = places.map(|at| Finding::new(RuleId::MissingStage, at, "no stage").stage("scan"));
        let findings = findings.collect();
        (sources, findings)
    }

    fn known(text: &str) -> Baseline {
        let (sources, findings) = found(text);
        let mut baseline = Baseline::default();
        for finding in &findings {
            baseline.add(&sources, finding);
        }
        baseline
    }

    /// How many are new and how many are gone.
    fn compared(before: &str, after: &str) -> (usize, usize) {
        let mut baseline = known(before);
        let (sources, mut findings) = found(after);
        baseline.subtract(&sources, &mut findings);
        (findings.len(), baseline.left().map(|(_, count)| count).sum())
    }

    #[test]
    fn findings_are_counted_and_lines_are_not_looked_at() {
        assert_eq!(compared("bad", "bad"), (0, 0));
        assert_eq!(compared("bad", "\n\n  bad\n"), (0, 0));
        assert_eq!(compared("bad", "bad bad"), (1, 0));
        assert_eq!(compared("bad bad", "bad"), (0, 1));
        assert_eq!(compared("", "bad"), (1, 0));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let baseline = known("bad bad");
        let text = baseline.write().unwrap_or_default();
        assert_eq!(Baseline::read(&text), Ok(baseline));
        assert_eq!(text, known("\nbad bad").write().unwrap_or_default());
    }

    #[test]
    fn what_is_no_baseline_is_refused_with_a_reason() {
        for (text, reason) in [
            ("{", "it is no JSON"),
            ("[]", "it has no `version`"),
            ("{\"version\": 2}", "it has version 2"),
            ("{\"version\": 1}", "missing field `findings`"),
            ("{\"version\": 1, \"findings\": [{\"rule\": \"x\", \"count\": 1}]}", "missing field"),
        ] {
            let said = Baseline::read(text).err().unwrap_or_default();
            assert!(said.starts_with(reason), "{text}: {said}");
        }
    }

    #[test]
    fn places_in_a_message_do_not_count() {
        assert_eq!(without_places("bad at line 12, column 3 of 4"), "bad at line _ column _ of 4");
    }
}
