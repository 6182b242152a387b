//! The rules: one file each, with its documentation and its code.
//!
//! A rule reads a [`Context`] and adds [`Finding`]s. To add one: write its file, and name it in the list below.

mod before_trigger;
mod finding;
mod fix;
mod keys;
mod settings_file;
mod suggest;
mod triggers;

pub use finding::{Finding, Related, Severity};
pub use fix::{Edit, Fix, Safety};
pub use settings_file::check_settings;
pub use suggest::nearest;

use crate::flow::Flow;
use crate::model::{Detected, Model};
use crate::schema::Violation;
use crate::settings::Settings;
use crate::source::{FileId, Location, Sources, Span};
use crate::yaml::Document;

/// Everything that a rule can look at. Parts that could not be understood are absent.
pub struct Context<'a> {
    /// All files that were read.
    pub sources: &'a Sources,
    /// The configuration.
    pub file: FileId,
    /// Its text.
    pub text: &'a str,
    /// Its tree.
    pub document: &'a Document,
    /// What it is.
    pub detected: Detected,
    /// What its schema does not allow.
    pub violations: &'a [Violation],
    /// Its stages.
    pub model: &'a Model,
    /// What its scripts do.
    pub flow: &'a Flow,
    /// What the project says about itself.
    pub settings: &'a Settings,
}

impl Context<'_> {
    /// A span of the configuration as a location.
    pub fn at(&self, span: Span) -> Location {
        Location { file: self.file, span }
    }
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Which one.
    pub id: RuleId,
    /// The severity of its findings, unless the settings say otherwise.
    pub severity: Severity,
    /// When it fires, in one line.
    pub summary: &'static str,
    /// The page that `explain` prints, in Markdown. Its examples are run as tests.
    pub page: &'static str,
    /// The version that brought it.
    pub since: &'static str,
    check: fn(&Context<'_>, &mut Vec<Finding>),
}

macro_rules! rules {
    ($($id:ident = $module:ident $name:literal),* $(,)?) => {
        $(mod $module;)*

        /// The names of all rules.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RuleId {
            $(#[doc = concat!("`", $name, "`")] $id),*
        }

        impl RuleId {
            /// All rules in the order in which they are listed.
            pub const ALL: &'static [RuleId] = &[$(RuleId::$id),*];

            /// The name, as the user writes it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$id => $name),*
                }
            }

            /// The rule.
            pub fn rule(self) -> &'static Rule {
                match self {
                    $(Self::$id => &$module::RULE),*
                }
            }
        }
    };
}

rules![
    InvalidYaml = invalid_yaml "invalid-yaml",
    DuplicateKey = duplicate_key "duplicate-key",
    InvalidConfig = invalid_config "invalid-config",
    UnknownKey = unknown_key "unknown-key",
    MisplacedKey = misplaced_key "misplaced-key",
    DanglingRunAfter = dangling_run_after "dangling-run-after",
    DependencyCycle = dependency_cycle "dependency-cycle",
    MissingStage = missing_stage "missing-stage",
    InvalidStageName = invalid_stage_name "invalid-stage-name",
    UnexportedVariable = unexported_variable "unexported-variable",
    LateExport = late_export "late-export",
    ConditionalExport = conditional_export "conditional-export",
    UnexportedParameter = unexported_parameter "unexported-parameter",
    ExportedSecret = exported_secret "exported-secret",
    SecretNotSent = secret_not_sent "secret-not-sent",
    FileNotSent = file_not_sent "file-not-sent",
    RepoWithoutCommit = repo_without_commit "repo-without-commit",
    OneWayData = one_way_data "one-way-data",
    TriggerCycle = trigger_cycle "trigger-cycle",
    UnreachableStage = unreachable_stage "unreachable-stage",
    UnusedExport = unused_export "unused-export",
    OrphanExport = orphan_export "orphan-export",
    ExportWithoutTrigger = export_without_trigger "export-without-trigger",
    MissingScript = missing_script "missing-script",
    UnresolvedTrigger = unresolved_trigger "unresolved-trigger",
    SuspiciousCommand = suspicious_command "suspicious-command",
    InvalidShell = invalid_shell "invalid-shell",
    ContractMismatch = contract_mismatch "contract-mismatch",
    PayloadTooLarge = payload_too_large "payload-too-large",
    UnusedIgnore = unused_ignore "unused-ignore",
];

impl RuleId {
    /// The rule of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| id.name() == name)
    }

    /// What to say of a name that no rule has.
    pub fn hint(name: &str) -> String {
        match nearest(name, Self::ALL.iter().map(|rule| rule.name())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`sidestage rules` lists them".to_owned(),
        }
    }
}

/// Runs every rule. Findings come in the order of files and places.
pub fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for id in RuleId::ALL {
        (id.rule().check)(context, &mut findings);
    }
    sort(&mut findings, context.sources);
    findings
}

/// Sorts findings by file, place and rule. Cycles stay in their own order, where the first of them stands.
pub(crate) fn sort(findings: &mut [Finding], sources: &Sources) {
    let is_cycle = |finding: &Finding| finding.rule == RuleId::DependencyCycle;
    let cycles = findings.iter().filter(|finding| is_cycle(finding)).map(|finding| finding.at.span).min();
    findings.sort_by_cached_key(|finding| {
        let path = sources.get(finding.at.file).path().to_owned();
        match cycles.filter(|_| is_cycle(finding)) {
            Some(first) => (path, first, finding.rule, String::new()),
            None => (path, finding.at.span, finding.rule, finding.message.clone()),
        }
    });
}
