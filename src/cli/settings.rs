//! Severities that the user asks for.

use super::Failure;
use super::arguments::Levels;
use sidestage_compiler::config::settings::{Level, Settings};
use sidestage_compiler::diagnostics::{Finding, RuleId, Severity};

/// What `--deny`, `--warn` and `--allow` say.
#[derive(Debug, Default)]
pub(super) struct Severities {
    deny_warnings: bool,
    levels: Vec<(RuleId, Option<Severity>)>,
}

impl Severities {
    /// Reads the options; a rule that does not exist is refused.
    pub(super) fn new(levels: &Levels) -> Result<Self, Failure> {
        let mut severities = Self::default();
        for name in &levels.allow {
            severities.levels.push((rule(name)?, None));
        }
        for name in &levels.warn {
            severities.levels.push((rule(name)?, Some(Severity::Warning)));
        }
        for name in &levels.deny {
            if name == "warnings" {
                severities.deny_warnings = true;
            } else {
                severities.levels.push((rule(name)?, Some(Severity::Error)));
            }
        }
        Ok(severities)
    }

    /// Gives each finding its severity, and drops what is allowed. The command line wins over the settings.
    pub(super) fn apply(&self, settings: &Settings, findings: &mut Vec<Finding>) {
        findings.retain_mut(|finding| {
            let asked = self.levels.iter().rev().find(|(rule, _)| *rule == finding.rule).map(|(_, level)| *level);
            match asked.or_else(|| settings.level(finding.rule.name()).map(severity)) {
                Some(Some(severity)) => finding.severity = severity,
                Some(None) => return false,
                None => {}
            }
            if self.deny_warnings && finding.severity == Severity::Warning {
                finding.severity = Severity::Error;
            }
            true
        });
    }
}

/// The rule of a name.
pub(super) fn rule(name: &str) -> Result<RuleId, Failure> {
    RuleId::named(name).ok_or_else(|| Failure(format!("unknown rule `{name}`; {}", RuleId::hint(name))))
}

fn severity(level: Level) -> Option<Severity> {
    match level {
        Level::Error => Some(Severity::Error),
        Level::Warning => Some(Severity::Warning),
        Level::Info => Some(Severity::Info),
        Level::Off => None,
    }
}
