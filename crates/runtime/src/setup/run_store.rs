//! Where a run keeps its settings and the token: the `pipelinectl` command, where there is one.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::error::{ErrorKind, SetupError};
use super::token::Token;

/// The `pipelinectl` of this run, or nothing outside of one.
#[derive(Debug, Clone, Copy)]
pub struct RunStore {
    is_available: bool,
}

impl RunStore {
    /// Looks for `pipelinectl` on the search path.
    pub fn find() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self { is_available: std::env::split_paths(&path).any(|folder| folder.join("pipelinectl").is_file()) }
    }

    /// Whether a run is there to keep things for.
    pub fn is_available(self) -> bool {
        self.is_available
    }

    /// A variable of the run.
    pub fn variable(self, name: &str) -> Result<Option<String>, SetupError> {
        self.get("get_env", name)
    }

    /// Whether a secret came with the run, and was not set by one of its scripts.
    pub fn is_mounted(self, name: &str, secret: &Token) -> bool {
        let folder = std::env::var_os("SECRET_CONFIG_DIR").filter(|folder| !folder.is_empty());
        let path = PathBuf::from(folder.unwrap_or_else(|| "/config/secure-properties".into())).join(name);
        self.is_available && std::fs::read_to_string(path).is_ok_and(|text| text.trim_end_matches('\n') == secret.expose_secret())
    }

    /// A secret of the run.
    pub fn secret(self, name: &str) -> Result<Option<Token>, SetupError> {
        Ok(self.get("get_secret", name)?.map(Token::new))
    }

    fn get(self, command: &str, name: &str) -> Result<Option<String>, SetupError> {
        if !self.is_available {
            return Ok(None);
        }
        let output = Command::new("pipelinectl").args([command, name, ""]).stdin(Stdio::null()).output();
        let output = output.map_err(|error| command_failed(command, name, &error.to_string()))?;
        if !output.status.success() {
            return Err(command_failed(command, name, String::from_utf8_lossy(&output.stderr).trim()));
        }
        let text = String::from_utf8(output.stdout).map_err(|_| command_failed(command, name, "the value is not UTF-8"))?;
        let text = text.trim_end_matches('\n');
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// Keeps the token for this run; its text goes by a pipe, since others see the arguments of a process.
    pub(super) fn set_secret(self, name: &str, token: &Token) -> Result<(), SetupError> {
        if !self.is_available {
            return Ok(());
        }
        let failed = |reason: String| command_failed("set_secret", name, &reason);
        let child = Command::new("pipelinectl")
            .args(["set_secret", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| failed(error.to_string()))?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(token.expose_secret().as_bytes()).map_err(|error| failed(error.to_string()))?;
        }
        let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        if output.status.success() { Ok(()) } else { Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())) }
    }
}

fn command_failed(command: &str, name: &str, reason: &str) -> SetupError {
    SetupError::new(ErrorKind::Setting, format!("pipelinectl {command} {name} failed: {reason}"))
        .reason("It keeps the token of the webhook for this run.")
        .help("Run this where pipelinectl works, or outside of a pipeline, without it.")
}
