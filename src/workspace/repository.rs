//! The repository on disk.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::sync::OnceLock;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use sidestage_compiler::source::{EntryKind, Files, PathsFrom, ReadError};

/// Larger files are refused: no configuration and no script is that large.
const MAX_FILE: u64 = 512 << 20;

/// A repository: nothing outside of it is ever read.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    root: Utf8PathBuf,
}

impl Repository {
    /// The repository that a file belongs to, and the file's path from its root: see [`Repositories::of`].
    pub(crate) fn of(path: &Utf8Path) -> std::io::Result<(Self, String)> {
        Repositories::default().of(path)
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// How its paths are written from a folder, which is absolute and without links.
    pub(crate) fn paths_from(&self, folder: &Utf8Path) -> PathsFrom {
        match folder.strip_prefix(&self.root) {
            Ok(inside) => PathsFrom::inside(inside.as_str()),
            Err(_) => PathsFrom::outside(relative_to(&self.root, folder).as_str()),
        }
    }

    /// The path of a file or folder on this machine.
    pub(crate) fn absolute(&self, path: &str) -> Utf8PathBuf {
        self.root.join(path)
    }

    /// The path from the root of what stands at an absolute path; `None` where that is not below the root.
    pub(crate) fn inside(&self, absolute: &Utf8Path) -> Option<String> {
        absolute.strip_prefix(&self.root).ok().map(|path| path.as_str().to_owned())
    }

    /// Whether a file, or a link to whatever, stands at a path.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        fs::symlink_metadata(self.absolute(path)).is_ok_and(|metadata| metadata.is_file() || metadata.is_symlink())
    }

    /// Replaces the text of a file, completely or not at all.
    ///
    /// A link is followed inside the repository; the file's mode stays. `before` must still be what it holds.
    pub(crate) fn replace(&self, path: &str, before: &str, after: &str) -> std::io::Result<()> {
        let path = self.absolute(path).canonicalize_utf8()?;
        if !path.starts_with(&self.root) {
            return Err(std::io::Error::other(ReadError::Outside));
        }
        let permissions = fs::metadata(&path)?.permissions();
        if permissions.readonly() {
            return Err(std::io::Error::other("it is read-only"));
        }
        if read_file(&path)? != before.as_bytes() {
            return Err(std::io::Error::other("it has changed since it was read; try again"));
        }
        let folder = path.parent().unwrap_or(Utf8Path::new("/"));
        let fresh = folder.join(format!(".{}.new-{}", path.file_name().unwrap_or_default(), std::process::id()));
        let written = fs::File::create_new(&fresh).and_then(|mut file| {
            file.set_permissions(permissions)?;
            file.write_all(after.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &path)
        });
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written
    }

    /// What stands at a path, and where that is without links: a link may lead out of the repository. The root is
    /// without links, and few paths below it have any.
    fn find(&self, path: &str) -> Result<(Utf8PathBuf, fs::Metadata), ReadError> {
        let mut found = (self.root.clone(), None);
        for part in Utf8Path::new(path).components() {
            match part {
                Utf8Component::CurDir => continue,
                Utf8Component::Normal(name) => found.0.push(name),
                _ => return self.follow(path),
            }
            let metadata = fs::symlink_metadata(&found.0).map_err(|error| read_error(&error))?;
            if metadata.is_symlink() {
                return self.follow(path);
            }
            found.1 = Some(metadata);
        }
        match found {
            (full, Some(metadata)) => Ok((full, metadata)),
            (full, None) => fs::metadata(&full).map_err(|error| read_error(&error)).map(|metadata| (full, metadata)),
        }
    }

    fn follow(&self, path: &str) -> Result<(Utf8PathBuf, fs::Metadata), ReadError> {
        let full = self.root.join(path).canonicalize_utf8().map_err(|error| read_error(&error))?;
        if !full.starts_with(&self.root) {
            return Err(ReadError::Outside);
        }
        fs::metadata(&full).map_err(|error| read_error(&error)).map(|metadata| (full, metadata))
    }
}

/// The repositories that files belong to. Each folder is looked at once.
#[derive(Default)]
pub(crate) struct Repositories {
    /// Folders without links, by their absolute path as it was named.
    folders: HashMap<Utf8PathBuf, Utf8PathBuf>,
    /// The nearest folder upward that holds `.git`, by folders without links.
    roots: HashMap<Utf8PathBuf, Option<Utf8PathBuf>>,
}

impl Repositories {
    /// The repository that a file belongs to, and the file's path from its root.
    ///
    /// The root is the nearest folder upward that holds `.git`; else the working folder, if the file is below
    /// it; else the file's own folder.
    pub(crate) fn of(&mut self, path: &Utf8Path) -> std::io::Result<(Repository, String)> {
        let working = working_folder()?;
        let absolute = if path.is_absolute() { path.to_owned() } else { working.join(path) };
        self.folders.entry(working.clone()).or_insert_with(|| working.clone());
        let parent = absolute.parent().unwrap_or(Utf8Path::new("/"));
        let (existing, folder) = match self.below_known(parent) {
            Some(folder) => (parent, folder),
            None => {
                // The path that standard input stands for need not be there.
                let existing = parent.ancestors().find(|folder| folder.is_dir()).unwrap_or(Utf8Path::new("/"));
                (existing, existing.canonicalize_utf8()?)
            }
        };
        self.folders.insert(existing.to_owned(), folder.clone());
        let name = absolute.strip_prefix(existing).unwrap_or(&absolute).to_owned();
        let root = self.root(&folder).unwrap_or_else(|| if folder.starts_with(&working) { working } else { folder.clone() });
        let relative = folder.strip_prefix(&root).unwrap_or(Utf8Path::new("")).join(name).into_string();
        Ok((Repository { root }, relative))
    }

    /// A folder without links, where it is known, or is no link in a folder that is.
    fn below_known(&self, folder: &Utf8Path) -> Option<Utf8PathBuf> {
        if let Some(known) = self.folders.get(folder) {
            return Some(known.clone());
        }
        let (above, name) = (self.folders.get(folder.parent()?)?, folder.file_name()?);
        fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir()).then(|| above.join(name))
    }

    fn root(&mut self, folder: &Utf8Path) -> Option<Utf8PathBuf> {
        if let Some(root) = self.roots.get(folder) {
            return root.clone();
        }
        let is_root = folder.join(".git").exists();
        let root = if is_root { Some(folder.to_owned()) } else { folder.parent().and_then(|parent| self.root(parent)) };
        self.roots.insert(folder.to_owned(), root.clone());
        root
    }
}

impl Files for Repository {
    fn kind(&self, path: &str) -> Option<EntryKind> {
        let (_, metadata) = self.find(path).ok()?;
        if metadata.is_dir() { Some(EntryKind::Folder) } else { metadata.is_file().then_some(EntryKind::File) }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        read_file(&self.find(path)?.0).map_err(|error| ReadError::Failed(error.to_string()))
    }
}

fn read_error(error: &std::io::Error) -> ReadError {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => ReadError::Missing,
        _ => ReadError::Failed(error.to_string()),
    }
}

/// Reads a whole file of reasonable size.
pub(crate) fn read_file(path: &Utf8Path) -> std::io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(std::io::Error::other("it is a folder"));
    }
    // One more than it has, to see its end: without a size, ten calls read ten kilobytes.
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(MAX_FILE)).unwrap_or_default() + 1);
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(std::io::Error::other(format!("it is larger than {} MiB", MAX_FILE >> 20)));
    }
    Ok(bytes)
}

/// The working folder, without links. It stays the same, and each file asks for it.
pub(crate) fn working_folder() -> std::io::Result<Utf8PathBuf> {
    static FOLDER: OnceLock<Utf8PathBuf> = OnceLock::new();
    if let Some(folder) = FOLDER.get() {
        return Ok(folder.clone());
    }
    let folder = Utf8PathBuf::try_from(std::env::current_dir()?.canonicalize()?).map_err(std::io::Error::other)?;
    Ok(FOLDER.get_or_init(|| folder).clone())
}

/// The way from a folder to a file or folder.
pub(super) fn relative_to(file: &Utf8Path, working: &Utf8Path) -> Utf8PathBuf {
    let common = file.ancestors().find(|ancestor| working.starts_with(ancestor)).unwrap_or(Utf8Path::new("/"));
    let up = working.strip_prefix(common).map_or(0, |rest| rest.components().count());
    let down = file.strip_prefix(common).unwrap_or(file);
    let mut path = Utf8PathBuf::new();
    for _ in 0..up {
        path.push("..");
    }
    path.push(down);
    path
}
