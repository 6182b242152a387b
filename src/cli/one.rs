//! The one configuration that a command works on.

use camino::Utf8Path;
use sidestage_compiler::compilation::Options;
use sidestage_compiler::diagnostics::{Finding, Severity};
use sidestage_compiler::filter::Levels;
use sidestage_compiler::flow::Detail;
use sidestage_compiler::report::findings::{self, Checked, Summary};

use super::arguments::{Pipeline, SettingsArguments};
use super::error::CliError;
use super::{print_findings, print_remarks};
use crate::terminal::{error_look, print_line};
use crate::workspace::{Configuration, Needs, Request, SettingsSource, open};

/// Says what is wrong at error level with a configuration; true where something is.
pub(super) fn told_errors(configuration: &Configuration, summary: &Summary) -> bool {
    let compilation = &configuration.compilation;
    let errors: Vec<Finding> = compilation.findings.iter().filter(|finding| finding.severity == Severity::Error).cloned().collect();
    let checked = Checked { findings: &errors, ..configuration.checked() };
    if !errors.is_empty() {
        print_findings(&checked);
    }
    !errors.is_empty() || summary.errors > 0
}

/// Whether the configuration could not even be read: nothing that is made of it can be believed.
pub(super) fn is_broken(configuration: &Configuration) -> bool {
    !configuration.compilation.document.errors().is_empty()
}

/// All that a plan is made from, of these kinds of pipeline.
pub(super) fn whole(pipelines: &[Pipeline]) -> Options {
    let pipelines = pipelines.iter().map(|pipeline| (*pipeline).into()).collect();
    Options { pipelines, detail: Detail::Exports, ..Options::default() }
}

/// Compiles the file, or the one configuration that the folder holds. What is wrong with the settings is told here, and
/// counted.
pub(super) fn one(
    path: Option<&Utf8Path>,
    options: &Options,
    settings: &SettingsArguments,
    levels: &Levels,
) -> Result<(Configuration, Summary), CliError> {
    let path = path.unwrap_or(Utf8Path::new("."));
    let request = Request {
        paths: &[path.to_owned()],
        stdin_filename: Utf8Path::new(".pipeline-config.yaml"),
        settings: &SettingsSource::from(settings),
        options,
        allow_missing: false,
        needs: Needs::Everything,
    };
    let mut workspace = open(&request)?;
    print_remarks(&workspace);
    if workspace.has_failed() {
        return Err(CliError::Incomplete { path: path.to_owned() });
    }
    workspace.filter(None, levels);
    let mut summary = Summary::default();
    workspace.checked_settings().for_each(|file| summary.count(file.findings));
    let told: String = workspace.checked_settings().map(|file| findings::full(&file, error_look())).collect();
    if !told.is_empty() {
        print_line(told.trim_end());
    }
    match (workspace.configurations.pop(), workspace.configurations.as_slice()) {
        (None, _) => Err(CliError::NoConfiguration { places: format!("`{path}`"), looked_at: workspace.looked_at() }),
        (Some(only), []) => Ok((only, summary)),
        (Some(last), others) => {
            let names: Vec<String> = others.iter().chain([&last]).map(|one| format!("`{}`", one.shown_path())).collect();
            Err(CliError::SeveralConfigurations { path: path.to_owned(), names: names.join(", ") })
        }
    }
}
