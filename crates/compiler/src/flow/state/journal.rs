//! What was changed, so that it can be taken back, and done again.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::facts::{ChangeId, Facts};
use super::super::value::{Cause, Value};
use super::cell::{Alternative, Answer, Cell, CellKey, Input, Toggle};
use super::{State, may_change};

/// Up to this many changes are searched one by one.
const FEW: usize = 8;

/// A point of the journal.
#[derive(Debug, Clone, Copy)]
pub(in crate::flow) struct Mark {
    entries: usize,
    head: ChangeId,
}

/// What a branch changed, in the order of the first change, so that results never depend on hashing.
#[derive(Debug, Default)]
pub(in crate::flow) struct Delta {
    pub(super) cells: Vec<(CellKey, Cell)>,
    /// Where each cell stands, where there are many.
    index: FxHashMap<CellKey, usize>,
}

/// What a branch changed, shared by those that go on from it.
pub(in crate::flow) type Branch = Arc<Delta>;

impl Delta {
    /// How many cells it changes.
    pub(in crate::flow) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn get(&self, key: &CellKey) -> Option<&Cell> {
        if self.index.is_empty() {
            return self.cells.iter().find(|(own, _)| own == key).map(|(_, cell)| cell);
        }
        self.index.get(key).map(|at| &self.cells[*at].1)
    }
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
        let old = self.put(cell);
        self.journal.push(old);
    }

    /// Equal for equal states: the hashes of all cells that hold something. It is counted where it is asked for, from
    /// where it was asked for last.
    pub(in crate::flow) fn fingerprint(&mut self) -> u64 {
        let (counted, known) = self.fingerprints.last().copied().unwrap_or_default();
        if counted == self.journal.len() {
            return known;
        }
        let changed = self.first_changes(counted).into_iter();
        let fingerprint = changed.fold(known, |fingerprint, (key, old)| fingerprint ^ old.hash() ^ self.current(&key).hash());
        self.fingerprints.push((self.journal.len(), fingerprint));
        fingerprint
    }

    /// The cells that changed since the journal was so long, in the order of the first change, and what they held.
    fn first_changes(&self, since: usize) -> Vec<(CellKey, &Cell)> {
        let entries = &self.journal[since..];
        let mut changes: Vec<(CellKey, &Cell)> = Vec::with_capacity(entries.len().min(FEW));
        if entries.len() <= FEW {
            for old in entries {
                let key = old.key();
                if changes.iter().all(|(known, _)| *known != key) {
                    changes.push((key, old));
                }
            }
            return changes;
        }
        let mut seen: FxHashSet<CellKey> = FxHashSet::default();
        for old in entries {
            let key = old.key();
            if seen.insert(key.clone()) {
                changes.push((key, old));
            }
        }
        changes
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

    /// Changes a cell; returns what it held.
    fn put(&mut self, cell: Cell) -> Cell {
        match cell {
            Cell::Fact(subject, fact) => Cell::Fact(subject, put(&mut self.facts, subject, fact)),
            Cell::Variable(name, variable) => Cell::Variable(name.clone(), put(&mut self.variables, name, variable)),
            Cell::Function(name, function) => Cell::Function(name.clone(), put(&mut self.functions, name, function)),
            Cell::Folder(folder) => Cell::Folder(std::mem::replace(&mut self.folder, folder)),
            Cell::Arguments(arguments) => Cell::Arguments(std::mem::replace(&mut self.arguments, arguments)),
            Cell::Input(input) => Cell::Input(std::mem::replace(&mut self.input, input)),
            Cell::Output(output) => Cell::Output(std::mem::replace(&mut self.output, output)),
            Cell::Trap(signal, trap) => Cell::Trap(signal, put(&mut self.traps, signal, trap)),
            Cell::Flag(flag, toggle) => Cell::Flag(flag, put(&mut self.flags, flag, Some(toggle)).unwrap_or(Toggle::Off)),
            Cell::File(path, content) => Cell::File(path.clone(), put(&mut self.files, path, content)),
            Cell::Answer(test, answer) => {
                let may_change = |answer: &Option<Answer>| usize::from(test.is_of_disk() && may_change(answer.as_ref()));
                self.of_disk += may_change(&answer);
                let old = put(&mut self.answers, test, answer);
                self.of_disk -= may_change(&old);
                Cell::Answer(test, old)
            }
        }
    }

    pub(in crate::flow) fn mark(&self) -> Mark {
        Mark { entries: self.journal.len(), head: self.head }
    }

    /// What changed since the mark.
    pub(in crate::flow) fn delta(&self, mark: Mark) -> Branch {
        let changes = self.first_changes(mark.entries).into_iter();
        let cells: Vec<(CellKey, Cell)> = changes.map(|(key, _)| (key.clone(), self.current(&key))).collect();
        let is_few = cells.len() <= FEW;
        let index = if is_few { FxHashMap::default() } else { cells.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect() };
        Arc::new(Delta { cells, index })
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
            if let Some(cell) = self.journal.pop() {
                self.put(cell);
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
        for (_, cell) in &delta.cells {
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
        let (head, input) = (self.head, self.input.clone());
        let changed = self.first_changes(mark.entries).into_iter().map(|(key, _)| key);
        let stays = changed.filter(|key| matches!(key, CellKey::Fact(_) | CellKey::File(_) | CellKey::Answer(_)));
        let mut kept: Vec<Cell> = stays.map(|key| self.current(&key)).collect();
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
                    let fact = fact.then(self.facts.get(&subject));
                    self.set_fact(facts, subject, fact);
                }
            }
        }
        // What it read of the common input is gone.
        if shares_input && process.input != self.input && matches!(self.input, Input::Text(_)) {
            self.set_input(if is_one { process.input.clone() } else { Input::Text(Value::unknown(Cause::Expansion)) });
        }
        if self.output.is_some() && output.is_some() && self.output.as_ref() != output {
            self.set_output(output.cloned());
        }
    }

    pub(super) fn current(&self, key: &CellKey) -> Cell {
        match key {
            CellKey::Fact(subject) => Cell::Fact(*subject, self.facts.get(subject).cloned()),
            CellKey::Variable(name) => Cell::Variable(name.clone(), self.variables.get(name).cloned()),
            CellKey::Function(name) => Cell::Function(name.clone(), self.functions.get(name).cloned()),
            CellKey::Folder => Cell::Folder(self.folder.clone()),
            CellKey::Arguments => Cell::Arguments(self.arguments.clone()),
            CellKey::Input => Cell::Input(self.input.clone()),
            CellKey::Output => Cell::Output(self.output.clone()),
            CellKey::Trap(signal) => Cell::Trap(*signal, self.traps.get(signal).cloned()),
            CellKey::Flag(flag) => Cell::Flag(*flag, self.flag(*flag)),
            CellKey::File(path) => Cell::File(path.clone(), self.files.get(path).cloned()),
            CellKey::Answer(test) => Cell::Answer(*test, self.answers.get(test).cloned()),
        }
    }
}

fn put<K: std::hash::Hash + Eq, V>(map: &mut FxHashMap<K, V>, key: K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
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
