//! Folders by what they mean.

use compact_str::CompactString;

/// A folder whose meaning is known, wherever it is on the machine that runs the stage.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Folder {
    /// `$WORKSPACE`.
    Workspace,
    /// The name of the configuration's repository below the workspace.
    RepoName {
        /// Whether it surely is the configuration's own repository: the app's may be another one.
        sure: bool,
    },
    /// A folder of the configuration's repository; `""` is its root.
    Repo {
        /// Relative to the root.
        path: CompactString,
        /// As above.
        sure: bool,
    },
    /// The platform's own scripts, and a path below them.
    Platform(CompactString),
    /// Known to be none of these.
    Outside,
    /// Not known.
    Unknown,
}

impl Folder {
    /// The root of the repository: where a stage starts.
    pub(crate) fn root() -> Self {
        Self::Repo { path: CompactString::default(), sure: true }
    }

    /// What a variable of the platform names.
    pub(crate) fn of_variable(name: &str) -> Option<Self> {
        Some(match name {
            "WORKSPACE" => Self::Workspace,
            "PIPELINE_CONFIG_REPO_PATH" => Self::RepoName { sure: true },
            "APP_REPO_FOLDER" | "ONE_PIPELINE_CONFIG_DIRECTORY_NAME" => Self::RepoName { sure: false },
            "ONE_PIPELINE_PATH" | "COMMONS_PATH" => Self::Platform(CompactString::default()),
            _ => return None,
        })
    }
}
