//! `sidestage trigger STAGE`: starts an async stage, as `trigger/STAGE.sh` does. Also by the name `trigger-task`.

use std::env::var_os;
use std::ffi::OsString;
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};

use super::arguments::Trigger;
use super::client::{client, ended, setting_error, store_of_run};
use super::error::CliError;
use super::levels::levels;
use super::one::{one, whole};
use super::tekton;
use super::{Exit, print, print_findings, print_line};
use sidestage_compiler::diagnostics::nearest;
use sidestage_compiler::emit::{Manifest, Target, carried_by};
use sidestage_compiler::plan::{self, Plan};
use sidestage_compiler::report::findings;
use sidestage_engine::run::RUN_FOLDER;
use sidestage_runtime::api::Failure;
use sidestage_runtime::trigger::{Start, Surroundings, trigger};

pub(super) fn run(arguments: &Trigger) -> Result<Exit, CliError> {
    if tekton::is_here() {
        return Ok(tekton::trigger(&arguments.stage));
    }
    let levels = levels(&arguments.levels)?;
    let file = arguments.file.clone().unwrap_or_else(configuration_of_run);
    let (configuration, mut summary) = one(Some(&file), &whole(&[]), &arguments.settings, &levels)?;
    summary.count(&configuration.compilation.findings);
    // The platform's own trigger-task looks at nothing: a run on this machine has been checked before it began.
    let is_local = is_set(RUN_FOLDER);
    if summary.errors > 0 && !is_local {
        print_findings(&configuration.checked());
        print_line(&format!("\nNothing was started: {}.", findings::tally(&summary)));
        return Ok(Exit::Failed);
    }
    let plan = plan::plan(&configuration.compilation, configuration.settings());
    let target = Target::of(configuration.settings());
    // The receiving side of emitted scripts has those stages that some trigger starts; that of a local run has all.
    let known: Vec<&str> = if is_local { plan.targets.iter().collect::<Vec<_>>() } else { plan.started().collect() }
        .into_iter()
        .map(|target| target.name.as_str())
        .collect();
    Ok(ended(start(&plan, &Manifest::new(&plan, &target), &arguments.stage, &known)))
}

/// Whether a variable of the environment has a value.
pub(super) fn is_set(name: &str) -> bool {
    var_os(name).is_some_and(|value| !value.is_empty())
}

fn start(plan: &Plan, manifest: &Manifest, stage: &str, known: &[&str]) -> Result<(), Failure> {
    if !known.contains(&stage) {
        return Err(unknown_stage(stage, known, &plan.config));
    }
    let store = store_of_run("It has the data that the stage gets, and keeps what was started.")?;
    let mut client = client(store)?;
    let mut foreseen = carried_by(plan, stage);
    if is_set(RUN_FOLDER) {
        // As on the platform: what only the scripts need they find out by themselves; a contract is kept.
        foreseen.iter_mut().filter(|row| row.how != "contract").for_each(|row| row.required = false);
    }
    let start = Start { stage, foreseen, config: &plan.config, manifest, surroundings: Surroundings::read() };
    let started = trigger(&mut client, store, &start, &mut |line| print_line(line))?;
    let page = if started.url.is_empty() { String::new() } else { format!(", {}", started.url) };
    print(&format!("started: stage {stage}, run {}{page}\n", started.id))
        .map_err(|error| setting_error(format!("standard output cannot be written: {error}")))
}

/// A stage that the configuration does not have.
pub(super) fn unknown_stage(stage: &str, known: &[&str], config: &str) -> Failure {
    let list = known.join(" ");
    let hint = nearest(stage, known.iter().copied())
        .map_or_else(|| format!("They are: {list}"), |near| format!("did you mean `{near}`? They are: {list}"));
    setting_error(format!("the configuration has no async stage `{stage}`"))
        .reason(if list.is_empty() { format!("{config} has none.") } else { hint })
        .help("Add the stage to the configuration.")
}

/// The configuration that the run was started with, where the environment names it; else that of the current folder.
pub(super) fn configuration_of_run() -> Utf8PathBuf {
    let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty()).map(Utf8PathBuf::from);
    let Some(repository) = variable("PIPELINE_CONFIG_REPO_PATH") else { return ".".into() };
    let repository = variable("WORKSPACE").unwrap_or_else(|| "/workspace".into()).join(repository);
    let file = variable("PIPELINE_CONFIG_PATH").map(|file| repository.join(file)).filter(|file| file.is_file());
    file.or(Some(repository).filter(|folder| folder.is_dir())).unwrap_or_else(|| Utf8Path::new(".").to_owned())
}

/// The command line that a call by the name `trigger-task` stands for; nothing where that is not the name. What it does is
/// chosen by the surroundings.
///
/// # Errors
/// Why it can do nothing here.
pub(super) fn by_name(arguments: &[OsString]) -> Result<Option<Vec<OsString>>, String> {
    let own = arguments.first().and_then(|own| Path::new(own).file_name());
    if own.is_none_or(|own| own != "trigger-task") {
        return Ok(None);
    }
    if !tekton::is_here() && !is_set("PIPELINE_ID") {
        return Err("trigger-task: there is no pipeline here that could start a stage\n  \
                    It starts async stages by the webhook of a pipeline, whose id PIPELINE_ID holds in a run.\n  \
                    Run this in a stage of the pipeline, or type: export PIPELINE_ID=<the id of the pipeline>"
            .to_owned());
    }
    match &arguments[1..] {
        [option] if option == "-h" || option == "--help" => Ok(Some(["sidestage", "trigger", "--help"].map(OsString::from).to_vec())),
        // The label means nothing any more.
        [stage] | [stage, _] => Ok(Some(vec!["sidestage".into(), "trigger".into(), "--".into(), stage.clone()])),
        _ => Err("trigger-task: which stage?\n  Type: trigger-task STAGE".to_owned()),
    }
}
