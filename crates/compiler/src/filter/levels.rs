//! Levels: which severity a finding has, and which findings are turned off.

use crate::config::settings::{Level, Settings};
use crate::diagnostics::{Finding, RuleId, Severity};

/// What is asked for on the spot; it wins over the settings of the project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    /// Whether everything that warns is an error.
    pub deny_warnings: bool,
    /// Levels by rule; a later entry wins.
    pub rules: Vec<(RuleId, Level)>,
}

impl Levels {
    /// Gives each finding its severity, and drops those of rules that are off.
    pub fn apply(&self, settings: &Settings, findings: &mut Vec<Finding>) {
        findings.retain_mut(|finding| {
            if let Some(level) = self.of(finding.rule).or_else(|| settings.level(finding.rule.name())) {
                let Some(severity) = severity(level) else { return false };
                finding.severity = severity;
            }
            if self.deny_warnings && finding.severity == Severity::Warning {
                finding.severity = Severity::Error;
            }
            true
        });
    }

    fn of(&self, rule: RuleId) -> Option<Level> {
        self.rules.iter().rev().find(|(id, _)| *id == rule).map(|(_, level)| *level)
    }
}

/// `None` where the rule is off.
fn severity(level: Level) -> Option<Severity> {
    match level {
        Level::Error => Some(Severity::Error),
        Level::Warning => Some(Severity::Warning),
        Level::Info => Some(Severity::Info),
        Level::Off => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Location, Sources, Span};

    /// The severities that findings of `missing-stage` (an error) and `unknown-key` (a warning) end with.
    fn told(levels: &Levels, settings: &Settings) -> Vec<Severity> {
        let mut sources = Sources::default();
        let at = Location { file: sources.add("a".to_owned(), std::sync::Arc::default()), span: Span::default() };
        let mut findings = vec![Finding::new(RuleId::MissingStage, at, "a"), Finding::new(RuleId::UnknownKey, at, "b")];
        levels.apply(settings, &mut findings);
        findings.iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn what_is_asked_on_the_spot_wins_over_the_settings_and_the_last_word_counts() {
        use Severity::{Error, Info, Warning};
        let settings = |rules: &[(&str, Level)]| {
            let rules = rules.iter().map(|(name, level)| ((*name).into(), *level)).collect();
            Settings { rules, ..Settings::default() }
        };
        let levels = |deny_warnings, rules: &[(RuleId, Level)]| Levels { deny_warnings, rules: rules.to_vec() };
        let missing = RuleId::MissingStage;
        let cases = [
            (levels(false, &[]), settings(&[]), vec![Error, Warning]),
            (levels(true, &[]), settings(&[]), vec![Error, Error]),
            (levels(false, &[]), settings(&[("unknown-key", Level::Off)]), vec![Error]),
            (levels(false, &[(missing, Level::Info)]), settings(&[("missing-stage", Level::Off)]), vec![Info, Warning]),
            (levels(false, &[(missing, Level::Off), (missing, Level::Warning)]), settings(&[]), vec![Warning, Warning]),
            (levels(true, &[(missing, Level::Warning)]), settings(&[]), vec![Error, Error]),
        ];
        for (levels, settings, expected) in cases {
            assert_eq!(told(&levels, &settings), expected, "{levels:?} {:?}", settings.rules);
        }
    }
}
