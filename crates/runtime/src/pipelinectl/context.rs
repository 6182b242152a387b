//! Where a call finds things: the store, and the folders of the pipeline's own values.

use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::store::{self, Store};

/// The store of a run, and what the platform mounts for it.
#[derive(Debug)]
pub(super) struct StoreContext {
    pub(super) store: Store,
    pub(super) workspace: Option<PathBuf>,
    /// Whether results are kept by the path as it was given.
    pub(super) uses_path_as_key: bool,
    config: PathBuf,
    secrets: PathBuf,
}

impl StoreContext {
    pub(super) fn from_environment() -> Result<Self, StoreError> {
        let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let workspace = folder("WORKSPACE");
        let root = folder("PIPELINECTL_STATE").or_else(|| workspace.as_ref().map(|workspace| workspace.join(".pipelinectl")));
        let root = root.ok_or_else(|| {
            StoreError::refused("neither PIPELINECTL_STATE nor WORKSPACE is set, so it is not known which run this is\nType: export PIPELINECTL_STATE=<a folder of this run>")
        })?;
        Ok(Self {
            store: Store::at(root),
            workspace,
            uses_path_as_key: folder("PIPELINECTL_USE_PATH_AS_KEY").is_some(),
            config: folder("CONFIG_DIR").unwrap_or_else(|| "/config".into()),
            secrets: folder("SECRET_CONFIG_DIR").unwrap_or_else(|| "/config/secure-properties".into()),
        })
    }

    /// The store in a folder alone, without what the platform mounts.
    pub(super) fn at(root: PathBuf) -> Self {
        let nothing = root.join(".nothing");
        Self { store: Store::at(root), workspace: None, uses_path_as_key: false, config: nothing.clone(), secrets: nothing }
    }

    /// The pipeline's own value of a variable.
    pub(super) fn configured(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        own_value(&self.config, key)
    }

    /// The pipeline's own value of a secret.
    pub(super) fn configured_secret(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        own_value(&self.secrets, key)
    }

    /// The names of the pipeline's own secrets.
    pub(super) fn configured_secrets(&self) -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(&self.secrets).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name().into_encoded_bytes()).collect()
    }
}

/// A key is the name of a file in the folder itself: secrets may be under it.
fn own_value(folder: &Path, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    match std::str::from_utf8(key) {
        Ok(key) if !key.contains(['/', '\0']) && key != "." && key != ".." => store::read(&folder.join(key)),
        _ => Ok(None),
    }
}
