//! What is known about the store, and how it came about.
//!
//! Nothing that the analysis follows is ever unset, so facts only grow along a path. Every change is a node
//! of a tree that points to the change before it on its path: a place in a script needs only the last change
//! before it to know all facts there, and rolling a branch back costs nothing but its own changes.

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use super::value::Value;
use crate::platform::StoreKind;
use crate::source::Location;

/// Places of one fact beyond this many are left out.
const MAX_PLACES: usize = 8;

/// How sure something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// On some paths.
    Maybe,
    /// On every path.
    Yes,
}

/// What a fact is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The store holds a key.
    Set(StoreKind, CompactString),
    /// A key is marked for async runs.
    Exported(CompactString),
    /// A script ran that cannot be read, or a key was exported whose name is not known: anything may be exported.
    Widened,
}

/// A subject of [`Facts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectId(u32);

/// That something holds, and the places that made it so.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// How sure it is.
    pub certainty: Certainty,
    /// The places, the latest last.
    pub places: Arc<[Location]>,
    /// The value of the key, where it is known.
    pub(super) value: Option<Arc<Value>>,
}

impl Fact {
    pub(super) fn new(place: Location, value: Option<Arc<Value>>) -> Self {
        Self { certainty: Certainty::Yes, places: Arc::new([place]), value }
    }

    /// What holds where either path was taken; `None` is a path on which the fact does not hold.
    pub(super) fn join(left: Option<&Fact>, right: Option<&Fact>) -> Option<Fact> {
        match (left, right) {
            (None, None) => None,
            (Some(only), None) | (None, Some(only)) => Some(only.weakened()),
            (Some(left), Some(right)) => Some(Fact {
                certainty: left.certainty.min(right.certainty),
                places: union(&left.places, &right.places),
                value: match (&left.value, &right.value) {
                    (Some(left), Some(right)) if left == right => Some(left.clone()),
                    (Some(left), Some(right)) => Some(Arc::new((**left).clone().or(right))),
                    _ => None,
                },
            }),
        }
    }

    /// What holds where both happened, one after the other.
    pub(super) fn after(&self, earlier: Option<&Fact>) -> Fact {
        match earlier {
            None => self.clone(),
            // A later certain setting replaces an earlier one.
            Some(_) if self.certainty == Certainty::Yes => self.clone(),
            Some(earlier) => Fact {
                certainty: earlier.certainty,
                places: union(&earlier.places, &self.places),
                value: match (&earlier.value, &self.value) {
                    (Some(left), Some(right)) => Some(Arc::new((**left).clone().or(right))),
                    _ => None,
                },
            },
        }
    }

    /// The same, on some paths only.
    pub(super) fn weakened(&self) -> Fact {
        Fact { certainty: Certainty::Maybe, ..self.clone() }
    }
}

fn union(left: &Arc<[Location]>, right: &Arc<[Location]>) -> Arc<[Location]> {
    if right.iter().all(|place| left.contains(place)) {
        return left.clone();
    }
    let new = right.iter().filter(|place| !left.contains(place));
    left.iter().chain(new).take(MAX_PLACES).copied().collect()
}

/// The last change before a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId(u32);

impl ChangeId {
    /// Before all changes.
    pub(super) const ROOT: Self = Self(0);
}

#[derive(Debug)]
struct Change {
    before: ChangeId,
    subject: SubjectId,
    fact: Fact,
}

/// All subjects and all changes of an analysis.
#[derive(Debug, Default)]
pub struct Facts {
    subjects: Vec<Subject>,
    ids: FxHashMap<Subject, SubjectId>,
    changes: Vec<Change>,
}

impl Facts {
    /// The id of a subject that was ever spoken of.
    pub fn find(&self, subject: &Subject) -> Option<SubjectId> {
        self.ids.get(subject).copied()
    }

    /// The subject of an id.
    pub fn subject(&self, id: SubjectId) -> &Subject {
        &self.subjects[id.0 as usize]
    }

    pub(super) fn id(&mut self, subject: Subject) -> SubjectId {
        if let Some(id) = self.ids.get(&subject) {
            return *id;
        }
        let id = SubjectId(self.subjects.len() as u32);
        self.subjects.push(subject.clone());
        self.ids.insert(subject, id);
        id
    }

    pub(super) fn push(&mut self, before: ChangeId, subject: SubjectId, fact: Fact) -> ChangeId {
        self.changes.push(Change { before, subject, fact });
        ChangeId(self.changes.len() as u32)
    }

    fn change(&self, id: ChangeId) -> &Change {
        &self.changes[id.0 as usize - 1]
    }

    /// What holds after a process that began at `start` and ended at any of `ends`: only what changed in it.
    pub(super) fn merge_ends(&self, start: ChangeId, ends: &[ChangeId]) -> Vec<(SubjectId, Fact)> {
        let mut cursor = Cursor::at(self, start);
        let mut merged: FxHashMap<SubjectId, (usize, Fact)> = FxHashMap::default();
        let mut ends = ends.to_vec();
        ends.sort_unstable();
        // The facts of the first end, then each further end: a subject that all ends hold stays sure.
        // Ends share most of their path, so only what differs from end to end is looked at again.
        let mut order: Vec<SubjectId> = Vec::new();
        for end in &ends {
            cursor.go(*end);
            for (subject, fact) in cursor.changed() {
                match merged.get_mut(&subject) {
                    None => {
                        order.push(subject);
                        merged.insert(subject, (1, fact.clone()));
                    }
                    Some((count, known)) => {
                        *count += 1;
                        if let Some(joined) = Fact::join(Some(known), Some(fact)) {
                            *known = joined;
                        }
                    }
                }
            }
        }
        let results = order.into_iter().filter_map(|subject| {
            let (count, fact) = merged.remove(&subject)?;
            Some((subject, if count == ends.len() { fact } else { fact.weakened() }))
        });
        results.collect()
    }
}

/// Walks the tree of changes from place to place and knows the facts at each.
pub(super) struct Cursor<'a> {
    facts: &'a Facts,
    start: ChangeId,
    at: ChangeId,
    stacks: FxHashMap<SubjectId, Vec<ChangeId>>,
}

impl<'a> Cursor<'a> {
    /// A cursor that knows the changes behind `start`.
    pub(super) fn at(facts: &'a Facts, start: ChangeId) -> Self {
        Self { facts, start, at: start, stacks: FxHashMap::default() }
    }

    /// Moves to a place behind the start.
    pub(super) fn go(&mut self, target: ChangeId) {
        let mut path = Vec::new();
        let mut to = target;
        // A change points to an earlier one, so the larger of two ids is never above the other.
        while self.at != to {
            if self.at > to {
                let change = self.facts.change(self.at);
                if let Some(stack) = self.stacks.get_mut(&change.subject) {
                    stack.pop();
                }
                self.at = change.before;
            } else {
                path.push(to);
                to = self.facts.change(to).before;
            }
            if self.at < self.start && to < self.start {
                break;
            }
        }
        for id in path.into_iter().rev() {
            self.stacks.entry(self.facts.change(id).subject).or_default().push(id);
        }
        self.at = target;
    }

    /// The fact of a subject here, if it changed since the start.
    pub(super) fn fact(&self, subject: SubjectId) -> Option<&'a Fact> {
        let id = self.stacks.get(&subject)?.last()?;
        Some(&self.facts.change(*id).fact)
    }

    /// Everything that changed since the start, by subject.
    pub(super) fn changed(&self) -> impl Iterator<Item = (SubjectId, &'a Fact)> {
        let mut changed: Vec<(SubjectId, ChangeId)> =
            self.stacks.iter().filter_map(|(subject, stack)| Some((*subject, *stack.last()?))).collect();
        changed.sort_unstable();
        changed.into_iter().map(|(subject, id)| (subject, &self.facts.change(id).fact))
    }
}
