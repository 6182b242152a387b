//! The file of the store: only its owner can read it, and what is wrong with it is said in words.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, StorageError};

const DAMAGED: &str = "it is damaged; name another folder with --state";

/// The file in its folder.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("pipeline.redb")
}

/// Opens the store in a folder, which is made where there is none, and looks at all of it. Panics where it is damaged, as
/// everything below does: see `guarded`.
pub(super) fn open(folder: &Path) -> Result<Database, String> {
    let file = private(folder).map_err(|error| error.to_string())?;
    let mut database = database(file)?;
    database.check_integrity().map_err(|error| in_words(&error))?;
    Ok(database)
}

/// Opens the store in a folder again, after it could not be written.
pub(super) fn reopen(folder: &Path) -> Result<Database, String> {
    let file = OpenOptions::new().read(true).write(true).open(path(folder)).map_err(|error| error.to_string())?;
    database(file)
}

/// The file, which only its owner can read: it contains secrets.
fn private(folder: &Path) -> std::io::Result<File> {
    let (mut folders, mut options) = (DirBuilder::new(), OpenOptions::new());
    folders.recursive(true);
    options.read(true).write(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    folders.create(folder)?;
    let path = path(folder);
    match options.clone().create_new(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => existing(&options, &path),
        made => made,
    }
}

fn existing(options: &OpenOptions, path: &Path) -> std::io::Result<File> {
    let file = options.open(path)?;
    if file.metadata()?.len() == 0 {
        return Err(std::io::Error::other("it is empty; remove it to begin a new store"));
    }
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

fn database(file: File) -> Result<Database, String> {
    Database::builder().create_file(file).map_err(|error| in_words(&error))
}

fn in_words(error: &DatabaseError) -> String {
    match error {
        DatabaseError::DatabaseAlreadyOpen => "another `sidestage serve` uses it".to_owned(),
        DatabaseError::Storage(StorageError::Corrupted(_)) => DAMAGED.to_owned(),
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == ErrorKind::InvalidData => DAMAGED.to_owned(),
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == ErrorKind::UnexpectedEof => DAMAGED.to_owned(),
        error => error.to_string(),
    }
}

/// The database asserts what holds in every file that it wrote: where that fails, the file is damaged.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let reports = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(reports);
    result.unwrap_or_else(|_| Err(DAMAGED.to_owned()))
}
