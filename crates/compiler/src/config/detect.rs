//! Which files are pipeline configurations: decided by content, since other tools use the same names.

use super::Format;
use crate::platform;
use crate::syntax::yaml::{Document, NodeId, NodeKind};

/// What a YAML file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detected {
    /// A configuration of this format.
    Config(Format),
    /// A configuration by its stages, without a version that says so.
    Unversioned(Format),
    /// Some other file, or one that was meant to be a configuration.
    Other(Unlike),
}

/// Why a file is no configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlike {
    /// It holds nothing.
    Empty,
    /// Its top level is a list or a single value.
    NotAMapping,
    /// It has a `version` of another kind.
    OtherVersion,
    /// It has no `version`.
    NoVersion,
    /// It has a version of ours, and nothing that could run.
    NothingRuns,
    /// It has the stages or tasks of a configuration, and another `version`.
    WrongVersion(NodeId),
    /// It has the stages or tasks of a configuration, and a key that is nearly `version`.
    MisspeltVersion(NodeId),
    /// Its stages are under this key, `stages`.
    Nested(NodeId),
}

impl Unlike {
    /// Whether it was surely meant to be a configuration.
    pub fn is_meant(self) -> bool {
        matches!(self, Self::WrongVersion(_) | Self::MisspeltVersion(_) | Self::Nested(_))
    }

    /// Whether nothing in it is of a configuration, not even a version.
    pub fn is_of_another_tool(self) -> bool {
        matches!(self, Self::NoVersion)
    }

    /// In words, after the name of the file.
    pub fn words(self) -> &'static str {
        match self {
            Self::Empty => "it is empty",
            Self::NotAMapping => "its top level is not a mapping",
            Self::OtherVersion | Self::WrongVersion(_) => "its `version` is neither '1' nor '2'",
            Self::NoVersion | Self::MisspeltVersion(_) => "it has no `version: '1'` or `version: '2'`",
            Self::NothingRuns => "it has a `version`, but neither stages nor tasks with steps",
            Self::Nested(_) => "its stages are under a key `stages`",
        }
    }
}

const STAGE_KEYS: &[&str] = &["script", "image", "skip", "abort_on_failure", "dind", "image_pull_policy"];

/// Looks at the top of the tree.
pub fn detect(document: &Document, text: &str) -> Detected {
    let Some(root) = document.root() else { return Detected::Other(Unlike::Empty) };
    if !matches!(document.resolve(root).1.kind, NodeKind::Mapping(_)) {
        return Detected::Other(Unlike::NotAMapping);
    }
    let has_tasks =
        ["tasks", "finally"].iter().any(|key| document.get(text, root, key).is_some_and(|tasks| holds_steps(document, text, tasks)));
    let version = document.get(text, root, "version").and_then(|version| document.text(text, version));
    match version.as_deref() {
        Some("2" | "2.0") if has_tasks => Detected::Config(Format::V2),
        Some("1" | "1.0") if has_stages(document, text, root) => Detected::Config(Format::V1),
        // A file of one format with the version of the other: its keys are misplaced, the version counts.
        Some("1" | "1.0") if has_tasks => Detected::Config(Format::V1),
        Some("2" | "2.0") if has_stages(document, text, root) => Detected::Config(Format::V2),
        None if has_built_in_stages(document, text, root) && misspelt(document, text, root).is_none() => Detected::Unversioned(Format::V1),
        version => Detected::Other(unlike(document, text, root, version)),
    }
}

/// Why a mapping is no configuration.
fn unlike(document: &Document, text: &str, root: NodeId, version: Option<&str>) -> Unlike {
    let is_alike = |node| {
        runs_scripts(document, text, node) || document.get(text, node, "tasks").is_some_and(|tasks| holds_steps(document, text, tasks))
    };
    if let Some(stages) = document.get(text, root, "stages").filter(|stages| runs_scripts(document, text, *stages)) {
        return Unlike::Nested(stages);
    }
    match version {
        Some("1" | "1.0" | "2" | "2.0") => Unlike::NothingRuns,
        Some(_) if is_alike(root) => document.get(text, root, "version").map_or(Unlike::OtherVersion, Unlike::WrongVersion),
        Some(_) => Unlike::OtherVersion,
        None => misspelt(document, text, root).filter(|_| is_alike(root)).map_or(Unlike::NoVersion, Unlike::MisspeltVersion),
    }
}

/// A key that is nearly `version`, with a value of ours.
fn misspelt(document: &Document, text: &str, root: NodeId) -> Option<NodeId> {
    let is_near = |key: &str| key != "version" && strsim::osa_distance(&key.to_lowercase(), "version") <= 2;
    let entries = document.entries(root).iter();
    let found = entries.filter(|entry| document.text(text, entry.key).is_some_and(|key| is_near(&key)));
    found
        .filter(|entry| document.text(text, entry.value).is_some_and(|value| matches!(&*value, "1" | "2" | "1.0" | "2.0")))
        .map(|entry| entry.key)
        .next()
}

/// Whether something directly under a node has a script.
fn runs_scripts(document: &Document, text: &str, node: NodeId) -> bool {
    document
        .entries(node)
        .iter()
        .any(|entry| document.get(text, entry.value, "script").is_some_and(|script| document.text(text, script).is_some()))
}

/// A quick look at the text, before it is read: false only where it surely is no configuration.
pub fn might_be_config(text: &str) -> bool {
    text.contains("version") && (text.contains("script") || text.contains("tasks") || text.contains("skip") || text.contains("image"))
}

fn holds_steps(document: &Document, text: &str, tasks: NodeId) -> bool {
    // A list of tasks is the wrong form of the right thing, and so is a misspelt `steps` with a list.
    if document.items(tasks).iter().any(|task| document.get(text, *task, "steps").is_some()) {
        return true;
    }
    let is_misspelt = |key: NodeId| document.text(text, key).is_some_and(|key| strsim::osa_distance(&key.to_lowercase(), "steps") <= 1);
    let nearly =
        |task: NodeId| document.entries(task).iter().any(|entry| is_misspelt(entry.key) && !document.items(entry.value).is_empty());
    document.entries(tasks).iter().any(|task| {
        let has = |key| document.get(text, task.value, key).is_some();
        (has("steps") && !has("hosts")) || nearly(task.value) || has("runAfter") || platform_task(document, text, task.key)
    })
}

fn platform_task(document: &Document, text: &str, key: NodeId) -> bool {
    document.text(text, key).is_some_and(|name| platform::base_task(&name).is_some())
}

fn has_stages(document: &Document, text: &str, root: NodeId) -> bool {
    document.entries(root).iter().any(|entry| {
        let name = document.text(text, entry.key).unwrap_or_default();
        let is_built_in = platform::is_built_in_stage(&name) && document.items(entry.value).is_empty();
        is_built_in || STAGE_KEYS.iter().any(|key| document.get(text, entry.value, key).is_some())
    })
}

fn has_built_in_stages(document: &Document, text: &str, root: NodeId) -> bool {
    document.entries(root).iter().any(|entry| {
        let name = document.text(text, entry.key).unwrap_or_default();
        let has = |key| document.get(text, entry.value, key).is_some();
        platform::is_built_in_stage(&name) && has("script") && (has("image") || has("abort_on_failure"))
    })
}

#[cfg(test)]
mod tests {
    use super::{Detected, detect};
    use crate::config::Format;

    #[test]
    fn content_decides_and_never_the_name() {
        let is = |text: &str| match detect(&crate::syntax::yaml::read(text), text) {
            Detected::Config(Format::V1) => "v1",
            Detected::Config(Format::V2) => "v2",
            Detected::Unversioned(_) => "unversioned",
            Detected::Other(unlike) if unlike.is_meant() => "meant",
            Detected::Other(_) => "other",
        };
        let cases = [
            ("version: '1'\nsetup:\n  script: x\n", "v1"),
            ("version: 1\nsetup:\n  skip: true\n", "v1"),
            ("version: '2'\ntasks:\n  code-build:\n    steps: []\n", "v2"),
            ("setup:\n  image: a\n  script: x\n", "unversioned"),
            ("version: 2\njobs:\n  build:\n    steps: []\n", "other"),
            ("version: '3'\nservices:\n  a:\n    image: b\n", "other"),
            ("version: 2\nupdates: []\n", "other"),
            ("version: 2\nbuild:\n  os: ubuntu\n", "other"),
            ("general:\n  x: 1\nstages:\n  build: {}\n", "other"),
            ("- hosts: all\n", "other"),
            ("verison: '1'\nsetup:\n  image: a\n  script: x\n", "meant"),
            ("Version: '2'\ntasks:\n  code-build:\n    steps: []\n", "meant"),
            ("version: '3'\ndeploy:\n  script: x\n", "meant"),
            ("version: '1'\nstages:\n  deploy:\n    script: x\n", "meant"),
            ("stages:\n  - build\nbuild:\n  script: [x]\n", "other"),
            ("deploy:\n  script: x\n", "other"),
            ("", "other"),
        ];
        for (text, expected) in cases {
            assert_eq!(is(text), expected, "{text:?}");
        }
    }
}
