//! Which configurations a command works on.

use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};
use ignore::WalkBuilder;
use rayon::prelude::*;

use super::arguments::Pipeline;
use super::disk::{self, Repository};
use super::{Failure, note};
use crate::compilation::{Compilation, Options, compile};
use crate::flow::Detail;
use crate::model::{Detected, might_be_config};

/// Starting threads pays off from this many files on.
const PARALLEL_FROM: usize = 4;

/// A file to look at, and why.
#[derive(Debug, Clone)]
struct Candidate {
    path: Utf8PathBuf,
    /// Whether the user named it, rather than a folder that holds it.
    is_named: bool,
}

/// The configurations that were found, and how the search went.
pub(super) struct Loaded {
    /// One for each configuration, in order of their paths.
    pub(super) compilations: Vec<Compilation>,
    /// Whether something could not be read.
    pub(super) failed: bool,
    /// How many YAML files were looked at and are no configurations.
    pub(super) others: usize,
}

/// Compiles what the paths name: files as they are, folders by what they hold.
pub(super) fn load(paths: &[Utf8PathBuf], stdin_filename: &Utf8Path, options: &Options) -> Loaded {
    let mut loaded = Loaded { compilations: Vec::new(), failed: false, others: 0 };
    let mut candidates = Vec::new();
    for path in paths {
        if path == "-" {
            let mut bytes = Vec::new();
            match std::io::stdin().read_to_end(&mut bytes) {
                Ok(_) => {
                    let compiled = compile_at(stdin_filename, &bytes, options);
                    let compiled = compiled.map_err(|error| format!("`{stdin_filename}` has no place: {error}"));
                    take(&mut loaded, compiled.map(|compilation| keep(compilation, stdin_filename)));
                }
                Err(error) => take(&mut loaded, Err(format!("standard input cannot be read: {error}"))),
            }
        } else if path.is_dir() {
            loaded.failed |= !search(path, &mut candidates);
        } else {
            candidates.push(Candidate { path: without_dot(path), is_named: true });
        }
    }
    candidates.sort_by(|left, right| (&left.path, !left.is_named).cmp(&(&right.path, !right.is_named)));
    candidates.dedup_by(|left, right| left.path == right.path);
    let one = |candidate: &Candidate| look(candidate, options);
    let results: Vec<_> = if candidates.len() >= PARALLEL_FROM {
        // The analysis follows scripts on the stack. Where a pool is there already, that one serves.
        let _ = rayon::ThreadPoolBuilder::new().stack_size(super::STACK).build_global();
        candidates.par_iter().map(one).collect()
    } else {
        candidates.iter().map(one).collect()
    };
    for result in results {
        take(&mut loaded, result);
    }
    loaded
}

/// Compiles the one configuration that a command works on: the file, or what the folder holds.
pub(super) fn one(path: Option<&Utf8Path>, pipelines: &[Pipeline]) -> Result<Compilation, Failure> {
    let path = path.unwrap_or(Utf8Path::new("."));
    let pipelines = pipelines.iter().map(|pipeline| (*pipeline).into()).collect();
    let options = Options { pipelines, detail: Detail::Exports, ..Options::default() };
    let mut loaded = load(&[path.to_owned()], Utf8Path::new(".pipeline-config.yaml"), &options);
    if loaded.failed {
        return Err(Failure(format!("`{path}` could not be read as a whole")));
    }
    match (loaded.compilations.pop(), loaded.compilations.as_slice()) {
        (None, _) => Err(Failure(format!("`{path}` holds no pipeline configuration; {} YAML file(s) were looked at", loaded.others))),
        (Some(only), []) => Ok(only),
        (Some(last), others) => {
            let names: Vec<String> = others.iter().chain([&last]).map(|one| format!("`{}`", one.sources.get(one.file).path())).collect();
            Err(Failure(format!("`{path}` holds several pipeline configurations; name one of {}", names.join(", "))))
        }
    }
}

/// What became of a candidate.
enum Looked {
    Config(Box<Compilation>),
    Other,
}

fn take(loaded: &mut Loaded, result: Result<Looked, String>) {
    match result {
        Ok(Looked::Config(compilation)) => loaded.compilations.push(*compilation),
        Ok(Looked::Other) => loaded.others += 1,
        Err(reason) => {
            super::complain(&reason);
            loaded.failed = true;
        }
    }
}

fn look(candidate: &Candidate, options: &Options) -> Result<Looked, String> {
    let path = &candidate.path;
    let bytes = disk::read_file(path).map_err(|error| format!("`{path}` cannot be read: {error}"))?;
    let is_named_like_one = ["pipeline-config", "one-pipeline"].iter().any(|part| path.file_name().unwrap_or_default().contains(part));
    let is_wanted = candidate.is_named || is_named_like_one;
    if !is_wanted && !might_be_config(&String::from_utf8_lossy(&bytes)) {
        return Ok(Looked::Other);
    }
    let compilation = compile_at(path, &bytes, options).map_err(|error| format!("`{path}` cannot be read: {error}"))?;
    if candidate.is_named {
        return Ok(keep(compilation, path));
    }
    // In a folder, a broken file counts only if its name says that it should be a configuration.
    let is_config = match compilation.detected {
        Detected::Config(_) => true,
        Detected::Unversioned(_) => is_named_like_one,
        Detected::Other(_) => is_named_like_one && (!compilation.document.errors().is_empty() || compilation.document.root().is_none()),
    };
    Ok(if is_config { Looked::Config(Box::new(compilation)) } else { Looked::Other })
}

fn compile_at(path: &Utf8Path, bytes: &[u8], options: &Options) -> std::io::Result<Compilation> {
    let (repository, relative) = Repository::of(path)?;
    Ok(compile(&relative, bytes, &repository, options))
}

/// A file that the user named is a configuration, or broken, or said to be something else.
fn keep(compilation: Compilation, path: &Utf8Path) -> Looked {
    let is_sound = compilation.document.errors().is_empty() && compilation.document.root().is_some();
    match compilation.detected {
        Detected::Other(reason) if is_sound => {
            note(&format!("note: `{path}` is not checked: {reason}, so it is no pipeline configuration"));
            Looked::Other
        }
        _ => Looked::Config(Box::new(compilation)),
    }
}

/// `./a` is `a`.
pub(super) fn without_dot(path: &Utf8Path) -> Utf8PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

fn search(folder: &Utf8Path, candidates: &mut Vec<Candidate>) -> bool {
    let mut is_whole = true;
    let walk = WalkBuilder::new(folder).hidden(false).require_git(false).filter_entry(|entry| entry.file_name() != ".git").build();
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                super::complain(&error.to_string());
                is_whole = false;
                continue;
            }
        };
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if let Ok(path) = Utf8PathBuf::try_from(entry.into_path())
            && is_file
            && matches!(path.extension(), Some("yaml" | "yml"))
        {
            candidates.push(Candidate { path: without_dot(&path), is_named: false });
        }
    }
    is_whole
}
