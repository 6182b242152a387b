//! What the kernel of Linux tells of the processes below this one.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process, set_child_subreaper, set_parent_process_death_signal, setsid,
    waitpid,
};

use super::super::supervisor::KILLED;

/// A session of its own, without a terminal; whoever loses its parent below this process becomes its child.
pub(in crate::processes) fn become_supervisor() {
    let _ = setsid();
    adopt_orphans();
}

/// Whoever loses its parent below this process becomes its child.
pub(in crate::processes) fn adopt_orphans() {
    let _ = set_child_subreaper(Some(getpid()));
}

/// Dies when its parent dies; false where that is no longer the one that is meant.
pub(in crate::processes) fn die_with(parent: &str) -> bool {
    set_parent_process_death_signal(Some(Signal::KILL)).is_ok()
        && getppid().is_some_and(|pid| pid.as_raw_nonzero().get().to_string() == parent)
}

/// The exit code of a child, as shells have it. Orphans that end meanwhile are taken off the list of processes.
pub(in crate::processes) fn wait_for(child: u32) -> u8 {
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
pub(in crate::processes) fn children_of(pid: &str) -> BTreeSet<i32> {
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
pub(in crate::processes) fn terminate_all() {
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
pub(in crate::processes) fn end_all() {
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
pub(in crate::processes) fn end(children: &BTreeSet<i32>) {
    for child in children {
        signal(*child, Signal::KILL);
    }
    for child in children.iter().filter_map(|child| Pid::from_raw(*child)) {
        let _ = waitpid(Some(child), WaitOptions::NOHANG);
    }
}

/// Whether something is mounted in a folder: to remove the folder would remove what is elsewhere.
pub(crate) fn has_mounts(folder: &std::path::Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    // The fifth word of a line is the place; blanks and backslashes in it are written as numbers.
    let places = table.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let written =
        String::from_utf8_lossy(folder.as_os_str().as_bytes()).replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011");
    let below = format!("{written}/");
    places.map(String::from_utf8_lossy).any(|place| place == written || place.starts_with(&below))
}

/// Ends a process that is no child of this one.
pub(crate) fn kill(pid: i32) {
    signal(pid, Signal::KILL);
}
