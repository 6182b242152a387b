//! The folder that `build` writes to. It names what it wrote, with hashes, so that the next build replaces that and nothing
//! else, touches only what has changed, and removes what is not written any more and nobody uses.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use sidestage_compiler::emit::Emitted;
use sidestage_runtime::hash::sha256;

use super::discover::entries;

/// Names what was written, as `sha256sum --check` reads it.
const LIST: &str = ".sidestage-files";

/// A folder, and what an earlier build wrote to it: the hash of each file, where it was noted.
pub(crate) struct OutputFolder {
    path: Utf8PathBuf,
    earlier: BTreeMap<String, Option<String>>,
}

/// What a build has to do to the folder.
pub(crate) struct Changes<'a> {
    /// Files to write: what is new, and what was there.
    pub(crate) written: Vec<(&'a Emitted, Option<String>)>,
    /// Files whose mode is to be set.
    modes: Vec<&'a Emitted>,
    /// Files that are not written any more.
    pub(crate) removed: Vec<String>,
    /// Files that are not written any more, and stay.
    pub(crate) kept: Vec<(String, Kept)>,
    /// Files that somebody has changed since they were written, and that are written again.
    pub(crate) edited: Vec<String>,
    list: String,
}

/// Why a file stays that is not written any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A script calls it.
    Called,
    /// Somebody has changed it.
    Edited,
}

/// Why a folder cannot be written to.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is none.
    NotAFolder,
    /// It holds other files, and none of ours.
    Foreign,
    /// A file of the set stands there, and is not ours.
    ForeignFile(Utf8PathBuf),
    /// A step failed: of which file, and what.
    Failed(Utf8PathBuf, &'static str, std::io::Error),
}

impl Changes<'_> {
    /// Whether all is as it would be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty() && self.modes.is_empty() && self.removed.is_empty()
    }

    /// Files that can be run and should not be, or the other way round.
    pub(crate) fn other_modes(&self) -> impl Iterator<Item = &str> {
        self.modes.iter().map(|file| file.path.as_str())
    }
}

impl OutputFolder {
    /// The first folder below another one that a build has written to, from there.
    pub(crate) fn written_below(folder: &Utf8Path) -> Option<String> {
        let lists = entries(folder).filter_map(Result::ok).filter(|entry| entry.file_name() == LIST);
        let paths = lists.filter_map(|entry| Utf8PathBuf::try_from(entry.into_path()).ok());
        let written = paths.filter_map(|path| Some(path.parent()?.strip_prefix(folder).ok()?.as_str().to_owned()));
        written.filter(|path| !path.is_empty()).min()
    }

    /// Looks at a folder, which may not be there. One that holds only other files is refused: a build must not end up in
    /// the middle of somebody's sources.
    pub(crate) fn open(path: &Utf8Path) -> Result<Self, Refusal> {
        let open = |earlier| Self { path: path.to_owned(), earlier };
        if !path.exists() {
            return Ok(open(BTreeMap::new()));
        }
        if !path.is_dir() {
            return Err(Refusal::NotAFolder);
        }
        match fs::read_to_string(path.join(LIST)) {
            Ok(list) => Ok(open(list.lines().map(listed).collect())),
            Err(_) if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()) => Ok(open(BTreeMap::new())),
            Err(_) => Err(Refusal::Foreign),
        }
    }

    /// What is to be done so that the folder holds these files. `is_called` says whether a script uses a file of the folder.
    pub(crate) fn compare<'a>(&self, files: &'a [Emitted], is_called: impl Fn(&str) -> bool) -> Result<Changes<'a>, Refusal> {
        let mut changes = Changes {
            written: Vec::new(),
            modes: Vec::new(),
            removed: Vec::new(),
            kept: Vec::new(),
            edited: Vec::new(),
            list: String::new(),
        };
        let mut noted: BTreeMap<&str, String> = BTreeMap::new();
        for file in files {
            let path = self.path.join(&file.path);
            noted.insert(&file.path, sha256(file.text.as_bytes()));
            let Some(before) = read(&path)? else {
                changes.written.push((file, None));
                continue;
            };
            if before == file.text.as_bytes() {
                if has_other_mode(&path, file.is_executable) {
                    changes.modes.push(file);
                }
                continue;
            }
            match self.earlier.get(&file.path) {
                None => return Err(Refusal::ForeignFile(path)),
                Some(Some(hash)) if *hash != sha256(&before) => changes.edited.push(file.path.clone()),
                Some(_) => {}
            }
            changes.written.push((file, Some(String::from_utf8_lossy(&before).into_owned())));
        }
        for (path, hash) in &self.earlier {
            if noted.contains_key(path.as_str()) || !is_inside(path) {
                continue;
            }
            let Some(text) = read(&self.path.join(path))? else { continue };
            if is_called(path) {
                changes.kept.push((path.clone(), Kept::Called));
                noted.insert(path, hash.clone().unwrap_or_else(|| sha256(&text)));
            } else if hash.as_ref().is_some_and(|hash| *hash != sha256(&text)) {
                // From here it is the user's own.
                changes.kept.push((path.clone(), Kept::Edited));
            } else {
                changes.removed.push(path.clone());
            }
        }
        changes.list = noted.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
        Ok(changes)
    }

    /// Does it. The files are written beside their places, then take them: a failure leaves what was there.
    pub(crate) fn carry_out(&self, changes: &Changes<'_>) -> Result<(), Refusal> {
        let failed = |path: &Utf8Path, what| {
            let path = path.to_owned();
            move |error| Refusal::Failed(path, what, error)
        };
        fs::create_dir_all(&self.path).map_err(failed(&self.path, "made"))?;
        let mut fresh = Vec::new();
        let result = changes.written.iter().try_for_each(|(file, _)| {
            let path = self.path.join(&file.path);
            write_beside(&path, &file.text, file.is_executable, &mut fresh).map_err(failed(&path, "written"))
        });
        let result = result.and_then(|()| {
            fresh.iter().try_for_each(|(beside, path)| fs::rename(beside, path).map_err(failed(path, "replaced")))?;
            changes.modes.iter().try_for_each(|file| {
                let path = self.path.join(&file.path);
                set_mode(&path, file.is_executable).map_err(failed(&path, "changed"))
            })?;
            changes.removed.iter().try_for_each(|file| {
                let path = self.path.join(file);
                fs::remove_file(&path).map_err(failed(&path, "removed"))
            })?;
            self.write_list(&changes.list)
        });
        for (beside, _) in &fresh {
            let _ = fs::remove_file(beside);
        }
        for file in &changes.removed {
            // Folders that are empty now go too.
            let folders = Utf8Path::new(file).ancestors().skip(1).filter(|folder| *folder != "");
            let _ = folders.map(|folder| fs::remove_dir(self.path.join(folder))).take_while(Result::is_ok).count();
        }
        result
    }

    fn write_list(&self, list: &str) -> Result<(), Refusal> {
        let path = self.path.join(LIST);
        let failed = |error| Refusal::Failed(path.clone(), "written", error);
        if fs::read_to_string(&path).is_ok_and(|known| known == list) {
            return Ok(());
        }
        let mut fresh = Vec::new();
        let written = write_beside(&path, list, false, &mut fresh);
        let written = written.and_then(|()| fresh.iter().try_for_each(|(beside, path)| fs::rename(beside, path)));
        for (beside, _) in &fresh {
            let _ = fs::remove_file(beside);
        }
        written.map_err(failed)
    }
}

/// A line of the list: with a hash, or as older versions wrote it.
fn listed(line: &str) -> (String, Option<String>) {
    match line.split_once("  ") {
        Some((hash, path)) if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            (path.to_owned(), Some(hash.to_owned()))
        }
        _ => (line.to_owned(), None),
    }
}

/// A list may be edited: nothing outside of the folder is ever touched.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && !path.starts_with('/') && path.split('/').all(|part| part != "..")
}

fn read(path: &Utf8Path) -> Result<Option<Vec<u8>>, Refusal> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refusal::Failed(path.to_owned(), "read", error)),
    }
}

fn write_beside(path: &Utf8Path, text: &str, is_executable: bool, fresh: &mut Vec<(Utf8PathBuf, Utf8PathBuf)>) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let beside = path.with_file_name(format!(".{}.new-{}", path.file_name().unwrap_or_default(), std::process::id()));
    fresh.push((beside.clone(), path.to_owned()));
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    set_mode(&beside, is_executable)
}

#[cfg(unix)]
fn set_mode(path: &Utf8Path, is_executable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(if is_executable { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn set_mode(_: &Utf8Path, _: bool) -> std::io::Result<()> {
    Ok(())
}

/// Whether a file can be run, and should not be; or the other way round. Git keeps no more of a mode.
#[cfg(unix)]
fn has_other_mode(path: &Utf8Path, is_executable: bool) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| (metadata.permissions().mode() & 0o100 != 0) != is_executable)
}

#[cfg(not(unix))]
fn has_other_mode(_: &Utf8Path, _: bool) -> bool {
    false
}
