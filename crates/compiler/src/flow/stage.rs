//! What one stage does.

use compact_str::CompactString;
use rustc_hash::FxHashSet;

use super::certainty::Certainty;
use super::facts::{ChangeId, Fact, SubjectId};
use super::{Cause, Subjected};
use crate::config::Stage;
use crate::platform;
use crate::platform::StoreKind;
use crate::source::Location;

/// Something that the script of a stage, or a script that it runs, does.
#[derive(Debug, Clone)]
pub enum Event {
    /// It reads a key.
    Read(Read),
    /// It sets a key.
    Set(Access),
    /// It exports a key.
    Export(Export),
    /// It triggers.
    Trigger(Box<Trigger>),
    /// It gives its children a variable of the shell.
    ShellExport(ShellExport),
    /// It reads a variable of the shell that it has not set.
    ShellRead(ShellRead),
    /// A command does something else than it seems to.
    Suspicious(Box<Suspicious>),
    /// A call cannot be followed.
    Opaque(Box<Opaque>),
    /// A program runs that may read the store by itself: an interpreter, a build tool.
    Program(Location),
    /// A script is not there.
    Missing(Box<MissingScript>),
    /// A file or folder of this name, or path, may be made: it will not be missed.
    Made(CompactString),
    /// Files of any name may be made.
    MadeAnything,
    /// Files of any name may be built, in folders of their own.
    Built,
}

/// Everything that the script of a stage, with all scripts that it runs, does to and with the store, in order.
#[derive(Debug, Default)]
pub struct StageFlow {
    /// One log of all.
    pub events: Vec<Event>,
    /// Where the events of each kind stand in it: rules ask for one kind.
    pub(super) by_kind: ByKind,
    /// What later stages find.
    pub end: Vec<(SubjectId, Fact)>,
    /// Whether what it does depends on the pipeline that runs it.
    pub depends_on_pipeline: bool,
    /// Where it became too much to be followed further.
    pub cut: Option<Location>,
}

/// The kinds of event that are asked for, each by itself.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Read,
    Set,
    Export,
    Trigger,
    ShellExport,
    ShellRead,
    Suspicious,
    Opaque,
    Program,
    Other,
}

impl Kind {
    const COUNT: usize = Self::Other as usize + 1;

    fn of(event: &Event) -> Self {
        match event {
            Event::Read(_) => Self::Read,
            Event::Set(_) => Self::Set,
            Event::Export(_) => Self::Export,
            Event::Trigger(_) => Self::Trigger,
            Event::ShellExport(_) => Self::ShellExport,
            Event::ShellRead(_) => Self::ShellRead,
            Event::Suspicious(_) => Self::Suspicious,
            Event::Opaque(_) => Self::Opaque,
            Event::Program(_) => Self::Program,
            Event::Missing(_) | Event::Made(_) | Event::MadeAnything | Event::Built => Self::Other,
        }
    }
}

/// Places in a log, those of one kind behind each other.
#[derive(Debug, Default)]
pub(super) struct ByKind {
    places: Box<[u32]>,
    /// Where each kind begins.
    starts: [u32; Kind::COUNT + 1],
}

impl ByKind {
    fn of(events: &[Event]) -> Self {
        let mut starts = [0; Kind::COUNT + 1];
        for event in events {
            starts[Kind::of(event) as usize + 1] += 1;
        }
        for kind in 0..Kind::COUNT {
            starts[kind + 1] += starts[kind];
        }
        let (mut next, mut places) = (starts, vec![0; events.len()]);
        for (at, event) in events.iter().enumerate() {
            let next = &mut next[Kind::of(event) as usize];
            places[*next as usize] = at as u32;
            *next += 1;
        }
        Self { places: places.into(), starts }
    }

    fn places(&self, kind: Kind) -> &[u32] {
        let [from, to] = [self.starts[kind as usize], self.starts[kind as usize + 1]];
        &self.places[from as usize..to as usize]
    }
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident: $kind:ident = $type:ty),* $(,)?) => {
        impl StageFlow {
            $($(#[$doc])*
            pub fn $name(&self) -> impl DoubleEndedIterator<Item = &$type> {
                self.by_kind.places(Kind::$kind).iter().filter_map(|at| match &self.events[*at as usize] {
                    Event::$kind(event) => {
                        let event: &$type = event;
                        Some(event)
                    }
                    _ => None,
                })
            })*
        }
    };
}

events![
    /// What it reads.
    reads: Read = Read,
    /// What it sets.
    sets: Set = Access,
    /// What it exports; `None` for a key that is not known.
    exports: Export = Export,
    /// Variables of the shell that it gives its children.
    shell_exports: ShellExport = ShellExport,
    /// Variables of the shell that it reads, and has not set.
    shell_reads: ShellRead = ShellRead,
    /// Commands that do something else than they seem to.
    suspicious: Suspicious = Suspicious,
    /// Calls that cannot be followed.
    opaque: Opaque = Opaque,
    /// Programs whose code is not followed.
    programs: Program = Location,
];

impl StageFlow {
    /// What it triggers.
    pub fn triggers(&self) -> impl DoubleEndedIterator<Item = &Trigger> {
        self.by_kind.places(Kind::Trigger).iter().filter_map(|at| match &self.events[*at as usize] {
            Event::Trigger(trigger) => Some(&**trigger),
            _ => None,
        })
    }

    /// Whether it may start any async stage: by a name that cannot be computed, or in code that cannot be followed.
    pub fn may_trigger_anything(&self) -> bool {
        let of_platform = |script| platform::may_trigger(script, Some("owasp-zap"));
        self.triggers().any(|trigger| trigger.unknown.is_some())
            || self.opaque().any(|opaque| opaque.platform_script.as_ref().is_none_or(|script| of_platform(script)))
    }

    /// Scripts that are not there, and that nothing before in the stage asks for or may bring.
    pub fn missing(&self) -> Vec<&MissingScript> {
        let mut made: FxHashSet<&str> = FxHashSet::default();
        let (mut is_anything, mut is_built) = (false, false);
        let mut missing = Vec::new();
        for event in &self.events {
            match event {
                Event::Made(name) => {
                    made.insert(name);
                }
                Event::MadeAnything => is_anything = true,
                Event::Built => is_built = true,
                Event::Missing(script) if script.leaves => missing.push(&**script),
                Event::Missing(script) if script.is_guarded || is_anything || (is_built && !script.is_in_folder) => {}
                Event::Missing(script) if is_made(&script.path, |name| made.contains(name)) => {}
                Event::Missing(script) => missing.push(&**script),
                _ => {}
            }
        }
        missing
    }

    /// Names of files and folders that it may make: what stages clone, later stages find.
    pub fn made(&self) -> impl Iterator<Item = &str> {
        self.events.iter().filter_map(|event| match event {
            Event::Made(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether it may make files of any name, or, if so, in folders that the repository does not have.
    pub fn makes_anything(&self, in_own_folders: bool) -> bool {
        self.events.iter().any(|event| matches!(event, Event::MadeAnything) || (in_own_folders && matches!(event, Event::Built)))
    }

    /// Gives reads and triggers their places in the order; from here on each kind can be asked for.
    pub(super) fn close_log(&mut self) {
        self.events.shrink_to_fit();
        self.by_kind = ByKind::of(&self.events);
        for (index, event) in self.events.iter_mut().enumerate() {
            match event {
                Event::Read(read) => read.order = index as u32,
                Event::Trigger(trigger) => trigger.order = index as u32,
                _ => {}
            }
        }
    }
}

/// Whether a path, or a folder that it leads through, has a name of these.
pub fn is_made(path: &str, has: impl Fn(&str) -> bool) -> bool {
    has(path) || path.split('/').any(has)
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
    /// What happens where the key is not there.
    pub without: WithoutKey,
    /// Whether the stage has set the key itself by then.
    pub own: Option<Certainty>,
    /// Where it stands in the order of all that the stage does.
    pub order: u32,
}

impl Read {
    /// Whether the script copes with the key not being there.
    pub fn is_soft(&self) -> bool {
        self.without == WithoutKey::GoesOn || self.own.is_some()
    }

    /// Whether the read fails where the key is not there, and nothing in the stage gives it one.
    pub fn needs_key(&self) -> bool {
        self.without == WithoutKey::Fails && self.own.is_none()
    }
}

/// What a script does where a key that it reads is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutKey {
    /// The read fails.
    Fails,
    /// It goes on with an empty default: nothing tells that the key is missing.
    GoesOnEmpty,
    /// It has a default, or handles the failure.
    GoesOn,
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

/// A key that is exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// The key; `None` where it is not known.
    pub key: Option<CompactString>,
    /// Where the key stands.
    pub place: Location,
    /// What is known of the store there.
    pub(super) at: ChangeId,
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
    /// Where it stands in the order of all that the stage does.
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

/// `$NAME` that nothing in the stage has set by then, and that has no default.
#[derive(Debug, Clone, PartialEq)]
pub struct ShellRead {
    /// The variable.
    pub name: CompactString,
    /// Where it is read.
    pub place: Location,
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
    /// `set-env key value`, `trigger_task name`: no program has this name, and a command of the store nearly has.
    MisspeltCommand {
        /// As it is written.
        written: CompactString,
        /// What is meant.
        meant: &'static str,
    },
    /// `source folder`.
    SourcesFolder(CompactString),
    /// The platform's `tools/trigger-task`, sourced after the emitted one.
    ReplacesEmitted,
    /// A here-document that the script's end closes.
    OpenHereDocument(CompactString),
    /// `set_env key = value`.
    SpacedPair {
        /// The command.
        command: CompactString,
        /// Before the `=`.
        key: CompactString,
        /// After it.
        value: CompactString,
    },
    /// `export_env key=value`, `export_env key other`: all its words.
    ExportShape(Vec<CompactString>),
    /// `trigger-task` alone.
    TriggerWithoutName,
    /// `trigger-task name more ..`: what stands after the name.
    TriggerOfSeveral(Vec<CompactString>),
}

/// A call that the analysis cannot follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Opaque {
    /// The command.
    pub place: Location,
    /// What it is, in words.
    pub what: CompactString,
    /// The script, where it is the platform's: such scripts read data, and do not export the user's.
    pub platform_script: Option<CompactString>,
}

impl Opaque {
    /// Whether it is the platform's.
    pub fn is_platform(&self) -> bool {
        self.platform_script.is_some()
    }
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
    /// Whether the script goes on without it.
    pub is_guarded: bool,
    /// Whether the repository has the folder that it should stand in.
    pub is_in_folder: bool,
}

impl StageFlow {
    /// A stage whose script is in another language may do anything; one without a script does what the platform does.
    pub(super) fn without_shell(subject: Subjected<'_>, stage: &Stage) -> Self {
        let Some(script) = stage.script else { return Self::default() };
        let span = subject.document.span(script);
        let line = span.slice(subject.text).lines().next().unwrap_or_default();
        let place = Location { file: subject.file, span: crate::source::Span { start: span.start, end: span.start + line.len() as u32 } };
        let opaque = Opaque { place, what: "a script that is not written for the shell".into(), platform_script: None };
        let mut flow = Self { events: vec![Event::Opaque(Box::new(opaque))], ..Self::default() };
        flow.close_log();
        flow
    }
}
