//! The rules: one file each, with its documentation and its code.
//!
//! A rule reads a [`Context`] and adds [`Finding`]s. To add one: write its file, and name it in the list below.

mod comments;
mod config;
mod contracts;
mod exports;
mod isolation;
mod reads;
mod scripts;
mod targets;
mod trigger_sites;
mod triggers;

pub use config::settings_file;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use compact_str::CompactString;
use rayon::prelude::*;

use crate::config::schema::Violation;
use crate::config::settings::Settings;
use crate::config::{Detected, Model};
use crate::diagnostics::{Finding, RuleId, sort};
use crate::flow::{Flow, PARALLEL_FROM};
use crate::source::{FileId, Location, Sources, Span};
use crate::syntax::yaml::Document;
use trigger_sites::TriggerSite;

/// Everything that a rule can look at. Parts that could not be understood are absent.
pub struct Context<'a> {
    /// All files that were read.
    pub sources: &'a Sources,
    /// The configuration.
    pub file: FileId,
    /// Its path from the repository's root.
    pub path: &'a str,
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
    /// The configurations that runs choose instead of this one, by their paths.
    pub others: &'a BTreeMap<CompactString, Model>,
    /// What the project says about itself.
    pub settings: &'a Settings,
    /// Whether the pipelines are to run on a cluster with Tekton.
    pub for_tekton: bool,
    /// The triggers of all pipelines, once each; found where the first rule asks for them.
    pub(crate) trigger_sites: OnceLock<Vec<TriggerSite>>,
}

/// Adds what a rule finds.
type Check = fn(&Context<'_>, &mut Vec<Finding>);

impl Context<'_> {
    /// A span of the configuration as a location.
    pub fn at(&self, span: Span) -> Location {
        Location { file: self.file, span }
    }
}

macro_rules! rules {
    ($($id:ident = $area:ident::$module:ident),* $(,)?) => {
        /// Every rule's check, in the order of the catalogue.
        const CHECKS: &[(RuleId, Check)] = &[$((RuleId::$id, $area::$module::check)),*];

        /// The page that `explain` prints, in Markdown. Its examples are run as tests.
        pub fn page(rule: RuleId) -> &'static str {
            match rule {
                $(RuleId::$id => $area::$module::PAGE),*
            }
        }

        /// What a rule is about: `exports`, `config`.
        pub fn area(rule: RuleId) -> &'static str {
            match rule {
                $(RuleId::$id => stringify!($area)),*
            }
        }
    };
}

rules![
    InvalidYaml = config::invalid_yaml,
    DuplicateKey = config::duplicate_key,
    InvalidConfig = config::invalid_config,
    UnknownKey = config::unknown_key,
    MisplacedKey = config::misplaced_key,
    DanglingRunAfter = config::dangling_run_after,
    DependencyCycle = config::dependency_cycle,
    MissingStage = triggers::missing_stage,
    InvalidStageName = triggers::invalid_stage_name,
    UnexportedVariable = exports::unexported_variable,
    LateExport = exports::late_export,
    ConditionalExport = exports::conditional_export,
    UnprovenExport = exports::unproven_export,
    UnexportedParameter = exports::unexported_parameter,
    ShellVariableNotSent = exports::shell_variable_not_sent,
    ExportedSecret = isolation::exported_secret,
    SecretNotSent = isolation::secret_not_sent,
    FileNotSent = isolation::file_not_sent,
    RepoWithoutCommit = isolation::repo_without_commit,
    OneWayData = isolation::one_way_data,
    TriggerCycle = triggers::trigger_cycle,
    UnreachableStage = triggers::unreachable_stage,
    UnusedExport = exports::unused_export,
    OrphanExport = exports::orphan_export,
    ExportWithoutTrigger = exports::export_without_trigger,
    MissingScript = scripts::missing_script,
    UnresolvedTrigger = triggers::unresolved_trigger,
    SuspiciousCommand = scripts::suspicious_command,
    InvalidShell = scripts::invalid_shell,
    ContractMismatch = contracts::contract_mismatch,
    PayloadTooLarge = exports::payload_too_large,
    TektonUnsupported = targets::tekton_unsupported,
    TektonDifference = targets::tekton_difference,
    UnusedIgnore = comments::unused_ignore,
];

/// Runs every rule; where the document has errors, those that do not depend on what was not understood. Findings come in
/// the order of files and places.
pub fn check(context: &Context<'_>) -> Vec<Finding> {
    let is_whole = context.document.errors().is_empty();
    let findings_of = |(rule, check): &(RuleId, Check)| {
        let mut findings = Vec::new();
        if is_whole || !rule.needs_whole_document() {
            check(context, &mut findings);
        }
        findings
    };
    let mut findings: Vec<Finding> = if context.text.len() < PARALLEL_FROM {
        CHECKS.iter().flat_map(findings_of).collect()
    } else {
        CHECKS.par_iter().flat_map_iter(findings_of).collect()
    };
    sort(&mut findings, context.sources);
    findings
}
