//! The commands of pipelinectl, by what they do to the store.

/// What a key of the store names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StoreKind {
    /// `set_env`, `get_env`.
    Env,
    /// `set_secret`, `get_secret`.
    Secret,
    /// `save_file`, `load_file`.
    File,
    /// `save_repo`, `load_repo`.
    Repo,
    /// `save_artifact`, `load_artifact`.
    Artifact,
    /// `save_result`, `load_result`.
    Result,
    /// `put_data`, `get_data`.
    Data,
    /// A file of the workspace, in no store.
    Workspace,
}

impl StoreKind {
    /// The command that reads a key of this kind.
    pub fn reader(self) -> &'static str {
        match self {
            Self::Env => "get_env",
            Self::Secret => "get_secret",
            Self::File => "load_file",
            Self::Repo => "load_repo",
            Self::Artifact => "load_artifact",
            Self::Result => "load_result",
            Self::Data => "get_data",
            Self::Workspace => "cat",
        }
    }

    /// The command that writes a key of this kind.
    pub fn writer(self) -> &'static str {
        match self {
            Self::Env => "set_env",
            Self::Secret => "set_secret",
            Self::File => "save_file",
            Self::Repo => "save_repo",
            Self::Artifact => "save_artifact",
            Self::Result => "save_result",
            Self::Data => "put_data",
            Self::Workspace => ">",
        }
    }
}

/// A command of pipelinectl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreCommand {
    /// `set_env k v [k v ..]`: pairs; a lone key takes its value from standard input.
    Set(StoreKind),
    /// `save_repo k p=v ..`: one key, then its properties.
    Save(StoreKind),
    /// `get_env k [default]`: a key and, for `Env` and `Secret`, a default.
    Get(StoreKind),
    /// `load_repo k [p [default]]`.
    Load(StoreKind),
    /// `export_env k`.
    Export,
    /// `trigger-task stage [label]`.
    Trigger,
    /// Lists, deletions, evidence and the like: nothing that the flow follows.
    Other,
}

impl StoreCommand {
    /// The command of a name, as an alias of its own or below `pipelinectl`.
    pub fn named(name: &str) -> Option<Self> {
        use StoreKind::{Artifact, Data, Env, File, Repo, Result, Secret};
        Some(match name {
            "set_env" | "set_envc" | "save_string" => Self::Set(Env),
            "set_secret" => Self::Set(Secret),
            "get_env" | "load_string" => Self::Get(Env),
            "get_secret" => Self::Get(Secret),
            "export_env" => Self::Export,
            "save_repo" => Self::Save(Repo),
            "save_artifact" => Self::Save(Artifact),
            "save_file" => Self::Save(File),
            "save_result" => Self::Save(Result),
            "put_data" => Self::Save(Data),
            "load_repo" => Self::Load(Repo),
            "load_artifact" => Self::Load(Artifact),
            "load_file" => Self::Load(File),
            "load_result" => Self::Load(Result),
            "get_data" => Self::Load(Data),
            "trigger-task" => Self::Trigger,
            "list_env" | "list_secrets" | "list_files" | "list_repos" | "list_artifacts" | "list_results" | "remove_secret"
            | "remove_file" | "save_asset" | "load_asset" | "save_evidence" | "load_evidence" | "delete_evidences" | "serialize"
            | "deserialize" | "collect-evidence" => Self::Other,
            _ => return None,
        })
    }
}

/// Commands whose names are often written with the other sign between their words, or with two letters changed.
const WRITTEN: &[&str] =
    &["set_env", "get_env", "export_env", "set_secret", "get_secret", "trigger-task", "save_repo", "load_repo", "set_envc"];

impl StoreCommand {
    /// The command that a name which is none nearly names: `set-env`, `trigger_task`.
    pub fn nearly_named(name: &str) -> Option<&'static str> {
        if !name.contains(['_', '-']) {
            return None;
        }
        let letters = |name: &'static str| name.chars().filter(|c| !matches!(c, '_' | '-'));
        let own = || name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase());
        WRITTEN.iter().copied().find(|written| *written != name && letters(written).eq(own()))
    }
}

/// Whether a platform script only defines commands or sets the shell up: sourcing it reads no data of the run.
/// `path` is relative to the platform's folder.
pub fn is_harmless_platform_script(path: &str) -> bool {
    let path = path.trim_start_matches('/');
    matches!(path, "tools/trigger-task" | "iam/get_token" | "internal/tools/logging" | "tools/retry" | "tools/get_repo_params")
        || path.ends_with("/logging")
}

/// Whether a platform script may trigger async stages by itself: any, or the one that is asked for. Those that do say so
/// in their names; the scan starts `owasp-zap`.
pub fn may_trigger(script: &str, stage: Option<&str>) -> bool {
    let is_scan = script.contains("dynamic-scan") && stage.is_some_and(|stage| stage.starts_with("owasp-zap"));
    is_scan || script.contains("trigger") || script.contains("async")
}

#[cfg(test)]
mod tests {
    use super::{StoreCommand, StoreKind};

    #[test]
    fn commands_are_known_by_their_names() {
        assert_eq!(StoreCommand::named("get_env"), Some(StoreCommand::Get(StoreKind::Env)));
        assert_eq!(StoreCommand::named("trigger-task"), Some(StoreCommand::Trigger));
        assert_eq!(StoreCommand::named("getenv"), None);
        assert_eq!(StoreCommand::nearly_named("set-env"), Some("set_env"));
        assert_eq!(StoreCommand::nearly_named("trigger_task"), Some("trigger-task"));
        assert_eq!(StoreCommand::nearly_named("set_env"), None);
        assert_eq!(StoreCommand::nearly_named("printenv"), None);
    }
}
