//! What is known about the store, and how it came about.
//!
//! Nothing that the analysis follows is ever unset, so facts only grow along a path. Every change is a node
//! of a tree that points to the change before it on its path: a place in a script needs only the last change
//! before it to know all facts there, and rolling a branch back costs nothing but its own changes.

use std::hash::BuildHasher;
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::certainty::Certainty;
use super::value::{Secret, Value};
use crate::platform::{self, StoreKind};
use crate::source::{Location, MovedFiles};

/// Places of one fact beyond this many are left out.
const MAX_PLACES: usize = 8;
/// Shorter values do not fill a payload.
const LARGE_VALUE: usize = 256;

/// What a fact is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The store holds a key.
    Set(StoreKind, CompactString),
    /// A key is marked for async runs.
    Exported(CompactString),
    /// A key is set on some way on which it is not exported.
    Unsent(CompactString),
    /// A repo was registered with this property.
    RepoProperty(CompactString, CompactString),
    /// A repo was registered with properties whose names are not known.
    AnyRepoProperty(CompactString),
    /// A script ran that cannot be read, or a key was exported whose name is not known: anything may be exported.
    Widened,
    /// A command triggered, at this place.
    Triggered(Location),
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
    /// The value of the key, where it is known or made of a secret.
    pub(super) value: Option<Arc<Value>>,
    /// Whether it depends on a stage that may run at the same time.
    pub is_beside: bool,
}

impl Fact {
    pub(super) fn new(place: Location, value: Option<Arc<Value>>) -> Self {
        Self { certainty: Certainty::Yes, places: Arc::new([place]), value, is_beside: false }
    }

    /// That something holds no more.
    pub(super) fn ended(&self) -> Self {
        Self { certainty: Certainty::Revoked, ..self.clone() }
    }

    /// The secret that the value is made of.
    pub fn secret(&self) -> Option<&Arc<Secret>> {
        self.value.as_ref()?.secret()
    }

    /// How long the value is in bytes, where it is known.
    pub fn known_length(&self) -> Option<usize> {
        self.value.as_ref()?.known_length()
    }

    /// What holds where either path was taken; `None` is a path on which the fact does not hold.
    pub(super) fn join(left: Option<&Fact>, right: Option<&Fact>) -> Option<Fact> {
        match (left, right) {
            (None, None) => None,
            // On the other path holds what held before.
            (Some(only), None) | (None, Some(only)) => Some(only.weakened()),
            (Some(left), Some(right)) => Some(Fact {
                certainty: left.certainty.join(right.certainty),
                places: union(&left.places, &right.places),
                value: either(left, right),
                is_beside: left.is_beside && right.is_beside,
            }),
        }
    }

    /// What holds where both happened, one after the other.
    pub(super) fn then(&self, earlier: Option<&Fact>) -> Fact {
        match earlier {
            None => self.clone(),
            // A later certain setting replaces an earlier one.
            Some(_) if self.is_sure() => self.clone(),
            Some(earlier) => Fact {
                certainty: self.certainty.then(earlier.certainty),
                places: union(&earlier.places, &self.places),
                value: either(earlier, self),
                is_beside: earlier.is_beside && self.is_beside,
            },
        }
    }

    /// The same, on some paths only.
    pub(super) fn weakened(&self) -> Fact {
        Fact { certainty: self.certainty.weaken(), ..self.clone() }
    }

    /// Whether it says all about its subject: what came before does not matter.
    pub(super) fn is_sure(&self) -> bool {
        self.certainty.is_sure()
    }

    /// Moves its places into files that have other numbers.
    pub(super) fn move_places(&mut self, files: &MovedFiles) {
        if files.is_same() {
            return;
        }
        if self.places.iter().any(|place| files.place(*place) != *place) {
            self.places = self.places.iter().map(|place| files.place(*place)).collect();
        }
        if let Some(value) = &mut self.value
            && value.secret().is_some()
        {
            *value = Arc::new(value.map_secrets(|secret| secret.moved(files)));
        }
    }

    /// The same, from a stage that may run at the same time.
    pub(super) fn beside(&self) -> Fact {
        Fact { is_beside: true, ..self.weakened() }
    }
}

fn either(left: &Fact, right: &Fact) -> Option<Arc<Value>> {
    match (&left.value, &right.value) {
        (Some(left), Some(right)) if left == right => Some(left.clone()),
        (Some(left), Some(right)) => Some(Arc::new((**left).clone().or(right))),
        (Some(only), None) | (None, Some(only)) => only.secret().is_some().then(|| only.clone()),
        (None, None) => None,
    }
}

fn union(left: &Arc<[Location]>, right: &Arc<[Location]>) -> Arc<[Location]> {
    if right.iter().all(|place| left.contains(place)) {
        return left.clone();
    }
    let new = right.iter().filter(|place| !left.contains(place));
    left.iter().chain(new).take(MAX_PLACES).copied().collect()
}

fn hash_of(subject: &Subject) -> u64 {
    FxBuildHasher.hash_one(subject)
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
    /// What holds now; `None` where it is again as it was before the stage.
    fact: Option<Fact>,
}

/// All subjects and all changes of an analysis.
#[derive(Debug, Default)]
pub struct Facts {
    subjects: Vec<Subject>,
    /// By the hash of the subject.
    ids: HashTable<SubjectId>,
    /// Exports of keys that hold a secret somewhere.
    risky: Vec<SubjectId>,
    /// Keys whose value is made of a secret somewhere.
    secret_keys: FxHashSet<CompactString>,
    /// Keys with a value that counts for the size of a payload.
    large: FxHashMap<CompactString, SubjectId>,
    changes: Vec<Change>,
}

impl Facts {
    /// The id of a subject that was ever spoken of.
    pub fn find(&self, subject: &Subject) -> Option<SubjectId> {
        self.ids.find(hash_of(subject), |id| self.subject(*id) == subject).copied()
    }

    /// The subject of an id.
    pub fn subject(&self, id: SubjectId) -> &Subject {
        &self.subjects[id.0 as usize]
    }

    /// Whether a subject speaks of an export.
    pub(super) fn is_export(&self, subject: SubjectId) -> bool {
        matches!(self.subject(subject), Subject::Exported(_))
    }

    /// The exports of keys that hold a secret somewhere.
    pub(super) fn risky_exports(&self) -> &[SubjectId] {
        &self.risky
    }

    /// The subjects "exported" and "set" of keys whose values are large somewhere.
    pub(super) fn large_exports(&self) -> impl Iterator<Item = (SubjectId, SubjectId)> {
        self.large.iter().filter_map(|(key, set)| Some((self.find(&Subject::Exported(key.clone()))?, *set)))
    }

    pub(super) fn id(&mut self, subject: Subject) -> SubjectId {
        if let Some(id) = self.find(&subject) {
            return id;
        }
        let id = SubjectId(self.subjects.len() as u32);
        if let Subject::Exported(key) = &subject
            && (platform::is_secure(key) || self.secret_keys.contains(key))
        {
            self.risky.push(id);
        }
        let hash = hash_of(&subject);
        self.subjects.push(subject);
        let subjects = &self.subjects;
        self.ids.insert_unique(hash, id, |id| hash_of(&subjects[id.0 as usize]));
        id
    }

    pub(super) fn push(&mut self, before: ChangeId, subject: SubjectId, fact: Option<Fact>) -> ChangeId {
        if let (Subject::Set(StoreKind::Env, key), Some(fact)) = (&self.subjects[subject.0 as usize], &fact) {
            if fact.secret().is_some() && self.secret_keys.insert(key.clone()) {
                let exported = self.find(&Subject::Exported(key.clone()));
                self.risky.extend(exported);
            }
            if fact.known_length().is_some_and(|length| length >= LARGE_VALUE) {
                self.large.insert(key.clone(), subject);
            }
        }
        self.changes.push(Change { before, subject, fact });
        ChangeId(self.changes.len() as u32)
    }

    /// Takes over subjects and changes that were numbered by themselves.
    pub(super) fn absorb(&mut self, other: Self, files: &MovedFiles) -> MovedFacts {
        let subjects = other.subjects.into_iter().map(|subject| match subject {
            Subject::Triggered(place) => self.id(Subject::Triggered(files.place(place))),
            other => self.id(other),
        });
        let moved = MovedFacts { subjects: subjects.collect(), before: self.changes.len() as u32 };
        for Change { before, subject, mut fact } in other.changes {
            if let Some(fact) = &mut fact {
                fact.move_places(files);
            }
            self.push(moved.change(before), moved.subject(subject), fact);
        }
        moved
    }

    /// What changed on the path from one change to a later one that follows from it, in order.
    pub(super) fn changes_between(&self, from: ChangeId, to: ChangeId) -> Vec<(SubjectId, Option<Fact>)> {
        let mut changes = Vec::new();
        let mut at = to;
        while at > from {
            let change = self.change(at);
            changes.push((change.subject, change.fact.clone()));
            at = change.before;
        }
        changes.reverse();
        changes
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
        let mut results = Vec::with_capacity(order.len());
        results.extend(order.into_iter().filter_map(|subject| {
            let (count, fact) = merged.remove(&subject)?;
            Some((subject, if count == ends.len() { fact } else { fact.weakened() }))
        }));
        results
    }
}

/// The new ids of subjects and changes that [`Facts::absorb`] took over.
pub(super) struct MovedFacts {
    /// By the old id.
    subjects: Vec<SubjectId>,
    /// How many changes were there before.
    before: u32,
}

impl MovedFacts {
    pub(super) fn subject(&self, id: SubjectId) -> SubjectId {
        self.subjects[id.0 as usize]
    }

    pub(super) fn change(&self, id: ChangeId) -> ChangeId {
        if id == ChangeId::ROOT { id } else { ChangeId(id.0 + self.before) }
    }
}

/// Walks the tree of changes from place to place and knows the facts at each.
pub(super) struct Cursor<'a> {
    facts: &'a Facts,
    start: ChangeId,
    at: ChangeId,
    /// The changes on the way from the start.
    way: Vec<Step>,
    /// How long the way is up to the last change of each subject; 0 where it has none on it.
    last: FxHashMap<SubjectId, usize>,
}

struct Step {
    id: ChangeId,
    /// How long the way is up to the change of the same subject before it; 0 for its first one.
    before: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor that knows the changes behind `start`.
    pub(super) fn at(facts: &'a Facts, start: ChangeId) -> Self {
        Self { facts, start, at: start, way: Vec::new(), last: FxHashMap::default() }
    }

    /// Moves to a place behind the start.
    pub(super) fn go(&mut self, target: ChangeId) {
        let mut path = Vec::new();
        let mut to = target;
        // A change points to an earlier one, so the larger of two ids is never above the other.
        while self.at != to {
            if self.at > to {
                let change = self.facts.change(self.at);
                if let Some(step) = self.way.pop() {
                    self.last.insert(change.subject, step.before);
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
            let before = self.last.insert(self.facts.change(id).subject, self.way.len() + 1).unwrap_or_default();
            self.way.push(Step { id, before });
        }
        self.at = target;
    }

    /// The change of a subject on the way, counted from the start, and the one before it.
    fn step(&self, length: usize) -> Option<(&'a Change, usize)> {
        let step = self.way.get(length.checked_sub(1)?)?;
        Some((self.facts.change(step.id), step.before))
    }

    /// The fact of a subject here, if it changed since the start.
    pub(super) fn fact(&self, subject: SubjectId) -> Option<&'a Fact> {
        let (change, _) = self.step(*self.last.get(&subject)?)?;
        change.fact.as_ref()
    }

    /// All that was ever said about a subject on the way from the start, in order.
    pub(super) fn facts(&self, subject: SubjectId) -> Vec<&'a Fact> {
        let mut length = self.last.get(&subject).copied().unwrap_or_default();
        let mut facts = Vec::new();
        while let Some((change, before)) = self.step(length) {
            facts.extend(change.fact.as_ref());
            length = before;
        }
        facts.reverse();
        facts
    }

    /// Everything that changed since the start, by subject.
    pub(super) fn changed(&self) -> impl Iterator<Item = (SubjectId, &'a Fact)> {
        let mut changed: Vec<(SubjectId, &'a Fact)> =
            self.last.iter().filter_map(|(subject, length)| Some((*subject, self.step(*length)?.0.fact.as_ref()?))).collect();
        changed.sort_unstable_by_key(|(subject, _)| *subject);
        changed.into_iter()
    }
}
