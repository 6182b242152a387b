//! What a stage did, among facts and files that were numbered by others.

use super::facts::MovedFacts;
use super::stage::{Event, StageFlow};
use super::value::Cause;
use crate::source::MovedFiles;

impl StageFlow {
    /// Gives all that it speaks of its new number.
    pub(super) fn renumber(&mut self, files: &MovedFiles, facts: &MovedFacts) {
        for (subject, fact) in &mut self.end {
            *subject = facts.subject(*subject);
            fact.move_places(files);
        }
        self.cut.iter_mut().for_each(|place| files.move_place(place));
        self.events.iter_mut().for_each(|event| event.renumber(files, facts));
    }
}

impl Event {
    fn renumber(&mut self, files: &MovedFiles, facts: &MovedFacts) {
        match self {
            Self::Read(read) => files.move_place(&mut read.place),
            Self::Set(access) => files.move_place(&mut access.place),
            Self::Export(export) => {
                files.move_place(&mut export.place);
                export.at = facts.change(export.at);
            }
            Self::Trigger(trigger) => {
                files.move_place(&mut trigger.place);
                files.move_place(&mut trigger.name_place);
                trigger.at = facts.change(trigger.at);
                if let Some(Cause::Secret(secret)) = &mut trigger.unknown {
                    *secret = secret.moved(files);
                }
            }
            Self::ShellExport(export) => files.move_place(&mut export.place),
            Self::ShellRead(read) => files.move_place(&mut read.place),
            Self::Suspicious(suspicious) => files.move_place(&mut suspicious.place),
            Self::Opaque(opaque) => files.move_place(&mut opaque.place),
            Self::Program(place) => files.move_place(place),
            Self::Missing(missing) => files.move_place(&mut missing.place),
            Self::Made(_) | Self::MadeAnything | Self::Built => {}
        }
    }
}
