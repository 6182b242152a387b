//! Which settings hold for a configuration. Each settings file is read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use sidestage_compiler::compilation::{Options, SettingsFile as CompiledSettings, compile_settings};
use sidestage_compiler::config::settings::{Excluded, NAMES};
use sidestage_compiler::source::{Files, PathsFrom, ReadError};

use super::repository::{Repositories, Repository, read_file};
use super::{Remark, Request, SettingsSource, Unreadable};

/// A settings file on disk.
pub(crate) struct SettingsFile {
    /// From the repository's root.
    path: String,
    pub(crate) compiled: CompiledSettings,
    pub(crate) repository: Repository,
    /// How its path is written.
    pub(crate) paths: PathsFrom,
    /// The folder that its paths start from; no links in it.
    folder: Utf8PathBuf,
    excluded: Excluded,
    /// Whether a configuration, or a file that it excludes, is under its folder.
    is_used: bool,
}

/// What holds for the files of one folder.
pub(crate) struct FolderSettings {
    pub(crate) repository: Repository,
    /// How paths of the repository are written.
    pub(crate) paths: PathsFrom,
    /// What is asked for, with the settings that hold here.
    pub(crate) options: Options,
    /// The settings file, as it is written.
    pub(crate) settings_file: Option<String>,
    /// From the repository's root.
    folder: Utf8PathBuf,
    file: Option<usize>,
}

impl FolderSettings {
    /// The path of a file of this folder, from the repository's root.
    pub(crate) fn path(&self, file: &Utf8Path) -> String {
        self.folder.join(file.file_name().unwrap_or_default()).into_string()
    }
}

/// Which settings file holds.
enum Choice {
    /// The nearest one upward.
    Nearest,
    /// One for all.
    Named(usize),
    /// None.
    Nothing,
}

/// All settings files that were read, and the folders that they hold for.
pub(super) struct SettingsCache<'a> {
    choice: Choice,
    options: &'a Options,
    working: &'a Utf8Path,
    /// In the order in which they were read.
    files: Vec<SettingsFile>,
    /// By path; `None` for what could not be read.
    by_path: BTreeMap<Utf8PathBuf, Option<usize>>,
    by_folder: BTreeMap<Utf8PathBuf, Arc<FolderSettings>>,
    repositories: Repositories,
    /// The nearest file upward inside the repository, by absolute folders.
    nearest: BTreeMap<Utf8PathBuf, Option<Utf8PathBuf>>,
    /// What is to be said.
    pub(super) remarks: Vec<Remark>,
}

impl<'a> SettingsCache<'a> {
    /// The settings that are asked for; a file that is named must be there.
    pub(super) fn new(request: &Request<'a>, working: &'a Utf8Path) -> Result<Self, Unreadable> {
        let mut cache = Self {
            choice: Choice::Nearest,
            options: request.options,
            working,
            files: Vec::new(),
            by_path: BTreeMap::new(),
            by_folder: BTreeMap::new(),
            repositories: Repositories::default(),
            nearest: BTreeMap::new(),
            remarks: Vec::new(),
        };
        cache.choice = match request.settings {
            SettingsSource::Nearest => Choice::Nearest,
            SettingsSource::File(path) => Choice::Named(cache.named(path)?),
            SettingsSource::Nothing => Choice::Nothing,
        };
        Ok(cache)
    }

    /// What holds for a configuration.
    pub(super) fn of(&mut self, path: &Utf8Path) -> std::io::Result<Arc<FolderSettings>> {
        let parent = path.parent().unwrap_or(Utf8Path::new("")).to_owned();
        if let Some(known) = self.by_folder.get(&parent) {
            return Ok(known.clone());
        }
        let (repository, relative) = self.repositories.of(path)?;
        let folder = Utf8Path::new(&relative).parent().unwrap_or(Utf8Path::new("")).to_owned();
        let file = match self.choice {
            Choice::Nearest => self.nearest(&repository, &folder),
            Choice::Named(file) => Some(file),
            Choice::Nothing => None,
        };
        let options = self.options_with(file, &repository, path);
        let paths = repository.paths_from(self.working);
        let settings_file = file.map(|index| {
            let file = &self.files[index];
            file.paths.show(&file.path)
        });
        let settings = Arc::new(FolderSettings { repository, paths, options, settings_file, folder, file });
        self.by_folder.insert(parent, settings.clone());
        Ok(settings)
    }

    /// What is asked for, with the settings of a file. Its `repo-root` and `out` count only in its own repository.
    fn options_with(&mut self, file: Option<usize>, repository: &Repository, path: &Utf8Path) -> Options {
        let mut options = self.options.clone();
        let Some(file) = file.map(|index| &self.files[index]) else { return options };
        options.settings = file.compiled.settings.clone();
        if let Some(root) = options.settings.repo_root.take() {
            options.settings.repo_root = repository.inside(&file.repository.absolute(&root));
            if options.settings.repo_root.is_none() {
                self.remarks.push(Remark::note(format!("`repo-root` has no effect for `{path}`: it is in another repository")));
            }
        }
        options.settings.out = options.settings.out.and_then(|out| repository.inside(&file.repository.absolute(&out)));
        options
    }

    /// Whether the settings exclude a file that was found by searching.
    pub(super) fn excludes(&mut self, settings: &FolderSettings, path: &Utf8Path) -> bool {
        let Some(file) = settings.file.map(|index| &mut self.files[index]) else { return false };
        let absolute = settings.repository.absolute(&settings.path(path));
        let is_excluded = absolute.strip_prefix(&file.folder).is_ok_and(|path| file.excluded.holds(path.as_str()));
        file.is_used |= is_excluded;
        is_excluded
    }

    /// Notes that a configuration of this folder is compiled.
    pub(super) fn uses(&mut self, settings: &FolderSettings) {
        if let Some(file) = settings.file {
            self.files[file].is_used = true;
        }
    }

    /// Reads a settings file that is asked for by its name.
    pub(super) fn check(&mut self, path: &Utf8Path) {
        match self.named(path) {
            Ok(file) => self.files[file].is_used = true,
            Err(unreadable) => self.remarks.push(Remark::Failure(unreadable.to_string())),
        }
    }

    /// Takes the text of a settings file that is at no path yet.
    pub(super) fn check_text(&mut self, path: &Utf8Path, bytes: &[u8]) -> std::io::Result<()> {
        let (repository, relative) = self.repositories.of(path)?;
        let file = self.add(repository, &relative, bytes);
        self.files[file].is_used = true;
        Ok(())
    }

    /// The settings files that matter, in the order of their paths; and what is to be said.
    pub(super) fn finish(self) -> (Vec<SettingsFile>, Vec<Remark>) {
        let mut used: Vec<SettingsFile> = self.files.into_iter().filter(|file| file.is_used).collect();
        used.sort_by(|left, right| left.folder.cmp(&right.folder));
        (used, self.remarks)
    }

    fn named(&mut self, path: &Utf8Path) -> Result<usize, Unreadable> {
        let unreadable = |error: std::io::Error| Unreadable { path: path.to_owned(), reason: error.to_string() };
        let bytes = read_file(path).map_err(unreadable)?;
        let (repository, relative) = self.repositories.of(path).map_err(unreadable)?;
        if let Some(Some(file)) = self.by_path.get(&repository.absolute(&relative)) {
            return Ok(*file);
        }
        Ok(self.add(repository, &relative, &bytes))
    }

    fn nearest(&mut self, repository: &Repository, folder: &Utf8Path) -> Option<usize> {
        let path = self.nearest_path(repository, folder)?;
        let absolute = repository.absolute(path.as_str());
        if let Some(file) = self.by_path.get(&absolute) {
            return *file;
        }
        match repository.read(path.as_str()) {
            Ok(bytes) => Some(self.add(repository.clone(), path.as_str(), &bytes)),
            Err(reason) => {
                let reason = match reason {
                    ReadError::Outside => "the link leads outside the repository".to_owned(),
                    other => other.to_string(),
                };
                let path = repository.paths_from(self.working).show(path.as_str()).into();
                self.remarks.push(Remark::Failure(Unreadable { path, reason }.to_string()));
                self.by_path.insert(absolute, None);
                None
            }
        }
    }

    /// The path from the repository's root of the nearest file upward.
    fn nearest_path(&mut self, repository: &Repository, folder: &Utf8Path) -> Option<Utf8PathBuf> {
        let absolute = repository.absolute(folder.as_str());
        if let Some(known) = self.nearest.get(&absolute) {
            return known.clone();
        }
        let own = NAMES.map(|name| folder.join(name)).into_iter().find(|path| repository.has_file(path.as_str()));
        let path = own.or_else(|| self.nearest_path(repository, folder.parent()?));
        self.nearest.insert(absolute, path.clone());
        path
    }

    fn add(&mut self, repository: Repository, path: &str, bytes: &[u8]) -> usize {
        let compiled = compile_settings(path, bytes, &repository);
        let absolute = repository.absolute(path);
        let folder = absolute.parent().unwrap_or(Utf8Path::new("/")).to_owned();
        let excluded = Excluded::new(&compiled.settings.exclude);
        let paths = repository.paths_from(self.working);
        let path = path.to_owned();
        self.files.push(SettingsFile { path, compiled, repository, paths, folder, excluded, is_used: false });
        self.by_path.insert(absolute, Some(self.files.len() - 1));
        self.files.len() - 1
    }
}
