//! What every run of this process can reach: the service, the history, and the runs that are executed now.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use sidestage_compiler::plan::PlannedStage;
use sidestage_compiler::platform;

use super::active::ActiveRun;
use super::places::Places;
use super::{Planner, Reporter};
use crate::run::{EventKind, History, RunFolder, RunOptions, RunRecord, State};
use crate::service::Service;
use crate::service::dispatch::put_property;
use crate::service::error::{ApiError, StartError};
use crate::service::iam;
use crate::service::store::Change;

/// What a run is made from.
#[derive(Debug)]
pub enum Source {
    /// A repository on this machine.
    WorkingTree {
        /// Its root.
        root: PathBuf,
        /// Only what is committed.
        is_committed: bool,
    },
    /// The state of an earlier run, by its folder.
    Again(RunFolder),
}

/// A pipeline to run.
#[derive(Debug)]
pub struct RunRequest {
    /// The kind of the pipeline.
    pub pipeline: String,
    /// The trigger that starts it.
    pub trigger: String,
    /// Its stages.
    pub stages: Vec<PlannedStage>,
    /// The folder of the repository, relative to the workspace.
    pub folder: String,
    /// The configuration, relative to the root of its repository.
    pub config: String,
    /// Where the files come from.
    pub source: Source,
    /// What `get_env` gives, here and in async runs.
    pub properties: BTreeMap<String, String>,
    /// What `get_env` gives in this run alone.
    pub parameters: BTreeMap<String, String>,
    /// What `get_secret` gives.
    pub secrets: Vec<(String, SecretString)>,
    /// How it is run.
    pub options: RunOptions,
    /// The id of the run; a new one by default.
    pub id: Option<String>,
    /// The id of the run that it repeats.
    pub repeats: Option<String>,
}

impl RunRequest {
    /// The same as an earlier run of the pipeline; that run's own `secrets` are not kept.
    pub fn again(pipeline: String, record: RunRecord, earlier: RunFolder, secrets: Vec<(String, SecretString)>) -> Self {
        Self {
            pipeline,
            trigger: record.trigger,
            stages: record.stages,
            folder: record.folder,
            config: record.config,
            source: Source::Again(earlier),
            properties: record.properties,
            parameters: record.parameters,
            secrets,
            options: record.options,
            id: None,
            repeats: Some(record.id),
        }
    }
}

/// Why a run could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError(pub(super) String);

impl Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RunError {}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        Self(error.to_string())
    }
}

/// What every run can reach.
pub(super) struct Shared {
    pub(super) history: History,
    /// This program: it is the supervisor of stages, and their commands.
    pub(super) sidestage: PathBuf,
    pub(super) options: RunOptions,
    pub(super) repository: Option<(PathBuf, String)>,
    pub(super) planner: Arc<dyn Planner>,
    pub(super) reporter: Arc<dyn Reporter>,
    /// The places of async runs.
    pub(super) places: Places,
    /// The places of pipelines that the API starts: they may wait for async runs.
    pub(super) pipeline_places: Places,
    /// Set before anything can reach the service.
    pub(super) service: OnceLock<Service>,
    /// The key by which stages reach the service.
    pub(super) key: SecretString,
    /// Whether the pipeline of the service is that of the one run that this process executes.
    pub(super) is_private: bool,
    /// The token of the webhook, where this engine has made it.
    pub(super) token: OnceLock<SecretString>,
    pub(super) open: Mutex<Open>,
    pub(super) changed: Condvar,
}

/// The runs that are executed now.
#[derive(Default)]
pub(super) struct Open {
    pub(super) runs: BTreeMap<String, Arc<ActiveRun>>,
    /// The parents of all runs that have begun here.
    parents: BTreeMap<String, String>,
    /// Ended runs whose workspaces are still used, with their folders.
    used: Vec<(String, RunFolder)>,
    pub(super) is_stopped: bool,
    is_forced: bool,
}

impl Open {
    /// Whether a run has async runs that have not ended, but for the one that ends now.
    fn is_used(&self, id: &str, ending: &str) -> bool {
        let descends = |run: &&Arc<ActiveRun>| {
            std::iter::successors(run.record.parent(), |above| self.parents.get(*above).map(String::as_str)).any(|above| above == id)
        };
        self.runs.values().filter(|run| run.record.id != ending).any(|run| descends(&run))
    }
}

impl Shared {
    pub(super) fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn service(&self) -> &Service {
        self.service.get().unwrap_or_else(|| unreachable!("it is set before anything runs"))
    }

    /// The first time politely, then at once.
    pub(super) fn stop(&self, is_forced: bool) {
        let mut open = self.open();
        open.is_forced |= is_forced || open.is_stopped;
        open.is_stopped = true;
        let is_forced = open.is_forced;
        for run in open.runs.values() {
            run.stop.ask(is_forced);
        }
        self.changed.notify_all();
    }

    /// A run begins.
    pub(super) fn enter(&self, run: &Arc<ActiveRun>) {
        let mut open = self.open();
        if let Some(parent) = run.record.parent() {
            open.parents.insert(run.record.id.clone(), parent.to_owned());
        }
        open.runs.insert(run.record.id.clone(), run.clone());
        if open.is_stopped {
            run.stop.ask(open.is_forced);
        }
    }

    /// The run of an id, where it is executed now.
    pub(super) fn active(&self, id: &str) -> Option<Arc<ActiveRun>> {
        self.open().runs.get(id).cloned()
    }

    /// A run ends: what it leaves behind is cleared before anybody is told.
    pub(super) fn leave(&self, run: &ActiveRun, state: State, reason: Option<String>) {
        self.clear(run);
        run.note(EventKind::Ended { state, reason });
        if let Err(error) = self.service().set_status(&run.record.id, state.status()) {
            self.reporter.warn(&format!("the service does not know the end of run {}: {}", run.record.short(), error.message()));
        }
        self.open().runs.remove(&run.record.id);
        self.changed.notify_all();
    }

    /// Removes what a run has left. Its async runs may clone from its workspace: that one stays until they have ended too.
    fn clear(&self, run: &ActiveRun) {
        let mut folders = vec![(run.folder.clone(), run.record.options.keep_workspace)];
        {
            let mut open = self.open();
            if open.is_used(&run.record.id, &run.record.id) && !run.record.options.keep_workspace {
                folders[0].1 = true;
                open.used.push((run.record.id.clone(), run.folder.clone()));
            }
            let used = std::mem::take(&mut open.used);
            let (still, free): (Vec<_>, Vec<_>) =
                used.into_iter().partition(|(id, _)| *id == run.record.id || open.is_used(id, &run.record.id));
            open.used = still;
            folders.extend(free.into_iter().map(|(_, folder)| (folder, false)));
        }
        for (folder, keeps_workspace) in folders {
            if let Err(error) = folder.clear(keeps_workspace) {
                self.reporter.warn(&format!("the folder {} cannot be cleared: {error}", folder.path().display()));
            }
        }
    }

    /// Gives the service the properties of a pipeline that this process runs, and the webhook of async stages.
    pub(super) fn furnish(&self, properties: &BTreeMap<String, String>, secrets: &[(String, SecretString)]) -> Result<(), RunError> {
        // The pipeline of a service that others use is theirs to change.
        if !self.is_private {
            return Ok(());
        }
        let failed = |error: ApiError| RunError(error.message().to_owned());
        let put = |change: &Change| {
            properties.iter().try_for_each(|(name, value)| put_property(change, name, value, false))?;
            secrets.iter().try_for_each(|(name, value)| put_property(change, name, value.expose_secret(), true))
        };
        let service = self.service();
        service.store.change(put).map_err(failed)?;
        if self.token.get().is_none() {
            let (listener, header) = (platform::EVENT_LISTENER, platform::TOKEN_HEADER);
            let token = service.provide_webhook(platform::TRIGGER_NAME, listener, header, platform::TOKEN_PROPERTY).map_err(failed)?;
            let _ = self.token.set(token.into());
        }
        Ok(())
    }

    /// The secure properties that the service has.
    pub(super) fn secrets_now(&self) -> Result<Vec<(String, SecretString)>, RunError> {
        self.service().secure_properties().map_err(|error| RunError(error.message().to_owned()))
    }

    /// The token of the webhook, as the secret that a run has of it.
    pub(super) fn token(&self) -> Option<(String, SecretString)> {
        self.token.get().map(|token| (platform::TOKEN_PROPERTY.to_owned(), token.clone()))
    }

    /// What stages know of the service, and what of it must not be shown.
    pub(super) fn of_service(&self, id: &str) -> (Vec<(&'static str, String)>, Vec<SecretString>) {
        let service = self.service();
        let variables = vec![
            ("PIPELINE_ID", service.pipeline.clone()),
            ("PIPELINE_RUN_URL", service.run_url(id)),
            ("CD_TEKTON_PIPELINE_URL", format!("{}/pipeline/v2", service.origin)),
            ("CD_TEKTON_PIPELINE_AUTH_URL", service.origin.to_string()),
            ("CD_TEKTON_PIPELINE_APIKEY", self.key.expose_secret().to_owned()),
        ];
        (variables, vec![self.key.clone()])
    }

    /// A token of the service for who does not exchange the key.
    pub(super) fn access_token(&self) -> String {
        iam::access_token(self.service(), self.key.expose_secret())
    }
}

/// The name of a repository's folder in the workspace.
pub fn folder_name(root: &Path) -> String {
    let name: String = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(['.', '-']).to_owned();
    if name.is_empty() { "repository".to_owned() } else { name }
}
