//! Values in files, one each: replaced by renaming, so that a reader sees the old one or the new one, whatever
//! happens to the writer.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::StoreError;
use super::name;

/// The folder with all values of a run.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
}

/// Where half-written values lie.
const UNFINISHED: &str = ".unfinished";

/// A writer that takes longer is not there any more.
const GIVEN_UP: Duration = Duration::from_secs(3600);

/// Holds everybody else off until it is dropped; it goes with the process.
pub(super) struct Lock {
    _file: File,
}

impl Store {
    pub(super) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, kind: &str, keys: &[&[u8]]) -> PathBuf {
        self.root.join(name::path_of_entry(kind, keys))
    }

    /// The value of a key; nothing where it was never put.
    pub(super) fn get(&self, kind: &str, keys: &[&[u8]]) -> Result<Option<Vec<u8>>, StoreError> {
        read(&self.path(kind, keys))
    }

    pub(super) fn has(&self, kind: &str, keys: &[&[u8]]) -> bool {
        self.path(kind, keys).exists()
    }

    /// Puts a value, and replaces what is there.
    pub(super) fn put(&self, kind: &str, keys: &[&[u8]], value: &[u8]) -> Result<(), StoreError> {
        name::fit(keys).map_err(StoreError::Usage)?;
        self.put_at(&self.path(kind, keys), value)
    }

    pub(super) fn put_at(&self, path: &Path, value: &[u8]) -> Result<(), StoreError> {
        let unfinished = self.write_aside(value)?;
        let replaced = self.in_folder_of(path, "written", || replace(&unfinished, path));
        replaced.inspect_err(|_| drop(fs::remove_file(&unfinished)))
    }

    /// Puts a value where there is none; tells whether it did.
    pub(super) fn put_new(&self, kind: &str, keys: &[&[u8]], value: &[u8]) -> Result<bool, StoreError> {
        let path = self.path(kind, keys);
        let unfinished = self.write_aside(value)?;
        let is_new = self.in_folder_of(&path, "written", || match fs::hard_link(&unfinished, &path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        });
        let _ = fs::remove_file(&unfinished);
        is_new
    }

    /// Takes a value away; tells whether there was one.
    pub(super) fn remove(&self, kind: &str, keys: &[&[u8]]) -> Result<bool, StoreError> {
        remove(&self.path(kind, keys))
    }

    /// The keys under these, sorted.
    pub(super) fn list(&self, kind: &str, keys: &[&[u8]]) -> Result<Vec<Vec<u8>>, StoreError> {
        let path = self.path(kind, keys);
        name::keys_in(&path).map_err(|error| StoreError::io("read", &path, &error))
    }

    /// For what is looked at and then changed, and for several values at once.
    pub(super) fn lock(&self) -> Result<Lock, StoreError> {
        let path = self.root.join(".lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = self.in_folder_of(&path, "opened", || options.open(&path))?;
        file.lock().map_err(|error| StoreError::io("locked", &path, &error))?;
        self.put_back()?;
        Ok(Lock { _file: file })
    }

    /// Writes a value under a name that no other process uses.
    fn write_aside(&self, value: &[u8]) -> Result<PathBuf, StoreError> {
        // Runs of several containers share the folder: the number of a process is not unique.
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| StoreError::Failed(format!("this machine gives no random bytes: {error}")))?;
        let folder = self.root.join(UNFINISHED);
        // Once in a while is enough, and a listing would be a tenth of what a write costs.
        if random[0] == 0 {
            sweep(&folder);
        }
        let path = folder.join(format!("{:032x}", u128::from_le_bytes(random)));
        let mut file = self.in_folder_of(&path, "written", || private(&path))?;
        file.write_all(value).map_err(|error| {
            let _ = fs::remove_file(&path);
            StoreError::io("written", &path, &error)
        })?;
        Ok(path)
    }

    /// Does what needs the folder of a path; where it fails for want of one, makes it and does it again. `what` is
    /// what is done to the path, for the message.
    fn in_folder_of<T>(&self, path: &Path, what: &str, act: impl Fn() -> io::Result<T>) -> Result<T, StoreError> {
        let done = match act() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make_folder(path.parent().unwrap_or(&self.root))?;
                act()
            }
            done => done,
        };
        done.map_err(|error| StoreError::io(what, path, &error))
    }

    fn make_folder(&self, folder: &Path) -> Result<(), StoreError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| match StoreError::io("made", folder, &error) {
            StoreError::Failed(text) => StoreError::Failed(format!(
                "{text}\nThe store of this run is {}: set PIPELINECTL_STATE to a folder that can be written.",
                self.root.display()
            )),
            other => other,
        })
    }
}

/// Moves a file to where another one may be.
#[cfg(target_os = "linux")]
fn replace(new: &Path, path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    // Some file systems write a file to the disk at once when it is renamed over another one, which costs as much as
    // the rest of a call. They do not where both change places.
    let exchange = || renameat_with(CWD, new, CWD, path, RenameFlags::EXCHANGE);
    match exchange() {
        // A folder is not a value: it goes back to its place.
        Ok(()) => fs::remove_file(new).inspect_err(|_| {
            let _ = exchange();
        }),
        Err(_) => fs::rename(new, path),
    }
}

#[cfg(not(target_os = "linux"))]
fn replace(new: &Path, path: &Path) -> io::Result<()> {
    fs::rename(new, path)
}

/// A new file that only its owner can read, whatever the umask says.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes what a writer left that was killed long ago.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|data| data.modified()).map(|time| SystemTime::now().duration_since(time));
        if matches!(age, Ok(Ok(age)) if age > GIVEN_UP) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The bytes of a file; nothing where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_absent(&error) || path.is_dir() => Ok(None),
        Err(error) => Err(StoreError::io("read", path, &error)),
    }
}

/// Removes a file; tells whether there was one.
pub(super) fn remove(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(StoreError::io("removed", path, &error)),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
}
