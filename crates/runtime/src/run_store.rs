//! Where a run keeps its settings and the token: the `pipelinectl` command, where there is one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::api::{Failure, FailureKind, Token};

/// The `pipelinectl` of this run, or nothing outside of one.
#[derive(Debug, Clone, Copy)]
pub struct RunStore {
    program: Program,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    /// `pipelinectl` on the search path.
    Found,
    /// This program itself.
    Own,
    /// There is none.
    Missing,
}

impl RunStore {
    /// Looks for `pipelinectl` on the search path.
    pub fn find() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_there = std::env::split_paths(&path).any(|folder| folder.join("pipelinectl").is_file());
        Self { program: if is_there { Program::Found } else { Program::Missing } }
    }

    /// This program is the store, whatever the image has: so it is on a cluster.
    pub fn own() -> Self {
        Self { program: Program::Own }
    }

    /// Whether a run is there to keep things for.
    pub fn is_available(self) -> bool {
        self.program != Program::Missing
    }

    /// A call of it.
    fn call(self, arguments: &[&str]) -> std::io::Result<Command> {
        let mut command = match self.program {
            Program::Own => {
                let mut own = Command::new(std::env::current_exe()?);
                own.arg("pipelinectl");
                own
            }
            Program::Found | Program::Missing => Command::new("pipelinectl"),
        };
        command.args(arguments);
        Ok(command)
    }

    /// A variable of the run.
    pub fn variable(self, name: &str) -> Result<Option<String>, Failure> {
        self.get("get_env", name)
    }

    /// Whether a secret came with the run, and was not set by one of its scripts.
    pub fn is_mounted(self, name: &str, secret: &Token) -> bool {
        let folder = std::env::var_os("SECRET_CONFIG_DIR").filter(|folder| !folder.is_empty());
        let path = PathBuf::from(folder.unwrap_or_else(|| "/config/secure-properties".into())).join(name);
        self.is_available() && std::fs::read_to_string(path).is_ok_and(|text| text.trim_end_matches('\n') == secret.expose_secret())
    }

    /// A secret of the run.
    pub fn secret(self, name: &str) -> Result<Option<Token>, Failure> {
        Ok(self.get("get_secret", name)?.map(Token::new))
    }

    /// A variable of the run, byte by byte; nothing where it is not set.
    pub(crate) fn bytes(self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let output = self.run(&["get_env", name], None)?;
        Ok(output.status.success().then_some(output.stdout))
    }

    /// Repositories, artifacts and what the arguments name, as `serialize` prints them; the words of pipelinectl where it
    /// fails.
    pub(crate) fn serialize(self, arguments: &[&str], config: Option<&Path>) -> Result<Result<Vec<u8>, String>, Failure> {
        let arguments: Vec<&str> = ["serialize", "--all-repos", "--all-artifacts"].iter().chain(arguments).copied().collect();
        let output = self.run(&arguments, config)?;
        let words = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Ok(if output.status.success() { Ok(output.stdout.clone()) } else { Err(words()) })
    }

    /// Sets a property of an entry.
    pub(crate) fn put_data(self, key: &str, property: &str, value: &str) -> Result<(), Failure> {
        let output = self.run(&["put_data", key, property, value], None)?;
        if output.status.success() { Ok(()) } else { Err(command_failed("put_data", key, String::from_utf8_lossy(&output.stderr).trim())) }
    }

    /// A property of an entry, or the names of its properties, a line each; empty where there is none.
    pub(crate) fn data(self, key: &str, property: Option<&str>) -> Result<String, Failure> {
        let arguments: Vec<&str> = ["get_data", key].into_iter().chain(property).collect();
        let output = self.run(&arguments, None)?;
        let text = if output.status.success() { String::from_utf8_lossy(&output.stdout).into_owned() } else { String::new() };
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// `config` takes the place of the folder of the run's configuration.
    fn run(self, arguments: &[&str], config: Option<&Path>) -> Result<Output, Failure> {
        if !self.is_available() {
            return Err(command_failed(arguments[0], arguments.get(1).unwrap_or(&""), "there is no such command"));
        }
        let failed = |error: std::io::Error| command_failed(arguments[0], arguments.get(1).unwrap_or(&""), &error.to_string());
        let mut command = self.call(arguments).map_err(failed)?;
        command.stdin(Stdio::null());
        if let Some(folder) = config {
            command.env("CONFIG_DIR", folder);
        }
        command.output().map_err(failed)
    }

    fn get(self, command: &str, name: &str) -> Result<Option<String>, Failure> {
        if !self.is_available() {
            return Ok(None);
        }
        let output = self.run(&[command, name, ""], None)?;
        if !output.status.success() {
            return Err(command_failed(command, name, String::from_utf8_lossy(&output.stderr).trim()));
        }
        let text = String::from_utf8(output.stdout).map_err(|_| command_failed(command, name, "the value is not UTF-8"))?;
        let text = text.trim_end_matches('\n');
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// Keeps the token for this run; its text goes by a pipe, since others see the arguments of a process.
    pub(crate) fn set_secret(self, name: &str, token: &Token) -> Result<(), Failure> {
        if !self.is_available() {
            return Ok(());
        }
        let failed = |reason: String| command_failed("set_secret", name, &reason);
        let spawn = |mut command: Command| command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let child = self.call(&["set_secret", name]).and_then(spawn);
        let mut child = child.map_err(|error| failed(error.to_string()))?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(token.expose_secret().as_bytes()).map_err(|error| failed(error.to_string()))?;
        }
        let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        if output.status.success() { Ok(()) } else { Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())) }
    }
}

fn command_failed(command: &str, name: &str, reason: &str) -> Failure {
    Failure::new(FailureKind::Setting, format!("pipelinectl {command} {name} failed: {reason}"))
        .reason("It keeps what the stages of this run share, and the token of the webhook.")
        .help("Run this where pipelinectl works, and the workspace can be written; `apply` also works outside of a pipeline.")
}
