//! Files that are kept: by a key of their own, or as results of a stage.

use std::path::{Component, Path, PathBuf};

use super::Arguments;
use super::context::StoreContext;
use super::error::StoreError;
use super::name::{key, shown};
use super::store;
use super::streams;

const FILE: &str = "file";
pub(super) const RESULT: &str = "result";

pub(super) fn save_file(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let [name, path] = arguments else { return Err(StoreError::usage("a key and a path are taken")) };
    context.store.put(FILE, &[key(name)?], &contents(path)?)
}

fn contents(path: &[u8]) -> Result<Vec<u8>, StoreError> {
    let path = as_path(path)?;
    if path.is_dir() {
        return Err(StoreError::refused(format!("{} is a folder; only files can be kept, such as an archive of it", path.display())));
    }
    store::read(&path)?.ok_or_else(|| StoreError::refused(format!("there is no file {}", path.display())))
}

fn as_path(bytes: &[u8]) -> Result<PathBuf, StoreError> {
    let text = std::str::from_utf8(bytes).map_err(|_| StoreError::refused(format!("the path {} is not UTF-8", shown(bytes))))?;
    Ok(PathBuf::from(text))
}

pub(super) fn load_file(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let [name] = arguments else { return Err(StoreError::usage("one key is taken")) };
    match context.store.get(FILE, &[key(name)?])? {
        Some(bytes) => streams::print(&bytes),
        None => Err(StoreError::refused(format!("no file is kept as `{}`; list_files names them", shown(name)))),
    }
}

pub(super) fn list_files(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let prefix: &[u8] = match arguments {
        [] => b"",
        [prefix] => prefix,
        _ => return Err(StoreError::usage("at most one prefix is taken")),
    };
    let mut keys = context.store.list(FILE, &[])?;
    keys.retain(|key| key.starts_with(prefix));
    streams::print_lines(&keys)
}

pub(super) fn remove_file(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let [name] = arguments else { return Err(StoreError::usage("one key is taken")) };
    if context.store.remove(FILE, &[key(name)?])? {
        Ok(())
    } else {
        Err(StoreError::refused(format!("no file is kept as `{}`; list_files names them", shown(name))))
    }
}

pub(super) fn save_result(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let [stage, path] = arguments else { return Err(StoreError::usage("a stage and a path are taken")) };
    let bytes = contents(path)?;
    let name = if context.uses_path_as_key { path.clone() } else { in_workspace(context, &as_path(path)?)? };
    context.store.put(RESULT, &[key(stage)?, &name], &bytes)
}

/// The path as seen from the workspace; outside of it, the name of the file.
fn in_workspace(context: &StoreContext, path: &Path) -> Result<Vec<u8>, StoreError> {
    let whole = std::path::absolute(path).map_err(|error| StoreError::io("found", path, &error))?;
    let whole = without_dots(&whole);
    let workspace = context.workspace.as_ref().and_then(|workspace| std::path::absolute(workspace).ok());
    let inner = workspace.as_ref().and_then(|workspace| whole.strip_prefix(without_dots(workspace)).ok());
    let name = inner.map(Path::as_os_str).or_else(|| whole.file_name()).unwrap_or(path.as_os_str());
    Ok(name.as_encoded_bytes().to_vec())
}

/// `a/../b` is `b`.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

pub(super) fn list_results(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let [stage] = arguments else { return Err(StoreError::usage("one stage is taken")) };
    streams::print_lines(&context.store.list(RESULT, &[key(stage)?])?)
}

pub(super) fn load_result(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let [stage, name] = arguments else { return Err(StoreError::usage("a stage and a file are taken")) };
    match context.store.get(RESULT, &[key(stage)?, key(name)?])? {
        Some(bytes) => streams::print(&bytes),
        None => Err(StoreError::refused(format!("the stage `{}` has no result `{}`; list_results names them", shown(stage), shown(name)))),
    }
}
