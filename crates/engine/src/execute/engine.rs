//! The engine: the local service, and all runs that this process executes.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use sidestage_runtime::hash::hex;

use super::places::Places;
use super::shared::{Open, RunError, RunRequest, Shared};
use super::{Planner, Reporter, parent};
use crate::processes::children;
use crate::run::{History, KEPT, RunFolder, RunOptions, RunView};
use crate::service::auth::{ApiKeys, Role};
use crate::service::random;
use crate::service::server::{Background, Server};
use crate::service::{Companions, Pages, ServerOptions};

/// How the engine works.
#[derive(Debug)]
pub struct EngineOptions {
    /// The folder of all runs.
    pub state: PathBuf,
    /// How runs are executed that reach the webhook or the API.
    pub options: RunOptions,
    /// How the service is started.
    pub server: ServerOptions,
    /// Whether only the stages of its own runs may call the service.
    pub is_private: bool,
    /// The repository whose pipelines the API can start, and the configuration in it.
    pub repository: Option<(PathBuf, String)>,
}

/// Runs pipelines and async stages until it is dropped.
pub struct Engine {
    shared: Arc<Shared>,
    // Dropped after all else: runs tell it how they end.
    service: Background,
}

impl Engine {
    /// Sweeps what killed engines have left, and starts the service.
    ///
    /// # Errors
    /// Where the state cannot be written, or the service cannot be started.
    pub fn start(
        options: EngineOptions,
        planner: Arc<dyn Planner>,
        reporter: Arc<dyn Reporter>,
        pages: Option<Arc<dyn Pages>>,
        announce: Option<&mut dyn Write>,
    ) -> Result<Self, RunError> {
        if !cfg!(target_os = "linux") {
            return Err(RunError("pipelines run on Linux only: elsewhere nothing would end what a stage leaves behind".to_owned()));
        }
        let sidestage = std::env::current_exe().map_err(|error| RunError(format!("this program does not know where it is: {error}")))?;
        children::adopt_orphans();
        let history = History::at(&options.state);
        std::fs::create_dir_all(history.folder())?;
        for interrupted in history.sweep()? {
            reporter.warn(&format!(
                "run {} ({}) was interrupted; type: sidestage rerun {}",
                interrupted.record.short(),
                interrupted.record.title(),
                interrupted.record.short()
            ));
        }
        // With the one that begins now there are as many as are kept.
        history.prune(KEPT - 1)?;
        let key: SecretString = hex(&random::bytes()?).into();
        let mut server = options.server;
        server.keys = match server.keys {
            Some(keys) => Some(keys.and(key.clone(), Role::Editor)),
            None if options.is_private => Some(ApiKeys::editor(key.clone())),
            None => None,
        };
        let shared = Arc::new(Shared {
            history,
            sidestage,
            places: Places::new(options.options.jobs),
            pipeline_places: Places::new(options.options.jobs),
            options: options.options,
            repository: options.repository,
            planner,
            reporter,
            service: OnceLock::new(),
            is_private: options.is_private,
            key,
            token: OnceLock::new(),
            open: Mutex::new(Open::default()),
            changed: Condvar::new(),
        });
        let server = Server::bind(server, Companions { executor: Some(Arc::new(shared.clone())), pages })?;
        let _ = shared.service.set(server.service.clone());
        let known = |id: &str| shared.history.run(id).view().ok().map(|view| view.state.status());
        server.service.resume(known).map_err(|error| RunError(error.message().to_owned()))?;
        let on_signal = shared.clone();
        if let Some(out) = announce {
            server.announce(out)?;
        }
        let service = server.in_background(move || on_signal.stop(false))?;
        Ok(Self { shared, service })
    }

    /// The address of the service, without a path.
    pub fn address(&self) -> &str {
        &self.shared.service().origin
    }

    /// All runs.
    pub fn history(&self) -> &History {
        &self.shared.history
    }

    /// Runs a pipeline to its end; async runs may go on.
    ///
    /// # Errors
    /// Where it could not be started.
    pub fn run(&self, request: RunRequest) -> Result<RunView, RunError> {
        parent::run(&self.shared, request)
    }

    /// Starts an async run again, as it was, under this id or a new one.
    ///
    /// # Errors
    /// Where it has no payload, or could not be started.
    pub fn repeat(&self, earlier: &RunFolder, secrets: Vec<(String, SecretString)>, id: Option<String>) -> Result<RunView, RunError> {
        super::asynchronous::repeat(&self.shared, earlier, secrets, id)
    }

    /// What may start runs again while the engine works.
    pub fn handle(&self) -> Handle {
        Handle(self.shared.clone())
    }

    /// Waits until nothing runs.
    pub fn wait(&self) {
        let mut open = self.shared.open();
        while !open.runs.is_empty() {
            open = self.shared.changed.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until somebody wants the end, and nothing runs.
    pub fn wait_for_end(&self) {
        let mut open = self.shared.open();
        while !open.is_stopped || !open.runs.is_empty() {
            open = self.shared.changed.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether somebody wants the end.
    pub fn is_stopped(&self) -> bool {
        self.shared.open().is_stopped
    }
}

/// Starts runs again.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    /// Starts a run again in the background, with the secrets that hold now; gives the id of the new one.
    ///
    /// # Errors
    /// Where it has not ended, or cannot be started.
    pub fn rerun(&self, id: &str) -> Result<String, RunError> {
        super::asynchronous::again(&self.0, id)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.stop(true);
        // What was killed ends at once; whatever does not is ended by its supervisor when this process is gone.
        let open = self.shared.open();
        let _ = self.shared.changed.wait_timeout_while(open, Duration::from_secs(5), |open| !open.runs.is_empty());
        let _ = &self.service;
    }
}
