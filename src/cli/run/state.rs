//! Where the runs of a repository are kept.

use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};
use sidestage_engine::run::{FindError, History, RunFolder, RunView};
use sidestage_runtime::hash::sha256;

use crate::cli::arguments::StateArguments;
use crate::cli::error::CliError;
use crate::workspace::{Repository, Unreadable};

/// The folder of a repository's runs: outside of it, since it holds what was run and not what is to be committed.
pub(in crate::cli) fn folder(arguments: &StateArguments, root: &Utf8Path) -> Result<PathBuf, CliError> {
    if let Some(folder) = &arguments.state {
        // Stages change their folder.
        return Ok(crate::workspace::absolute(folder)
            .map_err(|error| Unreadable { path: folder.clone(), reason: error.to_string() })?
            .into());
    }
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let base = base.ok_or(CliError::NoStateFolder)?;
    let hash = sha256(root.as_str().as_bytes());
    let name = root.file_name().unwrap_or("repository");
    Ok(base.join("sidestage").join(format!("{name}-{}", &hash[..8])))
}

/// The root of the repository around the working folder.
pub(super) fn surrounding_root() -> Result<Utf8PathBuf, CliError> {
    let (repository, _) = Repository::of(Utf8Path::new("x")).map_err(|error| Unreadable { path: ".".into(), reason: error.to_string() })?;
    Ok(repository.root().to_owned())
}

/// The runs of the repository around the working folder.
pub(super) fn history(arguments: &StateArguments) -> Result<History, CliError> {
    Ok(History::at(&folder(arguments, &surrounding_root()?)?))
}

/// The run that is meant.
pub(super) fn find(history: &History, start: &str) -> Result<(RunFolder, RunView), CliError> {
    history.find(start).map_err(|error| match error {
        FindError::Missing => CliError::NoRun { start: start.to_owned() },
        FindError::Several(ids) => CliError::SeveralRuns { start: start.to_owned(), ids: ids.join(", ") },
    })
}
