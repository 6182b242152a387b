//! Runs a repository with real bash: stand-ins for the store's commands write down what happens.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use super::tree::{Repository, Script};

/// What a process may see of E1 and E2: all combinations of these are run.
const VALUES: [(&str, &str); 2] = [("E1", "1"), ("E2", "yes")];

/// Stand-ins use nothing but what is built into `sh`: a fork would cost more than all they do.
const COMMANDS: [(&str, &str); 5] = [
    (
        "set_env",
        r#"if [ $# -eq 1 ]; then
  IFS= read -r v
  set -- "$1" "$v"
fi
while [ $# -ge 2 ]; do
  k=$1
  case $k in '' | */*) exit 1 ;; *" "* | *"
"*) k=odd ;; esac
  printf '%s\n' "$2" > "$JUDGE_STORE/set/$k"
  shift 2
done
"#,
    ),
    (
        "get_env",
        r#"if [ -f "$JUDGE_STORE/set/$1" ]; then
  IFS= read -r v < "$JUDGE_STORE/set/$1"
  printf '%s\n' "$v"
elif [ $# -ge 2 ]; then
  echo "read default $1" >> "$JUDGE_STORE/log"
  printf '%s\n' "$2"
else
  echo "read failed $1" >> "$JUDGE_STORE/log"
  echo "no key $1" >&2
  exit 1
fi
"#,
    ),
    (
        "export_env",
        r#"for k; do
  case $k in '' | */*) exit 1 ;; *" "* | *"
"*) k=odd ;; esac
  : > "$JUDGE_STORE/exported/$k"
done
"#,
    ),
    (
        "trigger-task",
        r#"l="trigger $JUDGE_STAGE ${1:--} ${2:--} exported"
for f in "$JUDGE_STORE"/exported/*; do
  [ -f "$f" ] && l="$l ${f##*/}"
done
l="$l set"
for f in "$JUDGE_STORE"/set/*; do
  [ -f "$f" ] && l="$l ${f##*/}"
done
echo "$l" >> "$JUDGE_STORE/log"
"#,
    ),
    ("pipelinectl", "exec \"$@\"\n"),
];

/// One stage after the other until one fails, once for each environment.
const DRIVER: &str = r#"for env in "$JUDGE"/env-*; do
  JUDGE_STORE=$env
  export JUDGE_STORE JUDGE_STAGE
  cd "$env/repository" || exit 1
  . "$env/variables"
  for stage in $JUDGE_STAGES; do
    JUDGE_STAGE=$stage
    echo "begin $stage" >> "$env/log"
    bash "$JUDGE/stages/$stage" < /dev/null > /dev/null 2>> "$env/errors"
    status=$?
    echo "end $stage $status" >> "$env/log"
    [ $status -eq 0 ] || break
  done
done
"#;

/// A trigger as bash made it.
#[derive(Debug, Clone)]
pub(super) struct Triggered {
    pub(super) from: String,
    pub(super) target: String,
    /// Its second argument, which tells the places in the scripts apart.
    pub(super) label: String,
    pub(super) exported: BTreeSet<String>,
    pub(super) set: BTreeSet<String>,
    /// Keys whose reads in the triggered stage failed or took their default.
    pub(super) lacked: BTreeSet<String>,
}

/// What happened in one environment.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) environment: String,
    pub(super) triggers: Vec<Triggered>,
    /// Stages that ran, and how they ended.
    pub(super) ended: Vec<(String, i32)>,
    pub(super) errors: String,
}

/// The script of an async stage, and the keys that it is sent.
type Sent = (String, Vec<String>);

/// The stand-ins, and where runs have their folders.
pub(super) struct Bash {
    folder: tempfile::TempDir,
    /// After how many seconds a repository is said not to end.
    limit: u32,
    /// What async stages lack: by their script and by what was sent.
    lacked: Mutex<BTreeMap<Sent, BTreeSet<String>>>,
}

impl Bash {
    pub(super) fn within(limit: u32) -> Self {
        // Memory, where the machine has such a folder.
        let shared = Path::new("/dev/shm");
        let folder = tempfile::tempdir_in(shared).or_else(|_| tempfile::tempdir()).unwrap();
        let commands = folder.path().join("bin");
        fs::create_dir(&commands).unwrap();
        for (name, text) in COMMANDS {
            executable(&commands.join(name), &format!("#!/bin/sh\n{text}"));
        }
        Self { folder, limit, lacked: Mutex::default() }
    }

    /// What bash does with a repository in each environment; nothing if it does not end.
    pub(super) fn run(&self, repository: &Repository) -> Option<Vec<Outcome>> {
        let variables = repository.variables();
        let environments: Vec<Vec<(&str, &str)>> = (0..1_usize << variables.len())
            .map(|bits| {
                let is_set = |name: &str| variables.iter().position(|known| *known == name).is_some_and(|at| bits >> at & 1 == 1);
                VALUES.into_iter().filter(|(name, _)| is_set(name)).collect()
            })
            .collect();
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        fs::create_dir(folder.path().join("stages")).unwrap();
        for stage in &repository.stages {
            fs::write(folder.path().join("stages").join(&stage.name), stage.text()).unwrap();
        }
        let mut stores = Vec::new();
        for (index, environment) in environments.iter().enumerate() {
            let store = store(folder.path(), &format!("env-{index}"), repository);
            let assigned: String = environment.iter().map(|(name, value)| format!("export {name}={value}\n")).collect();
            fs::write(store.join("variables"), format!("unset E1 E2\n{assigned}")).unwrap();
            stores.push(store);
        }
        let stages: Vec<&str> = repository.stages.iter().map(|stage| stage.name.as_str()).collect();
        let has_ended = self.drive(folder.path(), &stages);
        if !has_ended {
            return None;
        }
        let mut outcomes: Vec<Outcome> = Vec::new();
        for (store, environment) in stores.iter().zip(&environments) {
            let mut outcome = outcome(store);
            let environment: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
            outcome.environment = if environment.is_empty() { "nothing set".to_owned() } else { environment.join(" ") };
            outcomes.push(outcome);
        }
        self.run_targets(repository, &mut outcomes)?;
        Some(outcomes)
    }

    fn drive(&self, folder: &Path, stages: &[&str]) -> bool {
        let path = std::env::var("PATH").unwrap_or_default();
        let status = Command::new("timeout")
            .args(["-k", "1", &self.limit.to_string(), "sh", "-c", DRIVER])
            .env("PATH", format!("{}:{path}", self.folder.path().join("bin").display()))
            .env("JUDGE", folder)
            .env("JUDGE_STAGES", stages.join(" "))
            .env_remove("E1")
            .env_remove("E2")
            .env_remove("BASH_ENV")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.unwrap().code().is_some_and(|code| code < 124)
    }

    /// Runs the async stages in stores that hold what was exported for them, each kind of store once: they run no files.
    fn run_targets(&self, repository: &Repository, outcomes: &mut [Outcome]) -> Option<()> {
        for trigger in outcomes.iter_mut().flat_map(|outcome| &mut outcome.triggers) {
            let Some(target) = repository.targets.iter().find(|target| target.name == trigger.target) else { continue };
            let sent: Vec<String> = trigger.exported.intersection(&trigger.set).cloned().collect();
            let key = (target.text(), sent);
            let known = self.lacked.lock().unwrap().get(&key).cloned();
            trigger.lacked = match known {
                Some(lacked) => lacked,
                None => {
                    let lacked = self.run_target(repository, target, &key.1)?;
                    self.lacked.lock().unwrap().insert(key, lacked.clone());
                    lacked
                }
            };
        }
        Some(())
    }

    fn run_target(&self, repository: &Repository, target: &Script, sent: &[String]) -> Option<BTreeSet<String>> {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        fs::create_dir(folder.path().join("stages")).unwrap();
        fs::write(folder.path().join("stages").join(&target.name), target.text()).unwrap();
        let store = store(folder.path(), "env-0", repository);
        fs::write(store.join("variables"), "").unwrap();
        for key in sent {
            fs::write(store.join("set").join(key), "sent\n").unwrap();
        }
        let has_ended = self.drive(folder.path(), &[&target.name]);
        let log = fs::read_to_string(store.join("log")).unwrap_or_default();
        let lacked = log.lines().filter_map(|line| line.strip_prefix("read ")?.split_once(' '));
        has_ended.then(|| lacked.map(|(_, key)| key.to_owned()).collect())
    }
}

/// A folder with an empty store and a copy of the repository.
fn store(folder: &Path, name: &str, repository: &Repository) -> PathBuf {
    let store = folder.join(name);
    for part in ["set", "exported", "repository/s"] {
        fs::create_dir_all(store.join(part)).unwrap();
    }
    for (path, text) in repository.files() {
        executable(&store.join("repository").join(path), &text);
    }
    store
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn outcome(store: &Path) -> Outcome {
    let mut outcome = Outcome { errors: fs::read_to_string(store.join("errors")).unwrap_or_default(), ..Outcome::default() };
    for line in fs::read_to_string(store.join("log")).unwrap_or_default().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["trigger", from, target, label, "exported", keys @ ..] => {
                let mut halves = keys.split(|word| *word == "set");
                let mut half = || halves.next().unwrap_or_default().iter().map(|key| (*key).to_owned()).collect();
                let (exported, set) = (half(), half());
                outcome.triggers.push(Triggered {
                    from: (*from).to_owned(),
                    target: (*target).to_owned(),
                    label: (*label).to_owned(),
                    exported,
                    set,
                    lacked: BTreeSet::new(),
                });
            }
            ["end", stage, status] => outcome.ended.push(((*stage).to_owned(), status.parse().unwrap())),
            _ => {}
        }
    }
    outcome
}
