//! The state of a running script, with a journal: branches are run, taken back, and joined at the cost of
//! what they changed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{ChangeId, Fact, Facts, SubjectId};
use super::folder::Folder;
use super::value::{Binding, Cause, Value};
use crate::source::FileId;
use crate::syntax::shell::Function;

/// A function, and the file that it stands in.
#[derive(Debug, Clone)]
pub(super) struct Defined {
    pub(super) file: FileId,
    pub(super) function: Arc<Function>,
}

impl PartialEq for Defined {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.function, &other.function)
    }
}

/// A shell variable.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variable {
    pub(super) binding: Binding,
    /// Whether child processes see it.
    pub(super) exported: bool,
}

/// What a script can change, of which each has a value at any time.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Fact(SubjectId, Option<Fact>),
    Variable(CompactString, Option<Variable>),
    Function(CompactString, Option<Defined>),
    Folder(Folder),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum CellKey {
    Fact(SubjectId),
    Variable(CompactString),
    Function(CompactString),
    Folder,
}

/// A point of the journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    entries: usize,
    head: ChangeId,
}

/// What a branch changed.
#[derive(Debug, Default)]
pub(super) struct Delta {
    cells: FxHashMap<CellKey, Cell>,
    /// In the order of the first change, so that results never depend on hashing.
    order: Vec<CellKey>,
}

/// The state of one stage while it is interpreted.
#[derive(Debug)]
pub(super) struct State {
    facts: FxHashMap<SubjectId, Fact>,
    variables: FxHashMap<CompactString, Variable>,
    functions: FxHashMap<CompactString, Defined>,
    folder: Folder,
    head: ChangeId,
    journal: Vec<Cell>,
    /// Equal for equal states: the hashes of all cells, each counted in or out as it changes.
    fingerprint: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            facts: FxHashMap::default(),
            variables: FxHashMap::default(),
            functions: FxHashMap::default(),
            folder: Folder::root(),
            head: ChangeId::ROOT,
            journal: Vec::new(),
            fingerprint: 0,
        }
    }

    /// The last change to the store.
    pub(super) fn head(&self) -> ChangeId {
        self.head
    }

    /// Equal for equal states.
    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    pub(super) fn fact(&self, subject: SubjectId) -> Option<&Fact> {
        self.facts.get(&subject)
    }

    pub(super) fn set_fact(&mut self, facts: &mut Facts, subject: SubjectId, fact: Fact) {
        self.head = facts.push(self.head, subject, fact.clone());
        self.change(Cell::Fact(subject, Some(fact)));
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Binding> {
        self.variables.get(name).map(|variable| &variable.binding)
    }

    /// Assigns a variable; once exported, it stays so.
    pub(super) fn set_variable(&mut self, name: &str, binding: Binding, exported: bool) {
        let exported = exported || self.variables.get(name).is_some_and(|variable| variable.exported);
        self.change(Cell::Variable(name.into(), Some(Variable { binding, exported })));
    }

    /// Gives a variable back what it held before, as at the end of a function.
    pub(super) fn restore_variable(&mut self, name: &str, variable: Option<Variable>) {
        self.change(Cell::Variable(name.into(), variable));
    }

    pub(super) fn saved_variable(&self, name: &str) -> Option<Variable> {
        self.variables.get(name).cloned()
    }

    /// Variables that a child process does not see.
    pub(super) fn unexported(&self) -> Vec<CompactString> {
        let mut names: Vec<CompactString> =
            self.variables.iter().filter(|(_, variable)| !variable.exported).map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn function(&self, name: &str) -> Option<&Defined> {
        self.functions.get(name)
    }

    pub(super) fn define(&mut self, name: CompactString, function: Defined) {
        self.change(Cell::Function(name, Some(function)));
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn set_folder(&mut self, folder: Folder) {
        self.change(Cell::Folder(folder));
    }

    /// Changes a cell, and notes in the journal what it held.
    fn change(&mut self, cell: Cell) {
        let old = self.put(cell);
        self.journal.push(old);
    }

    /// Changes a cell; returns what it held.
    fn put(&mut self, cell: Cell) -> Cell {
        let new = cell.hash();
        let old = match cell {
            Cell::Fact(subject, fact) => Cell::Fact(subject, put(&mut self.facts, subject, fact)),
            Cell::Variable(name, variable) => Cell::Variable(name.clone(), put(&mut self.variables, name, variable)),
            Cell::Function(name, function) => Cell::Function(name.clone(), put(&mut self.functions, name, function)),
            Cell::Folder(folder) => Cell::Folder(std::mem::replace(&mut self.folder, folder)),
        };
        self.fingerprint ^= new ^ old.hash();
        old
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { entries: self.journal.len(), head: self.head }
    }

    /// What changed since the mark.
    pub(super) fn delta(&self, mark: Mark) -> Delta {
        let mut delta = Delta::default();
        for entry in &self.journal[mark.entries..] {
            let key = entry.key();
            if !delta.cells.contains_key(&key) {
                delta.cells.insert(key.clone(), self.current(&key));
                delta.order.push(key);
            }
        }
        delta
    }

    /// Takes everything since the mark back, and returns what it was.
    pub(super) fn take_back(&mut self, mark: Mark) -> Delta {
        let delta = self.delta(mark);
        while self.journal.len() > mark.entries {
            if let Some(cell) = self.journal.pop() {
                let _ = self.put(cell);
            }
        }
        self.head = mark.head;
        delta
    }

    /// Takes everything since the mark back but the store: what a process of its own leaves behind.
    pub(super) fn leave_process(&mut self, mark: Mark, facts: &mut Facts, ends: &[ChangeId]) {
        let merged = match ends {
            [only] if *only == self.head => None,
            ends => Some(facts.merge_ends(mark.head, ends)),
        };
        let head = self.head;
        let delta = self.take_back(mark);
        match merged {
            // One way through: its changes simply stay.
            None => {
                for key in delta.order {
                    if let (CellKey::Fact(subject), Some(Cell::Fact(_, Some(fact)))) = (&key, delta.cells.get(&key)) {
                        self.change(Cell::Fact(*subject, Some(fact.clone())));
                    }
                }
                self.head = head;
            }
            Some(merged) => {
                for (subject, fact) in merged {
                    let fact = fact.after(self.facts.get(&subject));
                    self.set_fact(facts, subject, fact);
                }
            }
        }
    }

    /// Makes the changes of a delta again.
    pub(super) fn apply(&mut self, facts: &mut Facts, delta: &Delta) {
        for key in &delta.order {
            match delta.cells.get(key) {
                Some(Cell::Fact(subject, Some(fact))) => self.set_fact(facts, *subject, fact.clone()),
                Some(cell) => self.change(cell.clone()),
                None => {}
            }
        }
    }

    /// Makes the changes of a delta again that began at an equal state, and ends where it ended.
    pub(super) fn replay(&mut self, delta: &Delta, head: ChangeId) {
        for key in &delta.order {
            if let Some(cell) = delta.cells.get(key) {
                self.change(cell.clone());
            }
        }
        self.head = head;
    }

    /// Continues where any of the branches ended, all of which began at the present state.
    pub(super) fn join(&mut self, facts: &mut Facts, branches: &[Delta]) {
        let mut order: Vec<&CellKey> = Vec::new();
        let mut seen: FxHashSet<&CellKey> = FxHashSet::default();
        for key in branches.iter().flat_map(|branch| &branch.order) {
            if seen.insert(key) {
                order.push(key);
            }
        }
        for key in order {
            let base = self.current(key);
            let mut values = branches.iter().map(|branch| branch.cells.get(key).unwrap_or(&base));
            let Some(first) = values.next() else { continue };
            let joined = values.fold(first.clone(), Cell::join);
            if joined == base {
                continue;
            }
            match joined {
                Cell::Fact(subject, Some(fact)) => self.set_fact(facts, subject, fact),
                other => self.change(other),
            }
        }
    }

    fn current(&self, key: &CellKey) -> Cell {
        match key {
            CellKey::Fact(subject) => Cell::Fact(*subject, self.facts.get(subject).cloned()),
            CellKey::Variable(name) => Cell::Variable(name.clone(), self.variables.get(name).cloned()),
            CellKey::Function(name) => Cell::Function(name.clone(), self.functions.get(name).cloned()),
            CellKey::Folder => Cell::Folder(self.folder.clone()),
        }
    }
}

fn put<K: Hash + Eq, V>(map: &mut FxHashMap<K, V>, key: K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    }
}

impl Cell {
    /// Nothing for a cell that holds nothing.
    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self {
            Self::Fact(_, None) | Self::Variable(_, None) | Self::Function(_, None) => return 0,
            Self::Fact(subject, Some(fact)) => (0, subject, fact.certainty, &fact.places, &fact.value).hash(&mut hasher),
            Self::Variable(name, Some(variable)) => (1, name, &variable.binding, variable.exported).hash(&mut hasher),
            Self::Function(name, Some(defined)) => (2, name, Arc::as_ptr(&defined.function)).hash(&mut hasher),
            Self::Folder(folder) => (3, folder).hash(&mut hasher),
        }
        hasher.finish()
    }

    fn key(&self) -> CellKey {
        match self {
            Self::Fact(subject, _) => CellKey::Fact(*subject),
            Self::Variable(name, _) => CellKey::Variable(name.clone()),
            Self::Function(name, _) => CellKey::Function(name.clone()),
            Self::Folder(_) => CellKey::Folder,
        }
    }

    fn join(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Fact(subject, left), Self::Fact(_, right)) => Self::Fact(subject, Fact::join(left.as_ref(), right.as_ref())),
            (Self::Variable(name, left), Self::Variable(_, right)) => {
                let joined = match (left, right) {
                    (Some(left), Some(right)) => {
                        Variable { binding: left.binding.or(&right.binding), exported: left.exported && right.exported }
                    }
                    (Some(only), None) => maybe_unset(&name, &only),
                    (None, Some(only)) => maybe_unset(&name, only),
                    (None, None) => return Self::Variable(name, None),
                };
                Self::Variable(name, Some(joined))
            }
            (Self::Function(name, left), Self::Function(_, right)) => Self::Function(name, left.or_else(|| right.clone())),
            (Self::Folder(left), Self::Folder(right)) => Self::Folder(if left == *right { left } else { Folder::Unknown }),
            (this, _) => this,
        }
    }
}

/// A variable that one path assigns and the other leaves as the environment has it.
fn maybe_unset(name: &str, variable: &Variable) -> Variable {
    let unknown = Binding::Scalar(Value::unknown(Cause::Variable(name.into())));
    Variable { binding: variable.binding.or(&unknown), exported: variable.exported }
}
