//! Paths that meet, and the tests by which they can be parted again.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::facts::Facts;
use super::super::value::{Binding, Cause, Value};
use super::State;
use super::cell::{Alternative, Answer, Cell, CellKey, Input, Signal, TestId, Variable};
use super::journal::Branch;

/// Up to so many cells are searched one by one.
const FEW: usize = 16;

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

/// The cells that branches change, in the order of the first one that does, each as it is at the end of each branch that
/// changes it.
struct Rows<'b> {
    keys: Vec<CellKey<'b>>,
    /// As many for each key as there are branches.
    ends: Vec<Option<&'b Cell>>,
    branches: usize,
}

impl<'b> Rows<'b> {
    fn of(branches: &'b [Branch]) -> Self {
        let most = branches.iter().map(|branch| branch.len()).sum();
        let mut rows = Self { keys: Vec::with_capacity(most), ends: Vec::with_capacity(most * branches.len()), branches: branches.len() };
        let mut places: FxHashMap<CellKey<'b>, usize> = FxHashMap::default();
        for (branch, cells) in branches.iter().map(|branch| &branch.cells).enumerate() {
            for cell in cells {
                let key = cell.key();
                let next = rows.keys.len();
                let place = if most <= FEW {
                    rows.keys.iter().position(|known| *known == key).unwrap_or(next)
                } else {
                    *places.entry(key).or_insert(next)
                };
                if place == next {
                    rows.keys.push(key);
                    rows.ends.resize(rows.ends.len() + rows.branches, None);
                }
                rows.ends[place * rows.branches + branch] = Some(cell);
            }
        }
        rows
    }

    fn iter(&self) -> impl Iterator<Item = (CellKey<'b>, &[Option<&'b Cell>])> {
        self.keys.iter().copied().zip(self.ends.chunks_exact(self.branches))
    }

    /// The first test that some of the branches answer with yes and all others with no, and who answers what.
    fn deciding_test(&self) -> Option<Meeting> {
        self.iter().find_map(|(key, ends)| {
            let CellKey::Answer(test) = key else { return None };
            let answers = ends.iter().map(|end| match end {
                Some(Cell::Answer(_, Some(Answer::Known(answer)))) => Some(*answer),
                _ => None,
            });
            let answers: Vec<bool> = answers.collect::<Option<_>>()?;
            (answers.contains(&true) && answers.contains(&false)).then(|| Meeting { test, answers, alternatives: Vec::new() })
        })
    }
}

impl State {
    /// Goes on where a test is answered so: what depended on it is known again.
    pub(in crate::flow) fn assume(&mut self, facts: &mut Facts, test: TestId, answer: bool) {
        let (test, is_opposite) = test.plain();
        let answer = answer != is_opposite;
        let met = match self.answer(test) {
            Some(Answer::Met(_, alternatives)) => Some(alternatives.clone()),
            _ => None,
        };
        self.change(Cell::Answer(test, Some(Answer::Known(answer))));
        for alternative in met.iter().flat_map(|met| met.iter()) {
            if self.current(alternative.joined.key()) == alternative.joined {
                let cell = if answer { &alternative.yes } else { &alternative.no };
                self.renew(facts, cell.clone());
            }
        }
    }

    /// The test that parts paths with different handlers for this signal.
    pub(in crate::flow) fn test_of_trap(&self, signal: Signal) -> Option<TestId> {
        // One that is known for certain is the same on all paths.
        let trap = self.trap(signal).filter(|trap| trap.text.known().is_none())?;
        let parts = |answer: &Answer| match answer {
            Answer::Met(_, alternatives) => alternatives
                .iter()
                .any(|alternative| matches!(&alternative.joined, Cell::Trap(own, Some(joined)) if *own == signal && joined == trap)),
            _ => false,
        };
        self.answers.iter().filter(|(_, answer)| parts(answer)).map(|(test, _)| *test).min()
    }

    /// Continues where any of the branches ended, all of which began at the present state.
    pub(in crate::flow) fn join(&mut self, facts: &mut Facts, branches: &[Branch]) {
        self.join_outcomes(facts, branches, None);
    }

    /// As [`Self::join`]. Where it is told which of the branches succeeded, it gives that question a name, by which they
    /// can be parted again; nothing where they differ in nothing else.
    pub(in crate::flow) fn join_outcomes(&mut self, facts: &mut Facts, branches: &[Branch], outcomes: Option<Vec<bool>>) -> Option<TestId> {
        if let [only] = branches {
            self.redo(facts, &only.clone(), None);
            return None;
        }
        let rows = Rows::of(branches);
        let mut tests: Vec<Meeting> = rows.deciding_test().into_iter().collect();
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
        for (key, ends) in rows.iter() {
            let base = self.current(key);
            let fresh = self.next_id;
            self.next_id += 1;
            let joined_of = |taken: &dyn Fn(usize) -> bool| {
                let mut cells = ends.iter().enumerate().filter(|(at, _)| taken(*at)).map(|(_, end)| end.unwrap_or(&base));
                let first = cells.next()?.clone();
                Some(cells.fold(first, |joined, cell| joined.join(cell, fresh)))
            };
            let Some(joined) = joined_of(&|_| true) else { continue };
            // An inner test can be asked again only where the outer one has its answer; what the disk says may have changed.
            let is_forgotten = matches!(key, CellKey::Answer(test) if test.is_of_disk());
            for meeting in tests.iter_mut().filter(|meeting| !is_forgotten && key != CellKey::Answer(meeting.test)) {
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

    /// Joins one more round of a loop into the present state. What a round changes of the shell may be anything in the
    /// next one; true where that was not known before.
    pub(in crate::flow) fn widen(&mut self, facts: &mut Facts, round: &Branch, forgets: bool) -> bool {
        let mut has_changed = false;
        // What the facts were, and what they are behind the round.
        let mut facts_of_round: FxHashMap<CellKey<'_>, (Cell, &Cell)> = FxHashMap::default();
        for cell in round.cells.iter().filter(|cell| !matches!(cell, Cell::Answer(..))) {
            let key = cell.key();
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
            if matches!(key, CellKey::Fact(_)) {
                facts_of_round.insert(key, (base, cell));
            }
        }
        for cell in round.cells.iter().filter(|cell| matches!(cell, Cell::Answer(..))) {
            let base = self.current(cell.key());
            let widened = match (cell, &base) {
                (Cell::Answer(test, Some(Answer::Met(_, own))), Cell::Answer(_, known @ (None | Some(Answer::Met(..))))) => {
                    Cell::Answer(*test, self.widened_meeting(own, known.as_ref(), &facts_of_round))
                }
                _ => cell.clone().join(&base, 0),
            };
            if widened != base {
                has_changed = true;
                self.change(widened);
            }
        }
        has_changed
    }

    /// What depends on a test that each round of a loop asks again: the store alone, as what a loop changes of the shell
    /// is not known in it.
    fn widened_meeting(
        &mut self,
        own: &[Alternative],
        known: Option<&Answer>,
        facts_of_round: &FxHashMap<CellKey<'_>, (Cell, &Cell)>,
    ) -> Option<Answer> {
        let before: &[Alternative] = match known {
            Some(Answer::Met(_, before)) => before,
            _ => &[],
        };
        let mut keys: Vec<CellKey<'_>> = Vec::new();
        for key in own.iter().chain(before).map(|alternative| alternative.joined.key()) {
            if matches!(key, CellKey::Fact(_)) && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let mut alternatives = Vec::new();
        for key in keys {
            let joined = self.current(key);
            let (base, after) = facts_of_round.get(&key).map_or((&joined, &joined), |(base, after)| (base, *after));
            let sides = |alternatives: &[Alternative], cell: &Cell| match alternatives.iter().find(|own| own.joined == *cell) {
                Some(Alternative { yes, no, .. }) => (yes.clone(), no.clone()),
                None => (cell.clone(), cell.clone()),
            };
            let ((own_yes, own_no), (yes, no)) = (sides(own, after), sides(before, base));
            let (yes, no) = (own_yes.join(&yes, 0), own_no.join(&no, 0));
            if yes != no {
                alternatives.push(Alternative { joined, yes, no });
            }
        }
        if alternatives.is_empty() {
            return None;
        }
        if alternatives.len() == before.len() && alternatives.iter().all(|alternative| before.contains(alternative)) {
            return known.cloned();
        }
        let id = self.next_id;
        self.next_id += 1;
        Some(Answer::Met(id, Arc::new(alternatives)))
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
