//! What a request names, compiled.

use std::collections::HashSet;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use sidestage_compiler::compilation::Compilation;
use sidestage_compiler::config::settings::Settings;
use sidestage_compiler::filter::baseline::Baseline;
use sidestage_compiler::filter::{self, Levels, Part};
use sidestage_compiler::fix::{Overlay, Texts};
use sidestage_compiler::report::findings::{Checked, Summary};

use super::discover::{self, Candidate, Classified, is_settings, without_dot};
use super::reach::{Wanted, shown_root};
use super::repository::{Repository, working_folder};
use super::settings::{FolderSettings, SettingsCache, SettingsFile};
use super::{Needs, Remark, Request, Unreadable, start_threads};

/// Starting threads pays off from this many files on.
pub(crate) const PARALLEL_FROM: usize = 4;

/// A configuration, and what holds for it.
pub(crate) struct Configuration {
    pub(crate) compilation: Compilation,
    pub(crate) folder: Arc<FolderSettings>,
}

impl Configuration {
    pub(crate) fn settings(&self) -> &Settings {
        &self.folder.options.settings
    }

    /// Its path as it is written.
    pub(crate) fn shown_path(&self) -> String {
        self.folder.paths.show(&self.compilation.path)
    }

    pub(crate) fn checked(&self) -> Checked<'_> {
        let Compilation { sources, findings, proof, .. } = &self.compilation;
        Checked { sources, findings, paths: &self.folder.paths, proof: Some(proof) }
    }
}

/// Everything that was opened, and how that went.
#[derive(Default)]
pub(crate) struct Workspace {
    /// One for each configuration, in order of their paths.
    pub(crate) configurations: Vec<Configuration>,
    /// What is to be said, in order.
    pub(crate) remarks: Vec<Remark>,
    /// The settings files that hold somewhere, in order of their paths.
    settings: Vec<SettingsFile>,
    /// How many YAML files were looked at and are not configurations.
    others: usize,
    /// How many YAML files the settings exclude.
    excluded: usize,
    /// Whether a file may be named that has nothing to do with a pipeline.
    allow_missing: bool,
    needs: Needs,
    /// What configurations must reach to be kept; where it is nothing, all are.
    wanted: Wanted,
    /// Scripts that the user named.
    scripts: Vec<Utf8PathBuf>,
    /// The script on standard input, by its path in the repository.
    typed: Texts,
}

/// Compiles what the request names. A file that cannot be read is a remark, and stops no other.
///
/// # Errors
/// Where the settings file that is asked for cannot be read, or there is no working folder.
pub(crate) fn open(request: &Request<'_>) -> Result<Workspace, Unreadable> {
    let working = working_folder().map_err(|error| Unreadable { path: ".".into(), reason: error.to_string() })?;
    let mut workspace = Workspace { allow_missing: request.allow_missing, needs: request.needs, ..Workspace::default() };
    let mut cache = SettingsCache::new(request, &working)?;
    let mut candidates = Vec::new();
    let mut folders = Vec::new();
    for path in request.paths {
        if path == "-" {
            if let Err(reason) = workspace.standard_input(request.stdin_filename, &mut cache) {
                workspace.remarks.push(Remark::Failure(reason));
            }
        } else if path.is_dir() {
            folders.push(path.as_path());
        } else if is_settings(path) {
            cache.check(path);
        } else if discover::is_pattern(path) && !path.exists() {
            match discover::matching(path) {
                Ok(found) => candidates.extend(found.into_iter().map(|path| Candidate { path, is_named: true })),
                Err(reason) => workspace.remarks.push(Remark::Failure(reason)),
            }
        } else {
            candidates.push(Candidate { path: without_dot(path), is_named: true });
        }
    }
    workspace.compile(candidates, &folders, &mut cache);
    workspace.reach(request.paths, &working, &mut cache);
    let (settings, remarks) = cache.finish();
    workspace.settings = settings;
    workspace.remarks.extend(remarks);
    Ok(workspace)
}

impl Workspace {
    /// Compiles the candidates, and those of the folders: while more are found, where there are many.
    fn compile(&mut self, mut named: Vec<Candidate>, folders: &[&Utf8Path], cache: &mut SettingsCache<'_>) {
        // What is named is more than what is found.
        named.sort_by_key(|candidate| !candidate.is_named);
        let mut seen = HashSet::new();
        let Self { remarks, excluded, typed, needs, .. } = self;
        let found = named.into_iter().map(Ok).chain(folders.iter().flat_map(|folder| discover::walk(folder)));
        let mut found = found.filter_map(|found| {
            let candidate = found.map_err(|reason| remarks.push(Remark::Failure(reason))).ok()?;
            if !seen.insert(candidate.path.clone()) {
                return None;
            }
            match cache.of(&candidate.path) {
                Ok(folder) if !candidate.is_named && cache.excludes(&folder, &candidate.path) => *excluded += 1,
                Ok(folder) => return Some((candidate, folder)),
                Err(error) => remarks.push(Remark::Failure(format!("`{}` cannot be read: {error}", candidate.path))),
            }
            None
        });
        let first: Vec<_> = found.by_ref().take(PARALLEL_FROM).collect();
        let are_many = first.len() == PARALLEL_FROM;
        let classified = Mutex::new(Vec::new());
        let classify = |(candidate, folder): (Candidate, Arc<FolderSettings>)| {
            let mut result = discover::classify(&candidate, &folder, &Overlay::new(&folder.repository, typed));
            if let (true, Needs::Findings, Ok(Classified::Config(compilation))) = (are_many, *needs, &mut result) {
                compilation.keep_findings();
            }
            classified.lock().unwrap_or_else(PoisonError::into_inner).push((candidate.path, folder, result));
        };
        if are_many {
            start_threads();
            rayon::in_place_scope(|scope| {
                for candidate in first.into_iter().chain(found) {
                    scope.spawn(|_| classify(candidate));
                }
            });
        } else {
            first.into_iter().for_each(classify);
        }
        let mut classified = classified.into_inner().unwrap_or_else(PoisonError::into_inner);
        classified.sort_unstable_by(|(left, ..), (right, ..)| left.cmp(right));
        for (path, folder, result) in classified {
            self.take(result, &path, &folder, cache);
        }
    }

    /// Takes what standard input holds, as if it were at a path.
    fn standard_input(&mut self, path: &Utf8Path, cache: &mut SettingsCache<'_>) -> Result<(), String> {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|error| format!("standard input cannot be read: {error}"))?;
        let no_place = |error| format!("`{path}` cannot be located: {error}");
        if is_settings(path) {
            return cache.check_text(path, &bytes).map_err(no_place);
        }
        let folder = cache.of(path).map_err(no_place)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let classified = discover::named(path, bytes, &folder, &folder.repository);
        if matches!(classified, Classified::Script) {
            self.typed.insert(folder.path(path), text);
        }
        self.take(Ok(classified), path, &folder, cache);
        Ok(())
    }

    /// Compiles the configurations that reach the scripts that are named, and the folders that hold no configuration.
    fn reach(&mut self, paths: &[Utf8PathBuf], working: &Utf8Path, cache: &mut SettingsCache<'_>) {
        let own = |configuration: &Configuration| configuration.folder.repository.absolute(&configuration.compilation.path);
        let known: Vec<Utf8PathBuf> = self.configurations.iter().map(own).collect();
        let mut wanted = Wanted::default();
        let scripts = std::mem::take(&mut self.scripts);
        let found = scripts.iter().try_for_each(|script| wanted.script(script));
        let is_empty = |folder: &&Utf8PathBuf| {
            folder.is_dir() && absolute(folder).is_ok_and(|folder| !known.iter().any(|path| path.starts_with(&folder)))
        };
        let found = found.and_then(|()| paths.iter().filter(is_empty).try_for_each(|folder| wanted.folder(folder)));
        if let Err(error) = found {
            self.remarks.push(Remark::Failure(error.to_string()));
        }
        if wanted.is_empty() {
            return;
        }
        for configuration in &self.configurations {
            wanted.is_reached_by(&configuration.compilation, &configuration.folder);
        }
        let mut candidates = wanted.candidates(working, &mut self.remarks);
        candidates.retain(|candidate| absolute(&candidate.path).is_ok_and(|path| !known.contains(&path)));
        self.wanted = wanted;
        // What was looked at in vain is told of the folders that were named.
        let looked_at = (self.others, self.excluded);
        self.compile(candidates, &[], cache);
        (self.others, self.excluded) = looked_at;
        let remark = if self.allow_missing { Remark::Note } else { Remark::Failure };
        self.remarks.extend(self.wanted.unreached().map(remark));
        self.configurations.sort_by_cached_key(Configuration::shown_path);
    }

    fn take(&mut self, result: Result<Classified, String>, path: &Utf8Path, folder: &Arc<FolderSettings>, cache: &mut SettingsCache<'_>) {
        match result {
            Ok(Classified::Foreign(_, unlike)) if self.allow_missing => {
                self.others += 1;
                self.remarks
                    .push(Remark::Note(format!("`{path}` is not checked: {}, so it is not a pipeline configuration", unlike.words())));
            }
            Ok(Classified::Foreign(compilation, _)) => self.take(Ok(Classified::Config(compilation)), path, folder, cache),
            Ok(Classified::Script) => self.scripts.push(path.to_owned()),
            Ok(Classified::Config(compilation)) if !self.wanted.is_empty() && !self.wanted.is_reached_by(&compilation, folder) => {}
            Ok(Classified::Config(compilation)) => {
                cache.uses(folder);
                self.configurations.push(Configuration { compilation: *compilation, folder: folder.clone() });
            }
            Ok(Classified::Other) => self.others += 1,
            Err(reason) => self.remarks.push(Remark::Failure(reason)),
        }
    }

    /// Whether something could not be read.
    pub(crate) fn has_failed(&self) -> bool {
        self.remarks.iter().any(|remark| matches!(remark, Remark::Failure(_)))
    }

    /// Leaves those findings that are told; returns how many the baseline knew. The folder is the one that the paths
    /// of the baseline start from.
    pub(crate) fn filter(&mut self, baseline: Option<(&mut Baseline, &Utf8Path)>, levels: &Levels) -> usize {
        let (baseline, folder) = baseline.map_or((None, Utf8Path::new("/")), |(baseline, folder)| (Some(baseline), folder));
        filter::apply(&mut self.parts(folder), baseline, levels)
    }

    /// All findings as a baseline knows them whose paths start from this folder.
    pub(crate) fn baseline(&mut self, folder: &Utf8Path) -> Baseline {
        Baseline::of(&self.parts(folder))
    }

    fn parts(&mut self, folder: &Utf8Path) -> Vec<Part<'_>> {
        let from = |repository: &Repository| repository.paths_from(folder);
        let settings = self.settings.iter_mut().map(|file| Part {
            from_baseline: from(&file.repository),
            repository: file.repository.root().as_str(),
            sources: &file.compiled.sources,
            ignores: None,
            settings: &file.compiled.settings,
            configuration: None,
            findings: &mut file.compiled.findings,
        });
        let configurations = self.configurations.iter_mut().map(|configuration| Part {
            from_baseline: from(&configuration.folder.repository),
            repository: configuration.folder.repository.root().as_str(),
            sources: &configuration.compilation.sources,
            ignores: Some(&configuration.compilation.ignores),
            settings: &configuration.folder.options.settings,
            configuration: Some((&configuration.compilation.path, &configuration.compilation.flow.elsewhere)),
            findings: &mut configuration.compilation.findings,
        });
        settings.chain(configurations).collect()
    }

    /// Everything with its findings, settings first.
    pub(crate) fn checked(&self) -> Vec<Checked<'_>> {
        self.checked_settings().chain(self.configurations.iter().map(Configuration::checked)).collect()
    }

    /// The settings files with their findings.
    pub(crate) fn checked_settings(&self) -> impl Iterator<Item = Checked<'_>> {
        self.settings.iter().map(|file| Checked {
            sources: &file.compiled.sources,
            findings: &file.compiled.findings,
            paths: &file.paths,
            proof: None,
        })
    }

    /// How much was read and found.
    pub(crate) fn summary(&self) -> Summary {
        let scripts = self.configurations.iter().map(|configuration| configuration.compilation.flow.scripts).sum();
        let mut summary = Summary { files: self.configurations.len(), scripts, ..Summary::default() };
        for checked in self.checked() {
            summary.count(checked.findings);
        }
        summary
    }

    /// Whether a file was read; its path is as seen from a folder.
    pub(crate) fn has_read(&self, file: &str, folder: &Utf8Path) -> bool {
        self.configurations.iter().any(|configuration| {
            let paths = configuration.folder.repository.paths_from(folder);
            configuration.compilation.sources.iter().any(|source| paths.show(source.path()) == file)
        })
    }

    /// What was looked at in vain.
    pub(crate) fn looked_at(&self) -> String {
        let excluded = match self.excluded {
            0 => String::new(),
            number => format!(", {number} more are excluded by `exclude` in the settings"),
        };
        format!("{} YAML file(s) were looked at{excluded}", self.others)
    }
}

/// The root of the repository around the working folder, as it is written from there.
///
/// # Errors
/// Where there is no working folder.
pub(crate) fn surrounding() -> std::io::Result<Utf8PathBuf> {
    let (repository, _) = Repository::of(Utf8Path::new("x"))?;
    Ok(shown_root(repository.root(), &working_folder()?))
}

/// The absolute path without links of what is at a path, as far as it is there.
pub(crate) fn absolute(path: &Utf8Path) -> std::io::Result<Utf8PathBuf> {
    let working = working_folder()?;
    let joined = if path.is_absolute() { path.to_owned() } else { working.join(path) };
    let existing = joined.ancestors().find(|folder| folder.exists()).unwrap_or(Utf8Path::new("/"));
    let rest = joined.strip_prefix(existing).unwrap_or(Utf8Path::new("")).to_owned();
    Ok(existing.canonicalize_utf8()?.join(rest))
}
