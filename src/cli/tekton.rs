//! `sidestage tekton`: what the steps of pipelines on a cluster call, and `trigger-task` in them.

use std::ffi::OsString;
use std::path::Path;

use super::arguments::{ListFormat, Tekton};
use super::async_runs::show;
use super::client::{ended, setting_error};
use super::error::CliError;
use super::run::planner::Compiler;
use super::trigger::{configuration_of_run, unknown_stage};
use super::{Exit, print, print_line};
use crate::workspace::SettingsSource;
use sidestage_compiler::emit::carried_by;
use sidestage_compiler::emit::tekton::async_stages;
use sidestage_compiler::plan::Plan;
use sidestage_runtime::api::Failure;
use sidestage_runtime::async_runs::{AsyncRun, Wait};
use sidestage_runtime::run_store::RunStore;
use sidestage_runtime::tekton::{self, ASKPASS, Entered, Patience, Pod, Receive, Start, TriggerTask};

pub(super) fn run(command: &Tekton) -> Result<Exit, CliError> {
    match command {
        Tekton::AsyncRuns { end_as, format } => async_runs(end_as, *format),
        Tekton::Enter { stage, after } => Ok(enter(stage, after)),
        Tekton::Start { kind, url, revision, path, parameters, config, structure } => {
            let start = Start { kind, url, revision, path, parameters, config, structure: structure.as_deref() };
            Ok(ended(Pod::read().and_then(|pod| tekton::start(&pod, &start, &planned, &mut |line| print_line(line)))))
        }
        Tekton::Receive { stage, structure } => Ok(ended(receive(stage, structure.as_deref()))),
    }
}

fn receive(stage: &str, structure: Option<&str>) -> Result<(), Failure> {
    let payload = std::env::var("SIDESTAGE_PAYLOAD")
        .map_err(|_| setting_error("SIDESTAGE_PAYLOAD is not set").reason("An async run has its data in its parameter `payload`."))?;
    let receive = Receive { stage, payload: &payload, structure };
    tekton::receive(&Pod::read()?, &receive, &planned, &mut |line| print_line(line))
}

/// The plan of the configuration of a repository, by its own settings.
fn planned(root: &Path, config: &str) -> Result<Plan, String> {
    Compiler { settings: SettingsSource::Nearest }.plan(root, config)
}

fn enter(stage: &str, after: &[String]) -> Exit {
    match Pod::read().and_then(|pod| tekton::enter(&pod, stage, after)) {
        Ok(Entered::NotReached { code }) => {
            print_line(&format!("note: a step before {stage} ended with {code}, so this one does nothing"));
            Exit::Clean
        }
        // A script that could not begin is told apart from one that has failed.
        Err(failure) => {
            super::print_error(&failure.to_string());
            Exit::Failure(127)
        }
    }
}

/// The runs that this run has started; where a wait is asked for, when they have ended.
pub(super) fn runs(wait: Option<Wait>) -> Result<Vec<AsyncRun>, Failure> {
    let pod = Pod::read()?;
    let mut say = |line: &str| print_line(line);
    match wait {
        Some(wait) => tekton::wait(&pod, RunStore::own(), wait, &mut say),
        None => tekton::list(&pod, RunStore::own(), &mut say),
    }
}

fn async_runs(end_as: &[String], format: ListFormat) -> Result<Exit, CliError> {
    match runs(None) {
        Ok(runs) => show(&runs, format)?,
        // How the stages ended counts more than a list that is missing.
        Err(failure) if end_as.is_empty() => return Ok(ended(Err(failure))),
        Err(failure) => super::print_error(&failure.to_string()),
    }
    Ok(match tekton::end_of(end_as) {
        0 => Exit::Clean,
        code => Exit::Failure(code),
    })
}

/// Whether this is a stage of a pipeline on a cluster.
pub(super) fn is_here() -> bool {
    super::trigger::is_set("SIDESTAGE_NAMESPACE")
}

/// `trigger-task STAGE`, and `sidestage trigger STAGE`.
pub(super) fn trigger(stage: &str) -> Exit {
    ended(start_stage(stage))
}

fn start_stage(stage: &str) -> Result<(), Failure> {
    let pod = Pod::read()?;
    let applied = std::env::var("SIDESTAGE_ASYNC_STAGES").unwrap_or_default();
    let applied: Vec<&str> = applied.split_whitespace().collect();
    let file = configuration_of_run();
    let folder = if file.is_dir() { file.clone() } else { file.parent().map(camino::Utf8Path::to_owned).unwrap_or_default() };
    let config = file.file_name().filter(|_| file.is_file()).unwrap_or(".");
    let plan = planned(folder.as_std_path(), config).map_err(setting_error)?;
    let known: Vec<&str> = async_stages(&plan).map(|target| target.name.as_str()).collect();
    if !known.contains(&stage) {
        return Err(unknown_stage(stage, &known, &plan.config));
    }
    if !applied.contains(&stage) {
        return Err(setting_error(format!("the manifests on the cluster do not know the async stage `{stage}` in this task"))
            .reason(format!("They know: {}.", if applied.is_empty() { "none".to_owned() } else { applied.join(" ") }))
            .help("Apply the manifests of this commit: sidestage build --target tekton --out DIR && kubectl apply -k DIR"));
    }
    let mut foreseen = carried_by(&plan, stage);
    // As on the platform: what only the scripts need they find out by themselves; a contract is kept.
    foreseen.iter_mut().filter(|row| row.how != "contract").for_each(|row| row.required = false);
    let task = TriggerTask { stage, foreseen, config: &plan.config };
    let started = tekton::trigger(&pod, RunStore::own(), &task, Patience::read()?, &mut |line| print_line(line))?;
    print(&format!("started: stage {stage}, run {}\n", started.run))
        .map_err(|error| setting_error(format!("standard output cannot be written: {error}")))
}

/// The answer to a question of git, where that has called this program; nothing where it has not.
pub(super) fn answer_git(arguments: &[OsString]) -> Option<Exit> {
    let own = arguments.first().and_then(|own| Path::new(own).file_name())?;
    if own != ASKPASS {
        return None;
    }
    let question = arguments.get(1).map(|question| question.to_string_lossy().into_owned()).unwrap_or_default();
    let hosts = std::env::var("SIDESTAGE_GIT_HOSTS").unwrap_or_default();
    let answer = Pod::read().and_then(|pod| tekton::answer(&question, &hosts, &pod));
    Some(ended(answer.and_then(|answer| print(&format!("{answer}\n")).map_err(|error| setting_error(error.to_string())))))
}
