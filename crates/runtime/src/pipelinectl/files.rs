//! Files that are kept: by a key of their own, or as results of a stage.

use std::path::{Component, Path, PathBuf};

use super::Arguments;
use super::problem::Problem;
use super::run::{self, Run, key, shown};
use super::store;

const FILE: &str = "file";
pub(super) const RESULT: &str = "result";

pub(super) fn save_file(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let [name, path] = arguments else { return Err(Problem::usage("a key and a path are taken")) };
    run.store.put(FILE, &[key(name)?], &contents(path)?)
}

fn contents(path: &[u8]) -> Result<Vec<u8>, Problem> {
    let path = as_path(path)?;
    if path.is_dir() {
        return Err(Problem::refused(format!("{} is a folder; only files can be kept, such as an archive of it", path.display())));
    }
    store::read(&path)?.ok_or_else(|| Problem::refused(format!("there is no file {}", path.display())))
}

fn as_path(bytes: &[u8]) -> Result<PathBuf, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::refused(format!("the path {} is no UTF-8", shown(bytes))))?;
    Ok(PathBuf::from(text))
}

pub(super) fn load_file(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let [name] = arguments else { return Err(Problem::usage("one key is taken")) };
    match run.store.get(FILE, &[key(name)?])? {
        Some(bytes) => run::print(&bytes),
        None => Err(Problem::refused(format!("no file is kept as `{}`; list_files names them", shown(name)))),
    }
}

pub(super) fn list_files(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let prefix: &[u8] = match arguments {
        [] => b"",
        [prefix] => prefix,
        _ => return Err(Problem::usage("at most one prefix is taken")),
    };
    let mut keys = run.store.list(FILE, &[])?;
    keys.retain(|key| key.starts_with(prefix));
    run::print_lines(&keys)
}

pub(super) fn remove_file(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let [name] = arguments else { return Err(Problem::usage("one key is taken")) };
    if run.store.remove(FILE, &[key(name)?])? {
        Ok(())
    } else {
        Err(Problem::refused(format!("no file is kept as `{}`; list_files names them", shown(name))))
    }
}

pub(super) fn save_result(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let [stage, path] = arguments else { return Err(Problem::usage("a stage and a path are taken")) };
    let bytes = contents(path)?;
    let name = if run.uses_path_as_key { path.clone() } else { in_workspace(run, &as_path(path)?)? };
    run.store.put(RESULT, &[key(stage)?, &name], &bytes)
}

/// The path as seen from the workspace; outside of it, the name of the file.
fn in_workspace(run: &Run, path: &Path) -> Result<Vec<u8>, Problem> {
    let whole = std::path::absolute(path).map_err(|error| Problem::broken("found", path, &error))?;
    let whole = without_dots(&whole);
    let workspace = run.workspace.as_ref().and_then(|workspace| std::path::absolute(workspace).ok());
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

pub(super) fn list_results(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let [stage] = arguments else { return Err(Problem::usage("one stage is taken")) };
    run::print_lines(&run.store.list(RESULT, &[key(stage)?])?)
}

pub(super) fn load_result(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let [stage, name] = arguments else { return Err(Problem::usage("a stage and a file are taken")) };
    match run.store.get(RESULT, &[key(stage)?, key(name)?])? {
        Some(bytes) => run::print(&bytes),
        None => Err(Problem::refused(format!("the stage `{}` has no result `{}`; list_results names them", shown(stage), shown(name)))),
    }
}
