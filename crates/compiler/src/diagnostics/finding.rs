//! What a rule found.

use compact_str::CompactString;

use super::RuleId;
use super::fix::Fix;
use crate::platform::PipelineKind;
use crate::source::{Location, Sources};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Probably not what is meant.
    Warning,
    /// The pipeline breaks, or an async stage does not get what it needs.
    Error,
}

impl Severity {
    /// `error`, `warning` or `info`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// A place that belongs to the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub at: Location,
    /// What happens there: `set here`.
    pub message: String,
}

/// One thing that is wrong, at exactly one place.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that found it.
    pub rule: RuleId,
    /// How bad it is.
    pub severity: Severity,
    /// The title: what is wrong, in at most 72 characters and without a full stop.
    pub message: String,
    /// The text of the primary mark: the detail, or why it matters.
    pub label: Option<String>,
    /// What to type.
    pub help: Option<String>,
    /// What would fix it.
    pub fix: Option<Fix>,
    /// Where.
    pub at: Location,
    /// The places that tell the rest of the story.
    pub related: Vec<Related>,
    /// The stage that it is about.
    pub stage: Option<CompactString>,
    /// The variable that it is about.
    pub variable: Option<CompactString>,
    /// The pipelines in which it holds; empty where it does not depend on one.
    pub pipelines: Vec<PipelineKind>,
}

impl Finding {
    /// A finding with the rule's own severity.
    pub fn new(rule: RuleId, at: Location, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.rule().severity,
            message: message.into(),
            label: None,
            help: None,
            fix: None,
            at,
            related: Vec::new(),
            stage: None,
            variable: None,
            pipelines: Vec::new(),
        }
    }

    /// Adds the text of the primary mark.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds the text of the primary mark, if there is one.
    #[must_use]
    pub fn maybe_label(mut self, label: Option<String>) -> Self {
        self.label = label;
        self
    }

    /// Adds what to type.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds what to type, if there is something.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// Adds a fix, if there is one.
    #[must_use]
    pub fn maybe_fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }

    /// Sets another severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Names the stage.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<CompactString>) -> Self {
        self.stage = Some(stage.into());
        self
    }

    /// Names the variable.
    #[must_use]
    pub fn variable(mut self, variable: impl Into<CompactString>) -> Self {
        self.variable = Some(variable.into());
        self
    }

    /// Adds a place, unless it is there already.
    pub fn relate(&mut self, at: Location, message: impl Into<String>) {
        if at != self.at && self.related.iter().all(|related| related.at != at) {
            self.related.push(Related { at, message: message.into() });
        }
    }

    /// Title and label in one line: `title: label`.
    pub fn line(&self) -> String {
        let line = match &self.label {
            Some(label) => format!("{}: {label}", self.message),
            None => self.message.clone(),
        };
        line.replace(['\n', '\r'], " ")
    }

    /// Adds a pipeline in which it holds.
    pub fn holds_in(&mut self, pipeline: PipelineKind) {
        if !self.pipelines.contains(&pipeline) {
            self.pipelines.push(pipeline);
            self.pipelines.sort_unstable();
        }
    }
}

/// Sorts findings by file, place and rule. Cycles keep their own order, at the place of the first of them.
pub fn sort(findings: &mut [Finding], sources: &Sources) {
    let is_cycle = |finding: &Finding| finding.rule == RuleId::DependencyCycle;
    let cycles = findings.iter().filter(|finding| is_cycle(finding)).map(|finding| finding.at.span).min();
    findings.sort_by_cached_key(|finding| {
        let path = sources.get(finding.at.file).path().to_owned();
        match cycles.filter(|_| is_cycle(finding)) {
            Some(first) => (path, first, finding.rule, String::new()),
            None => (path, finding.at.span, finding.rule, finding.line()),
        }
    });
}
