//! What a script can change: cells, each of which holds one thing at any time.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::FxHasher;

use super::super::facts::{Fact, SubjectId};
use super::super::value::folder::Folder;
use super::super::value::{Binding, Cause, Value};
use crate::source::{FileId, Location};
use crate::syntax::shell::Function;

/// A function, and where it stands.
#[derive(Debug, Clone)]
pub(in crate::flow) struct Defined {
    pub(in crate::flow) file: FileId,
    /// The folder of that file, from the repository's root.
    pub(in crate::flow) folder: Option<CompactString>,
    pub(in crate::flow) function: Arc<Function>,
}

impl PartialEq for Defined {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.function, &other.function)
    }
}

/// What a name means where functions of that name were defined.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::flow) struct Functions {
    /// Any of these.
    pub(in crate::flow) options: Vec<Defined>,
    /// Or none: then the name is a command.
    pub(in crate::flow) or_command: bool,
    /// Whether children know them: `export -f`.
    pub(in crate::flow) exported: bool,
}

/// A shell variable.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::flow) struct Variable {
    pub(in crate::flow) binding: Binding,
    /// Whether child processes see it.
    pub(in crate::flow) exported: Toggle,
    /// Of this assignment alone: two readings of it give the same.
    pub(in crate::flow) id: u32,
}

/// What a command finds on its standard input.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::flow) enum Input {
    /// Nothing that the script connects.
    Stage,
    /// This is left to read.
    Text(Value),
}

/// What a shell option is, where it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::flow) enum Flag {
    /// `set -e`.
    ErrorExit,
    /// `set -u`.
    NoUnset,
    /// `shopt -s nocasematch`.
    NoCaseMatch,
    /// `shopt -s extglob`, `nullglob`, `failglob`, `noglob`: patterns mean something else.
    Globbing,
    /// `shopt -s lastpipe`.
    LastPipe,
}

impl Flag {
    pub(super) const COUNT: usize = Self::LastPipe as usize + 1;
}

/// Whether something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::flow) enum Toggle {
    Off,
    On,
    Unknown,
}

impl Toggle {
    /// What is so where either path was taken.
    fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Unknown }
    }

    /// On where something is so.
    pub(in crate::flow) fn when(is_on: bool) -> Self {
        if is_on { Self::On } else { Self::Off }
    }
}

/// When a handler of `trap` runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::flow) enum Signal {
    /// At the end of the shell.
    Exit,
    /// At any time.
    Other,
}

impl Signal {
    pub(super) const COUNT: usize = Self::Other as usize + 1;
}

/// A handler of `trap`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::flow) struct Trap {
    /// The commands.
    pub(in crate::flow) text: Value,
    /// The word that holds them.
    pub(in crate::flow) place: Location,
    /// Whether a function of the process set it: at the end of a substitution bash runs such a one or not, by what the
    /// last command is.
    pub(in crate::flow) is_of_function: bool,
}

impl Trap {
    /// What holds where it is set or not.
    fn or_none(self) -> Self {
        Self { text: Value::text("").or(&self.text), ..self }
    }
}

/// A test whose answer is not known: the same test, of the same values. The lowest bit tells whether it is asked the
/// other way round, the next one whether it is asked of the disk, where the answer may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::flow) struct TestId(pub(in crate::flow) u64);

impl TestId {
    /// The same test, asked the other way round.
    pub(in crate::flow) fn opposite(self) -> Self {
        Self(self.0 ^ 1)
    }

    /// A test of this hash.
    pub(in crate::flow) fn of(hash: u64) -> Self {
        Self(hash & !3)
    }

    /// A test of the disk, of this hash.
    pub(in crate::flow) fn of_disk(hash: u64) -> Self {
        Self(hash & !3 | 2)
    }

    /// A test that is no other one.
    pub(super) fn numbered(number: u32) -> Self {
        Self::of(u64::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(in crate::flow) fn is_of_disk(self) -> bool {
        self.0 & 2 == 2
    }

    /// The test itself, and whether this asks it the other way round.
    pub(super) fn plain(self) -> (Self, bool) {
        (Self(self.0 & !1), self.0 & 1 == 1)
    }
}

/// What is known about the answer of a test.
#[derive(Debug, Clone)]
pub(in crate::flow) enum Answer {
    /// This path is the one of this answer.
    Known(bool),
    /// It was yes on this path, and something ran since that may have changed it.
    WasYes,
    /// Paths of both answers met here. The cells that differ, until they are changed again; and what tells this
    /// meeting from others.
    Met(u32, Arc<Vec<Alternative>>),
}

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(left), Self::Known(right)) => left == right,
            (Self::WasYes, Self::WasYes) => true,
            (Self::Met(left, _), Self::Met(right, _)) => left == right,
            _ => false,
        }
    }
}

/// A cell that depends on the answer of a test.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::flow) struct Alternative {
    pub(super) joined: Cell,
    pub(super) yes: Cell,
    pub(super) no: Cell,
}

/// What a file holds, where it is known.
type Content = Option<Value>;

/// What a script can change.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Fact(SubjectId, Option<Fact>),
    Variable(CompactString, Option<Variable>),
    Function(CompactString, Option<Functions>),
    Folder(Folder),
    /// `$1`, `$2`, ..; `None` where they are not known.
    Arguments(Option<Arc<Vec<Value>>>),
    Input(Input),
    /// What was printed where someone asks for it.
    Output(Option<Value>),
    Trap(Signal, Option<Trap>),
    Flag(Flag, Toggle),
    /// What a file holds that the stage wrote; `None` inside where that is not known.
    File(CompactString, Option<Content>),
    Answer(TestId, Option<Answer>),
}

/// Which cell it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum CellKey<'c> {
    Fact(SubjectId),
    Variable(&'c str),
    Function(&'c str),
    Folder,
    Arguments,
    Input,
    Output,
    Trap(Signal),
    Flag(Flag),
    File(&'c str),
    Answer(TestId),
}

impl Cell {
    /// Nothing for a cell that holds what it holds at first.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = FxHasher::default();
        match self {
            Self::Fact(_, None)
            | Self::Variable(_, None)
            | Self::Function(_, None)
            | Self::Arguments(None)
            | Self::Input(Input::Stage)
            | Self::Output(None)
            | Self::Trap(_, None)
            | Self::Flag(_, Toggle::Off)
            | Self::File(_, None)
            | Self::Answer(_, None) => return 0,
            Self::Fact(subject, Some(fact)) => (0, subject, fact.certainty, &fact.places, &fact.value, fact.is_beside).hash(&mut hasher),
            Self::Variable(name, Some(variable)) => (1, name, &variable.binding, variable.exported).hash(&mut hasher),
            Self::Function(name, Some(functions)) => {
                (2, name, functions.or_command, functions.exported).hash(&mut hasher);
                functions.options.iter().for_each(|defined| Arc::as_ptr(&defined.function).hash(&mut hasher));
            }
            Self::Folder(folder) => (3, folder).hash(&mut hasher),
            Self::Arguments(Some(arguments)) => (4, arguments).hash(&mut hasher),
            Self::Input(input) => (5, input).hash(&mut hasher),
            Self::Output(Some(output)) => (6, output).hash(&mut hasher),
            Self::Trap(signal, Some(trap)) => (7, signal, trap).hash(&mut hasher),
            Self::Flag(flag, toggle) => (8, flag, toggle).hash(&mut hasher),
            Self::File(path, Some(content)) => (9, path, content).hash(&mut hasher),
            Self::Answer(test, Some(Answer::Known(answer))) => (10, test, answer).hash(&mut hasher),
            Self::Answer(test, Some(Answer::WasYes)) => (12, test).hash(&mut hasher),
            Self::Answer(test, Some(Answer::Met(id, _))) => (11, test, id).hash(&mut hasher),
        }
        // The hashes of all cells are joined by exclusive or: each must be spread over all bits.
        hasher.finish().wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    pub(super) fn key(&self) -> CellKey<'_> {
        match self {
            Self::Fact(subject, _) => CellKey::Fact(*subject),
            Self::Variable(name, _) => CellKey::Variable(name),
            Self::Function(name, _) => CellKey::Function(name),
            Self::Folder(_) => CellKey::Folder,
            Self::Arguments(_) => CellKey::Arguments,
            Self::Input(_) => CellKey::Input,
            Self::Output(_) => CellKey::Output,
            Self::Trap(signal, _) => CellKey::Trap(*signal),
            Self::Flag(flag, _) => CellKey::Flag(*flag),
            Self::File(path, _) => CellKey::File(path),
            Self::Answer(test, _) => CellKey::Answer(*test),
        }
    }

    /// What holds where either path was taken. `fresh` is the id of no assignment yet.
    pub(super) fn join(self, other: &Self, fresh: u32) -> Self {
        if self == *other {
            return self;
        }
        match (self, other) {
            (Self::Fact(subject, left), Self::Fact(_, right)) => Self::Fact(subject, Fact::join(left.as_ref(), right.as_ref())),
            (Self::Variable(name, left), Self::Variable(_, right)) => {
                let joined = match (left, right) {
                    (Some(left), Some(right)) => {
                        Variable { binding: left.binding.or(&right.binding), exported: left.exported.or(right.exported), id: fresh }
                    }
                    (Some(only), None) => maybe_unset(&name, &only, fresh),
                    (None, Some(only)) => maybe_unset(&name, only, fresh),
                    (None, None) => return Self::Variable(name, None),
                };
                Self::Variable(name, Some(joined))
            }
            (Self::Function(name, left), Self::Function(_, right)) => {
                let mut joined = left.unwrap_or_else(Functions::command);
                let right = right.clone().unwrap_or_else(Functions::command);
                joined.or_command |= right.or_command;
                joined.exported |= right.exported;
                for defined in right.options {
                    if !joined.options.contains(&defined) {
                        joined.options.push(defined);
                    }
                }
                Self::Function(name, Some(joined))
            }
            (Self::Folder(_), Self::Folder(_)) => Self::Folder(Folder::Unknown),
            (Self::Arguments(left), Self::Arguments(right)) => Self::Arguments(join_arguments(left, right.as_ref())),
            (Self::Input(left), Self::Input(right)) => Self::Input(match (left, right) {
                (Input::Text(left), Input::Text(right)) => Input::Text(left.or(right)),
                _ => Input::Text(Value::unknown(Cause::Expansion)),
            }),
            (Self::Output(left), Self::Output(right)) => Self::Output(match (left, right) {
                (Some(left), Some(right)) => Some(left.or(right)),
                _ => Some(Value::unknown(Cause::Expansion)),
            }),
            (Self::Trap(signal, left), Self::Trap(_, right)) => {
                let joined = match (left, right) {
                    (Some(left), Some(right)) => {
                        let is_of_function = left.is_of_function || right.is_of_function;
                        Some(Trap { text: left.text.or(&right.text), place: left.place, is_of_function })
                    }
                    (Some(only), None) => Some(only.or_none()),
                    (None, Some(only)) => Some(only.clone().or_none()),
                    (None, None) => None,
                };
                Self::Trap(signal, joined)
            }
            (Self::Flag(flag, _), Self::Flag(..)) => Self::Flag(flag, Toggle::Unknown),
            (Self::File(path, left), Self::File(_, right)) => Self::File(
                path,
                Some(match (left.flatten(), right.clone().flatten()) {
                    (Some(left), Some(right)) => Some(left.or(&right)),
                    // A secret may be in it.
                    (Some(only), None) | (None, Some(only)) if only.secret().is_some() => Some(Value::made_of(&only, Cause::Expansion)),
                    _ => None,
                }),
            ),
            (Self::Answer(test, _), Self::Answer(..)) => Self::Answer(test, None),
            (this, _) => this,
        }
    }
}

impl Functions {
    fn command() -> Self {
        Self { options: Vec::new(), or_command: true, exported: false }
    }
}

fn join_arguments(left: Option<Arc<Vec<Value>>>, right: Option<&Arc<Vec<Value>>>) -> Option<Arc<Vec<Value>>> {
    let (left, right) = (left?, right?);
    (left.len() == right.len()).then(|| Arc::new(left.iter().zip(right.iter()).map(|(left, right)| left.clone().or(right)).collect()))
}

/// A variable that one path assigns and the other leaves as the environment has it.
fn maybe_unset(name: &str, variable: &Variable, fresh: u32) -> Variable {
    let unknown = Binding::Scalar(Value::unknown(Cause::Variable(name.into())));
    Variable { binding: variable.binding.or(&unknown), exported: variable.exported.or(Toggle::Unknown), id: fresh }
}
