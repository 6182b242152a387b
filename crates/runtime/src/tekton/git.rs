//! git in a step: it asks nobody but this program, and only for the hosts that may have the token.

use std::io;
use std::path::Path;
use std::process::{Command, Output};

use super::askpass::{ASKPASS, HOSTS, https_host};
use super::pod::variable;
use super::workspace::Workspace;

/// Calls git with what it may know.
#[derive(Debug)]
pub(super) struct Git {
    hosts: String,
    askpass: std::path::PathBuf,
}

impl Git {
    /// The hosts of the manifest; `own` is the repository of the run itself, which whoever has started it has named.
    pub(super) fn new(workspace: &Workspace, own: Option<&str>) -> Self {
        let mut hosts = variable(HOSTS);
        if hosts.trim().is_empty()
            && let Some(host) = own.and_then(https_host)
        {
            host.clone_into(&mut hosts);
        }
        Self { hosts, askpass: workspace.bin().join(ASKPASS) }
    }

    pub(super) fn call(&self, arguments: &[&str], folder: &Path) -> io::Result<Output> {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(folder).env("GIT_TERMINAL_PROMPT", "0").env(HOSTS, &self.hosts);
        command.env("GIT_ASKPASS", &self.askpass);
        command.output()
    }
}
