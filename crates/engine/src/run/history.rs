//! The runs of a repository, as they lie on disk.

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
        let mut runs: Vec<(RunFolder, RunView)> =
            self.folders(|name| !name.starts_with('.')).filter_map(|folder| folder.view().ok().map(|view| (folder, view))).collect();
        runs.sort_by(|(_, left), (_, right)| (left.record.created, &left.record.id).cmp(&(right.record.created, &right.record.id)));
        runs
    }

    /// What lies among the runs and cannot be read as one, and why.
    pub fn unreadable(&self) -> Vec<(PathBuf, String)> {
        let folders = self.folders(|name| !name.starts_with('.'));
        folders.filter_map(|folder| Some((folder.path().to_owned(), folder.view().err()?.to_string()))).collect()
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
        for (folder, view) in self.runs() {
            let is_over = view.state.is_ended();
            if !is_over || (view.state != State::Interrupted && !folder.has_leftovers()) {
                continue;
            }
            let Some(mut hold) = folder.hold()? else { continue };
            // It may have been swept, or taken up, since it was looked at.
            let was_noted = folder.events().iter().any(|event| matches!(event.kind, EventKind::Ended { .. }));
            leftovers::end_processes(folder.path());
            folder.clear(view.record.options.keep_workspace)?;
            if !was_noted {
                hold.note(EventKind::Ended { state: State::Interrupted, reason: Some("sidestage was killed".to_owned()) })?;
                interrupted.push(view);
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
        let roots: Vec<&RunView> = runs.iter().map(|(_, view)| view).filter(|view| root_of(view, &runs) == view.record.id).collect();
        let surplus = roots.len().saturating_sub(kept);
        let old: Vec<&str> = roots[..surplus].iter().map(|view| view.record.id.as_str()).collect();
        let mut removed = 0;
        for (folder, view) in &runs {
            let root = root_of(view, &runs);
            let is_open = runs.iter().any(|(_, other)| !other.state.is_ended() && root_of(other, &runs) == root);
            if old.contains(&root.as_str()) && !is_open {
                folder.remove()?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// The run that a run goes back to by triggers.
fn root_of(view: &RunView, runs: &[(RunFolder, RunView)]) -> String {
    let mut id = view.record.id.clone();
    let mut parent = view.record.parent().map(str::to_owned);
    while let Some(next) = parent {
        let Some((_, above)) = runs.iter().find(|(_, other)| other.record.id == next) else { break };
        id = next;
        parent = above.record.parent().map(str::to_owned);
    }
    id
}
