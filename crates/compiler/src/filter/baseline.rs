//! A baseline: the findings that are known, and not told again.
//!
//! A finding is recognised by its rule and by the text that it is about, not by its line or its words: neither an edit
//! above it nor a better message brings one back.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Part;
use crate::diagnostics::Finding;
use crate::source::PathsFrom;
use crate::source::{Sources, Span};

/// The version of the format that is written.
const VERSION: u64 = 2;
/// Of longer texts the beginning is kept.
const MAX_SOURCE: usize = 200;

/// What is known: `schemas/baseline.schema.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeSet<Fingerprint>,
    base: Base,
}

/// The folder that the paths of a baseline start from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Base {
    /// The baseline's own, from version 2 on.
    #[default]
    OwnFolder,
    /// The working folder of the run that wrote it, which version 1 does not tell.
    Unknown,
}

/// What a finding is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The file, from the baseline's folder.
    pub file: String,
    /// The rule's name; one that no longer exists is known all the same.
    pub rule: String,
    /// The stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// The text at the primary place: its first line, blanks joined.
    pub source: String,
    /// Which of several findings that are equal so far, from 1, in the order of the file.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub ordinal: usize,
}

/// The file of version 2.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BaselineFile {
    version: u64,
    findings: BTreeSet<Fingerprint>,
}

/// The file of version 1: equal findings were counted, and their message was a part of them.
#[derive(Debug, Deserialize)]
struct CountedFile {
    findings: Vec<Counted>,
}

#[derive(Debug, Deserialize)]
struct Counted {
    #[serde(flatten)]
    fingerprint: Fingerprint,
    count: usize,
}

/// Why a text is not a baseline.
#[derive(Debug)]
pub enum BaselineError {
    /// It is not JSON, or not of this shape; the error knows line and column.
    Json(serde_json::Error),
    /// It has no version.
    NoVersion,
    /// A version that this program does not know.
    Version(u64),
}

impl std::fmt::Display for BaselineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(error) if error.is_data() => write!(f, "{error}"),
            Self::Json(error) => write!(f, "not valid JSON: {error}"),
            Self::NoVersion => f.write_str("it has no `version`"),
            Self::Version(other) => write!(f, "it has version {other}, and this sidestage reads versions 1 and {VERSION}"),
        }
    }
}

impl std::error::Error for BaselineError {}

impl Baseline {
    /// Everything that the parts find.
    pub fn of(parts: &[Part<'_>]) -> Self {
        let known = fingerprints(parts).into_iter().flatten().collect();
        Self { known, base: Base::OwnFolder }
    }

    /// Takes out the findings that are known, and forgets that they are: what is left was not found. Returns how many.
    pub(super) fn subtract(&mut self, parts: &mut [Part<'_>]) -> usize {
        if self.known.is_empty() {
            return 0;
        }
        let mut found = BTreeSet::new();
        let all = fingerprints(parts);
        for (part, fingerprints) in parts.iter_mut().zip(all) {
            let mut fingerprints = fingerprints.into_iter();
            part.findings.retain(|_| match fingerprints.next() {
                Some(fingerprint) if self.known.contains(&fingerprint) => {
                    found.insert(fingerprint);
                    false
                }
                _ => true,
            });
        }
        self.known.retain(|fingerprint| !found.contains(fingerprint));
        found.len()
    }

    /// What is known and was not found, in order.
    pub fn stale(&self) -> impl Iterator<Item = &Fingerprint> {
        self.known.iter()
    }

    /// How many findings are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The folder that its paths start from.
    pub fn base(&self) -> Base {
        self.base
    }

    /// The file, sorted; the same findings give the same bytes.
    ///
    /// # Errors
    /// Never for a baseline: strings and numbers are JSON.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(&BaselineFile { version: VERSION, findings: self.known.clone() })? + "\n")
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Why it is not a baseline.
    pub fn read(text: &str) -> Result<Self, BaselineError> {
        let text = text.trim_start_matches('\u{feff}');
        let value: serde_json::Value = serde_json::from_str(text).map_err(BaselineError::Json)?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(VERSION) => {
                let file: BaselineFile = serde_json::from_str(text).map_err(BaselineError::Json)?;
                Ok(Self { known: file.findings, base: Base::OwnFolder })
            }
            Some(1) => {
                let file: CountedFile = serde_json::from_str(text).map_err(BaselineError::Json)?;
                Ok(Self { known: counted(file.findings), base: Base::Unknown })
            }
            Some(other) => Err(BaselineError::Version(other)),
            None => Err(BaselineError::NoVersion),
        }
    }
}

/// Entries that differed in their message alone are one now, with the sum of their counts.
fn counted(entries: Vec<Counted>) -> BTreeSet<Fingerprint> {
    let mut counts: BTreeMap<Fingerprint, usize> = BTreeMap::new();
    for Counted { fingerprint, count } in entries {
        let sum = counts.entry(fingerprint).or_default();
        *sum = sum.saturating_add(count).min(MAX_COUNT);
    }
    let numbered = |(fingerprint, count)| (1..=count).map(move |ordinal| Fingerprint { ordinal, ..Fingerprint::clone(&fingerprint) });
    counts.into_iter().flat_map(numbered).collect()
}

/// No file has more equal findings: a count beyond is a mistake, and must not cost memory.
const MAX_COUNT: usize = 100_000;

/// What the findings of each part are recognised by. Equal ones are numbered by their places over all parts: a script
/// that several configurations reach has the same findings in each.
fn fingerprints(parts: &[Part<'_>]) -> Vec<Vec<Fingerprint>> {
    let mut all: Vec<Vec<(Fingerprint, (Span, usize))>> = Vec::with_capacity(parts.len());
    let mut places: BTreeMap<Fingerprint, BTreeSet<(Span, usize)>> = BTreeMap::new();
    for part in parts {
        let mut at_place: BTreeMap<(Fingerprint, Span), usize> = BTreeMap::new();
        let numbered = part.findings.iter().map(|finding| {
            let fingerprint = Fingerprint::of(part.sources, &part.from_baseline, finding);
            let before = at_place.entry((fingerprint.clone(), finding.at.span)).or_default();
            *before += 1;
            let place = (finding.at.span, *before);
            places.entry(fingerprint.clone()).or_default().insert(place);
            (fingerprint, place)
        });
        all.push(numbered.collect());
    }
    let ordinals: BTreeMap<&Fingerprint, BTreeMap<(Span, usize), usize>> =
        places.iter().map(|(fingerprint, places)| (fingerprint, places.iter().copied().zip(1..).collect())).collect();
    let with_ordinal = |(fingerprint, place): (Fingerprint, (Span, usize))| {
        let ordinal = ordinals.get(&fingerprint).and_then(|places| places.get(&place)).copied().unwrap_or(1);
        Fingerprint { ordinal, ..fingerprint }
    };
    all.into_iter().map(|part| part.into_iter().map(with_ordinal).collect()).collect()
}

impl Fingerprint {
    fn of(sources: &Sources, paths: &PathsFrom, finding: &Finding) -> Self {
        let source = sources.get(finding.at.file);
        let text = source.slice(finding.at.span);
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        Self {
            file: paths.show(source.path()),
            rule: finding.rule.name().to_owned(),
            stage: finding.stage.as_ref().map(ToString::to_string),
            variable: finding.variable.as_ref().map(ToString::to_string),
            source: joined(line).chars().take(MAX_SOURCE).collect(),
            ordinal: 1,
        }
    }
}

fn first() -> usize {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the form that serde calls
fn is_first(ordinal: &usize) -> bool {
    *ordinal == 1
}

/// Blanks of any kind and number are one.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Settings;
    use crate::diagnostics::RuleId;
    use crate::source::Location;

    /// A text with a finding at each place of `bad`.
    fn with_findings<T>(texts: &[(&str, &str)], then: impl FnOnce(&mut [Part<'_>]) -> T) -> T {
        let settings = Settings::default();
        let mut found: Vec<(Sources, Vec<Finding>)> = texts.iter().map(|(text, message)| findings(text, message)).collect();
        let part = |(sources, findings)| Part {
            configuration: None,
            sources,
            ignores: None,
            settings: &settings,
            from_baseline: PathsFrom::default(),
            repository: "",
            findings,
        };
        let mut parts: Vec<Part<'_>> = found.iter_mut().map(|(sources, findings)| part((&*sources, findings))).collect();
        then(&mut parts)
    }

    fn findings(text: &str, message: &str) -> (Sources, Vec<Finding>) {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml".to_owned(), text.to_owned().into());
        let places = text.match_indices("bad").map(|(at, bad)| Location { file, span: Span::new(at, at + bad.len()) });
        let findings = places.map(|at| Finding::new(RuleId::MissingStage, at, message).stage("scan")).collect();
        (sources, findings)
    }

    fn known(text: &str) -> Baseline {
        with_findings(&[(text, "no stage")], |parts| Baseline::of(parts))
    }

    /// How many are new and how many are gone.
    fn compared(before: &str, after: &[(&str, &str)]) -> (usize, usize) {
        let mut baseline = known(before);
        with_findings(after, |parts| {
            baseline.subtract(parts);
            (parts.iter().map(|part| part.findings.len()).sum(), baseline.len())
        })
    }

    #[test]
    fn findings_are_numbered_and_neither_lines_nor_messages_are_looked_at() {
        let one = |text| [(text, "no stage")];
        assert_eq!(compared("bad", &one("bad")), (0, 0));
        assert_eq!(compared("bad", &one("\n\n  bad\n")), (0, 0));
        assert_eq!(compared("bad", &[("bad", "other words")]), (0, 0));
        assert_eq!(compared("bad", &one("bad bad")), (1, 0));
        assert_eq!(compared("bad bad", &one("bad")), (0, 1));
        assert_eq!(compared("", &one("bad")), (1, 0));
    }

    #[test]
    fn what_several_configurations_find_in_one_script_is_known_in_each() {
        assert_eq!(compared("bad", &[("bad", ""), ("bad", "")]), (0, 0));
        assert_eq!(compared("bad bad", &[("bad bad", ""), ("bad bad", "")]), (0, 0));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let baseline = known("bad bad");
        let text = baseline.write().unwrap_or_default();
        assert_eq!(Baseline::read(&text).ok(), Some(baseline.clone()));
        assert_eq!(Baseline::read(&format!("\u{feff}{text}")).ok(), Some(baseline));
        assert_eq!(text, known("\nbad bad").write().unwrap_or_default());
    }

    #[test]
    fn version_1_is_known_whatever_its_messages_say() {
        let entry = |message: &str, count: usize| {
            format!(
                "{{\"file\": \"a.yaml\", \"rule\": \"missing-stage\", \"stage\": \"scan\", \"message\": \"{message}\", \"source\": \"bad\", \"count\": {count}}}"
            )
        };
        let text = format!("{{\"version\": 1, \"findings\": [{}, {}]}}", entry("old words", 1), entry("older words", 1));
        let baseline = Baseline::read(&text).ok();
        assert_eq!(baseline.as_ref().map(Baseline::base), Some(Base::Unknown));
        assert_eq!(baseline.map(|baseline| baseline.known), Some(known("bad bad").known));
    }

    #[test]
    fn what_is_not_a_baseline_is_refused_with_a_reason() {
        for (text, reason) in [
            ("{", "not valid JSON"),
            ("[]", "it has no `version`"),
            ("{\"version\": 3}", "it has version 3"),
            ("{\"version\": 2}", "missing field `findings`"),
            ("{\"version\": 2, \"findings\": [{\"rule\": \"x\"}]}", "missing field"),
            ("{\"version\": 1, \"findings\": [{\"rule\": \"x\", \"count\": 1}]}", "missing field"),
        ] {
            let said = Baseline::read(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.starts_with(reason), "{text}: {said}");
        }
    }
}
