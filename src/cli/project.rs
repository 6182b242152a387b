//! Which settings hold for a configuration. Each settings file is read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::arguments::SettingsChoice;
use super::disk::{self, Repository};
use super::{Failure, complain, note};
use sidestage_compiler::compilation::{Options, SettingsFile, compile_settings};
use sidestage_compiler::config::settings::{Excluded, NAME};
use sidestage_compiler::source::{Files, ReadError};

/// A settings file on disk.
struct Project {
    file: SettingsFile,
    /// The folder that its paths start from; no links in it.
    folder: Utf8PathBuf,
    repository: Repository,
    excluded: Excluded,
    /// Whether a configuration, or a file that it excludes, is below it.
    is_used: bool,
}

/// What holds for the files of one folder.
pub(super) struct Place {
    pub(super) repository: Repository,
    /// From the repository's root.
    folder: Utf8PathBuf,
    project: Option<usize>,
    /// What is asked for, with the settings that hold here.
    pub(super) options: Options,
}

impl Place {
    /// The path of a file of this folder, from the repository's root.
    pub(super) fn path(&self, file: &Utf8Path) -> String {
        self.folder.join(file.file_name().unwrap_or_default()).into_string()
    }
}

/// Which settings files there are.
enum Choice {
    /// The nearest one upward.
    Nearest,
    /// One for all.
    Named(usize),
    /// None.
    Nothing,
}

/// All settings files that hold for something.
pub(super) struct Projects<'a> {
    choice: Choice,
    options: &'a Options,
    /// In the order in which they were read.
    read: Vec<Project>,
    /// By path; `None` for what could not be read.
    by_path: BTreeMap<Utf8PathBuf, Option<usize>>,
    places: BTreeMap<Utf8PathBuf, Arc<Place>>,
    /// Whether a settings file could not be read.
    pub(super) failed: bool,
}

impl<'a> Projects<'a> {
    /// The settings that the command line asks for; a file that it names must be there.
    pub(super) fn new(choice: &SettingsChoice, options: &'a Options) -> Result<Self, Failure> {
        let (places, by_path) = (BTreeMap::new(), BTreeMap::new());
        let mut projects = Self { choice: Choice::Nearest, options, read: Vec::new(), by_path, places, failed: false };
        if choice.no_settings {
            projects.choice = Choice::Nothing;
        } else if let Some(path) = &choice.settings_file {
            projects.choice = Choice::Named(projects.named(path)?);
        }
        Ok(projects)
    }

    /// What holds for a configuration.
    pub(super) fn place(&mut self, path: &Utf8Path) -> std::io::Result<Arc<Place>> {
        let parent = path.parent().unwrap_or(Utf8Path::new("")).to_owned();
        if let Some(place) = self.places.get(&parent) {
            return Ok(place.clone());
        }
        let (repository, relative) = Repository::of(path)?;
        let folder = Utf8Path::new(&relative).parent().unwrap_or(Utf8Path::new("")).to_owned();
        let project = match self.choice {
            Choice::Nearest => self.nearest(&repository, &folder),
            Choice::Named(project) => Some(project),
            Choice::Nothing => None,
        };
        let mut options = self.options.clone();
        if let Some(project) = project.map(|index| &self.read[index]) {
            options.settings = project.file.settings.clone();
            let root = options.settings.repo_root.take();
            options.settings.repo_root = root.as_ref().and_then(|root| repository.inside(&project.repository.absolute(root)));
            if root.is_some() && options.settings.repo_root.is_none() {
                note(&format!("note: `repo-root` has no effect for `{path}`: it is in another repository"));
            }
        }
        let place = Arc::new(Place { repository, folder, project, options });
        self.places.insert(parent, place.clone());
        Ok(place)
    }

    /// Whether the settings exclude a file that was found by searching.
    pub(super) fn excludes(&mut self, place: &Place, file: &Utf8Path) -> bool {
        let Some(project) = place.project.map(|index| &mut self.read[index]) else { return false };
        let absolute = place.repository.absolute(&place.path(file));
        let is_excluded = absolute.strip_prefix(&project.folder).is_ok_and(|path| project.excluded.holds(path.as_str()));
        project.is_used |= is_excluded;
        is_excluded
    }

    /// Notes that a configuration of this place is compiled.
    pub(super) fn uses(&mut self, place: &Place) {
        if let Some(project) = place.project {
            self.read[project].is_used = true;
        }
    }

    /// Reads a settings file that the command line names.
    pub(super) fn check(&mut self, path: &Utf8Path) {
        match self.named(path) {
            Ok(project) => self.read[project].is_used = true,
            Err(Failure(reason)) => {
                complain(&reason);
                self.failed = true;
            }
        }
    }

    /// Takes the text of a settings file that stands at no path yet.
    pub(super) fn check_text(&mut self, path: &Utf8Path, bytes: &[u8]) -> std::io::Result<()> {
        let (repository, relative) = Repository::of(path)?;
        let project = self.add(repository, &relative, bytes);
        self.read[project].is_used = true;
        Ok(())
    }

    /// The settings files that matter, in the order of their paths.
    pub(super) fn into_used(self) -> Vec<SettingsFile> {
        let mut used: Vec<Project> = self.read.into_iter().filter(|project| project.is_used).collect();
        used.sort_by(|left, right| left.folder.cmp(&right.folder));
        used.into_iter().map(|project| project.file).collect()
    }

    fn named(&mut self, path: &Utf8Path) -> Result<usize, Failure> {
        let fault = |error: std::io::Error| Failure(format!("`{path}` cannot be read: {error}"));
        let bytes = disk::read_file(path).map_err(fault)?;
        let (repository, relative) = Repository::of(path).map_err(fault)?;
        if let Some(Some(project)) = self.by_path.get(&repository.absolute(&relative)) {
            return Ok(*project);
        }
        Ok(self.add(repository, &relative, &bytes))
    }

    fn nearest(&mut self, repository: &Repository, folder: &Utf8Path) -> Option<usize> {
        let path = folder.ancestors().map(|folder| folder.join(NAME)).find(|path| repository.has_file(path.as_str()))?;
        let absolute = repository.absolute(path.as_str());
        if let Some(project) = self.by_path.get(&absolute) {
            return *project;
        }
        match repository.read(path.as_str()) {
            Ok(bytes) => Some(self.add(repository.clone(), path.as_str(), &bytes)),
            Err(reason) => {
                let reason = match reason {
                    ReadError::Outside => "the link leads outside the repository".to_owned(),
                    other => other.to_string(),
                };
                complain(&format!("`{}` cannot be read: {reason}", repository.display(path.as_str())));
                self.failed = true;
                self.by_path.insert(absolute, None);
                None
            }
        }
    }

    fn add(&mut self, repository: Repository, path: &str, bytes: &[u8]) -> usize {
        let file = compile_settings(path, bytes, &repository);
        let absolute = repository.absolute(path);
        let folder = absolute.parent().unwrap_or(Utf8Path::new("/")).to_owned();
        let excluded = Excluded::new(&file.settings.exclude);
        self.read.push(Project { file, folder, repository, excluded, is_used: false });
        self.by_path.insert(absolute, Some(self.read.len() - 1));
        self.read.len() - 1
    }
}
