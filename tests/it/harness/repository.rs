//! Small repositories in temporary folders, and the real binary run in them.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than any machine needs: what takes this long hangs.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// A repository in a temporary folder of its own, removed at the end of the test.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One configuration, `.pipeline-config.yaml`.
    pub(crate) fn with_config(text: impl AsRef<[u8]>) -> Self {
        Self::new().file(".pipeline-config.yaml", text)
    }

    /// Adds a file.
    pub(crate) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `sidestage` with these arguments, the repository as the working folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Sidestage::new(self.path()).run(arguments)
    }

    /// The findings of `check`, one a line.
    pub(crate) fn check(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["check", "--format", "concise"], arguments].concat())
    }
}

/// Makes a configuration a large one, whose stages are interpreted on all cores.
pub(crate) fn enlarge(config: &Path) {
    let mut text = std::fs::read(config).unwrap();
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend(crate::properties::enlarging_comment().bytes());
    std::fs::write(config, text).unwrap();
}

/// The binary, in a folder, with nothing of the surrounding environment but `PATH`.
pub(crate) struct Sidestage {
    command: Command,
    input: Vec<u8>,
}

impl Sidestage {
    pub(crate) fn new(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestage"));
        command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        Self { command, input: Vec::new() }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.input = text.into();
        self
    }

    /// Runs it to its end; a run that never ends fails the test.
    pub(crate) fn run(mut self, arguments: &[&str]) -> Ran {
        let piped = self.command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = std::mem::take(&mut self.input);
        // A program that reads nothing closes the pipe: no matter.
        let writer = thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = read_all(child.stdout.take().unwrap());
        let stderr = read_all(child.stderr.take().unwrap());
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > HANGS_AFTER {
                child.kill().unwrap();
                panic!("`sidestage {}` hangs", arguments.join(" "));
            }
            thread::sleep(Duration::from_millis(5));
        };
        writer.join().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        let (stdout, mut stderr) = (text(stdout.join().unwrap()), text(stderr.join().unwrap()));
        if arguments.contains(&"concise") {
            stderr = without_counts(&stderr);
        }
        Ran { stdout, stderr, code: status.code() }
    }
}

/// With `--format concise` what is counted goes to standard error; a test of its own looks at it.
fn without_counts(stderr: &str) -> String {
    let counts = ["Found ", "No findings in ", "No trigger found"];
    let is_count = |line: &str| {
        counts.iter().any(|words| line.starts_with(words))
            || line.split_once(' ').is_some_and(|(number, rest)| number.parse::<u32>().is_ok() && rest.starts_with("trigger"))
    };
    stderr.split_inclusive('\n').filter(|line| !is_count(line)).collect()
}

fn read_all(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// What a run printed, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
}

impl Ran {
    /// Everything in one text: output, complaints, exit code.
    pub(crate) fn transcript(&self) -> String {
        let code = self.code.map_or_else(|| "killed by a signal".to_owned(), |code| code.to_string());
        format!("{}{}exit: {code}\n", self.stdout, self.stderr)
    }

    /// The output of `--format json`.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.transcript()))
    }
}

/// The project's own folder.
pub(crate) fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What `sidestage check .` says of a fixture.
pub(crate) const EXPECTED: &str = "expected.txt";

/// A copy of a fixture away from this repository, which would otherwise count as the one that it belongs to.
pub(crate) fn copied(fixture: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(fixture, folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else if entry.file_name() != EXPECTED {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A title fits one line beside its place: at most 72 characters, no full stop, no line break.
pub(crate) fn check_title(title: &str) {
    assert!(title.chars().count() <= 72, "longer than 72 characters: {title}");
    assert!(!title.ends_with('.') && !title.contains('\n'), "a title is no sentence: {title}");
}
