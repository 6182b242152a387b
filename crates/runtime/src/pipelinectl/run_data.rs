//! The store of a run, for who runs it: what its stages find, and which values must not be shown.

use std::path::Path;

use super::context::StoreContext;
use super::error::StoreError;
use super::{records, state, variables};

/// The data of a run.
#[derive(Debug)]
pub struct RunData {
    context: StoreContext,
}

/// Errors are words: what is wrong, and where.
type Done<T> = Result<T, String>;

fn words(error: StoreError) -> String {
    let (StoreError::Usage(text) | StoreError::Refused(text) | StoreError::Failed(text)) = error;
    text
}

impl RunData {
    /// The data in the folder that `PIPELINECTL_STATE` names in the run.
    pub fn at(root: &Path) -> Self {
        Self { context: StoreContext::at(root.to_owned()) }
    }

    /// Sets a variable, as `set_env` does.
    ///
    /// # Errors
    /// Where the store cannot be written, or the variable is permanent.
    pub fn set(&self, key: &str, value: &str) -> Done<()> {
        variables::set_env(&self.context, &[key.into(), value.into()]).map_err(words)
    }

    /// Registers a repository, as `save_repo` does.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn save_repo(&self, name: &str, properties: &[(&str, &str)]) -> Done<()> {
        let properties = properties.iter().map(|(key, value)| format!("{key}={value}").into_bytes());
        let arguments: Vec<Vec<u8>> = std::iter::once(name.into()).chain(properties).collect();
        records::save_repo(&self.context, &arguments).map_err(words)
    }

    /// Takes over the state of a payload, as `deserialize` does.
    ///
    /// # Errors
    /// Where it is none, or the store cannot be written.
    pub fn load(&self, text: &str) -> Done<()> {
        state::load(&self.context, text.as_bytes(), "the state of the payload").map_err(words)
    }

    /// The values that `set_secret` has put there so far.
    pub fn secrets(&self) -> Vec<Vec<u8>> {
        variables::secrets(&self.context).unwrap_or_default()
    }

    /// What its stages have marked for async runs.
    pub fn exported(&self) -> Vec<String> {
        let keys = variables::exported(&self.context).unwrap_or_default();
        keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect()
    }
}
