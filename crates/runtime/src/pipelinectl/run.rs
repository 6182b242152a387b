//! The surroundings of a call: the store, the folders of the pipeline's own values, and the standard streams.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use super::name;
use super::problem::Problem;
use super::store::{self, Store};

/// Where a call finds things.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) store: Store,
    pub(super) workspace: Option<PathBuf>,
    /// Whether results are kept by the path as it was given.
    pub(super) uses_path_as_key: bool,
    config: PathBuf,
    secrets: PathBuf,
}

impl Run {
    pub(super) fn from_environment() -> Result<Self, Problem> {
        let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let workspace = folder("WORKSPACE");
        let root = folder("PIPELINECTL_STATE").or_else(|| workspace.as_ref().map(|workspace| workspace.join(".pipelinectl")));
        let root = root.ok_or_else(|| {
            Problem::refused("neither PIPELINECTL_STATE nor WORKSPACE is set, so it is not known which run this is\nType: export PIPELINECTL_STATE=<a folder of this run>")
        })?;
        Ok(Self {
            store: Store::at(root),
            workspace,
            uses_path_as_key: folder("PIPELINECTL_USE_PATH_AS_KEY").is_some(),
            config: folder("CONFIG_DIR").unwrap_or_else(|| "/config".into()),
            secrets: folder("SECRET_CONFIG_DIR").unwrap_or_else(|| "/config/secure-properties".into()),
        })
    }

    /// The pipeline's own value of a variable.
    pub(super) fn configured(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
        own_value(&self.config, key)
    }

    /// The pipeline's own value of a secret.
    pub(super) fn configured_secret(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
        own_value(&self.secrets, key)
    }

    /// The names of the pipeline's own secrets.
    pub(super) fn configured_secrets(&self) -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(&self.secrets).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name().into_encoded_bytes()).collect()
    }
}

/// A key is the name of a file in the folder itself: secrets may lie below it.
fn own_value(folder: &Path, key: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
    match std::str::from_utf8(key) {
        Ok(key) if !key.contains(['/', '\0']) && key != "." && key != ".." => store::read(&folder.join(key)),
        _ => Ok(None),
    }
}

/// A path has at most 4,096 bytes, and the store lies somewhere itself.
const LONGEST_NAME: usize = 3500;

/// The key of an entry.
pub(super) fn key(key: &[u8]) -> Result<&[u8], Problem> {
    if key.is_empty() {
        return Err(Problem::usage("the key is empty"));
    }
    if name::path_of(key).as_os_str().len() > LONGEST_NAME {
        return Err(Problem::usage(format!(
            "a key of {} bytes is too long; {LONGEST_NAME} letters, or a third as many other characters, fit into the name of a file",
            key.len()
        )));
    }
    Ok(key)
}

/// A key as it is shown in a message.
pub(super) fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).escape_debug().collect()
}

/// A value from standard input: shell variables and JSON hold no NUL, so neither does a value.
pub(super) fn value_from_input(name: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut input = std::io::stdin().lock();
    if input.is_terminal() {
        return Err(Problem::usage(format!("`{}` has no value, and standard input is a terminal", shown(name))));
    }
    let mut value = Vec::new();
    input.read_to_end(&mut value).map_err(|error| Problem::Broken(format!("standard input cannot be read: {error}")))?;
    if value.contains(&0) {
        return Err(Problem::refused(format!(
            "the value of `{}` holds a NUL byte; variables are text: keep binary data with save_file",
            shown(name)
        )));
    }
    Ok(value)
}

/// Prints bytes as they are.
pub(super) fn print(bytes: &[u8]) -> Result<(), Problem> {
    let mut output = std::io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Problem::Broken(format!("standard output cannot be written: {error}"))),
    }
}

/// Prints a value as it is; only a terminal gets a line end after it.
pub(super) fn print_value(value: &[u8]) -> Result<(), Problem> {
    print(value)?;
    if std::io::stdout().is_terminal() && !value.ends_with(b"\n") { print(b"\n") } else { Ok(()) }
}

/// Prints names, a line each.
pub(super) fn print_lines(names: &[Vec<u8>]) -> Result<(), Problem> {
    let mut text = Vec::new();
    for name in names {
        text.extend_from_slice(name);
        text.push(b'\n');
    }
    print(&text)
}
