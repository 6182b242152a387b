//! Which configurations a command works on.

use std::io::Read;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use ignore::WalkBuilder;
use rayon::prelude::*;

use super::arguments::{Pipeline, SettingsChoice};
use super::project::{Place, Projects};
use super::settings::Severities;
use super::{Failure, disk, note};
use sidestage_compiler::compilation::{Compilation, Options, SettingsFile, compile};
use sidestage_compiler::config::settings::{NAME, Settings};
use sidestage_compiler::config::{Detected, might_be_config};
use sidestage_compiler::diagnostics::Finding;
use sidestage_compiler::filter::suppression::{self, Part};
use sidestage_compiler::flow::Detail;
use sidestage_compiler::report::findings::{self, Checked, Summary};
use sidestage_compiler::source::Sources;

/// Starting threads pays off from this many files on.
const PARALLEL_FROM: usize = 4;

/// A file to look at, and why.
#[derive(Debug, Clone)]
struct Candidate {
    path: Utf8PathBuf,
    /// Whether the user named it, rather than a folder that holds it.
    is_named: bool,
}

/// A configuration, and the settings that hold for it.
pub(super) struct Loaded {
    pub(super) compilation: Compilation,
    pub(super) place: Arc<Place>,
}

impl Loaded {
    pub(super) fn settings(&self) -> &Settings {
        &self.place.options.settings
    }

    /// Gives its findings the severities that hold for it.
    fn judge(&mut self, severities: &Severities) {
        severities.apply(&self.place.options.settings, &mut self.compilation.findings);
    }

    pub(super) fn checked(&self) -> Checked<'_> {
        Checked { sources: &self.compilation.sources, findings: &self.compilation.findings }
    }
}

/// What was found, and how the search went.
#[derive(Default)]
pub(super) struct Search {
    /// The settings files that hold somewhere, in order of their paths.
    settings: Vec<SettingsFile>,
    /// One for each configuration, in order of their paths.
    pub(super) configurations: Vec<Loaded>,
    /// Whether something could not be read.
    pub(super) failed: bool,
    /// How many YAML files were looked at and are no configurations.
    pub(super) others: usize,
    /// How many YAML files the settings exclude.
    pub(super) excluded: usize,
}

/// Compiles what the paths name: files as they are, folders by what they hold.
pub(super) fn load(
    paths: &[Utf8PathBuf],
    stdin_filename: &Utf8Path,
    choice: &SettingsChoice,
    options: &Options,
) -> Result<Search, Failure> {
    let mut search = Search::default();
    let mut projects = Projects::new(choice, options)?;
    let mut candidates = Vec::new();
    for path in paths {
        if path == "-" {
            let result = standard_input(stdin_filename, &mut projects);
            search.take(result, &mut projects);
        } else if path.is_dir() {
            search.failed |= !walk(path, &mut candidates);
        } else if is_settings(path) {
            projects.check(path);
        } else {
            candidates.push(Candidate { path: without_dot(path), is_named: true });
        }
    }
    candidates.sort_by(|left, right| (&left.path, !left.is_named).cmp(&(&right.path, !right.is_named)));
    candidates.dedup_by(|left, right| left.path == right.path);
    let mut placed = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        match projects.place(&candidate.path) {
            Ok(place) if !candidate.is_named && projects.excludes(&place, &candidate.path) => search.excluded += 1,
            Ok(place) => placed.push((candidate, place)),
            Err(error) => search.take(Err(format!("`{}` cannot be read: {error}", candidate.path)), &mut projects),
        }
    }
    let one = |(candidate, place): &(Candidate, Arc<Place>)| look(candidate, place);
    let results: Vec<_> = if placed.len() >= PARALLEL_FROM {
        // The analysis follows scripts on the stack. Where a pool is there already, that one serves.
        let _ = rayon::ThreadPoolBuilder::new().stack_size(super::STACK).build_global();
        placed.par_iter().map(one).collect()
    } else {
        placed.iter().map(one).collect()
    };
    for result in results {
        search.take(result, &mut projects);
    }
    search.failed |= projects.failed;
    search.settings = projects.into_used();
    Ok(search)
}

/// Compiles the one configuration that a command works on: the file, or what the folder holds. What is wrong with the
/// settings is told here, and counted.
pub(super) fn one(
    path: Option<&Utf8Path>,
    pipelines: &[Pipeline],
    choice: &SettingsChoice,
    severities: &Severities,
) -> Result<(Loaded, Summary), Failure> {
    let path = path.unwrap_or(Utf8Path::new("."));
    let pipelines = pipelines.iter().map(|pipeline| (*pipeline).into()).collect();
    let options = Options { pipelines, detail: Detail::Exports, ..Options::default() };
    let mut search = load(&[path.to_owned()], Utf8Path::new(".pipeline-config.yaml"), choice, &options)?;
    if search.failed {
        return Err(Failure(format!("`{path}` could not be read completely")));
    }
    search.judge(severities);
    let mut summary = Summary::default();
    search.settings().for_each(|file| summary.count(file.findings));
    let findings: String = search.settings().map(|file| findings::full(&file)).collect();
    if !findings.is_empty() {
        note(findings.trim_end());
    }
    match (search.configurations.pop(), search.configurations.as_slice()) {
        (None, _) => Err(Failure(format!("`{path}` contains no pipeline configuration; {}", search.looked_at()))),
        (Some(only), []) => Ok((only, summary)),
        (Some(last), others) => {
            let name = |one: &Loaded| format!("`{}`", one.compilation.sources.get(one.compilation.file).path());
            let names: Vec<String> = others.iter().chain([&last]).map(name).collect();
            Err(Failure(format!("`{path}` contains several pipeline configurations; name one of {}", names.join(", "))))
        }
    }
}

/// What became of a candidate.
enum Looked {
    Config(Box<Loaded>),
    Settings,
    Other,
}

impl Search {
    fn take(&mut self, result: Result<Looked, String>, projects: &mut Projects<'_>) {
        match result {
            Ok(Looked::Config(loaded)) => {
                projects.uses(&loaded.place);
                self.configurations.push(*loaded);
            }
            Ok(Looked::Settings) => {}
            Ok(Looked::Other) => self.others += 1,
            Err(reason) => {
                super::complain(&reason);
                self.failed = true;
            }
        }
    }

    /// Calls an ignore in a script unused only where no configuration that reaches the script uses it.
    pub(super) fn merge_ignores(&mut self) {
        let parts = self.configurations.iter_mut().map(|loaded| Part {
            sources: &loaded.compilation.sources,
            ignores: &loaded.compilation.ignores,
            findings: &mut loaded.compilation.findings,
        });
        suppression::merge(&mut parts.collect::<Vec<_>>());
    }

    /// Gives all findings the severities that hold for them.
    pub(super) fn judge(&mut self, severities: &Severities) {
        for file in &mut self.settings {
            severities.apply(&file.settings, &mut file.findings);
        }
        for loaded in &mut self.configurations {
            loaded.judge(severities);
        }
    }

    /// Hands over the findings of each file, settings first.
    pub(super) fn each(&mut self, mut change: impl FnMut(&Sources, &mut Vec<Finding>)) {
        for file in &mut self.settings {
            change(&file.sources, &mut file.findings);
        }
        for loaded in &mut self.configurations {
            change(&loaded.compilation.sources, &mut loaded.compilation.findings);
        }
    }

    /// Everything with its findings, settings first.
    pub(super) fn checked(&self) -> Vec<Checked<'_>> {
        self.settings().chain(self.configurations.iter().map(Loaded::checked)).collect()
    }

    /// The settings files with their findings.
    fn settings(&self) -> impl Iterator<Item = Checked<'_>> {
        self.settings.iter().map(|file| Checked { sources: &file.sources, findings: &file.findings })
    }

    /// What was looked at in vain.
    pub(super) fn looked_at(&self) -> String {
        let excluded = match self.excluded {
            0 => String::new(),
            number => format!(", {number} more are excluded by `exclude` in the settings"),
        };
        format!("{} YAML file(s) were looked at{excluded}", self.others)
    }
}

fn standard_input(path: &Utf8Path, projects: &mut Projects<'_>) -> Result<Looked, String> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| format!("standard input cannot be read: {error}"))?;
    let no_place = |error| format!("`{path}` cannot be located: {error}");
    if is_settings(path) {
        projects.check_text(path, &bytes).map_err(no_place)?;
        return Ok(Looked::Settings);
    }
    let place = projects.place(path).map_err(no_place)?;
    let compilation = compile(&place.path(path), &bytes, &place.repository, &place.options);
    Ok(keep(compilation, path, &place))
}

fn look(candidate: &Candidate, place: &Arc<Place>) -> Result<Looked, String> {
    let path = &candidate.path;
    let bytes = disk::read_file(path).map_err(|error| format!("`{path}` cannot be read: {error}"))?;
    let is_named_like_one = ["pipeline-config", "one-pipeline"].iter().any(|part| path.file_name().unwrap_or_default().contains(part));
    let is_wanted = candidate.is_named || is_named_like_one;
    if !is_wanted && !might_be_config(&String::from_utf8_lossy(&bytes)) {
        return Ok(Looked::Other);
    }
    let compilation = compile(&place.path(path), &bytes, &place.repository, &place.options);
    if candidate.is_named {
        return Ok(keep(compilation, path, place));
    }
    // In a folder, a broken file counts only if its name says that it should be a configuration.
    let is_config = match compilation.detected {
        Detected::Config(_) => true,
        Detected::Unversioned(_) => is_named_like_one,
        Detected::Other(_) => is_named_like_one && (!compilation.document.errors().is_empty() || compilation.document.root().is_none()),
    };
    Ok(if is_config { config(compilation, place) } else { Looked::Other })
}

fn config(compilation: Compilation, place: &Arc<Place>) -> Looked {
    Looked::Config(Box::new(Loaded { compilation, place: place.clone() }))
}

/// A file that the user named is a configuration, or broken, or said to be something else.
fn keep(compilation: Compilation, path: &Utf8Path, place: &Arc<Place>) -> Looked {
    let is_sound = compilation.document.errors().is_empty() && compilation.document.root().is_some();
    match compilation.detected {
        Detected::Other(reason) if is_sound => {
            note(&format!("note: `{path}` is not checked: {reason}, so it is not a pipeline configuration"));
            Looked::Other
        }
        _ => config(compilation, place),
    }
}

/// `./a` is `a`.
pub(super) fn without_dot(path: &Utf8Path) -> Utf8PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

fn is_settings(path: &Utf8Path) -> bool {
    path.file_name() == Some(NAME)
}

fn walk(folder: &Utf8Path, candidates: &mut Vec<Candidate>) -> bool {
    let mut is_whole = true;
    let entries = WalkBuilder::new(folder).hidden(false).require_git(false).filter_entry(|entry| entry.file_name() != ".git").build();
    for entry in entries {
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
            && !is_settings(&path)
        {
            candidates.push(Candidate { path: without_dot(&path), is_named: false });
        }
    }
    is_whole
}
