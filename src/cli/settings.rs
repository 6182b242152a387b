//! Severities that the user asks for.

use super::Failure;
use super::arguments::Levels;
use crate::rules::{Finding, RuleId, Severity, nearest};

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

    /// Gives each finding its severity, and drops what is allowed.
    pub(super) fn apply(&self, findings: &mut Vec<Finding>) {
        findings.retain_mut(|finding| {
            if let Some((_, level)) = self.levels.iter().rev().find(|(rule, _)| *rule == finding.rule) {
                match level {
                    Some(severity) => finding.severity = *severity,
                    None => return false,
                }
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
    RuleId::named(name).ok_or_else(|| {
        let hint = match nearest(name, RuleId::ALL.iter().map(|rule| rule.name())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`sidestage rules` lists them".to_owned(),
        };
        Failure(format!("there is no rule `{name}`; {hint}"))
    })
}
