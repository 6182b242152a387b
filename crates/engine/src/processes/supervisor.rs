//! The process above each stage: nothing that the stage has started outlives it, nor a killed sidestage.
//!
//! The program starts itself again, twice. `__supervise` takes over every process that the stage leaves behind; its standard
//! input is a pipe from the engine, and where that closes, the engine is gone. `__exec` dies with the supervisor, and becomes
//! the script.

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kernel;

/// The first argument of the supervisor: then follow its orders as JSON, the program and its arguments.
pub(crate) const SUPERVISE: &str = "__supervise";
const EXEC: &str = "__exec";

/// What the engine writes to the supervisor: end the stage, by SIGTERM and after the grace by SIGKILL.
pub(crate) const TERMINATE: u8 = b't';
/// End it at once.
pub(crate) const KILL: u8 = b'k';

/// The exit code of what a signal ended, as shells have it.
pub(super) const KILLED: u8 = 137;

/// Runs as a part of the supervisor, where the arguments say so.
pub fn call(arguments: &[OsString]) -> Option<ExitCode> {
    match arguments.get(1)?.to_str()? {
        SUPERVISE => Some(supervise(serde_json::from_str(arguments.get(2)?.to_str()?).ok()?, &arguments[3..])),
        EXEC => Some(exec(arguments.get(2)?.to_str()?, &arguments[3..])),
        _ => None,
    }
}

/// What a supervisor does beside its stage.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// Milliseconds from SIGTERM to SIGKILL.
    pub(crate) grace: u64,
    /// A command that ends what is no process below this one: a container.
    pub(crate) finally: Vec<String>,
    /// What is removed where the engine is gone: it may hold secrets.
    pub(crate) clear: Vec<PathBuf>,
    /// Held from the moment that the engine is gone.
    #[serde(skip)]
    is_abandoned: Mutex<()>,
}

impl Orders {
    fn run_finally(&self) {
        if let Some((program, arguments)) = self.finally.split_first() {
            let _ = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// Starts the stage, waits for its end, and ends what it has left.
fn supervise(orders: Orders, command: &[OsString]) -> ExitCode {
    kernel::become_supervisor();
    let own = std::process::id().to_string();
    let program = std::env::current_exe();
    let started = program.and_then(|program| Command::new(program).args([EXEC, &own]).args(command).stdin(Stdio::null()).spawn());
    let Ok(child) = started else { return ExitCode::from(126) };
    let orders = Arc::new(orders);
    let ordered = orders.clone();
    std::thread::spawn(move || obey(&ordered));
    let code = kernel::wait_for(child.id());
    // Where the engine is gone, the other thread does the rest.
    let _rest = orders.is_abandoned.lock();
    kernel::end_all();
    orders.run_finally();
    kernel::end_all();
    ExitCode::from(code)
}

/// Does what the engine says, until it is gone.
fn obey(orders: &Orders) {
    let mut byte = [0];
    loop {
        match std::io::stdin().read(&mut byte) {
            Ok(1) if byte[0] == TERMINATE => {
                kernel::terminate_all();
                let grace = Duration::from_millis(orders.grace);
                std::thread::spawn(move || {
                    std::thread::sleep(grace);
                    kernel::end_all();
                });
            }
            Ok(1) if byte[0] == KILL => kernel::end_all(),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            _ => {
                let _rest = orders.is_abandoned.lock();
                kernel::end_all();
                orders.run_finally();
                for folder in orders.clear.iter().filter(|folder| !kernel::has_mounts(folder)) {
                    let _ = std::fs::remove_dir_all(folder);
                }
                std::process::exit(KILLED.into());
            }
        }
    }
}

/// Becomes the script, unless the supervisor is already gone.
#[cfg(unix)]
fn exec(supervisor: &str, command: &[OsString]) -> ExitCode {
    use std::io::Write;
    use std::os::unix::process::CommandExt;

    let Some((program, arguments)) = command.split_first() else { return ExitCode::from(126) };
    if !kernel::die_with(supervisor) {
        return ExitCode::from(KILLED);
    }
    let error = Command::new(program).args(arguments).exec();
    let is_missing = error.kind() == std::io::ErrorKind::NotFound;
    let first = std::fs::read(program).unwrap_or_default();
    let shebang = first.split(|byte| *byte == b'\n').next().map(String::from_utf8_lossy).unwrap_or_default();
    let _ = match (is_missing, shebang.strip_prefix("#!")) {
        (true, Some(interpreter)) => writeln!(std::io::stderr(), "sidestage: this machine has no `{}`", interpreter.trim()),
        _ => writeln!(std::io::stderr(), "sidestage: the script cannot be started: {error}"),
    };
    ExitCode::from(if is_missing { 127 } else { 126 })
}

#[cfg(not(unix))]
fn exec(_: &str, _: &[OsString]) -> ExitCode {
    ExitCode::from(126)
}
