//! What the steps of a pipeline on a cluster with Tekton call: `start` and `receive` make the workspace, `enter` runs a stage
//! in its image, `trigger` starts an async run, `runs` lists them.

mod askpass;
mod enter;
mod git;
mod kube;
mod payload_text;
mod pod;
mod receive;
mod runs;
mod start;
mod trigger;
mod workspace;

pub use askpass::{ASKPASS, answer};
pub use enter::{Entered, enter};
pub use pod::Pod;
pub use receive::{Receive, receive};
pub use runs::{end_of, list, wait};
pub use start::{Start, start};
pub use trigger::{Patience, Started, TriggerTask, trigger};

use std::path::Path;

use sidestage_compiler::plan::Plan;

/// Plans the configuration of a repository: its root, and the file in it.
pub type Planner<'a> = &'a dyn Fn(&Path, &str) -> Result<Plan, String>;
