//! `sidestage run` and what belongs to it, with real scripts, real git and the real binary.

mod asynchronous;
mod data;
mod fidelity;
mod history;
mod killed;
mod processes;
mod schedule;
mod service;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::repository::{Ran, copied, project};
use crate::harness::service::SIDESTAGE;

/// Longer than any machine needs: what takes this long hangs.
const HANGS_AFTER: Duration = Duration::from_secs(300);

/// A repository with its own state folder, and programs that stand in for others.
pub(super) struct Project {
    folder: tempfile::TempDir,
    /// The root of the repository.
    root: PathBuf,
}

impl Project {
    /// A repository with one configuration; nothing is committed yet.
    pub(super) fn with_config(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("app");
        fs::create_dir(&root).unwrap();
        let project = Self { folder, root };
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        project.file(".pipeline-config.yaml", text)
    }

    /// A copy of a fixture, committed.
    pub(super) fn of_fixture(name: &str) -> Self {
        let copy = copied(&project().join("fixtures").join(name));
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("app");
        let status = Command::new("cp").arg("-r").arg(copy.path()).arg(&root).status().unwrap();
        assert!(status.success());
        let project = Self { folder, root };
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        project.committed()
    }

    pub(super) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(path, text);
        self
    }

    pub(super) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits all that is there.
    pub(super) fn committed(self) -> Self {
        self.commit();
        self
    }

    pub(super) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--allow-empty", "-m", "state"]);
    }

    pub(super) fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.root).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// A program that scripts find on the PATH.
    pub(super) fn program(self, name: &str, text: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let bin = self.folder.path().join("programs");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join(name), text).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The program in this repository, with nothing of the surrounding environment but the PATH.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(SIDESTAGE);
        command.args(arguments).current_dir(&self.root).env_clear();
        command.env("PATH", format!("{}:{path}", self.folder.path().join("programs").display()));
        command.env("HOME", self.folder.path().join("home")).env("SIDESTAGE_STATE", self.state());
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(super) fn sidestage(&self, arguments: &[&str]) -> Ran {
        ended(self.command(arguments))
    }

    /// Runs the pipeline, confirmed.
    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        self.sidestage(&[&["run", "--yes"], arguments].concat())
    }

    /// Starts a run, and goes on.
    pub(super) fn start(&self, arguments: &[&str]) -> Background {
        let log = fs::File::create(self.folder.path().join("background.log")).unwrap();
        let mut command = self.command(&[&["run", "--yes"], arguments].concat());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Background { child: command.spawn().unwrap() }
    }

    /// All runs, the newest last.
    pub(super) fn runs(&self) -> Vec<Value> {
        self.sidestage(&["runs", "--format", "json"]).json()["runs"].as_array().unwrap().clone()
    }

    /// The log of a stage, or of an async run, by the beginning of its name.
    pub(super) fn log(&self, run: &str, stage: &str) -> String {
        let ran = self.sidestage(&["logs", run, stage]);
        assert_eq!(ran.code, Some(0), "{}", ran.transcript());
        ran.stdout
    }

    /// The ids of the runs of an async stage, the newest last.
    pub(super) fn async_runs(&self, stage: &str) -> Vec<String> {
        let of_stage = |run: &Value| (run["what"] == *stage).then(|| run["id"].as_str().unwrap().to_owned());
        self.runs().iter().filter_map(of_stage).collect()
    }

    /// What the only run of an async stage has printed.
    pub(super) fn async_log(&self, stage: &str) -> String {
        let runs = self.async_runs(stage);
        assert_eq!(runs.len(), 1, "{:#?}", self.runs());
        self.log(&runs[0], stage)
    }
}

/// A program that goes on while the test looks; it is killed where the test forgets it.
pub(super) struct Background {
    pub(super) child: Child,
}

impl Background {
    /// Sends a signal by its name.
    pub(super) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub(super) fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < HANGS_AFTER, "it hangs");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end.
pub(super) fn ended(mut command: Command) -> Ran {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let id = child.id();
    let (done, end) = std::sync::mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(HANGS_AFTER) else {
        let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
        panic!("{command:?} hangs");
    };
    let output = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
    Ran { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
}

/// Waits for something that will be so.
pub(super) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < HANGS_AFTER, "it never came: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The processes whose command line, folder or environment has this text.
pub(super) fn processes_with(text: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let numbers = entries.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && *name != own);
    let told = |pid: String| {
        let read = |name: &str| String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default()).replace('\0', " ");
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).map(|path| path.display().to_string()).unwrap_or_default();
        let is_zombie = read("stat").rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
        let line = read("cmdline");
        let has = !is_zombie && (line.contains(text) || folder.contains(text) || read("environ").contains(text));
        has.then(|| format!("{pid}: {line}"))
    };
    numbers.filter_map(told).collect()
}
