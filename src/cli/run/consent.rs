//! Running on this machine is confirmed once for each repository: a real `deploy` would deploy.

use std::fs;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use sidestage_compiler::plan::PlannedStage;

use crate::cli::error::CliError;

const FILE: &str = "confirmed";

/// Asks where nobody has agreed yet.
pub(super) fn ask(state: &Path, root: &str, stages: &[&PlannedStage], is_given: bool) -> Result<(), CliError> {
    let file = state.join(FILE);
    let mut confirmed = fs::read_to_string(&file).unwrap_or_default();
    if confirmed.lines().any(|known| known == root) {
        return Ok(());
    }
    if !is_given {
        let names: Vec<&str> = stages.iter().map(|stage| stage.id.as_str()).collect();
        if !std::io::stdin().is_terminal() {
            return Err(CliError::NotConfirmed { root: root.to_owned(), stages: names.join(", ") });
        }
        let mut out = std::io::stderr();
        let _ = write!(
            out,
            "The scripts of {root} run on this machine, with your rights, and what they do is real:\n  {}\nRun them? [y/N] ",
            names.join(", ")
        );
        let _ = out.flush();
        let mut answer = String::new();
        let _ = std::io::stdin().lock().read_line(&mut answer);
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(CliError::NotConfirmed { root: root.to_owned(), stages: names.join(", ") });
        }
    }
    // A state folder may be that of several repositories.
    confirmed.push_str(root);
    confirmed.push('\n');
    let written = fs::create_dir_all(state).and_then(|()| fs::write(&file, confirmed));
    written.map_err(|error| CliError::State { folder: state.to_owned(), reason: error.to_string() })
}
