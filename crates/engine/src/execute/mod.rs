//! The executor: pipelines and async stages on this machine.
//!
//! A run gets a folder (`run/`), a copy of the repository (`snapshot`), the tools of the platform (`tools`), and its stages in
//! their order (`schedule`), each under a supervisor (`stage`). What reaches the webhook of the local service
//! becomes an async run (`asynchronous`).

mod active;
mod asynchronous;
mod condition;
mod containers;
mod duration;
mod engine;
mod mask;
mod parent;
mod places;
mod schedule;
mod shared;
mod snapshot;
mod stage;
mod stop;
mod tools;

use std::path::Path;

use sidestage_compiler::plan::{PlannedPipeline, PlannedStage};

use crate::run::{Event, RunRecord};

pub use crate::processes::supervisor::call as supervise;
pub use containers::{check as check_containers, find as find_containers};
pub use duration::shown as shown_duration;
pub use engine::{Engine, EngineOptions, Handle};
pub use mask::SHORTEST as SHORTEST_SECRET;
pub use shared::{RunError, RunRequest, Source, folder_name};

/// What a configuration runs. The engine knows no configuration: whoever starts it does.
pub trait Planner: Send + Sync {
    /// The async stage of a name, from the configuration at a path of a repository.
    ///
    /// # Errors
    /// Where there is none, in words.
    fn target(&self, repository: &Path, config: &str, stage: &str) -> Result<PlannedStage, String>;

    /// The pipeline of a kind, or the one that is meant where none is said.
    ///
    /// # Errors
    /// Where there is none, in words.
    fn pipeline(&self, repository: &Path, config: &str, kind: Option<&str>) -> Result<PlannedPipeline, String>;
}

/// Whoever watches runs. Calls come from several threads.
pub trait Reporter: Send + Sync {
    /// Something has happened.
    fn event(&self, run: &RunRecord, event: &Event);
    /// A stage has printed a line.
    fn output(&self, run: &RunRecord, stage: &str, line: &str);
    /// Something is wrong that stops nothing.
    fn warn(&self, text: &str);
    /// Lets something else be written where this one writes too.
    fn aside(&self, write: &mut dyn FnMut()) {
        write();
    }
}
