//! A run that this process executes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use sidestage_runtime::pipelinectl::RunData;

use super::Reporter;
use super::mask::Masker;
use super::stop::Stop;
use crate::run::{Event, EventKind, Hold, RunFolder, RunRecord};

/// A run, and what its stages need.
pub(super) struct ActiveRun {
    pub(super) record: RunRecord,
    pub(super) folder: RunFolder,
    /// The values of [`RunRecord::secrets`], and of the service that it reaches.
    pub(super) secrets: Vec<(String, SecretString)>,
    /// Values that are no properties, and must not be shown either.
    pub(super) hidden: Vec<SecretString>,
    pub(super) stop: Stop,
    pub(super) reporter: Arc<dyn Reporter>,
    hold: Mutex<Hold>,
}

impl ActiveRun {
    pub(super) fn new(
        record: RunRecord,
        folder: RunFolder,
        hold: Hold,
        secrets: Vec<(String, SecretString)>,
        hidden: Vec<SecretString>,
        reporter: Arc<dyn Reporter>,
    ) -> Self {
        Self { record, folder, secrets, hidden, stop: Stop::default(), reporter, hold: Mutex::new(hold) }
    }

    /// Notes what has happened, and tells it.
    pub(super) fn note(&self, kind: EventKind) {
        let noted = self.hold.lock().unwrap_or_else(PoisonError::into_inner).note(kind.clone());
        // A disk that is full must not stop a run, but somebody should know.
        let event = noted.unwrap_or_else(|error| {
            self.reporter.warn(&format!("the event log of run {} cannot be written: {error}", self.record.short()));
            Event { time: jiff::Timestamp::now(), kind }
        });
        self.reporter.event(&self.record, &event);
    }

    /// A folder of the run.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The root of the configuration's repository.
    pub(super) fn repository(&self) -> PathBuf {
        self.place("workspace").join(&self.record.folder)
    }

    /// The data that its stages share.
    pub(super) fn data(&self) -> RunData {
        RunData::at(&self.place("store"))
    }

    /// Hides what is secret now.
    pub(super) fn hide(&self, masker: &mut Masker, of_stages: Vec<Vec<u8>>) {
        let given = self.secrets.iter().map(|(_, value)| value).chain(&self.hidden);
        masker.add(given.map(|value| value.expose_secret().as_bytes().to_vec()).chain(of_stages));
    }

    /// Every value that is secret in it now: what it has exported by mistake is hidden where it arrives, too.
    pub(super) fn all_secrets(&self) -> Vec<SecretString> {
        let of_stages = self.data().secrets().into_iter().filter_map(|value| String::from_utf8(value).ok()).map(SecretString::from);
        self.secrets.iter().map(|(_, value)| value.clone()).chain(self.hidden.iter().cloned()).chain(of_stages).collect()
    }

    /// What `get_env` gives before any stage has set something, but for what the platform adds.
    pub(super) fn values(&self) -> BTreeMap<&str, &str> {
        let values = self.record.properties.iter().chain(&self.record.parameters);
        values.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}
