//! What a run is: its record, which never changes, and its events, from which its state follows.

mod folder;
mod history;
mod leftovers;
mod view;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sidestage_compiler::plan::PlannedStage;

pub use folder::RunFolder;
pub(crate) use folder::{Draft, Hold};
pub use history::{FindError, History, KEPT, Unreadable};
pub use leftovers::RUN_FOLDER;
pub use view::{RunView, StageView};

/// The version of `run.json`.
pub const VERSION: u32 = 1;

/// What is run, and from what: `run.json`. It holds no secret, and a rerun needs nothing else but the values of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunRecord {
    /// The version of this format.
    pub version: u32,
    /// A UUID.
    pub id: String,
    /// When it was accepted.
    pub created: Timestamp,
    /// The pipeline or the async stage.
    pub what: What,
    /// The trigger that has started it.
    pub trigger: String,
    /// The folder of the configuration's repository, relative to the workspace.
    pub folder: String,
    /// The configuration, relative to the root of its repository.
    pub config: String,
    /// The commit that was checked out; of a working tree with changes, one of the run's own.
    pub commit: String,
    /// What `get_env` gives beside what the stages set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// The same, for this run alone: they do not reach async runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// The names of what `get_secret` gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// How it is run.
    #[serde(default)]
    pub options: RunOptions,
    /// What it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<PlannedStage>,
    /// The variables of its payload whose values hold secrets: they are not shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
    /// The run that it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
}

impl RunRecord {
    /// `the pipeline ci` or `the async stage owasp-zap`, without the article's word.
    pub fn title(&self) -> String {
        match &self.what {
            What::Pipeline { pipeline } => format!("pipeline {pipeline}"),
            What::Async { stage, .. } => stage.clone(),
        }
    }

    /// The run that has triggered this one.
    pub fn parent(&self) -> Option<&str> {
        match &self.what {
            What::Pipeline { .. } => None,
            What::Async { parent, .. } => parent.as_deref(),
        }
    }

    /// The first digits of its id: enough to name it.
    pub fn short(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }
}

/// A pipeline, or an async stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A pipeline of the configuration.
    Pipeline {
        /// Its kind: `pr`, `ci`, `cd`, `cc`, `simple`.
        pipeline: String,
    },
    /// One stage by itself.
    Async {
        /// Its name.
        stage: String,
        /// The run that has triggered it, where that is known.
        parent: Option<String>,
    },
}

/// How stages are run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct RunOptions {
    /// How many stages, and how many async runs, run at once; none: as many as can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<usize>,
    /// The container engine that runs images; without it stages run on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub containers: Option<String>,
    /// Only these stages, by name or id; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Not these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
    /// Variables of the environment beside those that the platform has.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Whether the workspaces of ended runs stay.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keep_workspace: bool,
}

impl RunOptions {
    /// Whether the caller has left a stage out.
    pub fn leaves_out(&self, stage: &PlannedStage) -> bool {
        let names =
            |names: &[String]| names.iter().any(|name| *name == stage.id || *name == stage.name || stage.task.as_ref() == Some(name));
        names(&self.skip) || (!self.only.is_empty() && !names(&self.only))
    }
}

/// Something that has happened, and when: a line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub time: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// The run has left the queue.
    Started,
    /// A stage has begun.
    StageStarted {
        /// The stage's id.
        stage: String,
    },
    /// A stage does not run.
    StageSkipped {
        /// The stage's id.
        stage: String,
        /// Why, in words.
        reason: String,
    },
    /// A stage has ended.
    StageEnded {
        /// The stage's id.
        stage: String,
        /// How.
        state: State,
        /// Its exit code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit: Option<u8>,
        /// Why, in words, where the code does not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// This run has triggered another.
    AsyncStarted {
        /// The id of that run.
        #[serde(rename = "async-run")]
        run: String,
        /// The async stage.
        stage: String,
    },
    /// The run has ended.
    Ended {
        /// How.
        state: State,
        /// Why, in words, where no stage says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// The state of a run or of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It has not begun.
    Queued,
    /// It runs.
    Running,
    /// It did what it should.
    Succeeded,
    /// It failed.
    Failed,
    /// It took too long.
    TimedOut,
    /// Somebody stopped it.
    Cancelled,
    /// It was left out, or was not reached.
    Skipped,
    /// Whatever ran it is gone.
    Interrupted,
}

impl State {
    /// Its name: `timed-out`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether nothing follows.
    pub fn is_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The status of the Pipeline API.
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded | Self::Skipped => "succeeded",
            Self::Failed | Self::TimedOut => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "error",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
