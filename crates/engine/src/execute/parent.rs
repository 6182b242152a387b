//! A pipeline of the configuration, from its snapshot to its end.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use sidestage_compiler::plan::PlannedStage;
use sidestage_compiler::platform;

use super::active::ActiveRun;
use super::shared::{RunError, RunRequest, Shared, Source};
use super::snapshot::{self, Snapshot};
use super::stage::{self, End, Surroundings};
use super::{condition, schedule, tools};
use crate::run::{Draft, EventKind, RunRecord, RunView, State, VERSION, What};

/// The repository that the run keeps, so that it can be repeated.
const SOURCE: &str = "source.git";

/// The repository that its stages clone, and push to; its async runs are made from it.
const ORIGIN: &str = "origin.git";

/// The folders that every run has.
const FOLDERS: &[&str] = &["home", "tmp", "workspace"];

/// Runs a pipeline to its end.
pub(super) fn run(shared: &Arc<Shared>, request: RunRequest) -> Result<RunView, RunError> {
    let (run, snapshot) = begin(shared, request)?;
    shared.enter(&run);
    execute(shared, &run, &snapshot);
    Ok(run.folder.view()?)
}

/// Executes a run that has begun.
pub(super) fn execute(shared: &Shared, run: &ActiveRun, snapshot: &Snapshot) {
    run.note(EventKind::Started);
    let (state, reason) = match prepare(shared, run, snapshot) {
        Ok(environment) => {
            let work = PipelineWork { shared, run, environment: &environment, values: values(run) };
            (schedule::run(&run.record.stages, run.record.options.jobs.unwrap_or(usize::MAX), &work), None)
        }
        Err(error) => (State::Failed, Some(error.to_string())),
    };
    shared.leave(run, state, reason);
}

/// Takes the snapshot, and writes down what is run.
pub(super) fn begin(shared: &Shared, request: RunRequest) -> Result<(Arc<ActiveRun>, Snapshot), RunError> {
    for name in request.properties.keys().chain(request.parameters.keys()).chain(request.secrets.iter().map(|(name, _)| name)) {
        tools::check_name(name)?;
    }
    shared.furnish(&request.properties, &request.secrets)?;
    let id = request.id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let draft = Draft::begin(shared.history.folder(), &id)?;
    let bare = draft.path().join(SOURCE);
    let taken = match &request.source {
        Source::WorkingTree { root, is_committed } => snapshot::take(root, &bare, *is_committed),
        Source::Again(earlier) => earlier.record().and_then(|record| snapshot::again(&earlier.path().join(SOURCE), &bare, &record.commit)),
    };
    let mut snapshot = match taken {
        Ok(snapshot) => snapshot,
        Err(error) => {
            draft.discard();
            return Err(RunError(format!("the files of the run cannot be copied: {error}")));
        }
    };
    if !snapshot::has(&snapshot, &request.config) {
        draft.discard();
        return Err(RunError(format!(
            "git ignores the configuration {}, or it is not committed, so the run would not have it",
            request.config
        )));
    }
    let record = RunRecord {
        version: VERSION,
        id,
        created: Timestamp::now(),
        what: What::Pipeline { pipeline: request.pipeline },
        trigger: request.trigger,
        folder: request.folder,
        config: request.config,
        commit: snapshot.commit.clone(),
        properties: request.properties,
        parameters: request.parameters,
        secrets: request.secrets.iter().map(|(name, _)| name.clone()).filter(|name| name != platform::TOKEN_PROPERTY).collect(),
        options: request.options,
        stages: request.stages,
        hidden: Vec::new(),
        repeats: request.repeats,
    };
    let (folder, hold) = draft.finish(&record, None)?;
    snapshot.repository = folder.path().join(SOURCE);
    let mut secrets = request.secrets;
    secrets.extend(shared.token());
    let hidden = shared.of_service(&record.id).1;
    Ok((Arc::new(ActiveRun::new(record, folder, hold, secrets, hidden, shared.reporter.clone())), snapshot))
}

/// The workspace and all that stages find beside it; gives their environment.
fn prepare(shared: &Shared, run: &ActiveRun, snapshot: &Snapshot) -> io::Result<BTreeMap<String, String>> {
    let What::Pipeline { pipeline } = &run.record.what else { return Err(io::Error::other("it is no pipeline")) };
    let environment = furnish(shared, run, &[("pipeline_namespace", pipeline), ("pipeline-name", &run.record.folder)])?;
    let root = run.repository();
    let origin = run.place(ORIGIN);
    snapshot::serve_as_origin(snapshot, &origin)?;
    snapshot::check_out(snapshot, &origin, &root)?;
    let url = origin.to_string_lossy();
    let branch = if snapshot.branch.is_empty() { "sidestage-run" } else { snapshot.branch.as_str() };
    let properties =
        [("url", url.as_ref()), ("path", run.record.folder.as_str()), ("branch", branch), ("commit", snapshot.commit.as_str())];
    run.data().save_repo("app-repo", &properties).map_err(io::Error::other)?;
    mount_missing(run, &[("repository-url", &url), ("git-branch", branch), ("git-commit", &snapshot.commit)])?;
    Ok(environment)
}

/// Commands, tools, properties and secrets of a run; gives the environment of its stages. `provided` is what the platform
/// adds where nothing of that name was given.
pub(super) fn furnish(shared: &Shared, run: &ActiveRun, provided: &[(&str, &str)]) -> io::Result<BTreeMap<String, String>> {
    use secrecy::ExposeSecret;
    let folder = run.folder.path();
    FOLDERS.iter().try_for_each(|name| std::fs::create_dir_all(folder.join(name)))?;
    tools::install(folder, &shared.sidestage)?;
    tools::mount(&folder.join("config"), run.values())?;
    tools::mount(&folder.join("secrets"), run.secrets.iter().map(|(name, value)| (name.as_str(), value.expose_secret())))?;
    mount_missing(run, provided)?;
    mount_missing(run, &[("pipeline-debug", "0"), ("ONE_PIPELINE_CONFIG_DIRECTORY_NAME", &run.record.folder)])?;
    let mut environment = tools::environment(folder);
    let kind = match &run.record.what {
        What::Pipeline { pipeline } => pipeline.as_str(),
        What::Async { stage, .. } => stage.as_str(),
    };
    let trigger = if run.record.parent().is_some() { "generic" } else { "manual" };
    let own = [
        ("PIPELINE_CONFIG_REPO_PATH", run.record.folder.clone()),
        ("PIPELINE_CONFIG_PATH", run.record.config.clone()),
        ("PIPELINE_NAME", run.record.folder.clone()),
        ("PIPELINE_RUN_ID", run.record.id.clone()),
        ("PIPELINE_RUN_NAME", format!("sidestage-{kind}-{}", run.record.short())),
        ("BUILD_NUMBER", run.record.created.as_second().to_string()),
        ("TRIGGER_TYPE", trigger.to_owned()),
        ("TRIGGER_NAME", run.record.trigger.clone()),
        ("TRIGGERED_BY", "sidestage".to_owned()),
    ];
    environment.extend(own.into_iter().chain(shared.of_service(&run.record.id).0).map(|(name, value)| (name.to_owned(), value)));
    // What the caller has given wins.
    environment.extend(run.record.options.environment.clone());
    Ok(environment)
}

fn mount_missing(run: &ActiveRun, provided: &[(&str, &str)]) -> io::Result<()> {
    let config = run.place("config");
    tools::mount(&config, provided.iter().copied().filter(|(name, _)| !config.join(name).exists()))
}

/// Runs one stage of a run in its environment.
pub(super) fn run_stage(
    shared: &Shared,
    run: &ActiveRun,
    environment: &BTreeMap<String, String>,
    place: usize,
    stage: &PlannedStage,
    script: &str,
    deadline: Option<Instant>,
) -> End {
    let mut environment = environment.clone();
    environment.insert("STAGE".to_owned(), stage.name.clone());
    if let Err(error) = tools::put_token(run.folder.path(), place, &shared.access_token()) {
        return End::failed(format!("the tools of the stage cannot be written: {error}"));
    }
    stage::run(run, place, stage, script, &Surroundings { sidestage: &shared.sidestage, environment: &environment, deadline })
}

struct PipelineWork<'a> {
    shared: &'a Shared,
    run: &'a ActiveRun,
    environment: &'a BTreeMap<String, String>,
    /// What `get_env` gives before any stage has set something.
    values: BTreeMap<String, String>,
}

/// The properties of a run, those that the platform provides among them.
fn values(run: &ActiveRun) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(run.place("config")).into_iter().flatten().flatten();
    files.filter_map(|file| Some((file.file_name().into_string().ok()?, std::fs::read_to_string(file.path()).ok()?))).collect()
}

impl schedule::Work for PipelineWork<'_> {
    fn run(&self, place: usize, stage: &PlannedStage, script: &str, deadline: Option<Instant>) -> End {
        run_stage(self.shared, self.run, self.environment, place, stage, script, deadline)
    }

    fn started(&self, stage: &PlannedStage) {
        self.run.note(EventKind::StageStarted { stage: stage.id.clone() });
    }

    fn ended(&self, stage: &PlannedStage, end: &End) {
        self.run.note(EventKind::StageEnded { stage: stage.id.clone(), state: end.state, exit: end.exit, reason: end.reason.clone() });
    }

    fn skipped(&self, stage: &PlannedStage, reason: &str) {
        self.run.note(EventKind::StageSkipped { stage: stage.id.clone(), reason: reason.to_owned() });
    }

    /// `finish` asks how it went.
    fn closing(&self, has_failed: bool) {
        let status = if has_failed { "1" } else { "0" };
        let _ = mount_missing(self.run, &[("one-pipeline-status", status)]);
    }

    fn is_stopped(&self) -> bool {
        self.run.stop.is_asked()
    }

    fn leaves_out(&self, stage: &PlannedStage) -> bool {
        self.run.record.options.leaves_out(stage)
    }

    fn known(&self) -> condition::Known<'_> {
        let What::Pipeline { pipeline } = &self.run.record.what else { return condition::Known::default() };
        let properties = self.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        condition::Known { pipeline, properties }
    }
}
