//! What is left of a run whose engine and supervisors were killed.

use std::fs;
use std::path::Path;

use crate::processes::kill;

/// The variable of the environment by which the processes of a run are known: the folder of the run.
pub const RUN_FOLDER: &str = "SIDESTAGE_RUN_FOLDER";

/// Ends every process that works in the folder, or was started for it.
pub(super) fn end_processes(folder: &Path) {
    // A process may have started another one since it was looked at.
    for _ in 0..5 {
        let found: Vec<i32> = processes().filter(|pid| belongs(*pid, folder)).collect();
        if found.is_empty() {
            return;
        }
        found.into_iter().for_each(kill);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn processes() -> impl Iterator<Item = i32> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(move |pid| *pid != own)
}

/// By its environment; where it has thrown that away, by the folder that it works in. A person's shell or editor may work
/// there too: those have a home elsewhere.
fn belongs(pid: i32, folder: &Path) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    let mark = format!("{RUN_FOLDER}={}", folder.display());
    let home = format!("HOME={}", folder.display());
    let has = |variable: &str| environment.split(|byte| *byte == 0).any(|known| known == variable.as_bytes());
    let has_other_home =
        environment.split(|byte| *byte == 0).any(|known| known.starts_with(b"HOME=") && !known.starts_with(home.as_bytes()));
    let works_there = || fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|path| path.starts_with(folder));
    has(&mark) || (!has_other_home && works_there())
}
