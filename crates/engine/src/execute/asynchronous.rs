//! What reaches the webhook or the API: an async stage with what its parent has exported, or a pipeline of the configuration
//! that the engine was started for.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sidestage_compiler::platform;
use sidestage_runtime::receive::Received;

use super::active::ActiveRun;
use super::mask::SHORTEST;
use super::shared::{RunError, RunRequest, Shared, Source, folder_name};
use super::stage::{End, NO_SCRIPT};
use super::{parent, snapshot};
use crate::processes::children;
use crate::run::{Draft, EventKind, RunFolder, RunRecord, RunView, State, VERSION, What};
use crate::service::again as again_by_service;
use crate::service::executor::{Executor, Log, Order};

impl Executor for Arc<Shared> {
    fn accept(&self, order: Order) -> Result<(), String> {
        let body: Value = serde_json::from_str(&order.event).unwrap_or_default();
        // The webhook of async stages starts nothing else: a call of it must not deploy.
        let is_stage = body.get("sidestage").is_some() || order.trigger == platform::TRIGGER_NAME;
        let accepted = if is_stage { self.accept_stage(order) } else { self.accept_pipeline(order) };
        accepted.map_err(|error| error.to_string())
    }

    fn cancel(&self, run: &str, is_forced: bool) {
        if let Some(run) = self.active(run) {
            run.stop.ask(is_forced);
        }
    }

    fn is_ending(&self) -> bool {
        self.open().is_stopped
    }

    fn logs(&self, run: &str) -> Vec<Log> {
        let folder = self.history.run(run);
        let Ok(view) = folder.view() else { return Vec::new() };
        let has_begun = view.stages.iter().enumerate().filter(|(_, stage)| stage.started.is_some());
        has_begun.map(|(place, stage)| Log { name: stage.id.clone(), path: folder.log(place, &stage.id) }).collect()
    }
}

impl Shared {
    /// An async stage: it is on disk before the webhook answers.
    fn accept_stage(self: &Arc<Self>, order: Order) -> Result<(), RunError> {
        let run = self.draft_stage(order)?;
        let shared = self.clone();
        spawn(move || execute(&shared, &run))
    }

    fn draft_stage(self: &Arc<Self>, order: Order) -> Result<Arc<ActiveRun>, RunError> {
        let received = Received::read(&order.event);
        let named = serde_json::from_str::<Value>(&order.event).unwrap_or_default()["stage"].as_str().unwrap_or_default().to_owned();
        let (asked, source, config) = match &received {
            Ok(received) => (received.stage.as_str(), Some(received.parent.clone()), received.config.clone()),
            Err(_) => (named.as_str(), None, sidestage_runtime::receive::ConfigPlace::default()),
        };
        // What is wrong with the payload is told by the run itself.
        let stage = if platform::stage_name_fault(asked).is_none() { asked.to_owned() } else { "unknown".to_owned() };
        let mut record = RunRecord {
            version: VERSION,
            id: order.id,
            created: Timestamp::now(),
            what: What::Async { stage: stage.clone(), parent: source.filter(|parent| !parent.is_empty()) },
            trigger: order.trigger,
            folder: config.path.clone(),
            config: config.file.clone(),
            commit: config.commit.clone(),
            properties: order.properties.into_iter().collect(),
            parameters: BTreeMap::new(),
            secrets: order.secrets.iter().map(|(name, _)| name.clone()).filter(|name| name != platform::TOKEN_PROPERTY).collect(),
            options: self.options.clone(),
            stages: Vec::new(),
            hidden: Vec::new(),
            repeats: order.repeats,
        };
        let (id, parent) = (record.id.clone(), record.parent().map(str::to_owned));
        let mut hidden = self.of_service(&record.id).1;
        if let Some(parent) = parent.as_deref().and_then(|parent| self.active(parent)) {
            hidden.extend(parent.all_secrets());
        }
        let known: Vec<&SecretString> = hidden.iter().chain(order.secrets.iter().map(|(_, value)| value)).collect();
        record.hidden = variables_with_secrets(&order.event, &known);
        let (folder, hold) = Draft::begin(self.history.folder(), &record.id)?.finish(&record, Some(&order.event))?;
        for name in &record.hidden {
            self.reporter.warn(&format!(
                "the variable `{name}` that {} gets holds a secret: it is kept with run {}, for everybody who can read that run",
                record.title(),
                record.short()
            ));
        }
        let run = Arc::new(ActiveRun::new(record, folder, hold, order.secrets, hidden, self.reporter.clone()));
        self.enter(&run);
        if let Some(parent) = parent.and_then(|parent| self.active(&parent)) {
            parent.note(EventKind::AsyncStarted { run: id, stage });
        }
        Ok(run)
    }

    /// A pipeline of the configuration that the engine was started for.
    fn accept_pipeline(self: &Arc<Self>, order: Order) -> Result<(), RunError> {
        let Some((root, config)) = self.repository.clone() else {
            return Err(RunError(
                "its body is no payload of sidestage, and no configuration was named whose pipeline could run".to_owned(),
            ));
        };
        let kind = order.properties.iter().find(|(name, _)| name == "pipeline_namespace").map(|(_, kind)| kind.as_str());
        let planned = self.planner.pipeline(&root, &config, kind).map_err(RunError)?;
        let request = RunRequest {
            pipeline: planned.pipeline,
            trigger: order.trigger,
            stages: planned.stages,
            folder: folder_name(&root),
            config,
            source: Source::WorkingTree { root, is_committed: false },
            // Those of the pipeline reach its async runs by the service; the trigger's and the call's are this run's own.
            properties: BTreeMap::new(),
            parameters: order.properties.into_iter().collect(),
            secrets: order.secrets,
            options: self.options.clone(),
            id: Some(order.id),
            repeats: order.repeats,
        };
        let shared = self.clone();
        spawn(move || {
            let id = request.id.clone().unwrap_or_default();
            let _place = shared.pipeline_places.take();
            let _ = shared.service().set_status(&id, "running");
            if let Err(error) = parent::run(&shared, request) {
                shared.reporter.warn(&format!("run {id} could not be started: {error}"));
                let _ = shared.service().set_status(&id, "error");
            }
        })
    }
}

/// The variables of a payload whose values hold secrets: it is kept with its run, and shown to everybody who sees it.
fn variables_with_secrets(event: &str, secrets: &[&SecretString]) -> Vec<String> {
    let payload: Value = serde_json::from_str(event).unwrap_or_default();
    let holds =
        |value: &str| secrets.iter().any(|secret| secret.expose_secret().len() >= SHORTEST && value.contains(secret.expose_secret()));
    let variables = payload["state"]["env"].as_object().into_iter().flatten();
    variables.filter(|(_, value)| value.as_str().is_some_and(holds)).map(|(name, _)| name.clone()).collect()
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Result<(), RunError> {
    let thread = std::thread::Builder::new().name("async run".to_owned()).spawn(work);
    thread.map(drop).map_err(|error| RunError(format!("cannot start threads: {error}")))
}

/// Starts an async run again, and waits for its end.
pub(super) fn repeat(
    shared: &Arc<Shared>,
    earlier: &RunFolder,
    secrets: Vec<(String, SecretString)>,
    id: Option<String>,
) -> Result<RunView, RunError> {
    let record = earlier.record()?;
    shared.furnish(&record.properties, &secrets)?;
    let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let order = order_again(earlier, &record, &id, secrets, shared.token())?;
    let run = shared.draft_stage(order)?;
    execute(shared, &run);
    Ok(run.folder.view()?)
}

/// Starts a run of this engine again in the background; gives the id of the new one.
pub(super) fn again(shared: &Arc<Shared>, id: &str) -> Result<String, RunError> {
    let earlier = shared.history.run(id);
    let view = earlier.view()?;
    if !view.state.is_ended() {
        return Err(RunError("it has not ended yet".to_owned()));
    }
    // What the service has accepted, it repeats.
    if let Ok(shown) = again_by_service(shared.service(), id) {
        return Ok(shown.get("id").and_then(Value::as_str).unwrap_or_default().to_owned());
    }
    let record = view.record;
    let secrets = shared.secrets_now()?;
    let missing: Vec<&String> = record.secrets.iter().filter(|name| secrets.iter().all(|(known, _)| known != *name)).collect();
    if let Some(name) = missing.first() {
        return Err(RunError(format!(
            "the value of the secret {name} is not kept; type: sidestage rerun {} --secret {name}",
            record.short()
        )));
    }
    let secrets: Vec<_> = secrets.into_iter().filter(|(name, _)| record.secrets.contains(name)).collect();
    let fresh = uuid::Uuid::new_v4().to_string();
    let shared = shared.clone();
    match &record.what {
        What::Async { .. } => {
            let order = order_again(&earlier, &record, &fresh, secrets, shared.token())?;
            shared.accept_stage(order)?;
        }
        What::Pipeline { pipeline } => {
            let request = RunRequest { id: Some(fresh.clone()), ..RunRequest::again(pipeline.clone(), record, earlier, secrets) };
            // It is there before its page is looked at.
            let (run, snapshot) = parent::begin(&shared, request)?;
            shared.enter(&run);
            spawn(move || parent::execute(&shared, &run, &snapshot))?;
        }
    }
    Ok(fresh)
}

fn order_again(
    earlier: &RunFolder,
    record: &RunRecord,
    id: &str,
    mut secrets: Vec<(String, SecretString)>,
    token: Option<(String, SecretString)>,
) -> Result<Order, RunError> {
    let event = earlier.payload().ok_or_else(|| RunError("the run has no payload, so it cannot be repeated".to_owned()))?;
    secrets.extend(token);
    Ok(Order {
        id: id.to_owned(),
        trigger: record.trigger.clone(),
        event,
        properties: record.properties.clone().into_iter().collect(),
        secrets,
        repeats: Some(record.id.clone()),
    })
}

/// Executes an async run when there is a place for it.
fn execute(shared: &Arc<Shared>, run: &ActiveRun) {
    let (state, reason) = {
        let _place = shared.places.take();
        if run.stop.is_asked() {
            (State::Cancelled, None)
        } else {
            run.note(EventKind::Started);
            let _ = shared.service().set_status(&run.record.id, "running");
            match stage(shared, run) {
                Ok(state) => (state, None),
                Err(reason) => (State::Failed, Some(reason)),
            }
        }
    };
    shared.leave(run, state, reason);
}

/// The stage with the data and the repositories that it was given, and nothing else.
fn stage(shared: &Shared, run: &ActiveRun) -> Result<State, String> {
    let words = |error: io::Error| error.to_string();
    let payload = run.folder.payload().ok_or("the run has lost its payload")?;
    let received = Received::read(&payload).map_err(|failure| failure.to_string())?;
    let mut environment = parent::furnish(shared, run, &[]).map_err(words)?;
    let data = run.data();
    data.load(&received.state)?;
    received.pipeline.iter().try_for_each(|(key, value)| data.set(key, value))?;
    let git = |arguments: &[&str], folder: &Path| children::output(&mut snapshot::git(arguments, folder));
    received.clone_into(&run.place("workspace"), &git).map_err(|failure| failure.to_string())?;
    let root = run.repository();
    if !root.is_dir() {
        return Err(format!("the repository of the configuration is not in the workspace: {}", received.config.path));
    }
    let planned = shared.planner.target(&root, &received.config.file, &received.stage)?;
    run.note(EventKind::StageStarted { stage: planned.id.clone() });
    environment.insert("TRIGGER_PAYLOAD_PATH".to_owned(), run.place("payload.json").to_string_lossy().into_owned());
    let end = match &planned.script {
        None => End::failed(NO_SCRIPT),
        Some(script) => parent::run_stage(shared, run, &environment, 0, &planned, script, None),
    };
    run.note(EventKind::StageEnded { stage: planned.id.clone(), state: end.state, exit: end.exit, reason: end.reason.clone() });
    Ok(match end.state {
        State::Succeeded | State::Cancelled => end.state,
        _ => State::Failed,
    })
}
