//! The folder of a run. Its record is there from the beginning, its events are only ever added, and who executes it holds its
//! lock, which the system takes back whatever happens to the process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::processes::has_mounts;

use super::{Event, EventKind, RunRecord, RunView, VERSION};

const RECORD: &str = "run.json";
const EVENTS: &str = "events.jsonl";
const LOCK: &str = "lock";
const PAYLOAD: &str = "payload.json";

/// What the name of a draft begins with.
pub(super) const DRAFT: &str = ".new-";

/// Where its stages work; others may have been given the paths of repositories in it.
const WORKSPACE: &str = "workspace";

/// What is gone when a run has ended: it may hold secrets.
const TRANSIENT: &[&str] = &["bin", "config", "home", "scripts", "secrets", "store", "tmp", "tools", WORKSPACE];

/// A run on disk.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

/// Whoever executes a run. Where this is dropped, or its process ends, the run is nobody's.
#[derive(Debug)]
pub(crate) struct Hold {
    _lock: File,
    events: File,
}

/// The folder of a run that is being made: it takes its place when it is whole, and its maker holds it from the beginning.
#[derive(Debug)]
pub(crate) struct Draft {
    folder: RunFolder,
    hold: Hold,
}

impl Draft {
    /// Begins the folder of a run.
    pub(crate) fn begin(runs: &Path, id: &str) -> io::Result<Self> {
        let path = runs.join(format!("{DRAFT}{id}"));
        // An engine that ended in the middle may have begun the same run.
        let earlier = RunFolder { path: path.clone() };
        if path.exists() && !earlier.is_held() {
            earlier.remove()?;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        let folder = RunFolder { path };
        let hold = folder.hold()?.ok_or_else(|| io::Error::other("a new run is held by somebody else"))?;
        fs::create_dir(folder.path.join("logs"))?;
        Ok(Self { folder, hold })
    }

    /// Where it is for now.
    pub(crate) fn path(&self) -> &Path {
        &self.folder.path
    }

    /// Gives it its place.
    pub(crate) fn finish(self, record: &RunRecord, payload: Option<&str>) -> io::Result<(RunFolder, Hold)> {
        if let Some(payload) = payload {
            self.folder.write(PAYLOAD, payload.as_bytes())?;
        }
        self.folder.write(RECORD, serde_json::to_string_pretty(record)?.as_bytes())?;
        let runs = self.folder.path.parent().unwrap_or(Path::new("/"));
        let path = runs.join(&record.id);
        fs::rename(&self.folder.path, &path)?;
        File::open(runs)?.sync_all()?;
        Ok((RunFolder { path }, self.hold))
    }

    /// Gives it up.
    pub(crate) fn discard(self) {
        let _ = self.folder.remove();
    }
}

impl RunFolder {
    /// A folder that is there.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run is.
    ///
    /// # Errors
    /// Where the record cannot be read, or is of a later version.
    pub fn record(&self) -> io::Result<RunRecord> {
        let record: RunRecord = serde_json::from_slice(&fs::read(self.path.join(RECORD))?)?;
        if record.version != VERSION {
            return Err(io::Error::other(format!("it is of version {}, and this sidestage reads version {VERSION}", record.version)));
        }
        Ok(record)
    }

    /// The payload of the webhook's call.
    pub fn payload(&self) -> Option<String> {
        fs::read_to_string(self.path.join(PAYLOAD)).ok()
    }

    /// What has happened so far. A line that is not whole was being written when its writer was killed.
    pub fn events(&self) -> Vec<Event> {
        let text = fs::read(self.path.join(EVENTS)).unwrap_or_default();
        text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    /// Record and state.
    ///
    /// # Errors
    /// As [`RunFolder::record`].
    pub fn view(&self) -> io::Result<RunView> {
        let record = self.record()?;
        // Asked first: who ends in between has written its end.
        let is_held = self.is_held();
        Ok(RunView::new(record, &self.events(), is_held))
    }

    /// Whether somebody executes it now.
    pub fn is_held(&self) -> bool {
        let lock = File::open(self.path.join(LOCK));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Takes the run, where nobody has it.
    pub(crate) fn hold(&self) -> io::Result<Option<Hold>> {
        let open = |name: &str| OpenOptions::new().create(true).append(true).mode(0o600).open(self.path.join(name));
        let lock = open(LOCK)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut events = open(EVENTS)?;
        // The rest of a line that a killed writer began stays a line of its own.
        if fs::read(self.path.join(EVENTS))?.last().is_some_and(|byte| *byte != b'\n') {
            events.write_all(b"\n")?;
        }
        Ok(Some(Hold { _lock: lock, events }))
    }

    /// The log of a stage, by the stage's place in the run and its name.
    pub fn log(&self, place: usize, stage: &str) -> PathBuf {
        self.path.join("logs").join(format!("{:03}-{}.log", place + 1, stage.replace('/', "_")))
    }

    /// What is gone when the run has ended.
    pub(crate) fn transient(&self, keeps_workspace: bool) -> Vec<PathBuf> {
        TRANSIENT.iter().filter(|name| **name != WORKSPACE || !keeps_workspace).map(|name| self.path.join(name)).collect()
    }

    /// Removes what may hold secrets.
    pub(crate) fn clear(&self, keeps_workspace: bool) -> io::Result<()> {
        self.transient(keeps_workspace).iter().try_for_each(|path| remove(path))
    }

    /// Whether there is something to clear.
    pub(crate) fn has_leftovers(&self, keeps_workspace: bool) -> bool {
        self.transient(keeps_workspace).iter().any(|path| path.exists())
    }

    /// Removes the run.
    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.path)
    }
}

impl Hold {
    /// Notes that something has happened. What others rely on is on disk before this returns.
    pub(crate) fn note(&mut self, kind: EventKind) -> io::Result<Event> {
        let is_relied_on = matches!(kind, EventKind::Ended { .. } | EventKind::AsyncStarted { .. });
        let event = Event { time: Timestamp::now(), kind };
        let mut line = serde_json::to_vec(&event)?;
        line.push(b'\n');
        self.events.write_all(&line)?;
        if is_relied_on {
            self.events.sync_data()?;
        }
        Ok(event)
    }
}

/// Removes a folder, also where scripts have made parts of it unwritable.
fn remove(path: &Path) -> io::Result<()> {
    if has_mounts(path) {
        return Err(io::Error::other(format!(
            "something is mounted in {}; unmount it, and what is left goes when the next run starts",
            path.display()
        )));
    }
    let mut tries = 0;
    loop {
        tries += 1;
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && tries == 1 => make_writable(path),
            // The supervisor of a stage may be removing the same, or a process may have written on its way out.
            Err(error) if path.exists() && tries < TRIES && error.kind() != io::ErrorKind::PermissionDenied => std::thread::sleep(PAUSE),
            Err(error) if path.exists() => return Err(error),
            _ => return Ok(()),
        }
    }
}

/// How often what is still in use is removed again, and after which pause.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// Gives the owner all rights to a folder and those in it.
fn make_writable(path: &Path) {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        folders.extend(entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()));
    }
}
