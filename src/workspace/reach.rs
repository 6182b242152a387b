//! Scripts and folders that a request names: what is checked are the configurations of the repository that reach them.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use sidestage_compiler::compilation::Compilation;

use super::discover::{self, Candidate, without_dot};
use super::open::absolute;
use super::repository::{Repository, relative_to};
use super::{Remark, settings::FolderSettings};

/// What configurations are looked for that reach something.
#[derive(Default)]
pub(super) struct Wanted(Vec<Place>);

struct Place {
    /// As it was named.
    path: Utf8PathBuf,
    absolute: Utf8PathBuf,
    /// The root of its repository.
    root: Utf8PathBuf,
    is_folder: bool,
    is_reached: bool,
}

impl Wanted {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A file that is not a configuration.
    pub(super) fn script(&mut self, path: &Utf8Path) -> std::io::Result<()> {
        let (repository, _) = Repository::of(path)?;
        self.add(path, repository.root(), false)
    }

    /// A folder without a configuration. That of a whole repository has nothing around it.
    pub(super) fn folder(&mut self, path: &Utf8Path) -> std::io::Result<()> {
        let (repository, _) = Repository::of(&path.join("x"))?;
        if repository.root() == absolute(path)? { Ok(()) } else { self.add(path, repository.root(), true) }
    }

    fn add(&mut self, path: &Utf8Path, root: &Utf8Path, is_folder: bool) -> std::io::Result<()> {
        let absolute = absolute(path)?;
        self.0.push(Place { path: path.to_owned(), absolute, root: root.to_owned(), is_folder, is_reached: false });
        Ok(())
    }

    /// All that may be a configuration in the repositories of what is wanted.
    pub(super) fn candidates(&self, working: &Utf8Path, remarks: &mut Vec<Remark>) -> Vec<Candidate> {
        let roots: BTreeSet<&Utf8PathBuf> = self.0.iter().map(|place| &place.root).collect();
        let mut candidates = Vec::new();
        for root in roots {
            for found in discover::walk(&shown_root(root, working)) {
                match found {
                    Ok(candidate) => candidates.push(candidate),
                    Err(reason) => remarks.push(Remark::Failure(reason)),
                }
            }
        }
        candidates
    }

    /// Whether a configuration reaches something that is wanted.
    pub(super) fn is_reached_by(&mut self, compilation: &Compilation, folder: &FolderSettings) -> bool {
        let files: Vec<Utf8PathBuf> = compilation.sources.iter().map(|source| folder.repository.absolute(source.path())).collect();
        let mut is_any = false;
        for place in &mut self.0 {
            let holds = |file: &Utf8PathBuf| if place.is_folder { file.starts_with(&place.absolute) } else { *file == place.absolute };
            if files.iter().any(holds) {
                place.is_reached = true;
                is_any = true;
            }
        }
        is_any
    }

    /// Scripts that no configuration reaches are not checked.
    pub(super) fn unreached(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .filter(|place| !place.is_folder && !place.is_reached)
            .map(|place| format!("`{}` is not checked: no pipeline configuration of its repository reaches it", without_dot(&place.path)))
    }
}

/// The root of a repository, as it is written from the working folder.
pub(super) fn shown_root(root: &Utf8Path, working: &Utf8Path) -> Utf8PathBuf {
    let relative = relative_to(root, working);
    if relative.as_str().is_empty() { Utf8PathBuf::from(".") } else { relative }
}
