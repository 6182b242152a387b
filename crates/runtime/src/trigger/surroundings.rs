//! What the environment of the run says.

use std::path::PathBuf;

/// Variables of the environment, empty where they are not set.
#[derive(Debug, Default)]
pub struct Surroundings {
    pub(super) pipeline_id: String,
    pub(super) pipeline_name: String,
    pub(super) run_id: String,
    pub(super) run_url: String,
    pub(super) config_repo_path: String,
    pub(super) config_path: String,
    pub(super) workspace: String,
    pub(super) config_folder: PathBuf,
}

impl Surroundings {
    /// From the environment of this process.
    pub fn read() -> Self {
        let text = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
        let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        Self {
            pipeline_id: text("PIPELINE_ID"),
            pipeline_name: text("PIPELINE_NAME"),
            run_id: text("PIPELINE_RUN_ID"),
            run_url: text("PIPELINE_RUN_URL"),
            config_repo_path: text("PIPELINE_CONFIG_REPO_PATH"),
            config_path: text("PIPELINE_CONFIG_PATH"),
            workspace: or(text("WORKSPACE"), "/workspace"),
            config_folder: or(text("CONFIG_DIR"), "/config").into(),
        }
    }
}
