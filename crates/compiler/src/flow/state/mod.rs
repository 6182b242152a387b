//! The state of a running script, with a journal: branches are run, taken back, and joined at the cost of
//! what they changed.

mod cell;
mod join;
mod journal;

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::facts::{ChangeId, Fact, Facts, SubjectId};
use super::value::folder::Folder;
use super::value::{Binding, Value};
use cell::Cell;
pub(super) use cell::{Answer, Defined, Flag, Functions, Input, Signal, TestId, Toggle, Trap, Variable};
pub(super) use journal::{Branch, Mark};
use journal::{Entry, Slot, Slots, all_held, held, names};

/// So many facts, and so many variables, have room from the beginning.
const USUAL: usize = 14;

/// The state of one stage while it is interpreted.
#[derive(Debug)]
pub(super) struct State {
    facts: Slots<SubjectId, Fact>,
    variables: Slots<CompactString, Variable>,
    functions: Slots<CompactString, Functions>,
    folder: Slot<Folder>,
    arguments: Slot<Option<Arc<Vec<Value>>>>,
    input: Slot<Input>,
    output: Slot<Option<Value>>,
    traps: [Slot<Option<Trap>>; Signal::COUNT],
    flags: [Slot<Toggle>; Flag::COUNT],
    files: Slots<CompactString, Option<Value>>,
    /// Only those that are known: all of them are looked through.
    answers: FxHashMap<TestId, Answer>,
    /// How long the journal was with the last change of each.
    answered: FxHashMap<TestId, usize>,
    /// How many of them are forgotten where the disk changes.
    of_disk: usize,
    head: ChangeId,
    /// What each cell held that was changed.
    journal: Vec<Entry>,
    /// The fingerprints that were asked for, and how long the journal was.
    fingerprints: Vec<(usize, u64)>,
    /// The id of the next assignment.
    next_id: u32,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            facts: Slots::with_capacity_and_hasher(USUAL, FxBuildHasher),
            variables: Slots::with_capacity_and_hasher(USUAL, FxBuildHasher),
            functions: Slots::default(),
            folder: Slot::new(Folder::root()),
            arguments: Slot::new(None),
            input: Slot::new(Input::Stage),
            output: Slot::new(None),
            traps: std::array::from_fn(|_| Slot::new(None)),
            flags: std::array::from_fn(|_| Slot::new(Toggle::Off)),
            files: Slots::default(),
            answers: FxHashMap::with_capacity_and_hasher(USUAL, FxBuildHasher),
            answered: FxHashMap::with_capacity_and_hasher(USUAL, FxBuildHasher),
            of_disk: 0,
            head: ChangeId::ROOT,
            journal: Vec::with_capacity(8 * USUAL),
            fingerprints: Vec::new(),
            next_id: 1,
        }
    }

    /// The last change to the store.
    pub(super) fn head(&self) -> ChangeId {
        self.head
    }

    pub(super) fn fact(&self, subject: SubjectId) -> Option<&Fact> {
        held(&self.facts, &subject)
    }

    pub(super) fn set_fact(&mut self, facts: &mut Facts, subject: SubjectId, fact: Fact) {
        self.head = facts.push(self.head, subject, Some(fact.clone()));
        self.change(Cell::Fact(subject, Some(fact)));
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Binding> {
        held(&self.variables, name).map(|variable| &variable.binding)
    }

    /// What tells this assignment of the variable from others.
    pub(super) fn variable_id(&self, name: &str) -> Option<u32> {
        held(&self.variables, name).map(|variable| variable.id)
    }

    /// The names of all variables that scripts assigned.
    pub(super) fn variable_names(&self) -> Vec<CompactString> {
        names(&self.variables)
    }

    /// Assigns a variable; once exported, it stays so. What the environment may have had, children may see.
    pub(super) fn set_variable(&mut self, name: &str, binding: Binding, exported: bool) {
        let before = held(&self.variables, name).map_or(Toggle::Unknown, |variable| variable.exported);
        self.put_variable(name, Some((binding, if exported { Toggle::On } else { before })));
    }

    /// Gives a variable a value and says whether children see it; nothing: unsets it.
    pub(super) fn put_variable(&mut self, name: &str, value: Option<(Binding, Toggle)>) {
        let id = self.next_id;
        self.next_id += 1;
        self.change(Cell::Variable(name.into(), value.map(|(binding, exported)| Variable { binding, exported, id })));
    }

    /// Gives a variable back what it held before, as at the end of a function.
    pub(super) fn restore_variable(&mut self, name: &str, variable: Option<Variable>) {
        self.change(Cell::Variable(name.into(), variable));
    }

    pub(super) fn saved_variable(&self, name: &str) -> Option<Variable> {
        held(&self.variables, name).cloned()
    }

    /// Variables that a child process does not see, or may not see, and whether that is sure.
    pub(super) fn unexported(&self) -> Vec<(CompactString, bool)> {
        let unexported = all_held(&self.variables).filter(|(_, variable)| variable.exported != Toggle::On);
        let mut names: Vec<_> = unexported.map(|(name, variable)| (name.clone(), variable.exported == Toggle::Off)).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn functions(&self, name: &str) -> Option<&Functions> {
        held(&self.functions, name)
    }

    pub(super) fn function_names(&self) -> Vec<CompactString> {
        names(&self.functions)
    }

    pub(super) fn define(&mut self, name: CompactString, functions: Option<Functions>) {
        self.change(Cell::Function(name, functions));
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder.value
    }

    pub(super) fn set_folder(&mut self, folder: Folder) {
        self.change(Cell::Folder(folder));
    }

    pub(super) fn arguments(&self) -> Option<&Arc<Vec<Value>>> {
        self.arguments.value.as_ref()
    }

    pub(super) fn set_arguments(&mut self, arguments: Option<Arc<Vec<Value>>>) {
        self.change(Cell::Arguments(arguments));
    }

    pub(super) fn input(&self) -> &Input {
        &self.input.value
    }

    pub(super) fn set_input(&mut self, input: Input) {
        self.change(Cell::Input(input));
    }

    pub(super) fn output(&self) -> Option<&Value> {
        self.output.value.as_ref()
    }

    pub(super) fn set_output(&mut self, output: Option<Value>) {
        self.change(Cell::Output(output));
    }

    pub(super) fn trap(&self, signal: Signal) -> Option<&Trap> {
        self.traps[signal as usize].value.as_ref()
    }

    pub(super) fn set_trap(&mut self, signal: Signal, trap: Option<Trap>) {
        self.change(Cell::Trap(signal, trap));
    }

    pub(super) fn flag(&self, flag: Flag) -> Toggle {
        self.flags[flag as usize].value
    }

    pub(super) fn set_flag(&mut self, flag: Flag, toggle: Toggle) {
        self.change(Cell::Flag(flag, toggle));
    }

    /// What the stage wrote to a file: nothing where it did not, `Some(None)` where that is not known.
    pub(super) fn file(&self, path: &str) -> Option<&Option<Value>> {
        held(&self.files, path)
    }

    pub(super) fn set_file(&mut self, path: CompactString, content: Option<Value>) {
        self.change(Cell::File(path, Some(content)));
    }

    /// What is known about the answer of a test on this path.
    pub(super) fn answer(&self, test: TestId) -> Option<&Answer> {
        self.answers.get(&test)
    }

    /// Whether paths of both answers met here.
    pub(super) fn has_met(&self, test: TestId) -> bool {
        matches!(self.answer(test.plain().0), Some(Answer::Met(..)))
    }

    /// Goes on where what stands on the disk may have changed.
    pub(super) fn forget_disk(&mut self) {
        if self.of_disk == 0 {
            return;
        }
        let asked = self.answers.iter().filter(|(test, answer)| test.is_of_disk() && may_change(Some(answer)));
        let mut asked: Vec<(TestId, bool)> = asked.map(|(test, answer)| (*test, *answer == Answer::Known(true))).collect();
        asked.sort_unstable();
        for (test, was_yes) in asked {
            self.change(Cell::Answer(test, was_yes.then_some(Answer::WasYes)));
        }
    }
}

/// Whether an answer is forgotten where the disk changes.
fn may_change(answer: Option<&Answer>) -> bool {
    matches!(answer, Some(Answer::Known(_) | Answer::Met(..)))
}
