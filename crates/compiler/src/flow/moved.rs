//! What a stage did, among facts and files that were numbered by others. Each field of an event is named here, so that
//! none is forgotten.

use super::facts::MovedFacts;
use super::stage::{Access, Event, Export, MissingScript, Opaque, Read, ShellExport, ShellRead, StageFlow, Suspicious, Trigger};
use super::value::Cause;
use crate::source::MovedFiles;

impl StageFlow {
    /// Gives all that it speaks of its new number.
    pub(super) fn renumber(&mut self, files: &MovedFiles, facts: &MovedFacts) {
        let Self { events, by_kind: _, end, depends_on_pipeline: _, cut } = self;
        for (subject, fact) in end {
            *subject = facts.subject(*subject);
            fact.move_places(files);
        }
        for event in events {
            event.renumber(files, facts);
        }
        if let Some(place) = cut {
            files.move_place(place);
        }
    }
}

impl Event {
    fn renumber(&mut self, files: &MovedFiles, facts: &MovedFacts) {
        match self {
            Self::Read(Read { place, kind: _, key: _, without: _, own: _, order: _ })
            | Self::Set(Access { place, kind: _, key: _ })
            | Self::ShellExport(ShellExport { place, name: _, is_from_store: _ })
            | Self::ShellRead(ShellRead { place, name: _ })
            | Self::Program(place) => files.move_place(place),
            Self::Export(Export { key: _, place, at }) => {
                files.move_place(place);
                *at = facts.change(*at);
            }
            Self::Trigger(trigger) => {
                let Trigger { place, name_place, names: _, unknown, certain: _, order: _, at } = &mut **trigger;
                files.move_place(place);
                files.move_place(name_place);
                *at = facts.change(*at);
                if let Some(Cause::Secret(secret)) = unknown {
                    *secret = secret.moved(files);
                }
            }
            Self::Suspicious(suspicious) => {
                let Suspicious { place, kind: _ } = &mut **suspicious;
                files.move_place(place);
            }
            Self::Opaque(opaque) => {
                let Opaque { place, what: _, platform_script: _ } = &mut **opaque;
                files.move_place(place);
            }
            Self::Missing(missing) => {
                let MissingScript { place, path: _, leaves: _, is_guarded: _, is_in_folder: _ } = &mut **missing;
                files.move_place(place);
            }
            Self::Made(_) | Self::MadeAnything | Self::Built => {}
        }
    }
}
