//! Branches: each is run, taken back, and joined with the others.
//!
//! A condition is run to a [`Split`]: what holds where it succeeded, and what holds where it failed. So `a && b || c`
//! knows that `c` runs where either failed, and `if f; then` what `f` did before it succeeded.

use super::super::facts::{Fact, Subject};
use super::super::stage::Event;
use super::super::state::{Branch, Mark, TestId};
use super::super::value::Value;
use super::{Interpreter, Status};
use crate::source::Span;
use crate::syntax::shell::{AndOr, ArmEnd, Block, Case, Chain, If, Statement, StatementKind, Test};

/// What a statement led to, since a mark.
#[derive(Debug, Clone, Default)]
pub(in crate::flow) struct Split {
    /// Where it succeeded.
    pub(in crate::flow) success: Option<Branch>,
    /// Where it failed.
    pub(in crate::flow) failure: Option<Branch>,
    /// Whether it can also fail where something is broken: it fails as it succeeds.
    pub(in crate::flow) is_likely: bool,
    /// Whether it can also succeed where something is broken: it succeeds as it fails.
    pub(in crate::flow) is_unlikely: bool,
}

/// How a statement ended that may part ways.
enum Ways {
    /// In one way, or not at all: what it did is not taken back.
    Here(Status),
    /// In ways that are taken back.
    Parted(Split),
}

impl Split {
    fn of(status: Status, branch: Branch) -> Self {
        match status {
            Status::Success => Self { success: Some(branch), ..Self::default() },
            Status::Failure => Self { failure: Some(branch), ..Self::default() },
            Status::Likely => Self { success: Some(branch), is_likely: true, ..Self::default() },
            Status::Unlikely => Self { failure: Some(branch), is_unlikely: true, ..Self::default() },
            Status::Asked(_) | Status::Unknown => Self { success: Some(branch.clone()), failure: Some(branch), ..Self::default() },
        }
    }

    fn negated(self) -> Self {
        Self { success: self.failure, failure: self.success, is_likely: self.is_unlikely, is_unlikely: self.is_likely }
    }

    /// Where it succeeded, also where that takes something broken.
    pub(in crate::flow) fn any_success(&self) -> Option<Branch> {
        self.success.clone().or_else(|| self.failure.clone().filter(|_| self.is_unlikely))
    }

    /// Where it failed, also where that takes something broken.
    pub(in crate::flow) fn any_failure(&self) -> Option<Branch> {
        self.failure.clone().or_else(|| self.success.clone().filter(|_| self.is_likely))
    }

    /// How it ends where it succeeds, and where it fails.
    fn statuses(&self) -> (Status, Status) {
        let success = if self.is_likely { Status::Likely } else { Status::Success };
        let failure = if self.is_unlikely { Status::Unlikely } else { Status::Failure };
        (success, failure)
    }

    pub(in crate::flow) fn status(&self) -> Status {
        match (&self.success, &self.failure) {
            (Some(_), None) if self.is_likely => Status::Likely,
            (Some(_), None) => Status::Success,
            (None, Some(_)) if self.is_unlikely => Status::Unlikely,
            (None, Some(_)) => Status::Failure,
            _ => Status::Unknown,
        }
    }
}

impl Interpreter<'_, '_> {
    /// Runs a statement whose two outcomes part ways, and goes on from both.
    pub(super) fn joined(&mut self, statement: &Statement) -> Status {
        let start = self.state.mark();
        let split = self.split(statement, start);
        self.meet(split)
    }

    /// Goes on from both outcomes.
    pub(super) fn meet(&mut self, split: Split) -> Status {
        let status = split.status();
        let (Some(success), Some(failure)) = (&split.success, &split.failure) else {
            let ways: Vec<Branch> = split.success.into_iter().chain(split.failure).collect();
            self.merge(&ways);
            return status;
        };
        let outcomes = [success.clone(), failure.clone()];
        self.state.join_outcomes(self.facts, &outcomes, Some(vec![true, false])).map_or(status, Status::Asked)
    }

    /// The test that tells where a status means success, if paths of both met here.
    pub(super) fn met(&self, status: Status) -> Option<TestId> {
        let Status::Asked(test) = status else { return None };
        self.state.has_met(test).then_some(test)
    }

    /// What holds where a test is answered with yes, and where with no, since a mark; goes back to it.
    fn sides(&mut self, test: TestId, start: Mark) -> Split {
        let here = self.state.mark();
        let [success, failure] = [true, false].map(|side| {
            self.state.assume(self.facts, test, side);
            let branch = self.state.delta(start);
            self.state.undo(here);
            Some(branch)
        });
        self.state.undo(start);
        Split { success, failure, ..Split::default() }
    }

    /// Runs a statement and takes it back: what it led to since `start`.
    pub(super) fn split(&mut self, statement: &Statement, start: Mark) -> Split {
        match self.ways(statement, start) {
            Ways::Here(status) => self.taken_back(status, start, statement.span),
            Ways::Parted(split) => split,
        }
    }

    /// Runs a statement; takes it back since `start` where it parts ways.
    fn ways(&mut self, statement: &Statement, start: Mark) -> Ways {
        match &statement.kind {
            StatementKind::Chain(chain) => Ways::Parted(self.split_chain(chain, start)),
            StatementKind::Not(inner) => Ways::Parted(self.excused(|interpreter| interpreter.split(inner, start)).negated()),
            StatementKind::Time(inner) => self.ways(inner, start),
            StatementKind::Group(block) => self.ways_of_block(block, start),
            StatementKind::Case(case) => {
                let value = self.word(&case.word);
                if !self.alive || !self.spend(1, statement.span) {
                    return Ways::Here(Status::Unknown);
                }
                let ends = self.case_ends(case, &value, true);
                Ways::Parted(self.outcome(ends, start))
            }
            StatementKind::If(_) | StatementKind::Test(_) | StatementKind::Command(_) if !self.spend(1, statement.span) => {
                Ways::Parted(Split::default())
            }
            StatementKind::If(branches) => {
                let ends = self.branch_ends(branches, true);
                Ways::Parted(self.outcome(ends, start))
            }
            StatementKind::Test(test) => Ways::Parted(self.in_condition(|interpreter| interpreter.split_test(test, start, statement.span))),
            StatementKind::Command(command) => match self.split_command(command, statement.span, start) {
                Some(split) => Ways::Parted(split),
                None => Ways::Here(self.statement(statement)),
            },
            _ => Ways::Here(self.statement(statement)),
        }
    }

    /// Each part of a test where the parts before it let it count.
    fn split_test(&mut self, test: &Test, start: Mark, span: Span) -> Split {
        match test {
            Test::And(members) | Test::Or(members) => {
                let is_and = matches!(test, Test::And(_));
                let mut split = Split { success: Some(Branch::default()), failure: Some(Branch::default()), ..Split::default() };
                if is_and {
                    split.failure = None;
                } else {
                    split.success = None;
                }
                for member in members {
                    let open = if is_and { split.success.take() } else { split.failure.take() };
                    let Some(open) = open else { break };
                    self.enter(&open);
                    let own = self.split_test(member, start, span);
                    if is_and {
                        split.success = own.success;
                        split.failure = self.either(split.failure, own.failure);
                    } else {
                        split.failure = own.failure;
                        split.success = self.either(split.success, own.success);
                    }
                }
                split
            }
            Test::Not(inner) => self.split_test(inner, start, span).negated(),
            test => {
                let status = Status::of_test(self.test(test));
                self.taken_back(status, start, span)
            }
        }
    }

    /// As [`Self::split`], for the last statement of a block, behind those before it.
    pub(super) fn split_block(&mut self, block: &Block, start: Mark) -> Split {
        match self.ways_of_block(block, start) {
            Ways::Here(status) => self.taken_back(status, start, block.last().map_or(Span::default(), |last| last.span)),
            Ways::Parted(split) => split,
        }
    }

    /// As [`Self::ways`], for the last statement of a block, behind those before it.
    fn ways_of_block(&mut self, block: &Block, start: Mark) -> Ways {
        let [first @ .., last] = &**block else { return Ways::Here(Status::Success) };
        for statement in first {
            if !self.alive {
                break;
            }
            // Only the end of a condition is asked.
            self.statement(statement);
        }
        if self.alive { self.ways(last, start) } else { Ways::Here(Status::Unknown) }
    }

    pub(super) fn taken_back(&mut self, status: Status, start: Mark, span: Span) -> Split {
        let is_alive = std::mem::replace(&mut self.alive, true);
        let split = match status {
            Status::Asked(test) if is_alive => self.sides(test, start),
            status => {
                let branch = self.state.take_back(start);
                if is_alive { Split::of(status, branch) } else { Split::default() }
            }
        };
        let changes = split.success.as_ref().or(split.failure.as_ref()).map_or(0, |branch| branch.len());
        if !self.spend(changes / 8, span) {
            self.alive = true;
            return Split::default();
        }
        split
    }

    /// What a branch led to that ended so, and began at the present state.
    pub(super) fn parted(&mut self, status: Status, branch: Branch) -> Split {
        let Status::Asked(test) = status else { return Split::of(status, branch) };
        let start = self.state.mark();
        self.enter(&branch);
        self.sides(test, start)
    }

    /// Each member where the members before it let it run.
    fn split_chain(&mut self, chain: &Chain, start: Mark) -> Split {
        let last_or = chain.rest.iter().rposition(|(join, _)| *join == AndOr::Or);
        let mut split = self.member(&chain.first, last_or.is_some(), !chain.rest.is_empty(), start);
        for (index, (join, member)) in chain.rest.iter().enumerate() {
            let is_handled = index + 1 < chain.rest.len();
            let is_excused = last_or.is_some_and(|last| last > index);
            match join {
                AndOr::And => {
                    let Some(success) = split.any_success() else { continue };
                    let is_unlikely = split.success.is_none();
                    self.enter(&success);
                    self.last_status = Status::Success;
                    let right = self.uncertain(split.failure.is_some(), |interpreter| {
                        interpreter.unlikely(is_unlikely, |interpreter| interpreter.member(member, is_excused, is_handled, start))
                    });
                    split.success = right.success;
                    split.failure = self.either(split.failure, right.failure);
                    split.is_likely |= right.is_likely;
                    split.is_unlikely = right.is_unlikely || (split.is_unlikely && split.success.is_some());
                }
                AndOr::Or => {
                    let Some(failure) = split.any_failure() else { continue };
                    let has_success = split.success.is_some();
                    let is_unlikely = split.failure.is_none();
                    self.enter(&failure);
                    self.last_status = Status::Failure;
                    let right = self.uncertain(has_success, |interpreter| {
                        interpreter.unlikely(is_unlikely, |interpreter| interpreter.member(member, is_excused, is_handled, start))
                    });
                    split.success = self.either(split.success, right.success);
                    split.failure = right.failure;
                    split.is_likely = right.is_likely || (split.is_likely && split.failure.is_some());
                    split.is_unlikely |= right.is_unlikely;
                }
            }
        }
        split
    }

    fn member(&mut self, statement: &Statement, is_excused: bool, is_handled: bool, start: Mark) -> Split {
        match (is_excused, is_handled) {
            (true, _) => self.excused(|interpreter| interpreter.split(statement, start)),
            (_, true) => self.in_condition(|interpreter| interpreter.split(statement, start)),
            _ => self.split(statement, start),
        }
    }

    /// Goes on from a branch that was taken back.
    pub(super) fn enter(&mut self, branch: &Branch) {
        self.state.redo(self.facts, branch, None);
    }

    /// What holds where either branch was taken; both began at the present state.
    pub(super) fn either(&mut self, left: Option<Branch>, right: Option<Branch>) -> Option<Branch> {
        match (left, right) {
            (Some(left), Some(right)) => {
                let here = self.state.mark();
                self.state.join(self.facts, &[left, right]);
                Some(self.state.take_back(here))
            }
            (left, right) => left.or(right),
        }
    }

    /// Goes on where any of the branches came out.
    pub(super) fn merge(&mut self, branches: &[Branch]) {
        if branches.is_empty() {
            self.alive = false;
        } else {
            self.state.join(self.facts, branches);
        }
    }

    /// Runs something that may not run.
    pub(in crate::flow) fn perhaps(&mut self, run: impl FnOnce(&mut Self)) {
        let start = self.state.mark();
        self.uncertain(true, run);
        let branch = self.state.take_back(start);
        let mut branches = vec![Branch::default()];
        if std::mem::replace(&mut self.alive, true) {
            branches.push(branch);
        }
        self.merge(&branches);
    }

    /// Runs something that may not run for a reason that cannot be followed: what it exports is not proven.
    pub(in crate::flow) fn perhaps_unproven(&mut self, span: Span, run: impl FnOnce(&mut Self)) {
        let before = self.flow.events.len();
        self.perhaps(run);
        if self.alive && self.flow.events[before..].iter().any(|event| matches!(event, Event::Export(_))) {
            let place = self.location(span);
            self.set_fact(Subject::Widened, Fact::new(place, None));
        }
    }

    /// Runs something that only something broken leads to, if so.
    fn unlikely<T>(&mut self, is_unlikely: bool, run: impl FnOnce(&mut Self) -> T) -> T {
        if is_unlikely && !self.context.is_unlikely { self.within(|context| context.is_unlikely = true, run) } else { run(self) }
    }

    /// Runs one of several things, whichever it is.
    pub(in crate::flow) fn one_of<T>(&mut self, options: &[T], mut run: impl FnMut(&mut Self, &T) -> Status) -> Status {
        if let [only] = options {
            return run(self, only);
        }
        let start = self.state.mark();
        let mut branches = Vec::new();
        let mut status: Option<Status> = None;
        let entered = self.last_status;
        for option in options {
            self.last_status = entered;
            let own = self.uncertain(true, |interpreter| run(interpreter, option));
            let branch = self.state.take_back(start);
            if std::mem::replace(&mut self.alive, true) {
                branches.push(branch);
                status = Some(status.map_or(own, |status| status.or(own)));
            }
        }
        self.merge(&branches);
        status.unwrap_or(Status::Unknown)
    }

    /// The body of an arm, from where its condition led; taken back.
    fn arm(&mut self, from: &Branch, is_uncertain: bool, body: &Block, start: Mark, ends: &mut Ends) {
        self.enter(from);
        if ends.by_outcome {
            let split = self.uncertain(is_uncertain, |interpreter| interpreter.split_block(body, start));
            let (success, failure) = split.statuses();
            if let Some(end) = split.success {
                ends.add(end, success);
            }
            if let Some(end) = split.failure {
                ends.add(end, failure);
            }
            return;
        }
        let status = self.uncertain(is_uncertain, |interpreter| interpreter.block(body));
        let branch = self.state.take_back(start);
        if std::mem::replace(&mut self.alive, true) {
            ends.add(branch, status);
        }
    }

    pub(super) fn branches(&mut self, branches: &If) -> Status {
        let ends = self.branch_ends(branches, false);
        self.merge_ends(ends)
    }

    fn branch_ends(&mut self, branches: &If, by_outcome: bool) -> Ends {
        let start = self.state.mark();
        let mut ends = Ends { by_outcome, ..Ends::default() };
        let mut open = Some(Branch::default());
        let mut is_forked = false;
        for (condition, body) in &branches.arms {
            let Some(from) = open.take() else { break };
            self.enter(&from);
            let split =
                self.uncertain(is_forked, |interpreter| interpreter.excused(|interpreter| interpreter.split_block(condition, start)));
            open = split.any_failure();
            if let Some(success) = split.any_success() {
                self.last_status = Status::Success;
                is_forked |= open.is_some();
                let is_unlikely = split.success.is_none();
                self.unlikely(is_unlikely, |interpreter| interpreter.arm(&success, is_forked, body, start, &mut ends));
            }
        }
        self.last_status = Status::Failure;
        match (&branches.otherwise, open) {
            (Some(body), Some(from)) => self.arm(&from, is_forked, body, start, &mut ends),
            (None, Some(from)) => ends.add(from, Status::Success),
            (_, None) => {}
        }
        ends
    }

    pub(super) fn case(&mut self, case: &Case) -> Status {
        let value = self.word(&case.word);
        if !self.alive {
            return Status::Unknown;
        }
        let ends = self.case_ends(case, &value, false);
        self.merge_ends(ends)
    }

    fn case_ends(&mut self, case: &Case, value: &Value, by_outcome: bool) -> Ends {
        let start = self.state.mark();
        let mut ends = Ends { by_outcome, ..Ends::default() };
        // Paths that look for an arm, and those that fall into the next one.
        let mut open = Some(Branch::default());
        let mut falling: Option<Branch> = None;
        let mut is_forked = false;
        let entered = self.last_status;
        for arm in &case.arms {
            let mut from = falling.take();
            self.last_status = if from.is_some() { Status::Unknown } else { entered };
            if let Some(looking) = open.take() {
                self.enter(&looking);
                let (answer, id) = self.any_matches(&case.word, value, &arm.patterns);
                let here = self.state.mark();
                let side = |interpreter: &mut Self, answer: bool| {
                    if let Some(id) = id {
                        interpreter.state.assume(interpreter.facts, id, answer);
                    }
                    let branch = interpreter.state.delta(start);
                    interpreter.state.undo(here);
                    branch
                };
                let (matched, others) = match answer {
                    Some(true) => (Some(looking), None),
                    Some(false) => (None, Some(looking)),
                    None => (Some(side(self, true)), Some(side(self, false))),
                };
                self.state.undo(start);
                is_forked |= matched.is_some() && (others.is_some() || from.is_some());
                from = self.either(from, matched);
                open = others;
            }
            let Some(from) = from else { continue };
            if arm.end == ArmEnd::Done {
                self.arm(&from, is_forked, &arm.body, start, &mut ends);
                continue;
            }
            let mut own = Ends::default();
            self.arm(&from, is_forked, &arm.body, start, &mut own);
            for (end, _) in own.ends {
                if arm.end == ArmEnd::FallThrough {
                    falling = self.either(falling, Some(end));
                } else {
                    open = self.either(open, Some(end));
                }
            }
        }
        for end in open.into_iter().chain(falling) {
            ends.add(end, Status::Success);
        }
        ends
    }

    /// Goes on where any of the branches came out.
    fn merge_ends(&mut self, ends: Ends) -> Status {
        let status = ends.status();
        if ends.ends.is_empty() || status != Status::Unknown || ends.ends.iter().any(|(_, own)| *own == Status::Unknown) {
            self.merge(&ends.branches());
            return status;
        }
        let ends = self.all_parted(ends);
        let outcomes = ends.ends.iter().map(|(_, status)| !status.fails()).collect();
        self.state.join_outcomes(self.facts, &ends.branches(), Some(outcomes)).map_or(status, Status::Asked)
    }

    /// Ends of which each is known to succeed or to fail, as far as that can be told.
    fn all_parted(&mut self, ends: Ends) -> Ends {
        let mut parted = Ends { by_outcome: ends.by_outcome, ..Ends::default() };
        for (branch, status) in ends.ends {
            if !matches!(status, Status::Asked(_)) {
                parted.add(branch, status);
                continue;
            }
            let split = self.parted(status, branch);
            for (branch, status) in [(split.success, Status::Success), (split.failure, Status::Failure)] {
                if let Some(branch) = branch {
                    parted.add(branch, status);
                }
            }
        }
        parted
    }

    /// Where branches that are taken back succeeded and where they failed, since a mark before them.
    fn outcome(&mut self, ends: Ends, start: Mark) -> Split {
        let ends = self.all_parted(ends);
        let here = self.state.mark();
        let mut side = |fails: bool| {
            let is_on = |status: Status| match status {
                Status::Success | Status::Likely => !fails,
                Status::Failure | Status::Unlikely => fails,
                Status::Asked(_) | Status::Unknown => true,
            };
            let branches: Vec<Branch> = ends.ends.iter().filter(|(_, status)| is_on(*status)).map(|(branch, _)| branch.clone()).collect();
            if branches.is_empty() {
                return None;
            }
            self.state.join(self.facts, &branches);
            let branch = self.state.delta(start);
            self.state.undo(here);
            Some(branch)
        };
        let (success, failure) = (side(false), side(true));
        self.state.undo(start);
        let any = |asked: Status| ends.ends.iter().any(|(_, status)| *status == asked);
        Split { success, failure, is_likely: any(Status::Likely), is_unlikely: any(Status::Unlikely) }
    }

    /// Runs the commands of a program to its end: where the last one failed, the program did.
    pub(super) fn run_to_end(&mut self, body: &Block) {
        let start = self.state.mark();
        let split = match self.ways_of_block(body, start) {
            Ways::Parted(split) => split,
            Ways::Here(status @ Status::Asked(_)) => self.taken_back(status, start, Span::default()),
            Ways::Here(status) => {
                let ways: &[Status] = match status {
                    _ if !self.alive => &[],
                    Status::Unknown => &[Status::Failure, Status::Success],
                    _ => &[status],
                };
                for way in ways {
                    self.end_program(ways.len() > 1, *way);
                }
                Split::default()
            }
        };
        let is_forked = split.success.is_some() && split.failure.is_some();
        let (success, failure) = split.statuses();
        for (branch, status) in [(split.failure, failure), (split.success, success)] {
            let Some(branch) = branch else { continue };
            self.state.undo(start);
            self.enter(&branch);
            self.end_program(is_forked, status);
        }
        self.state.undo(start);
        self.alive = false;
    }

    /// Ends the present program, and goes back to before its end.
    fn end_program(&mut self, is_forked: bool, status: Status) {
        let here = self.state.mark();
        self.uncertain(is_forked, |interpreter| interpreter.end_process(status));
        self.state.undo(here);
        self.alive = true;
    }
}

/// Where branches came out, and how.
#[derive(Default)]
struct Ends {
    ends: Vec<(Branch, Status)>,
    /// Whether each body is asked where it succeeds and where it fails.
    by_outcome: bool,
}

impl Ends {
    fn add(&mut self, branch: Branch, status: Status) {
        self.ends.push((branch, status));
    }

    fn branches(&self) -> Vec<Branch> {
        self.ends.iter().map(|(branch, _)| branch.clone()).collect()
    }

    fn status(&self) -> Status {
        self.ends.iter().map(|(_, status)| *status).reduce(Status::or).unwrap_or(Status::Unknown)
    }
}
