//! The plan to scripts and manifests, a folder a target.
//!
//! The same plan gives the same bytes: nothing here knows the time, the machine or a path of it.

mod exit_codes;
mod manifest;
mod scripts;
pub mod tekton;
mod terraform;

use minijinja::{Error, ErrorKind};
use serde::Serialize;

pub use exit_codes::{EXIT_CODES, ExitCode};
pub use manifest::Manifest;
pub use scripts::{Carried, carried_by};

use crate::config::settings::Settings;
use crate::plan::Plan;
use crate::platform;
use tekton::{Cluster, Fault};

/// How async runs are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The emitted scripts set up the webhook, call it and register the run.
    Webhook,
    /// The platform ships `trigger-task`: checks, exports, and the call.
    Platform,
}

/// What is emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The scripts, and the manifests beside them.
    Scripts,
    /// The set-up of the webhook for Terraform.
    Terraform,
    /// Manifests for a cluster with Tekton.
    Tekton,
}

/// What the emitted files are to suit.
#[derive(Debug, Clone)]
pub struct Target {
    /// What is emitted; the order does not matter.
    pub parts: Vec<Part>,
    /// How runs are started.
    pub transport: Transport,
    /// The listener of the webhook's trigger.
    pub event_listener: String,
    /// Hosts that async runs may give the secret `git-token` to; empty: the one that the scripts come from.
    pub git_hosts: Vec<String>,
    /// The cluster of [`Part::Tekton`].
    pub cluster: Cluster,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            parts: vec![Part::Scripts],
            transport: Transport::Webhook,
            event_listener: platform::EVENT_LISTENER.to_owned(),
            git_hosts: Vec::new(),
            cluster: Cluster::default(),
        }
    }
}

impl Target {
    /// Scripts over the webhook, as the settings have it.
    pub fn of(settings: &Settings) -> Self {
        let own = settings.event_listener.clone();
        let mut target = Self { git_hosts: settings.git_hosts.clone(), cluster: Cluster::of(settings), ..Self::default() };
        target.event_listener = own.unwrap_or(target.event_listener);
        target
    }
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// Relative to the output folder, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Whether it can be run.
    pub is_executable: bool,
}

/// What was made of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emission {
    /// All files, sorted by path.
    pub files: Vec<Emitted>,
    /// What a cluster would refuse of its manifests, or fail on: such files are of no use.
    pub faults: Vec<Fault>,
}

/// All files of a plan.
///
/// # Errors
/// If a template is broken: a fault of ours, never of the plan.
pub fn emit(plan: &Plan, target: &Target) -> Result<Emission, Error> {
    let manifest = Manifest::new(plan, target);
    let mut files = Vec::new();
    let mut faults = Vec::new();
    if target.parts.contains(&Part::Scripts) {
        files.extend(scripts::scripts(plan, target, &manifest)?);
    }
    if target.parts.contains(&Part::Terraform) {
        files.push(json("webhook.tf.json", &terraform::terraform(&manifest, &plan.config))?);
    }
    if target.parts.contains(&Part::Tekton) {
        let set = tekton::tekton(plan, &target.cluster, &target.git_hosts)?;
        files.extend(set.files);
        faults = set.faults;
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(Emission { files, faults })
}

fn json(path: &str, value: &impl Serialize) -> Result<Emitted, Error> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    Ok(Emitted { path: path.to_owned(), text: format!("{text}\n"), is_executable: false })
}
