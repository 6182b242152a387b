//! Project settings: `.sidestage.yaml`.

mod excluded;
mod read;

use compact_str::CompactString;

pub use excluded::Excluded;
pub use read::{KEYS, read};

/// The name of a settings file.
pub const NAME: &str = ".sidestage.yaml";
/// All names that a settings file can have; the first that is there holds.
pub const NAMES: [&str; 2] = [NAME, ".sidestage.yml"];

/// What a project says about itself and about the checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Severities by rule name; a later entry wins.
    pub rules: Vec<(CompactString, Level)>,
    /// Properties that the users gave the pipeline: every run can read them.
    pub properties: Vec<CompactString>,
    /// Parameters of the triggers that start the parent: async runs see them only when they are exported.
    pub trigger_parameters: Vec<CompactString>,
    /// The folder that script paths start from, relative to the repository's root.
    pub repo_root: Option<String>,
    /// Path prefixes of scripts that the platform provides, as they are written in scripts.
    pub platform_scripts: Vec<String>,
    /// The listener of the webhook's trigger.
    pub event_listener: Option<String>,
    /// Hosts that async runs may give the secret `git-token` to.
    pub git_hosts: Vec<String>,
    /// The folder that `build` writes to, relative to the repository's root.
    pub out: Option<String>,
    /// Globs of files that are not checked, relative to the settings file.
    pub exclude: Vec<String>,
    /// How the pipelines run on a cluster with Tekton, where they are to run there.
    pub tekton: Option<Tekton>,
}

/// The settings of the target `tekton`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tekton {
    /// How the names of all objects begin.
    pub name: Option<String>,
    /// The namespace that they are in.
    pub namespace: Option<String>,
    /// The image that holds sidestage and git.
    pub image: Option<String>,
    /// The image of stages that name none.
    pub base_image: Option<String>,
    /// Values of `runtimeClassName`, and what they are called on the cluster.
    pub runtime_classes: Vec<(String, String)>,
}

/// How a rule's findings count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// At error level.
    Error,
    /// At warning level.
    Warning,
    /// At info level.
    Info,
    /// Not at all.
    Off,
}

impl Level {
    /// `error`, `warning`, `info` or `off`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Off => "off",
        }
    }

    /// The level of a name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "error" => Self::Error,
            "warning" => Self::Warning,
            "info" => Self::Info,
            "off" => Self::Off,
            _ => return None,
        })
    }
}

impl Settings {
    /// The level of a rule, where the settings name one.
    pub fn level(&self, rule: &str) -> Option<Level> {
        self.rules.iter().rev().find(|(name, _)| name == rule).map(|(_, level)| *level)
    }

    /// Whether the pipeline is said to have a property of this name.
    pub fn has_property(&self, name: &str) -> bool {
        self.properties.iter().any(|property| property == name)
    }
}
