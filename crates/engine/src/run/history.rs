//! The runs of a repository, as they lie on disk.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::DRAFT;
use super::{EventKind, RunFolder, RunView, State, leftovers};

/// So many pipelines are kept, each with the async runs that it has triggered; older ones go when a run starts.
pub const KEPT: usize = 50;

/// Between the making of a draft and its lock.
const FIRST_MOMENT: Duration = Duration::from_secs(5);

/// The folder of all runs.
#[derive(Debug, Clone)]
pub struct History {
    folder: PathBuf,
}

/// What lies among the runs and cannot be read as one.
#[derive(Debug)]
pub struct Unreadable {
    /// Its folder.
    pub path: PathBuf,
    /// Why not.
    pub reason: String,
}

/// Why no run is meant.
#[derive(Debug, PartialEq, Eq)]
pub enum FindError {
    /// No run begins so.
    Missing,
    /// Several do: their ids.
    Several(Vec<String>),
}

impl History {
    /// The runs in the folder `runs` of a state folder.
    pub fn at(state: &Path) -> Self {
        Self { folder: state.join("runs") }
    }

    /// Where they lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All runs, the newest last; what is no run is passed over.
    pub fn runs(&self) -> Vec<(RunFolder, RunView)> {
        self.all().0
    }

    /// All runs, the newest last; and what lies among them and is none.
    pub fn all(&self) -> (Vec<(RunFolder, RunView)>, Vec<Unreadable>) {
        let (mut runs, mut unreadable) = (Vec::new(), Vec::new());
        for folder in self.folders(|name| !name.starts_with('.')) {
            match folder.view() {
                Ok(view) => runs.push((folder, view)),
                Err(error) => unreadable.push(Unreadable { path: folder.path().to_owned(), reason: error.to_string() }),
            }
        }
        runs.sort_by(|(_, left), (_, right)| (left.record.created, &left.record.id).cmp(&(right.record.created, &right.record.id)));
        (runs, unreadable)
    }

    fn folders(&self, is_meant: impl Fn(&str) -> bool) -> impl Iterator<Item = RunFolder> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter(move |entry| is_meant(&entry.file_name().to_string_lossy())).map(|entry| RunFolder::at(entry.path()))
    }

    /// The folder of the run of an id.
    pub fn run(&self, id: &str) -> RunFolder {
        RunFolder::at(self.folder.join(id))
    }

    /// The run whose id begins so; `last` is the newest pipeline.
    ///
    /// # Errors
    /// Where none does, or several.
    pub fn find(&self, start: &str) -> Result<(RunFolder, RunView), FindError> {
        let mut runs = self.runs();
        if start == "last" {
            let last = runs.iter().rposition(|(_, view)| view.record.parent().is_none());
            return last.map(|at| runs.swap_remove(at)).ok_or(FindError::Missing);
        }
        runs.retain(|(_, view)| !start.is_empty() && view.record.id.starts_with(start));
        match runs.len() {
            0 => Err(FindError::Missing),
            1 => Ok(runs.swap_remove(0)),
            _ => Err(FindError::Several(runs.into_iter().map(|(_, view)| view.record.id).collect())),
        }
    }

    /// The runs that a run has triggered, and those that they have.
    pub fn started_by(&self, view: &RunView) -> Vec<RunView> {
        let mut found: Vec<RunView> = Vec::new();
        let mut open = view.async_runs.clone();
        while !open.is_empty() {
            let next: Vec<RunView> = open.iter().filter_map(|id| self.run(id).view().ok()).collect();
            open = next.iter().flat_map(|run| run.async_runs.clone()).collect();
            found.extend(next);
        }
        found
    }

    /// Ends what killed engines have left behind: processes, and folders that may hold secrets. Gives the runs that were
    /// interrupted.
    ///
    /// # Errors
    /// Where a folder cannot be written or removed.
    pub fn sweep(&self) -> io::Result<Vec<RunView>> {
        let mut interrupted = Vec::new();
        for draft in self.folders(|name| name.starts_with(DRAFT)) {
            // Whoever makes it holds it, but for its first moment.
            let age = fs::metadata(draft.path()).and_then(|entry| entry.modified()).ok().and_then(|time| time.elapsed().ok());
            if age.is_some_and(|age| age > FIRST_MOMENT) && !draft.is_held() {
                leftovers::end_processes(draft.path());
                draft.remove()?;
            }
        }
        let runs = self.runs();
        let roots = roots(&runs);
        // A workspace that async runs still clone from is no leftover.
        let in_use = open(&runs, &roots);
        for ((folder, view), root) in runs.iter().zip(&roots) {
            let keeps_workspace = view.record.options.keep_workspace || in_use.contains(root);
            if !view.state.is_ended() || (view.state != State::Interrupted && !folder.has_leftovers(keeps_workspace)) {
                continue;
            }
            let Some(mut hold) = folder.hold()? else { continue };
            // It may have been swept, or taken up, since it was looked at.
            let was_noted = folder.events().iter().any(|event| matches!(event.kind, EventKind::Ended { .. }));
            leftovers::end_processes(folder.path());
            folder.clear(keeps_workspace)?;
            if !was_noted {
                hold.note(EventKind::Ended { state: State::Interrupted, reason: Some("sidestage was killed".to_owned()) })?;
                interrupted.push(view.clone());
            }
        }
        Ok(interrupted)
    }

    /// Removes the oldest pipelines, with their async runs, so that so many are kept.
    ///
    /// # Errors
    /// Where a folder cannot be removed.
    pub fn prune(&self, kept: usize) -> io::Result<usize> {
        let runs = self.runs();
        let roots = roots(&runs);
        let open = open(&runs, &roots);
        let first: Vec<&str> =
            runs.iter().zip(&roots).filter(|((_, view), root)| view.record.id == **root).map(|(_, root)| *root).collect();
        let surplus = first.len().saturating_sub(kept);
        let old: HashSet<&str> = first[..surplus].iter().copied().filter(|root| !open.contains(root)).collect();
        let mut removed = 0;
        for ((folder, _), _) in runs.iter().zip(&roots).filter(|(_, root)| old.contains(*root)) {
            folder.remove()?;
            removed += 1;
        }
        Ok(removed)
    }
}

/// For each run the one that it goes back to by triggers.
fn roots(runs: &[(RunFolder, RunView)]) -> Vec<&str> {
    let parents: HashMap<&str, Option<&str>> = runs.iter().map(|(_, view)| (view.record.id.as_str(), view.record.parent())).collect();
    let above = |id: &&str| parents.get(id).copied().flatten().filter(|parent| parents.contains_key(parent));
    let root = |id| std::iter::successors(Some(id), above).last().unwrap_or(id);
    runs.iter().map(|(_, view)| root(view.record.id.as_str())).collect()
}

/// The roots of runs that have not ended.
fn open<'a>(runs: &[(RunFolder, RunView)], roots: &[&'a str]) -> HashSet<&'a str> {
    runs.iter().zip(roots).filter(|((_, view), _)| !view.state.is_ended()).map(|(_, root)| *root).collect()
}
