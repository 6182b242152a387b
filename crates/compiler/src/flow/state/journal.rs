//! What was changed, so that it can be taken back, and done again.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use super::super::facts::{ChangeId, Facts};
use super::super::value::{Cause, Value};
use super::cell::{Alternative, Answer, Cell, CellKey, Input};
use super::{State, may_change};

/// A point of the journal.
#[derive(Debug, Clone, Copy)]
pub(in crate::flow) struct Mark {
    entries: usize,
    head: ChangeId,
}

/// What a cell holds.
#[derive(Debug)]
pub(super) struct Slot<T> {
    pub(super) value: T,
    /// How long the journal was with its last change; 0 before all changes.
    changed: usize,
}

/// Cells of a kind by what names them. One that was changed stays, whatever it holds.
pub(super) type Slots<K, T> = FxHashMap<K, Slot<Option<T>>>;

/// A change of a cell.
#[derive(Debug)]
pub(super) struct Entry {
    /// What the cell held before.
    old: Cell,
    /// How long the journal was with the change before of the same cell.
    previous: usize,
}

/// The cells that a branch changed, each as it is at its end, in the order of the first change: results never depend on
/// hashing.
#[derive(Debug, Default)]
pub(in crate::flow) struct Delta {
    pub(super) cells: Vec<Cell>,
}

/// What a branch changed, shared by those that go on from it.
pub(in crate::flow) type Branch = Arc<Delta>;

impl Delta {
    /// How many cells it changes.
    pub(in crate::flow) fn len(&self) -> usize {
        self.cells.len()
    }
}

impl<T> Slot<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value, changed: 0 }
    }

    /// Changes the value; returns what was there.
    fn put(&mut self, value: T, changed: usize) -> Self {
        std::mem::replace(self, Self { value, changed })
    }

    /// What was there, as the journal has it.
    fn entry(self, cell: impl FnOnce(T) -> Cell) -> Entry {
        Entry { old: cell(self.value), previous: self.changed }
    }
}

/// What a cell holds, by its name.
pub(super) fn held<'s, K: Hash + Eq + Borrow<Q>, Q: Hash + Eq + ?Sized, T>(slots: &'s Slots<K, T>, key: &Q) -> Option<&'s T> {
    slots.get(key)?.value.as_ref()
}

/// All cells that hold something.
pub(super) fn all_held<K, T>(slots: &Slots<K, T>) -> impl Iterator<Item = (&K, &T)> {
    slots.iter().filter_map(|(key, slot)| Some((key, slot.value.as_ref()?)))
}

/// The names of all cells that hold something, in order.
pub(super) fn names<T>(slots: &Slots<CompactString, T>) -> Vec<CompactString> {
    let mut names: Vec<CompactString> = all_held(slots).map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    names
}

/// Changes a cell; returns what was there.
fn put<K: Hash + Eq, T>(slots: &mut Slots<K, T>, key: K, value: Option<T>, changed: usize) -> Slot<Option<T>> {
    slots.entry(key).or_insert(Slot { value: None, changed: 0 }).put(value, changed)
}

/// What a process did until its end.
pub(in crate::flow) struct ProcessEnd {
    /// What it changed of what stays: the store, files, and by which test the store differs.
    kept: Vec<Cell>,
    /// Where the store stood before it, and at its end.
    start: ChangeId,
    head: ChangeId,
    /// What it left to read.
    input: Input,
}

impl State {
    /// Changes a cell, and notes in the journal what it held.
    pub(super) fn change(&mut self, cell: Cell) {
        let entry = self.put(cell, self.journal.len() + 1);
        self.journal.push(entry);
    }

    /// Equal for equal states: the hashes of all cells that hold something. It is counted where it is asked for, from
    /// where it was asked for last.
    pub(in crate::flow) fn fingerprint(&mut self) -> u64 {
        let (counted, known) = self.fingerprints.last().copied().unwrap_or_default();
        if counted == self.journal.len() {
            return known;
        }
        let changed = self.first_changes(counted);
        let fingerprint = changed.fold(known, |fingerprint, old| fingerprint ^ old.hash() ^ self.current(old.key()).hash());
        self.fingerprints.push((self.journal.len(), fingerprint));
        fingerprint
    }

    /// What the cells held that changed since the journal was so long, in the order of the first change.
    fn first_changes(&self, since: usize) -> impl Iterator<Item = &Cell> {
        self.journal[since..].iter().filter(move |entry| entry.previous <= since).map(|entry| &entry.old)
    }

    /// Changes a cell; a fact is also a change of the store.
    pub(super) fn renew(&mut self, facts: &mut Facts, cell: Cell) {
        match cell {
            Cell::Fact(subject, fact) => {
                self.head = facts.push(self.head, subject, fact.clone());
                self.change(Cell::Fact(subject, fact));
            }
            other => self.change(other),
        }
    }

    /// Changes a cell while the journal is so long.
    fn put(&mut self, cell: Cell, changed: usize) -> Entry {
        match cell {
            Cell::Fact(subject, fact) => put(&mut self.facts, subject, fact, changed).entry(|old| Cell::Fact(subject, old)),
            Cell::Variable(name, variable) => {
                put(&mut self.variables, name.clone(), variable, changed).entry(|old| Cell::Variable(name, old))
            }
            Cell::Function(name, function) => {
                put(&mut self.functions, name.clone(), function, changed).entry(|old| Cell::Function(name, old))
            }
            Cell::Folder(folder) => self.folder.put(folder, changed).entry(Cell::Folder),
            Cell::Arguments(arguments) => self.arguments.put(arguments, changed).entry(Cell::Arguments),
            Cell::Input(input) => self.input.put(input, changed).entry(Cell::Input),
            Cell::Output(output) => self.output.put(output, changed).entry(Cell::Output),
            Cell::Trap(signal, trap) => self.traps[signal as usize].put(trap, changed).entry(|old| Cell::Trap(signal, old)),
            Cell::Flag(flag, toggle) => self.flags[flag as usize].put(toggle, changed).entry(|old| Cell::Flag(flag, old)),
            Cell::File(path, content) => put(&mut self.files, path.clone(), content, changed).entry(|old| Cell::File(path, old)),
            Cell::Answer(test, answer) => {
                let may_change = |answer: Option<&Answer>| usize::from(test.is_of_disk() && may_change(answer));
                self.of_disk += may_change(answer.as_ref());
                let old = match answer {
                    Some(answer) => self.answers.insert(test, answer),
                    None => self.answers.remove(&test),
                };
                self.of_disk -= may_change(old.as_ref());
                let previous = self.answered.insert(test, changed).unwrap_or_default();
                Entry { old: Cell::Answer(test, old), previous }
            }
        }
    }

    pub(in crate::flow) fn mark(&self) -> Mark {
        Mark { entries: self.journal.len(), head: self.head }
    }

    /// What changed since the mark.
    pub(in crate::flow) fn delta(&self, mark: Mark) -> Branch {
        let cells = self.first_changes(mark.entries).map(|old| self.current(old.key()));
        Arc::new(Delta { cells: cells.collect() })
    }

    /// Takes everything since the mark back, and returns what it was.
    pub(in crate::flow) fn take_back(&mut self, mark: Mark) -> Branch {
        let delta = self.delta(mark);
        self.undo(mark);
        delta
    }

    /// Takes everything since the mark back.
    pub(in crate::flow) fn undo(&mut self, mark: Mark) {
        while self.journal.len() > mark.entries {
            if let Some(entry) = self.journal.pop() {
                self.put(entry.old, entry.previous);
            }
        }
        self.head = mark.head;
        let is_counted = |(entries, _): &(usize, u64)| *entries <= mark.entries;
        if !self.fingerprints.last().is_none_or(is_counted) {
            while !self.fingerprints.last().is_none_or(is_counted) {
                self.fingerprints.pop();
            }
            // Other branches that begin here will ask again.
            self.fingerprint();
        }
    }

    /// Makes the changes of a delta again. Where it began at the same change of the store, it ends where it ended.
    pub(in crate::flow) fn redo(&mut self, facts: &mut Facts, delta: &Delta, end: Option<ChangeId>) {
        for cell in &delta.cells {
            match end {
                Some(_) => self.change(cell.clone()),
                None => self.renew(facts, cell.clone()),
            }
        }
        if let Some(end) = end {
            self.head = end;
        }
    }

    /// Takes everything back that a process did since the mark.
    pub(in crate::flow) fn end_process(&mut self, mark: Mark) -> ProcessEnd {
        let (head, input) = (self.head, self.input.value.clone());
        let stays = self.first_changes(mark.entries).filter(|old| matches!(old, Cell::Fact(..) | Cell::File(..) | Cell::Answer(..)));
        let mut kept: Vec<Cell> = stays.map(|old| self.current(old.key())).collect();
        kept.retain_mut(outlives_process);
        self.undo(mark);
        ProcessEnd { kept, start: mark.head, head, input }
    }

    /// Goes on behind a process that ended at any of `ends`. `output` is what it printed, where someone asks.
    pub(in crate::flow) fn leave_process(
        &mut self,
        process: &ProcessEnd,
        facts: &mut Facts,
        ends: &[ChangeId],
        output: Option<&Value>,
        shares_input: bool,
    ) {
        let is_one = matches!(ends, [only] if *only == process.head);
        let merged = (!is_one).then(|| facts.merge_ends(process.start, ends));
        for cell in &process.kept {
            match cell {
                Cell::File(path, content) => {
                    let content = content.clone().flatten().filter(|_| is_one);
                    self.change(Cell::File(path.clone(), Some(content)));
                }
                Cell::Fact(..) | Cell::Answer(..) if merged.is_none() => self.change(cell.clone()),
                _ => {}
            }
        }
        match merged {
            // One way through: its changes simply stay.
            None => self.head = process.head,
            Some(merged) => {
                for (subject, fact) in merged {
                    let fact = fact.then(held(&self.facts, &subject));
                    self.set_fact(facts, subject, fact);
                }
            }
        }
        // What it read of the common input is gone.
        if shares_input && process.input != self.input.value && matches!(self.input.value, Input::Text(_)) {
            self.set_input(if is_one { process.input.clone() } else { Input::Text(Value::unknown(Cause::Expansion)) });
        }
        if self.output.value.is_some() && output.is_some() && self.output.value.as_ref() != output {
            self.set_output(output.cloned());
        }
    }

    pub(super) fn current(&self, key: CellKey<'_>) -> Cell {
        match key {
            CellKey::Fact(subject) => Cell::Fact(subject, held(&self.facts, &subject).cloned()),
            CellKey::Variable(name) => Cell::Variable(name.into(), held(&self.variables, name).cloned()),
            CellKey::Function(name) => Cell::Function(name.into(), held(&self.functions, name).cloned()),
            CellKey::Folder => Cell::Folder(self.folder.value.clone()),
            CellKey::Arguments => Cell::Arguments(self.arguments.value.clone()),
            CellKey::Input => Cell::Input(self.input.value.clone()),
            CellKey::Output => Cell::Output(self.output.value.clone()),
            CellKey::Trap(signal) => Cell::Trap(signal, self.trap(signal).cloned()),
            CellKey::Flag(flag) => Cell::Flag(flag, self.flag(flag)),
            CellKey::File(path) => Cell::File(path.into(), held(&self.files, path).cloned()),
            CellKey::Answer(test) => Cell::Answer(test, self.answer(test).cloned()),
        }
    }
}

/// Cuts a cell down to what is still so behind the end of a process; false where nothing is left.
fn outlives_process(cell: &mut Cell) -> bool {
    match cell {
        Cell::Answer(_, Some(Answer::Met(_, alternatives))) => {
            let of_store = |alternative: &&Alternative| matches!(alternative.joined, Cell::Fact(..));
            let kept: Vec<Alternative> = alternatives.iter().filter(of_store).cloned().collect();
            *alternatives = Arc::new(kept);
            !alternatives.is_empty()
        }
        Cell::Answer(..) => false,
        _ => true,
    }
}
