//! `--detach`: the same command goes on in a process of its own, and is followed until its pipeline has ended.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sidestage_engine::run::{History, State};

use super::logs::Follower;
use super::summary;
use super::values::passed_on;
use crate::cli::error::CliError;
use crate::cli::{Exit, print, print_line};
use crate::terminal::count;

/// Between two looks at the run.
const PAUSE: Duration = Duration::from_millis(100);

/// `secrets` were typed on a terminal that the other process does not have: they go along in its environment.
pub(super) fn run(state: &Path, secrets: &[(String, SecretString)]) -> Result<Exit, CliError> {
    use std::os::unix::process::CommandExt;
    let id = uuid::Uuid::new_v4().to_string();
    let fault = |what: &str, error: std::io::Error| CliError::Run(format!("{what}: {error}"));
    let program = std::env::current_exe().map_err(|error| fault("this program does not know where it is", error))?;
    std::fs::create_dir_all(state).map_err(|error| fault("the folder of the runs cannot be made", error))?;
    let path = state.join(format!("detached-{}.log", &id[..8]));
    let said = File::create(&path).map_err(|error| fault("the log cannot be written", error))?;
    let errors = said.try_clone().map_err(|error| fault("the log cannot be written", error))?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).args(["--run-id", &id]);
    command.envs(secrets.iter().map(|(name, value)| (passed_on(name), value.expose_secret().to_owned())));
    // Ctrl-C ends this process, and not that one.
    command.process_group(0).stdin(Stdio::null()).stdout(said).stderr(errors);
    let mut child = command.spawn().map_err(|error| fault("the process cannot be started", error))?;
    let history = History::at(state);
    let folder = history.run(&id);
    let mut follower = Follower::new(folder.clone(), None);
    loop {
        // Asked first: what it has written before its end is still read.
        let ended = child.try_wait().map_err(|error| fault("the process is lost", error))?;
        if let Ok(view) = folder.view() {
            follower.print()?;
            if view.state.is_ended() {
                print(&summary::pipeline(&view, &history))?;
                let _ = std::fs::remove_file(&path);
                let open = history.started_by(&view).iter().filter(|run| !run.state.is_ended()).count();
                if open > 0 {
                    let go = if open == 1 { "goes" } else { "go" };
                    print_line(&format!("{} {go} on; type: sidestage runs", count(open, "async run")));
                }
                return Ok(if view.state == State::Succeeded { Exit::Clean } else { Exit::Findings });
            }
        }
        if ended.is_some() {
            let said = std::fs::read_to_string(&path).unwrap_or_default();
            let _ = std::fs::remove_file(&path);
            print_line(said.trim_end());
            return Ok(Exit::Failed);
        }
        std::thread::sleep(PAUSE);
    }
}
