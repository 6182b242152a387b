//! Files that may be configurations, and what they turn out to be.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use ignore::WalkBuilder;
use sidestage_compiler::compilation::Compilation;
use sidestage_compiler::config::settings::NAMES;
use sidestage_compiler::config::{Detected, Unlike, might_be_config};
use sidestage_compiler::source::Files;

use super::compiled;
use super::repository::{Repository, read_file};
use super::settings::FolderSettings;

/// A file to look at, and why.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) path: Utf8PathBuf,
    /// Whether the user named it, rather than a folder that holds it.
    pub(super) is_named: bool,
}

/// What a candidate is.
pub(super) enum Classified {
    Config(Box<Compilation>),
    /// A file that the user named, and that is not YAML by its name or by what it holds.
    Script,
    /// A YAML file that the user named, and that has nothing to do with a pipeline; why.
    Foreign(Box<Compilation>, Unlike),
    /// Not a configuration.
    Other,
}

/// The YAML files of a folder. A link is followed where it leads to a file of the same repository that was not
/// found by its own name.
pub(super) fn walk(folder: &Utf8Path) -> Walk {
    Walk { entries: entries(folder), files: Vec::new(), links: VecDeque::new(), known: None }
}

/// Files as they are found, and why others are not.
pub(super) struct Walk {
    entries: ignore::Walk,
    files: Vec<Utf8PathBuf>,
    links: VecDeque<Utf8PathBuf>,
    /// Where the files are without links; nothing until all are found.
    known: Option<BTreeSet<Utf8PathBuf>>,
}

impl Iterator for Walk {
    type Item = Result<Candidate, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = |path: &Utf8Path| Some(Ok(Candidate { path: without_dot(path), is_named: false }));
        for entry in self.entries.by_ref() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Some(Err(error.to_string())),
            };
            let kind = entry.file_type();
            let Ok(path) = Utf8PathBuf::try_from(entry.into_path()) else { continue };
            if !matches!(path.extension(), Some("yaml" | "yml")) || is_settings(&path) {
                continue;
            }
            if kind.is_some_and(|kind| kind.is_file()) {
                let candidate = found(&path);
                self.files.push(path);
                return candidate;
            }
            if kind.is_some_and(|kind| kind.is_symlink()) && path.is_file() {
                self.links.push_back(path);
            }
        }
        while let Some(link) = self.links.pop_front() {
            let files = &self.files;
            let known = self.known.get_or_insert_with(|| files.iter().filter_map(|file| file.canonicalize_utf8().ok()).collect());
            let target = link.canonicalize_utf8().ok().filter(|target| is_in_repository_of(&link, target));
            if target.is_some_and(|target| known.insert(target)) {
                return found(&link);
            }
        }
        None
    }
}

fn is_in_repository_of(link: &Utf8Path, target: &Utf8Path) -> bool {
    Repository::of(link).is_ok_and(|(repository, _)| target.starts_with(repository.root()))
}

/// All that is in a folder and that git does not ignore.
pub(super) fn entries(folder: &Utf8Path) -> ignore::Walk {
    let mut builder = WalkBuilder::new(folder);
    builder.hidden(false).require_git(false).git_global(may_have_global_excludes());
    // In order, so that what is said on the way is the same everywhere.
    builder.sort_by_file_name(Ord::cmp).filter_entry(|entry| entry.file_name() != ".git").build()
}

/// The files that a pattern means which no shell has expanded, in order: `*` and `?` stay inside a folder, `**` does not.
pub(super) fn matching(pattern: &Utf8Path) -> Result<Vec<Utf8PathBuf>, String> {
    let glob = globset::GlobBuilder::new(without_dot(pattern).as_str()).literal_separator(true).build();
    let matcher = glob.map_err(|error| format!("`{pattern}` is not a pattern: {}", error.kind()))?.compile_matcher();
    let is_plain = |part: &camino::Utf8Component<'_>| !is_pattern(Utf8Path::new(part.as_str()));
    let folder: Utf8PathBuf = pattern.components().take_while(is_plain).collect();
    let folder = if folder.as_str().is_empty() { Utf8Path::new(".") } else { &folder };
    let files = entries(folder).filter_map(Result::ok).filter(|entry| entry.path().is_file());
    let paths = files.filter_map(|entry| Utf8PathBuf::try_from(entry.into_path()).ok()).map(|path| without_dot(&path));
    let mut found: Vec<Utf8PathBuf> = paths.filter(|path| matcher.is_match(path)).collect();
    found.sort_unstable();
    if found.is_empty() { Err(format!("`{pattern}` matches no file")) } else { Ok(found) }
}

/// Whether a path can mean several files.
pub(super) fn is_pattern(path: &Utf8Path) -> bool {
    path.as_str().contains(['*', '?', '['])
}

/// Where git looks for its settings besides the usual places.
const GIT_PLACES: [&str; 3] = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "XDG_CONFIG_HOME"];

/// Whether git may ignore files everywhere on this machine. The walk finds out by a regular expression, which is a fifth
/// of a small run: it is spared that where the usual places are the only ones and say nothing.
fn may_have_global_excludes() -> bool {
    let Some(home) = std::env::home_dir().filter(|_| GIT_PLACES.iter().all(|place| std::env::var_os(place).is_none())) else {
        return true;
    };
    let names_excludes = |file: &Path| {
        let name = b"excludesfile";
        std::fs::read(file).is_ok_and(|text| text.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name)))
    };
    let settings = [&home.join(".gitconfig"), &home.join(".config/git/config"), Path::new("/etc/gitconfig")];
    home.join(".config/git/ignore").exists() || settings.into_iter().any(names_excludes)
}

/// Reads a candidate and compiles it, where it may be a configuration.
pub(super) fn classify(candidate: &Candidate, settings: &FolderSettings, files: &dyn Files) -> Result<Classified, String> {
    let path = &candidate.path;
    let bytes = read_file(path).map_err(|error| format!("`{path}` cannot be read: {error}"))?;
    if candidate.is_named {
        return Ok(named(path, bytes, settings, files));
    }
    let is_named_like_one = is_named_like_one(path);
    if !is_named_like_one && !might_be_config(&String::from_utf8_lossy(&bytes)) {
        return Ok(Classified::Other);
    }
    let compilation = compiled(&settings.path(path), bytes, files, &settings.options);
    // In a folder, a broken file counts only if its name says that it should be a configuration.
    let is_config = match compilation.detected {
        Detected::Config(_) => true,
        Detected::Unversioned(_) => is_named_like_one,
        Detected::Other(unlike) => {
            is_named_like_one && (unlike.is_meant() || !compilation.document.errors().is_empty() || compilation.document.root().is_none())
        }
    };
    Ok(if is_config { Classified::Config(Box::new(compilation)) } else { Classified::Other })
}

/// A file that the user named is a configuration, a script, or broken, or refused: it is never passed over.
pub(super) fn named(path: &Utf8Path, bytes: Vec<u8>, settings: &FolderSettings, files: &dyn Files) -> Classified {
    let may_be_script = !is_named_like_one(path) && !matches!(path.extension(), Some("yaml" | "yml"));
    if may_be_script && (bytes.starts_with(b"#!") || !might_be_config(&String::from_utf8_lossy(&bytes))) {
        return Classified::Script;
    }
    let compilation = compiled(&settings.path(path), bytes, files, &settings.options);
    match compilation.detected {
        Detected::Other(_) if may_be_script => Classified::Script,
        Detected::Other(unlike) if !unlike.is_meant() && (!is_named_like_one(path) || unlike.is_of_another_tool()) => {
            Classified::Foreign(Box::new(compilation), unlike)
        }
        _ => Classified::Config(Box::new(compilation)),
    }
}

fn is_named_like_one(path: &Utf8Path) -> bool {
    ["pipeline-config", "one-pipeline"].iter().any(|part| path.file_name().unwrap_or_default().contains(part))
}

/// `./a` is `a`.
pub(super) fn without_dot(path: &Utf8Path) -> Utf8PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

/// Whether a file is one of settings, by its name.
pub(super) fn is_settings(path: &Utf8Path) -> bool {
    path.file_name().is_some_and(|name| NAMES.contains(&name))
}
