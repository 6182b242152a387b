//! `sidestage run`: a pipeline on this machine, async stages included.

mod consent;
mod detached;
mod host;
mod logs;
pub(in crate::cli) mod planner;
mod progress;
mod rerun;
mod runs;
mod state;
mod summary;
mod values;

use std::sync::Arc;

use camino::Utf8Path;
use jiff::Timestamp;
use sidestage_compiler::filter::Levels;
use sidestage_compiler::plan::{self, PlannedStage};
use sidestage_engine::ServerOptions;
use sidestage_engine::execute::{Engine, EngineOptions, RunRequest, SHORTEST_SECRET, Source, check_containers, find_containers};
use sidestage_engine::run::{RunOptions, State};

use super::arguments::{HowArguments, Run, RunFormat};
use super::error::CliError;
use super::one::{is_broken, one, told_errors, whole};
use super::{Exit, print, print_line};
use crate::page::Page;
use crate::terminal::{is_quiet, print_note};
use crate::workspace::{Configuration, SettingsSource};
use values::Values;

pub(super) use logs::run as logs;
pub(super) use planner::Compiler;
pub(super) use progress::reporter;
pub(super) use rerun::run as rerun;
pub(super) use runs::run as runs;
pub(super) use values::environment;

pub(super) fn run(arguments: &Run) -> Result<Exit, CliError> {
    let (configuration, summary) = one(arguments.file.as_deref(), &whole(&[]), &arguments.settings, &Levels::default())?;
    if told_errors(&configuration, &summary) && (!arguments.force || is_broken(&configuration)) {
        let way = if is_broken(&configuration) { "" } else { "; --force runs it all the same" };
        print_line(&format!("\nNothing was run{way}."));
        return Ok(Exit::Findings);
    }
    let planned = plan::plan(&configuration.compilation, configuration.settings());
    let kind = arguments.pipeline.map(|pipeline| sidestage_compiler::platform::PipelineKind::from(pipeline).name());
    let served: Vec<&str> = planned.pipelines.clone();
    let several = planned.runs.len() > 1 && kind.is_none();
    let Some(pipeline) = planner::choose(planned.runs, kind) else {
        let served = if served.is_empty() { "none".to_owned() } else { served.join(", ") };
        return Err(CliError::NothingRuns { path: configuration.shown_path(), wanted: kind.unwrap_or("any pipeline").to_owned(), served });
    };
    if several {
        print_note(&format!("the pipeline {} is run; --pipeline chooses among {}", pipeline.pipeline, served.join(", ")));
    }
    let mut options = options(arguments)?;
    names_are_known(&pipeline.stages, &options)?;
    let root = configuration.folder.repository.root().to_owned();
    let state = state::folder(&arguments.how.place, &root)?;
    if options.containers.is_none() {
        let will_run: Vec<&PlannedStage> =
            pipeline.stages.iter().filter(|stage| stage.script.is_some() && !stage.skip && !options.leaves_out(stage)).collect();
        consent::ask(&state, root.as_str(), &will_run, arguments.how.yes)?;
        tell_absolute_paths(&configuration);
    }
    let values = values::values(&arguments.data)?;
    tell_short_secrets(&values);
    tell_missing(&planned.requires, &values);
    options.environment.clone_from(&values.environment);
    if root.join(".gitmodules").exists() {
        print_note("the submodules of this repository are not checked out in the run");
    }
    let request = RunRequest {
        pipeline: pipeline.pipeline,
        trigger: "sidestage run".to_owned(),
        stages: pipeline.stages,
        folder: workspace_folder(&root),
        config: configuration.compilation.path.clone(),
        source: Source::WorkingTree { root: root.clone().into(), is_committed: arguments.committed },
        properties: values.properties,
        parameters: values.parameters,
        secrets: values.secrets,
        options,
        id: None,
        repeats: None,
    };
    let page = if arguments.how.page { Some(Page::new(Some(&configuration))) } else { None };
    execute(Job::Pipeline(Box::new(request)), &arguments.how, state, SettingsSource::from(&arguments.settings), page)
}

/// The repository's folder in the workspace.
fn workspace_folder(root: &Utf8Path) -> String {
    sidestage_engine::execute::folder_name(root.as_std_path())
}

/// What is to be run.
enum Job {
    Pipeline(Box<RunRequest>),
    Stage(sidestage_engine::run::RunFolder, Vec<(String, secrecy::SecretString)>, RunOptions),
}

/// Runs it, tells how it went, and waits for async runs.
fn execute(
    job: Job,
    how: &HowArguments,
    state: std::path::PathBuf,
    settings: SettingsSource,
    page: Option<Page>,
) -> Result<Exit, CliError> {
    if how.detach && how.run_id.is_none() {
        let secrets = match &job {
            Job::Pipeline(request) => &request.secrets,
            Job::Stage(_, secrets, _) => secrets,
        };
        return detached::run(&state, secrets);
    }
    let fault = |error: sidestage_engine::execute::RunError| CliError::Run(error.to_string());
    let options = match &job {
        Job::Pipeline(request) => request.options.clone(),
        Job::Stage(_, _, options) => options.clone(),
    };
    let engine_options = EngineOptions {
        state,
        // What concerns the pipeline alone is not said of its async runs.
        options: RunOptions { only: Vec::new(), skip: Vec::new(), ..options },
        server: ServerOptions::default(),
        is_private: true,
        repository: None,
    };
    let page = page.map(Arc::new);
    let pages = page.clone().map(|page| page as Arc<dyn sidestage_engine::Pages>);
    let reporter = progress::reporter(how.format);
    let engine = Engine::start(engine_options, Arc::new(Compiler { settings }), reporter.clone(), pages, None).map_err(fault)?;
    if let Some(page) = &page {
        print_line(&format!("page: {}", page.attach(&engine)));
    }
    let began = Timestamp::now();
    let result = match job {
        Job::Pipeline(mut request) => {
            request.id.clone_from(&how.run_id);
            engine.run(*request)
        }
        Job::Stage(earlier, secrets, _) => engine.repeat(&earlier, secrets, how.run_id.clone()),
    };
    let view = result.map_err(fault)?;
    let is_text = how.format == RunFormat::Text && !is_quiet();
    // Where nobody reads it any more, async runs still go on.
    let mut printed = Ok(());
    if is_text {
        let mut text = summary::pipeline(&view, engine.history());
        if view.record.options.keep_workspace {
            text.push_str(&format!("  workspace: {}\n", engine.history().run(&view.record.id).path().join("workspace").display()));
        }
        reporter.aside(&mut || printed = print(&text));
    }
    engine.wait();
    printed?;
    let runs = engine.history().started_by(&view);
    if is_text {
        print(&summary::async_runs(&view, &runs, began))?;
    }
    if page.is_some() && !engine.is_stopped() {
        print_line("The page stays until you press Ctrl-C.");
        engine.wait_for_end();
    }
    let has_failed = |state: State| state != State::Succeeded;
    let is_failure = has_failed(view.state) || (how.fail_on_async && runs.iter().any(|run| has_failed(run.state)));
    Ok(if is_failure { Exit::Findings } else { Exit::Clean })
}

fn options(arguments: &Run) -> Result<RunOptions, CliError> {
    Ok(RunOptions {
        jobs: arguments.how.jobs.map(usize::from),
        containers: arguments.containers.as_deref().map(container_engine).transpose()?,
        only: arguments.stage.clone(),
        skip: arguments.skip.clone(),
        keep_workspace: arguments.keep_workspace,
        ..RunOptions::default()
    })
}

/// The engine that is named, else the first that is there.
pub(super) fn container_engine(given: &str) -> Result<String, CliError> {
    let engine = if given.is_empty() { find_containers().ok_or(CliError::NoContainers)? } else { given };
    check_containers(engine).map_err(|reason| CliError::Run(format!("images cannot be run: {reason}")))?;
    Ok(engine.to_owned())
}

/// A stage that is chosen or left out must be there.
fn names_are_known(stages: &[PlannedStage], options: &RunOptions) -> Result<(), CliError> {
    let is_known = |name: &String| stages.iter().any(|stage| stage.id == *name || stage.name == *name || stage.task.as_ref() == Some(name));
    match options.only.iter().chain(&options.skip).find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => {
            let names: Vec<&str> = stages.iter().map(|stage| stage.id.as_str()).collect();
            Err(CliError::UnknownName { kind: "stage", name: name.clone(), hint: format!("the pipeline has {}", names.join(", ")) })
        }
    }
}

fn tell_absolute_paths(configuration: &Configuration) {
    let found = host::absolute_paths(&configuration.compilation.sources);
    if let Some((place, folder)) = found.first() {
        let others = if found.len() > 1 { format!(" (and {} more files do so)", found.len() - 1) } else { String::new() };
        let variable = if *folder == "/workspace" { "$WORKSPACE" } else { "$CONFIG_DIR, get_env or get_secret" };
        print_note(&format!(
            "`{place}` names {folder}, which is not there on this machine{others}; use {variable}, or run it with --containers"
        ));
    }
}

/// What async stages need of the pipeline, and this run was not given.
fn tell_missing(requires: &plan::Requires, values: &Values) {
    let has = |name: &String| values.properties.contains_key(name) || values.secrets.iter().any(|(known, _)| known == name);
    let missing = |names: &[String], option: &str| -> Vec<String> {
        names
            .iter()
            .filter(|name| !has(name))
            .map(|name| format!("{option} {name}{}", if option == "--property" { "=..." } else { "" }))
            .collect()
    };
    let given = [missing(&requires.properties, "--property"), missing(&requires.secrets, "--secret")].concat();
    if !given.is_empty() {
        print_note(&format!("async stages read what this run was not given; give it with {}", given.join(" ")));
    }
}

fn tell_short_secrets(values: &Values) {
    use secrecy::ExposeSecret;
    for (name, _) in values.secrets.iter().filter(|(_, value)| value.expose_secret().len() < SHORTEST_SECRET) {
        print_note(&format!("the secret {name} is too short to be hidden in logs: it has fewer than {SHORTEST_SECRET} bytes"));
    }
}
