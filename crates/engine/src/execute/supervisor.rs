//! The process above each stage: nothing that the stage has started outlives it, nor a killed sidestage.
//!
//! The program starts itself again, twice. `__supervise` takes over every process that the stage leaves behind; its standard
//! input is a pipe from the engine, and where that closes, the engine is gone. `__exec` dies with the supervisor, and becomes
//! the script.

use std::ffi::OsString;
use std::io::Read;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// The first argument of the supervisor: then follow the milliseconds of grace, the program and its arguments.
pub(super) const SUPERVISE: &str = "__supervise";
const EXEC: &str = "__exec";

/// What the engine writes to the supervisor: end the stage, by SIGTERM and after the grace by SIGKILL.
pub(super) const TERMINATE: u8 = b't';
/// End it at once.
pub(super) const KILL: u8 = b'k';

/// The exit code of what a signal ended, as shells have it.
const KILLED: u8 = 137;

/// Runs as a part of the supervisor, where the arguments say so.
pub fn call(arguments: &[OsString]) -> Option<ExitCode> {
    match arguments.get(1)?.to_str()? {
        SUPERVISE => Some(supervise(arguments.get(2)?.to_str()?.parse().ok()?, &arguments[3..])),
        EXEC => Some(exec(arguments.get(2)?.to_str()?, &arguments[3..])),
        _ => None,
    }
}

/// Starts the stage, waits for its end, and ends what it has left.
fn supervise(grace: u64, command: &[OsString]) -> ExitCode {
    processes::become_supervisor();
    let own = std::process::id().to_string();
    let program = std::env::current_exe();
    let started = program.and_then(|program| Command::new(program).args([EXEC, &own]).args(command).stdin(Stdio::null()).spawn());
    let Ok(child) = started else { return ExitCode::from(126) };
    std::thread::spawn(move || obey(Duration::from_millis(grace)));
    let code = processes::wait_for(child.id());
    processes::end_all();
    ExitCode::from(code)
}

/// Does what the engine says, until it is gone.
fn obey(grace: Duration) {
    let mut byte = [0];
    loop {
        match std::io::stdin().read(&mut byte) {
            Ok(1) if byte[0] == TERMINATE => {
                processes::terminate_all();
                std::thread::spawn(move || {
                    std::thread::sleep(grace);
                    processes::end_all();
                });
            }
            Ok(1) if byte[0] == KILL => processes::end_all(),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            _ => {
                processes::end_all();
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
    if !processes::die_with(supervisor) {
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

/// What this process is told by the kernel of those below it. Where that is not Linux, only the stage itself is ended.
#[cfg(target_os = "linux")]
pub(super) mod processes {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use rustix::process::{
        Pid, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process, set_child_subreaper, set_parent_process_death_signal, setsid,
        waitpid,
    };

    use super::KILLED;

    /// A session of its own, without a terminal; whoever loses its parent below this process becomes its child.
    pub(super) fn become_supervisor() {
        let _ = setsid();
        adopt_orphans();
    }

    /// Whoever loses its parent below this process becomes its child.
    pub(in super::super) fn adopt_orphans() {
        let _ = set_child_subreaper(Some(getpid()));
    }

    /// Dies when its parent dies; false where that is no longer the one that is meant.
    pub(super) fn die_with(parent: &str) -> bool {
        set_parent_process_death_signal(Some(Signal::KILL)).is_ok()
            && getppid().is_some_and(|pid| pid.as_raw_nonzero().get().to_string() == parent)
    }

    /// The exit code of a child, as shells have it. Orphans that end meanwhile are taken off the list of processes.
    pub(super) fn wait_for(child: u32) -> u8 {
        loop {
            match waitpid(None, WaitOptions::empty()) {
                Ok(Some((pid, status))) if pid.as_raw_nonzero().get().unsigned_abs() == child => return code(status),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return KILLED,
            }
        }
    }

    fn code(status: WaitStatus) -> u8 {
        let signal = status.terminating_signal().map(|signal| 128 + signal);
        status.exit_status().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(KILLED)
    }

    /// The children of a process.
    pub(in super::super) fn children_of(pid: &str) -> BTreeSet<i32> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
    }

    fn signal(pid: i32, signal: Signal) {
        if let Some(pid) = Pid::from_raw(pid) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks everything below this process to end.
    pub(super) fn terminate_all() {
        let mut below: Vec<i32> = children_of("self").into_iter().collect();
        let mut next = 0;
        while next < below.len() {
            below.extend(children_of(&below[next].to_string()));
            next += 1;
        }
        for pid in below {
            signal(pid, Signal::TERM);
        }
    }

    /// Ends everything below this process, until nothing is left.
    pub(super) fn end_all() {
        loop {
            let children = children_of("self");
            if children.is_empty() {
                return;
            }
            end(&children);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends these children of this process, and takes them off the list of processes.
    pub(in super::super) fn end(children: &BTreeSet<i32>) {
        for child in children {
            signal(*child, Signal::KILL);
        }
        for child in children.iter().filter_map(|child| Pid::from_raw(*child)) {
            let _ = waitpid(Some(child), WaitOptions::NOHANG);
        }
    }

    /// Ends a process that is no child of this one.
    pub(in super::super) fn kill(pid: i32) {
        signal(pid, Signal::KILL);
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) mod processes {
    use std::collections::BTreeSet;

    pub(super) fn become_supervisor() {}
    pub(in super::super) fn adopt_orphans() {}
    pub(super) fn die_with(_: &str) -> bool {
        true
    }
    pub(super) fn wait_for(_: u32) -> u8 {
        super::KILLED
    }
    pub(in super::super) fn children_of(_: &str) -> BTreeSet<i32> {
        BTreeSet::new()
    }
    pub(super) fn terminate_all() {}
    pub(super) fn end_all() {}
    pub(in super::super) fn end(_: &BTreeSet<i32>) {}
    pub(in super::super) fn kill(_: i32) {}
}
