//! The state of a running script, with a journal: branches are run, taken back, and joined at the cost of
//! what they changed.

mod cell;

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{ChangeId, Fact, Facts, SubjectId};
use super::value::folder::Folder;
use super::value::{Binding, Cause, Value};
use cell::{Alternative, Cell, CellKey};
pub(super) use cell::{Answer, Defined, Flag, Functions, Input, Signal, TestId, Toggle, Trap, Variable};

/// Up to this many changes are searched one by one.
const FEW: usize = 8;

/// A point of the journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    entries: usize,
    head: ChangeId,
}

/// What a branch changed, in the order of the first change, so that results never depend on hashing.
#[derive(Debug, Default)]
pub(super) struct Delta {
    cells: Vec<(CellKey, Cell)>,
    /// Where each cell stands, where there are many.
    index: FxHashMap<CellKey, usize>,
}

/// What a branch changed, shared by those that go on from it.
pub(super) type Branch = Arc<Delta>;

impl Delta {
    /// How many cells it changes.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    fn get(&self, key: &CellKey) -> Option<&Cell> {
        if self.index.is_empty() {
            return self.cells.iter().find(|(own, _)| own == key).map(|(_, cell)| cell);
        }
        self.index.get(key).map(|at| &self.cells[*at].1)
    }
}

/// Branches that meet, of which some answer a test with yes and all others with no.
struct Meeting {
    test: TestId,
    answers: Vec<bool>,
    alternatives: Vec<Alternative>,
}

impl Meeting {
    /// The test, where it is answered as this is, or just the other way round.
    fn asks(&self, answers: &[bool]) -> Option<TestId> {
        if self.answers == answers {
            return Some(self.test);
        }
        self.answers.iter().zip(answers).all(|(own, other)| own != other).then(|| self.test.opposite())
    }
}

/// What a process did until its end.
pub(super) struct ProcessEnd {
    /// What it changed of what stays: the store, and files.
    kept: Vec<Cell>,
    /// Where the store stood before it, and at its end.
    start: ChangeId,
    head: ChangeId,
    /// What it left to read.
    input: Input,
}

/// The state of one stage while it is interpreted.
#[derive(Debug)]
pub(super) struct State {
    facts: FxHashMap<SubjectId, Fact>,
    variables: FxHashMap<CompactString, Variable>,
    functions: FxHashMap<CompactString, Functions>,
    folder: Folder,
    arguments: Option<Arc<Vec<Value>>>,
    input: Input,
    output: Option<Value>,
    traps: FxHashMap<Signal, Trap>,
    flags: FxHashMap<Flag, Toggle>,
    files: FxHashMap<CompactString, Option<Value>>,
    answers: FxHashMap<TestId, Answer>,
    /// How many of them are forgotten where the disk changes.
    of_disk: usize,
    head: ChangeId,
    /// What each cell held that was changed, and the fingerprint until then.
    journal: Vec<(Cell, u64)>,
    /// Equal for equal states: the hashes of all cells, each counted in or out as it changes.
    fingerprint: u64,
    /// The id of the next assignment.
    next_id: u32,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            facts: FxHashMap::default(),
            variables: FxHashMap::default(),
            functions: FxHashMap::default(),
            folder: Folder::root(),
            arguments: None,
            input: Input::Stage,
            output: None,
            traps: FxHashMap::default(),
            flags: FxHashMap::default(),
            files: FxHashMap::default(),
            answers: FxHashMap::default(),
            of_disk: 0,
            head: ChangeId::ROOT,
            journal: Vec::new(),
            fingerprint: 0,
            next_id: 1,
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
        self.head = facts.push(self.head, subject, Some(fact.clone()));
        self.change(Cell::Fact(subject, Some(fact)));
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Binding> {
        self.variables.get(name).map(|variable| &variable.binding)
    }

    /// What tells this assignment of the variable from others.
    pub(super) fn variable_id(&self, name: &str) -> Option<u32> {
        self.variables.get(name).map(|variable| variable.id)
    }

    /// The names of all variables that scripts assigned.
    pub(super) fn variable_names(&self) -> Vec<CompactString> {
        let mut names: Vec<CompactString> = self.variables.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Assigns a variable; once exported, it stays so. What the environment may have had, children may see.
    pub(super) fn set_variable(&mut self, name: &str, binding: Binding, exported: bool) {
        let before = self.variables.get(name).map_or(Toggle::Unknown, |variable| variable.exported);
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
        self.variables.get(name).cloned()
    }

    /// Variables that a child process does not see, or may not see, and whether that is sure.
    pub(super) fn unexported(&self) -> Vec<(CompactString, bool)> {
        let unexported = self.variables.iter().filter(|(_, variable)| variable.exported != Toggle::On);
        let mut names: Vec<_> = unexported.map(|(name, variable)| (name.clone(), variable.exported == Toggle::Off)).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn functions(&self, name: &str) -> Option<&Functions> {
        self.functions.get(name)
    }

    pub(super) fn function_names(&self) -> Vec<CompactString> {
        let mut names: Vec<CompactString> = self.functions.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    pub(super) fn define(&mut self, name: CompactString, functions: Option<Functions>) {
        self.change(Cell::Function(name, functions));
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn set_folder(&mut self, folder: Folder) {
        self.change(Cell::Folder(folder));
    }

    pub(super) fn arguments(&self) -> Option<&Arc<Vec<Value>>> {
        self.arguments.as_ref()
    }

    pub(super) fn set_arguments(&mut self, arguments: Option<Arc<Vec<Value>>>) {
        self.change(Cell::Arguments(arguments));
    }

    pub(super) fn input(&self) -> &Input {
        &self.input
    }

    pub(super) fn set_input(&mut self, input: Input) {
        self.change(Cell::Input(input));
    }

    pub(super) fn output(&self) -> Option<&Value> {
        self.output.as_ref()
    }

    pub(super) fn set_output(&mut self, output: Option<Value>) {
        self.change(Cell::Output(output));
    }

    pub(super) fn trap(&self, signal: Signal) -> Option<&Trap> {
        self.traps.get(&signal)
    }

    pub(super) fn set_trap(&mut self, signal: Signal, trap: Option<Trap>) {
        self.change(Cell::Trap(signal, trap));
    }

    pub(super) fn flag(&self, flag: Flag) -> Toggle {
        self.flags.get(&flag).copied().unwrap_or(Toggle::Off)
    }

    pub(super) fn set_flag(&mut self, flag: Flag, toggle: Toggle) {
        self.change(Cell::Flag(flag, toggle));
    }

    /// What the stage wrote to a file: nothing where it did not, `Some(None)` where that is not known.
    pub(super) fn file(&self, path: &str) -> Option<&Option<Value>> {
        self.files.get(path)
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

    /// Goes on where a test is answered so: what depended on it is known again.
    pub(super) fn assume(&mut self, facts: &mut Facts, test: TestId, answer: bool) {
        let (test, is_opposite) = test.plain();
        let answer = answer != is_opposite;
        let met = match self.answers.get(&test) {
            Some(Answer::Met(_, alternatives)) => Some(alternatives.clone()),
            _ => None,
        };
        self.change(Cell::Answer(test, Some(Answer::Known(answer))));
        for alternative in met.iter().flat_map(|met| met.iter()) {
            if self.current(&alternative.joined.key()) == alternative.joined {
                let cell = if answer { &alternative.yes } else { &alternative.no };
                self.renew(facts, cell.clone());
            }
        }
    }

    /// Changes a cell, and notes in the journal what it held.
    fn change(&mut self, cell: Cell) {
        let (before, new) = (self.fingerprint, cell.hash());
        let old = self.put(cell);
        self.fingerprint ^= new ^ old.hash();
        self.journal.push((old, before));
    }

    /// Changes a cell; a fact is also a change of the store.
    fn renew(&mut self, facts: &mut Facts, cell: Cell) {
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

    pub(super) fn mark(&self) -> Mark {
        Mark { entries: self.journal.len(), head: self.head }
    }

    /// What changed since the mark.
    pub(super) fn delta(&self, mark: Mark) -> Branch {
        let mut delta = Delta::default();
        let entries = &self.journal[mark.entries..];
        if entries.len() <= FEW {
            for entry in entries {
                let key = entry.0.key();
                if delta.cells.iter().all(|(known, _)| *known != key) {
                    let cell = self.current(&key);
                    delta.cells.push((key, cell));
                }
            }
            return Arc::new(delta);
        }
        for (entry, _) in entries {
            let key = entry.key();
            if !delta.index.contains_key(&key) {
                delta.index.insert(key.clone(), delta.cells.len());
                let cell = self.current(&key);
                delta.cells.push((key, cell));
            }
        }
        Arc::new(delta)
    }

    /// Takes everything since the mark back, and returns what it was.
    pub(super) fn take_back(&mut self, mark: Mark) -> Branch {
        let delta = self.delta(mark);
        self.undo(mark);
        delta
    }

    /// Takes everything since the mark back.
    pub(super) fn undo(&mut self, mark: Mark) {
        if let Some((_, fingerprint)) = self.journal.get(mark.entries) {
            self.fingerprint = *fingerprint;
        }
        while self.journal.len() > mark.entries {
            if let Some((cell, _)) = self.journal.pop() {
                self.put(cell);
            }
        }
        self.head = mark.head;
    }

    /// Makes the changes of a delta again. Where it began at the same change of the store, it ends where it ended.
    pub(super) fn redo(&mut self, facts: &mut Facts, delta: &Delta, end: Option<ChangeId>) {
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
    pub(super) fn end_process(&mut self, mark: Mark) -> ProcessEnd {
        let (head, input) = (self.head, self.input.clone());
        let mut kept: Vec<Cell> = Vec::new();
        for (entry, _) in &self.journal[mark.entries..] {
            if let Cell::Fact(..) | Cell::File(..) = entry {
                let key = entry.key();
                if kept.iter().all(|known| known.key() != key) {
                    kept.push(self.current(&key));
                }
            }
        }
        self.undo(mark);
        ProcessEnd { kept, start: mark.head, head, input }
    }

    /// Goes on behind a process that ended at any of `ends`. `output` is what it printed, where someone asks.
    pub(super) fn leave_process(
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
                Cell::Fact(..) if merged.is_none() => self.change(cell.clone()),
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

    /// Continues where any of the branches ended, all of which began at the present state.
    pub(super) fn join(&mut self, facts: &mut Facts, branches: &[Branch]) {
        self.join_outcomes(facts, branches, None);
    }

    /// As [`Self::join`]. Where it is told which of the branches succeeded, it gives that question a name, by which they
    /// can be parted again; nothing where they differ in nothing else.
    pub(super) fn join_outcomes(&mut self, facts: &mut Facts, branches: &[Branch], outcomes: Option<Vec<bool>>) -> Option<TestId> {
        if let [only] = branches {
            self.redo(facts, &only.clone(), None);
            return None;
        }
        let mut seen: FxHashSet<&CellKey> = FxHashSet::default();
        let mut order: Vec<&CellKey> = Vec::new();
        for (key, _) in branches.iter().flat_map(|branch| &branch.cells) {
            if seen.insert(key) {
                order.push(key);
            }
        }
        let mut tests: Vec<Meeting> = Self::deciding_test(&order, branches).into_iter().collect();
        let mut named = None;
        if let Some(outcomes) = outcomes {
            let known = tests.iter().find_map(|meeting| meeting.asks(&outcomes));
            named = Some(known.unwrap_or_else(|| {
                let test = TestId::numbered(self.next_id);
                self.next_id += 1;
                tests.push(Meeting { test, answers: outcomes, alternatives: Vec::new() });
                test
            }));
        }
        for key in order {
            let base = self.current(key);
            let fresh = self.next_id;
            self.next_id += 1;
            let joined_of = |taken: &dyn Fn(usize) -> bool| {
                let mut cells =
                    branches.iter().enumerate().filter(|(at, _)| taken(*at)).map(|(_, branch)| branch.get(key).unwrap_or(&base));
                let first = cells.next()?.clone();
                Some(cells.fold(first, |joined, cell| joined.join(cell, fresh)))
            };
            let Some(joined) = joined_of(&|_| true) else { continue };
            for meeting in tests.iter_mut().filter(|_| !matches!(key, CellKey::Answer(_))) {
                let answers = &meeting.answers;
                if let (Some(yes), Some(no)) = (joined_of(&|at| answers[at]), joined_of(&|at| !answers[at]))
                    && yes != no
                {
                    meeting.alternatives.push(Alternative { joined: joined.clone(), yes, no });
                }
            }
            if joined != base {
                self.renew(facts, joined);
            }
        }
        for Meeting { test, alternatives, .. } in tests {
            if alternatives.is_empty() {
                named = named.filter(|named| named.plain().0 != test);
                continue;
            }
            let id = self.next_id;
            self.next_id += 1;
            self.change(Cell::Answer(test, Some(Answer::Met(id, Arc::new(alternatives)))));
        }
        named
    }

    /// The first test that some of the branches answer with yes and all others with no, and who answers what.
    fn deciding_test(order: &[&CellKey], branches: &[Branch]) -> Option<Meeting> {
        order.iter().find_map(|key| {
            let CellKey::Answer(test) = key else { return None };
            let answers = branches.iter().map(|branch| match branch.get(key) {
                Some(Cell::Answer(_, Some(Answer::Known(answer)))) => Some(*answer),
                _ => None,
            });
            let answers: Vec<bool> = answers.collect::<Option<_>>()?;
            (answers.contains(&true) && answers.contains(&false)).then(|| Meeting { test: *test, answers, alternatives: Vec::new() })
        })
    }

    /// Joins one more round of a loop into the present state. What a round changes of the shell may be anything in the
    /// next one; true where that was not known before.
    pub(super) fn widen(&mut self, facts: &mut Facts, round: &Branch, forgets: bool) -> bool {
        let mut has_changed = false;
        for (key, cell) in &round.cells {
            let base = self.current(key);
            let fresh = self.next_id;
            self.next_id += 1;
            let mut joined = cell.clone().join(&base, fresh);
            if forgets && joined != base {
                joined = forgotten(joined, fresh);
            }
            if !is_same(&joined, &base) {
                has_changed = true;
                self.renew(facts, joined);
            }
        }
        has_changed
    }

    fn current(&self, key: &CellKey) -> Cell {
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

/// Whether an answer is forgotten where the disk changes.
fn may_change(answer: Option<&Answer>) -> bool {
    matches!(answer, Some(Answer::Known(_) | Answer::Met(..)))
}

fn put<K: std::hash::Hash + Eq, V>(map: &mut FxHashMap<K, V>, key: K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    }
}

/// Whether two cells say the same, whichever assignment it was.
fn is_same(left: &Cell, right: &Cell) -> bool {
    match (left, right) {
        (Cell::Variable(_, Some(left)), Cell::Variable(_, Some(right))) => left.binding == right.binding && left.exported == right.exported,
        (left, right) => left == right,
    }
}

/// A cell of the shell that a loop may have changed any number of times.
fn forgotten(cell: Cell, fresh: u32) -> Cell {
    match cell {
        Cell::Variable(name, Some(variable)) => {
            let unknown = Value::made_of_any(variable.binding.values(), Cause::Variable(name.clone()));
            Cell::Variable(name, Some(Variable { binding: Binding::Scalar(unknown), id: fresh, ..variable }))
        }
        Cell::Arguments(_) => Cell::Arguments(None),
        Cell::Input(_) => Cell::Input(Input::Text(Value::unknown(Cause::Expansion))),
        Cell::Output(Some(output)) => Cell::Output(Some(Value::made_of(&output, Cause::Expansion))),
        Cell::File(path, Some(Some(content))) => {
            let secret = content.secret().is_some().then(|| Value::made_of(&content, Cause::Expansion));
            Cell::File(path, Some(secret))
        }
        other => other,
    }
}
