//! What one stage does.

use compact_str::CompactString;
use rustc_hash::FxHashSet;

use super::facts::{Certainty, ChangeId, Fact, SubjectId};
use super::{Cause, Subjected};
use crate::config::Stage;
use crate::platform::StoreKind;
use crate::source::Location;

/// Everything that the script of a stage, with all scripts that it runs, does to and with the store.
#[derive(Debug, Default)]
pub struct StageFlow {
    /// What it reads, in order.
    pub reads: Vec<Read>,
    /// What it sets, in order.
    pub sets: Vec<Access>,
    /// What it exports, in order; `None` for a key that is not known.
    pub exports: Vec<Access>,
    /// What it triggers, in order.
    pub triggers: Vec<Trigger>,
    /// Variables of the shell that it gives its children, in order.
    pub shell_exports: Vec<ShellExport>,
    /// Commands that do something else than they seem to, in order.
    pub suspicious: Vec<Suspicious>,
    /// Calls that cannot be followed.
    pub opaque: Vec<Opaque>,
    /// Programs that may read the store by themselves: interpreters and build tools, whose code is not followed.
    pub programs: Vec<Location>,
    /// Scripts that are not there.
    pub missing: Vec<MissingScript>,
    /// Names of files and folders that it may make: what stages clone, later stages find.
    pub created: FxHashSet<CompactString>,
    /// What later stages find.
    pub end: Vec<(SubjectId, Fact)>,
    /// Whether what it does depends on the pipeline that runs it.
    pub depends_on_pipeline: bool,
}

/// A key that is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// From which part of the store.
    pub kind: StoreKind,
    /// The key; `None` where it is not known.
    pub key: Option<CompactString>,
    /// Where the key stands.
    pub place: Location,
    /// Whether the script goes on without the key: a default, or `|| ..` behind it.
    pub has_default: bool,
    /// Whether the stage has set the key itself by then.
    pub own: Option<Certainty>,
    /// Larger than that of everything that the stage did before.
    pub order: u32,
}

impl Read {
    /// Whether the script copes with the key not being there.
    pub fn is_soft(&self) -> bool {
        self.has_default || self.own.is_some()
    }
}

/// A key that is set or exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// In which part of the store.
    pub kind: StoreKind,
    /// The key; `None` where it is not known.
    pub key: Option<CompactString>,
    /// Where the key stands.
    pub place: Location,
}

/// A place that triggers async stages.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// The whole command.
    pub place: Location,
    /// The word that names the stage; the command where there is none.
    pub name_place: Location,
    /// The names that it can be, as far as they are known.
    pub names: Vec<CompactString>,
    /// Why it can be others.
    pub unknown: Option<Cause>,
    /// Whether every path through the stage comes by.
    pub certain: bool,
    /// Larger than that of everything that the stage did before.
    pub order: u32,
    /// What is known of the store there.
    pub(super) at: ChangeId,
}

/// `export NAME=..`.
#[derive(Debug, Clone, PartialEq)]
pub struct ShellExport {
    /// The variable.
    pub name: CompactString,
    /// Where its name stands.
    pub place: Location,
    /// Whether it only hands on what the store holds.
    pub is_from_store: bool,
}

/// A command that does something else than it seems to.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspicious {
    /// Where.
    pub place: Location,
    /// What it is.
    pub kind: SuspiciousKind,
}

/// What is suspicious about a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuspiciousKind {
    /// `set_env key=value`: one argument is a key, and the value is read from standard input.
    PairInOneWord {
        /// The command.
        command: CompactString,
        /// Before the `=`.
        key: CompactString,
        /// Behind it.
        value: CompactString,
    },
    /// `source folder`.
    SourcesFolder(CompactString),
    /// A here-document that the script's end closes.
    OpenHereDocument(CompactString),
}

/// A call that the analysis cannot follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Opaque {
    /// The command.
    pub place: Location,
    /// What it is, in words.
    pub what: CompactString,
    /// Whether it is the platform's: such scripts read data, and do not export the user's.
    pub is_platform: bool,
}

/// A script path that leads to nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct MissingScript {
    /// The word that names it.
    pub place: Location,
    /// The path, from the repository's root where it is known.
    pub path: CompactString,
    /// Whether it leads out of the repository.
    pub leaves: bool,
}

impl StageFlow {
    /// A stage whose script is in another language may do anything; one without a script does what the platform does.
    pub(super) fn without_shell(subject: Subjected<'_>, stage: &Stage) -> Self {
        let Some(script) = stage.script else { return Self::default() };
        let span = subject.document.span(script);
        let line = span.slice(subject.text).lines().next().unwrap_or_default();
        let place = Location { file: subject.file, span: crate::source::Span { start: span.start, end: span.start + line.len() as u32 } };
        let opaque = Opaque { place, what: "a script that is not written for the shell".into(), is_platform: false };
        Self { opaque: vec![opaque], ..Self::default() }
    }
}
