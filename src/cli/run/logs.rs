//! `sidestage logs`: what the stages of a run have printed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use sidestage_engine::run::RunFolder;

use super::state;
use crate::cli::arguments::Logs;
use crate::cli::error::CliError;
use crate::cli::{Exit, print};

/// Between two looks at the logs.
const PAUSE: Duration = Duration::from_millis(150);

pub(in crate::cli) fn run(arguments: &Logs) -> Result<Exit, CliError> {
    let history = state::history(&arguments.place)?;
    let (folder, view) = state::find(&history, &arguments.run)?;
    if let Some(name) = &arguments.stage {
        // Of an async run it is known only when its repositories are there.
        let is_known = view.stages.iter().any(|stage| stage.id == *name || stage.id.rsplit('/').next() == Some(name));
        if !is_known && !view.stages.is_empty() {
            let names: Vec<&str> = view.stages.iter().map(|stage| stage.id.as_str()).collect();
            return Err(CliError::UnknownName { kind: "stage", name: name.clone(), hint: format!("the run has {}", names.join(", ")) });
        }
    }
    let mut follower = Follower::new(folder.clone(), arguments.stage.clone());
    loop {
        // Asked first: what is written before the end is still read.
        let is_ended = folder.view().is_ok_and(|view| view.state.is_ended());
        follower.print()?;
        if !arguments.follow || is_ended {
            return Ok(Exit::Clean);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Prints what is new in the logs of a run.
pub(super) struct Follower {
    folder: RunFolder,
    stage: Option<String>,
    /// By stage, how much has been printed.
    printed: BTreeMap<String, u64>,
    last: Option<String>,
}

impl Follower {
    pub(super) fn new(folder: RunFolder, stage: Option<String>) -> Self {
        Self { folder, stage, printed: BTreeMap::new(), last: None }
    }

    /// What has come since the last time, behind the name of its stage where that changes.
    pub(super) fn print(&mut self) -> Result<(), CliError> {
        let Ok(view) = self.folder.view() else { return Ok(()) };
        for (place, stage) in view.stages.iter().enumerate() {
            let is_wanted = self.stage.as_ref().is_none_or(|name| stage.id == *name || stage.id.rsplit('/').next() == Some(name));
            if !is_wanted {
                continue;
            }
            let printed = self.printed.entry(stage.id.clone()).or_default();
            let mut text = Vec::new();
            let read = File::open(self.folder.log(place, &stage.id)).and_then(|mut log| {
                log.seek(SeekFrom::Start(*printed))?;
                log.read_to_end(&mut text)
            });
            if read.is_err() || text.is_empty() {
                continue;
            }
            // A line is printed when it is whole; the last one of an ended stage as it is.
            if !stage.state.is_ended() {
                text.truncate(text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
            }
            *printed += text.len() as u64;
            if text.is_empty() {
                continue;
            }
            if self.stage.is_none() && self.last.as_ref() != Some(&stage.id) {
                print(&format!("==> {} <==\n", stage.id))?;
                self.last = Some(stage.id.clone());
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            print(&if text.ends_with('\n') { text } else { format!("{text}\n") })?;
        }
        Ok(())
    }
}
