//! Where a run keeps its settings and the token: the `pipelinectl` command, where there is one.

use std::io::Write;
use std::process::{Command, Stdio};

use super::fault::{Fault, Kind};
use super::token::Token;

/// The `pipelinectl` of this run, or nothing outside of one.
#[derive(Debug, Clone, Copy)]
pub struct Keeper {
    is_there: bool,
}

impl Keeper {
    /// Looks for `pipelinectl` on the search path.
    pub fn find() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self { is_there: std::env::split_paths(&path).any(|folder| folder.join("pipelinectl").is_file()) }
    }

    /// Whether a run is there to keep things for.
    pub fn is_there(self) -> bool {
        self.is_there
    }

    /// A variable of the run.
    pub fn setting(self, name: &str) -> Result<Option<String>, Fault> {
        self.ask("get_env", name)
    }

    /// A secret of the run.
    pub fn secret(self, name: &str) -> Result<Option<Token>, Fault> {
        Ok(self.ask("get_secret", name)?.map(Token::new))
    }

    fn ask(self, command: &str, name: &str) -> Result<Option<String>, Fault> {
        if !self.is_there {
            return Ok(None);
        }
        let output = Command::new("pipelinectl").args([command, name, ""]).stdin(Stdio::null()).output();
        let output = output.map_err(|error| unusable(command, name, &error.to_string()))?;
        if !output.status.success() {
            return Err(unusable(command, name, String::from_utf8_lossy(&output.stderr).trim()));
        }
        let text = String::from_utf8(output.stdout).map_err(|_| unusable(command, name, "the value is no text"))?;
        let text = text.trim_end_matches('\n');
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// Keeps the token for this run; its text goes by a pipe, since others see the arguments of a process.
    pub(super) fn keep(self, name: &str, token: &Token) -> Result<(), Fault> {
        if !self.is_there {
            return Ok(());
        }
        let failed = |reason: String| unusable("set_secret", name, &reason);
        let child = Command::new("pipelinectl")
            .args(["set_secret", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| failed(error.to_string()))?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(token.reveal().as_bytes()).map_err(|error| failed(error.to_string()))?;
        }
        let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        if output.status.success() { Ok(()) } else { Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())) }
    }
}

fn unusable(command: &str, name: &str, reason: &str) -> Fault {
    Fault::new(Kind::Setting, format!("pipelinectl {command} {name} failed: {reason}"))
        .because("It keeps the token of the webhook for this run.")
        .so("Run this where pipelinectl works, or outside of a pipeline, without it.")
}
