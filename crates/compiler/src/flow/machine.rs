//! Runs a script without running it: statements over the state.

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{Certainty, ChangeId, Fact, Facts, Subject, SubjectId};
use super::library::{Library, ScriptFile};
use super::stage::{Access, Opaque, ShellExport, StageFlow, Suspicious, SuspiciousKind};
use super::state::{Defined, Delta, Mark, State, Variable};
use super::value::{Binding, Cause, Value};
use crate::platform::{PipelineKind, StoreKind};
use crate::source::{FileId, Location, Sources, Span};
use crate::syntax::shell::{
    AndOr, ArmEnd, AssignedValue, Assignment, Block, Case, Chain, If, Input, Loop, LoopHead, Redirect, Scope, Script, Statement,
    StatementKind, Word,
};

/// Loops are unrolled as long as the innermost body is run at most this many times.
const MAX_UNROLLED: usize = 256;
/// Loops that stand in more loops than this are looked at once.
const MAX_REPEATED: usize = 3;
/// How deep calls, scripts and compound commands may stand in each other.
const MAX_DEPTH: usize = 700;
/// Calls of fewer statements are run again rather than remembered.
const WORTH_REMEMBERING: usize = 64;
/// How many statements a stage may take before the analysis gives up on it: a net below code that is made to blow up.
const MAX_STEPS: usize = 2_000_000;

/// What is known before the stage begins.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The pipeline that runs it.
    pub(super) pipeline: Option<PipelineKind>,
    /// What earlier stages left.
    pub(super) entry: Option<&'a dyn Earlier>,
}

/// What holds before a stage begins.
pub(super) trait Earlier {
    /// The fact of a subject.
    fn get(&self, subject: SubjectId) -> Option<Fact>;
    /// All subjects that may be exported.
    fn exported(&self, facts: &Facts) -> Vec<SubjectId>;
}

impl Earlier for FxHashMap<SubjectId, Fact> {
    fn get(&self, subject: SubjectId) -> Option<Fact> {
        FxHashMap::get(self, &subject).cloned()
    }

    fn exported(&self, facts: &Facts) -> Vec<SubjectId> {
        self.keys().copied().filter(|subject| facts.is_export(*subject)).collect()
    }
}

/// Interprets the script of a stage.
pub(super) fn run(
    script: &Script,
    file: FileId,
    surroundings: Surroundings<'_>,
    facts: &mut Facts,
    sources: &mut Sources,
    library: &mut Library<'_>,
) -> StageFlow {
    let mut machine = Machine {
        facts,
        sources,
        library,
        surroundings,
        state: State::new(),
        flow: StageFlow::default(),
        file,
        script_folder: None,
        arguments: None,
        dead: false,
        uncertain: 0,
        unrolled: 1,
        left_early: false,
        guarded: 0,
        depth: 0,
        steps: 0,
        failed_ends: Vec::new(),
        ends: Vec::new(),
        calls: Vec::new(),
        loops: Vec::new(),
        active: Vec::new(),
        outcomes: FxHashMap::default(),
        created: FxHashSet::default(),
        piped: None,
    };
    machine.note_errors(script);
    machine.block(&script.body);
    machine.finish()
}

/// How a command ended, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Surely well.
    Success,
    /// Surely not.
    Failure,
    /// Well, unless something is broken that would break the stage too.
    Likely,
    /// That is what the script asks.
    Unknown,
}

/// The arguments of a sourced script.
#[derive(Clone)]
pub(super) enum Arguments {
    /// Those of the script that sources it.
    Inherited,
    /// Its own, where they are known.
    Own(Option<Vec<Value>>),
}

/// A function or sourced script that is being run.
struct Call {
    mark: Mark,
    returns: Vec<Delta>,
    locals: Vec<(CompactString, Option<Variable>)>,
}

/// A call in a state.
#[derive(PartialEq, Eq, Hash)]
struct Situation {
    identity: *const (),
    state: u64,
    arguments: Option<Vec<Value>>,
    is_guarded: bool,
    is_certain: bool,
}

/// What a call led to.
struct Outcome {
    delta: Arc<Delta>,
    dead: bool,
}

struct LoopFrame {
    start: Mark,
    breaks: Vec<Delta>,
    continues: Vec<Delta>,
}

pub(super) struct Machine<'a, 'f> {
    pub(super) facts: &'a mut Facts,
    pub(super) sources: &'a mut Sources,
    pub(super) library: &'a mut Library<'f>,
    pub(super) surroundings: Surroundings<'a>,
    pub(super) state: State,
    pub(super) flow: StageFlow,
    /// The file of the text that is being run.
    pub(super) file: FileId,
    /// The folder of the script file that is being run, from the repository's root.
    pub(super) script_folder: Option<CompactString>,
    /// `$1`, `$2`, ..; `None` where they are not known.
    pub(super) arguments: Option<Vec<Value>>,
    /// Whether the present path has ended.
    pub(super) dead: bool,
    /// How many conditions stand around the present statement.
    uncertain: usize,
    /// How many times loops that are unrolled run the present statement.
    unrolled: usize,
    /// Whether some path has left the present process, call or loop before its end.
    pub(super) left_early: bool,
    /// Whether a failure here is handled by the script: left of `||`, in a condition.
    pub(super) guarded: usize,
    depth: usize,
    pub(super) steps: usize,
    pub(super) failed_ends: Vec<ChangeId>,
    pub(super) ends: Vec<ChangeId>,
    calls: Vec<Call>,
    loops: Vec<LoopFrame>,
    /// Scripts and functions that are being run: they are not entered again.
    active: Vec<*const ()>,
    /// What calls led to: code that calls code many times over is run once for each state that it meets.
    outcomes: FxHashMap<Situation, Outcome>,
    /// Names of files that the stage makes itself.
    pub(super) created: FxHashSet<CompactString>,
    /// What the present command finds on its standard input, where that is a pipe.
    pub(super) piped: Option<Value>,
}

impl Machine<'_, '_> {
    fn finish(mut self) -> StageFlow {
        if !self.dead {
            self.ends.push(self.state.head());
        }
        // A stage that fails on purpose ends the pipeline: what it did does not matter to later stages.
        let mut ends = std::mem::take(&mut self.ends);
        if ends.is_empty() {
            ends = std::mem::take(&mut self.failed_ends);
        }
        ends.sort_unstable();
        ends.dedup();
        self.flow.end = self.facts.merge_ends(ChangeId::ROOT, &ends);
        self.flow
    }

    pub(super) fn location(&self, span: Span) -> Location {
        Location { file: self.file, span }
    }

    /// The place of a word without its quotes.
    pub(super) fn word_location(&self, word: &Word) -> Location {
        self.location(word.inner_span(self.sources.get(self.file).text()))
    }

    /// Whether the present statement stands in the stage's own script, outside of loops.
    pub(super) fn is_at_top(&self) -> bool {
        self.calls.is_empty() && self.loops.is_empty() && self.active.is_empty()
    }

    /// Counts what the stage does.
    pub(super) fn order(&self) -> u32 {
        self.steps as u32
    }

    pub(super) fn is_certain(&self) -> bool {
        self.uncertain == 0 && !self.left_early
    }

    pub(super) fn end_process(&mut self, failed: bool) {
        self.left_early |= self.uncertain > 0;
        let ends = if failed { &mut self.failed_ends } else { &mut self.ends };
        ends.push(self.state.head());
        self.dead = true;
    }

    // Statements.

    pub(super) fn block(&mut self, block: &Block) -> Status {
        let mut status = Status::Success;
        for statement in block {
            if self.dead {
                break;
            }
            status = self.statement(statement);
        }
        status
    }

    pub(super) fn statement(&mut self, statement: &Statement) -> Status {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.depth > MAX_DEPTH {
            self.give_up(statement.span);
            return Status::Unknown;
        }
        self.depth += 1;
        let status = self.statement_kind(statement);
        self.depth -= 1;
        status
    }

    fn statement_kind(&mut self, statement: &Statement) -> Status {
        match &statement.kind {
            StatementKind::Command(command) => self.command(command, statement.span),
            StatementKind::Assign(assignments) => self.assignments(assignments),
            StatementKind::Test(test) => self.guard(|machine| machine.test(test)),
            StatementKind::Arithmetic(expression) => {
                self.arithmetic(expression);
                Status::Unknown
            }
            StatementKind::Declare(declaration) => {
                self.evaluate_words(&declaration.options);
                self.assignments(&declaration.items)
            }
            StatementKind::Chain(chain) => self.chain(chain),
            StatementKind::Time(inner) => self.statement(inner),
            StatementKind::Not(inner) => match self.guard(|machine| machine.statement(inner)) {
                Status::Success => Status::Failure,
                Status::Failure => Status::Success,
                Status::Likely | Status::Unknown => Status::Unknown,
            },
            StatementKind::Pipe(members) => {
                self.pipe(members, false);
                Status::Unknown
            }
            StatementKind::If(branches) => self.branches(branches),
            StatementKind::Loop(repeated) => self.repeat(repeated),
            StatementKind::Case(case) => self.case(case),
            StatementKind::Group(block) => self.block(block),
            StatementKind::Subshell(block) => self.process(|machine| {
                machine.block(block);
            }),
            StatementKind::Background(inner) => self.process(|machine| {
                machine.statement(inner);
            }),
            StatementKind::Coproc(coproc) => self.process(|machine| {
                machine.statement(&coproc.inner);
            }),
            StatementKind::Redirected(redirected) => {
                self.redirect(&redirected.redirects);
                self.statement(&redirected.inner)
            }
            StatementKind::Function(function) => {
                let defined = Defined { file: self.file, function: function.clone() };
                self.state.define(function.name.clone(), defined);
                Status::Success
            }
            StatementKind::Exit(arguments) => {
                self.evaluate_words(arguments);
                let code = arguments.first().and_then(Word::literal).and_then(|text| text.parse::<i32>().ok());
                self.end_process(code.is_some_and(|code| code != 0));
                Status::Unknown
            }
            StatementKind::Return(arguments) => {
                self.evaluate_words(arguments);
                self.leave_call();
                Status::Unknown
            }
            StatementKind::Break(arguments) | StatementKind::Continue(arguments) => {
                self.evaluate_words(arguments);
                self.leave_iteration(matches!(statement.kind, StatementKind::Break(_)));
                Status::Unknown
            }
        }
    }

    /// Runs each member with what the one before it prints; returns what the last one prints, if that is asked for.
    pub(super) fn pipe(&mut self, members: &[Statement], is_captured: bool) -> Option<Value> {
        let outer = self.piped.take();
        let mut printed = None;
        for (index, member) in members.iter().enumerate() {
            let is_last = index + 1 == members.len();
            self.process(|machine| {
                if is_last && !is_captured {
                    machine.statement(member);
                } else {
                    printed = machine.printed(member);
                }
            });
            self.piped = Some(printed.take().unwrap_or_else(|| Value::unknown(Cause::Expansion)));
        }
        std::mem::replace(&mut self.piped, outer).filter(|_| is_captured)
    }

    /// Of a script that does not parse parts may be missing: they may do anything.
    fn note_errors(&mut self, script: &Script) {
        for document in &script.open_documents {
            let kind = SuspiciousKind::OpenHereDocument(document.delimiter.clone());
            self.suspect(self.location(document.span), kind);
        }
        if let Some(error) = script.errors.first() {
            let place = self.location(error.span);
            self.opaque(place, "a script that does not parse as a whole".into(), false);
        }
    }

    /// From here on anything may happen: the script is beyond what is followed.
    fn give_up(&mut self, span: Span) {
        let place = self.location(span);
        if self.flow.opaque.iter().all(|opaque| opaque.place != place) && self.flow.opaque.len() < 1_000 {
            self.opaque(place, "code that is too deep or too long to follow".into(), false);
        }
    }

    pub(super) fn opaque(&mut self, place: Location, what: CompactString, is_platform: bool) {
        if !is_platform {
            let subject = self.facts.id(Subject::Widened);
            self.state.set_fact(self.facts, subject, Fact::new(place, None));
        }
        self.flow.opaque.push(Opaque { place, what, is_platform });
    }

    pub(super) fn suspect(&mut self, place: Location, kind: SuspiciousKind) {
        let suspicious = Suspicious { place, kind };
        if !self.flow.suspicious.contains(&suspicious) {
            self.flow.suspicious.push(suspicious);
        }
    }

    pub(super) fn guard<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.guarded += 1;
        let result = inner(self);
        self.guarded -= 1;
        result
    }

    /// Evaluates words for what they run.
    pub(super) fn evaluate_words(&mut self, words: &[Word]) {
        for word in words.iter().filter(|word| word.does_something()) {
            self.word(word);
        }
    }

    /// The redirections of anything but a simple command.
    fn redirect(&mut self, redirects: &[Redirect]) {
        for redirect in redirects {
            match redirect.input() {
                Some(Input::Text(word) | Input::File(word)) => {
                    self.word(word);
                }
                None => {
                    self.word(redirect.word());
                }
            }
        }
    }

    /// Each member under the condition that those before it make.
    fn chain(&mut self, chain: &Chain) -> Status {
        let mut status = match chain.rest.first() {
            Some(_) => self.guard(|machine| machine.statement(&chain.first)),
            None => self.statement(&chain.first),
        };
        for (index, (join, member)) in chain.rest.iter().enumerate() {
            let is_guarded = index + 1 < chain.rest.len();
            let mut run = |machine: &mut Self| {
                if is_guarded { machine.guard(|machine| machine.statement(member)) } else { machine.statement(member) }
            };
            status = match join {
                AndOr::And => self.and(status, &mut run),
                AndOr::Or => self.or(status, &mut run),
            };
        }
        status
    }

    fn and(&mut self, left: Status, right: &mut dyn FnMut(&mut Self) -> Status) -> Status {
        match left {
            _ if self.dead => Status::Unknown,
            Status::Failure => Status::Failure,
            Status::Success | Status::Likely => right(self),
            Status::Unknown => {
                self.perhaps(|machine| {
                    right(machine);
                });
                Status::Unknown
            }
        }
    }

    fn or(&mut self, left: Status, right: &mut dyn FnMut(&mut Self) -> Status) -> Status {
        match left {
            _ if self.dead => Status::Unknown,
            Status::Success => Status::Success,
            Status::Failure => right(self),
            left => {
                self.perhaps(|machine| {
                    right(machine);
                });
                left
            }
        }
    }

    /// Runs something that may not run.
    fn perhaps(&mut self, inner: impl FnOnce(&mut Self)) {
        let mark = self.state.mark();
        let branch = self.branch(mark, inner);
        self.merge([Some(Delta::default()), branch]);
    }

    /// Runs one branch and takes it back; `None` where it does not come out.
    fn branch(&mut self, since: Mark, inner: impl FnOnce(&mut Self)) -> Option<Delta> {
        self.uncertain += 1;
        inner(self);
        self.uncertain -= 1;
        let delta = self.state.take_back(since);
        (!std::mem::take(&mut self.dead)).then_some(delta)
    }

    /// Goes on where any of the branches came out.
    fn merge(&mut self, branches: impl IntoIterator<Item = Option<Delta>>) {
        let alive: Vec<Delta> = branches.into_iter().flatten().collect();
        if alive.is_empty() {
            self.dead = true;
        } else {
            self.state.join(self.facts, &alive);
        }
    }

    fn branches(&mut self, branches: &If) -> Status {
        let start = self.state.mark();
        let mut ends: Vec<Option<Delta>> = Vec::new();
        let mut is_open = true;
        for (condition, body) in &branches.arms {
            let status = self.guard(|machine| machine.block(condition));
            if self.dead {
                break;
            }
            match status {
                Status::Failure => {}
                Status::Success if ends.is_empty() => return self.block(body),
                Status::Success => {
                    is_open = false;
                    ends.push(self.arm(start, body));
                    break;
                }
                Status::Likely | Status::Unknown => ends.push(self.arm(start, body)),
            }
        }
        if self.dead {
            self.state.take_back(start);
            self.dead = false;
            self.merge(ends);
            return Status::Unknown;
        }
        if is_open {
            match &branches.otherwise {
                Some(body) if ends.is_empty() => return self.block(body),
                Some(body) => ends.push(self.arm(start, body)),
                None => ends.push(Some(self.state.delta(start))),
            }
        }
        self.state.take_back(start);
        self.merge(ends);
        Status::Unknown
    }

    /// Runs the body of an arm after the conditions that led to it. What it changed counts from `start`; the
    /// conditions stay, for the arms after it.
    fn arm(&mut self, start: Mark, body: &Block) -> Option<Delta> {
        let here = self.state.mark();
        self.uncertain += 1;
        self.block(body);
        self.uncertain -= 1;
        let delta = self.state.delta(start);
        self.state.take_back(here);
        (!std::mem::take(&mut self.dead)).then_some(delta)
    }

    fn case(&mut self, case: &Case) -> Status {
        let value = self.word(&case.word);
        let start = self.state.mark();
        let mut ends = Vec::new();
        let mut is_open = true;
        for arm in &case.arms {
            let matches = self.any_matches(&value, &arm.patterns);
            if matches == Some(false) {
                continue;
            }
            let falls_through = arm.end != ArmEnd::Done;
            if matches == Some(true) && ends.is_empty() && !falls_through {
                return self.block(&arm.body);
            }
            ends.push(self.arm(start, &arm.body));
            if matches == Some(true) && !falls_through {
                is_open = false;
                break;
            }
        }
        if is_open {
            ends.push(Some(self.state.delta(start)));
        }
        self.state.take_back(start);
        self.merge(ends);
        Status::Unknown
    }

    // Loops.

    fn repeat(&mut self, repeated: &Loop) -> Status {
        let start = self.state.mark();
        let left_early = self.left_early;
        self.loops.push(LoopFrame { start, breaks: Vec::new(), continues: Vec::new() });
        match &repeated.head {
            LoopHead::Words { name, words } => self.for_each(name, words.as_deref(), &repeated.body),
            LoopHead::Condition { condition, endless: true, .. } => {
                self.block(condition);
                self.forget_assigned(&repeated.body);
                self.iteration(&repeated.body);
                // Only a `break` leads out.
                self.dead = true;
            }
            LoopHead::Condition { condition, endless: false, .. } => {
                self.forget_assigned(condition);
                self.guard(|machine| machine.block(condition));
                self.forget_assigned(&repeated.body);
                self.zero_or_more(&repeated.body);
            }
            LoopHead::Arithmetic(parts) => {
                for part in parts.iter() {
                    self.arithmetic(part);
                }
                self.forget_assigned(&repeated.body);
                self.zero_or_more(&repeated.body);
            }
            LoopHead::Select { name, words } => {
                self.evaluate_words(words.as_deref().unwrap_or_default());
                self.forget_assigned(&repeated.body);
                let unknown = Value::unknown(Cause::Variable(name.clone()));
                self.state.set_variable(name, Binding::Scalar(unknown), false);
                self.zero_or_more(&repeated.body);
            }
        }
        self.left_early = left_early;
        let Some(frame) = self.loops.pop() else { return Status::Unknown };
        if !frame.breaks.is_empty() {
            let through = (!self.dead).then(|| self.state.delta(frame.start));
            self.state.take_back(frame.start);
            self.dead = false;
            self.merge(std::iter::once(through).chain(frame.breaks.into_iter().map(Some)));
        }
        Status::Unknown
    }

    fn for_each(&mut self, name: &str, words: Option<&[Word]>, body: &Block) {
        let values = match words {
            Some(words) => self.words(words),
            None => self.arguments.clone(),
        };
        match values {
            Some(values) if values.len() * self.unrolled <= MAX_UNROLLED => {
                let outer = self.unrolled;
                self.unrolled *= values.len().max(1);
                for value in values {
                    if self.dead {
                        break;
                    }
                    self.state.set_variable(name, Binding::Scalar(value), false);
                    self.iteration(body);
                }
                self.unrolled = outer;
            }
            Some(values) => {
                // Too many to take one by one: any of them, at least once.
                self.forget_assigned(body);
                let any = values.iter().skip(1).fold(values[0].clone(), Value::or);
                self.state.set_variable(name, Binding::Scalar(any), false);
                self.iteration(body);
            }
            None => {
                self.forget_assigned(body);
                let unknown = Value::unknown(Cause::Variable(name.into()));
                self.state.set_variable(name, Binding::Scalar(unknown), false);
                self.zero_or_more(body);
            }
        }
    }

    fn zero_or_more(&mut self, body: &Block) {
        self.perhaps(|machine| machine.iteration(body));
        // A later iteration begins with what an earlier one did: a second look sees that. Facts only grow, so a third
        // would see no more; loops deep inside each other have been looked at often enough.
        if !self.dead && self.loops.len() <= MAX_REPEATED {
            self.perhaps(|machine| machine.iteration(body));
        }
    }

    fn iteration(&mut self, body: &Block) {
        let start = self.state.mark();
        let outer = self.loops.last_mut().map(|frame| std::mem::take(&mut frame.continues)).unwrap_or_default();
        self.block(body);
        let continues = self.loops.last_mut().map(|frame| std::mem::replace(&mut frame.continues, outer)).unwrap_or_default();
        if !continues.is_empty() {
            let through = (!self.dead).then(|| self.state.delta(start));
            self.state.take_back(start);
            self.dead = false;
            self.merge(std::iter::once(through).chain(continues.into_iter().map(Some)));
        }
    }

    fn leave_iteration(&mut self, is_break: bool) {
        let Some(frame) = self.loops.last_mut() else { return };
        self.left_early |= self.uncertain > 0;
        // `continue` is joined where its iteration ends; its mark is not older than the loop's.
        let delta = self.state.delta(frame.start);
        if is_break {
            frame.breaks.push(delta);
        } else {
            frame.continues.push(delta);
        }
        self.dead = true;
    }

    /// Variables that a loop's body assigns are not known in it: an earlier iteration may have set them.
    fn forget_assigned(&mut self, body: &Block) {
        let mut names = Vec::new();
        assigned(body, &mut names);
        names.sort_unstable();
        names.dedup();
        for name in names {
            let unknown = Value::unknown(Cause::Variable(name.clone()));
            self.state.set_variable(&name, Binding::Scalar(unknown), false);
        }
    }

    // Processes, calls and scripts.

    /// Runs something in a process of its own: its variables end with it, the store does not.
    pub(super) fn process(&mut self, inner: impl FnOnce(&mut Self)) -> Status {
        let mark = self.state.mark();
        let (ends, failed) = (std::mem::take(&mut self.ends), std::mem::take(&mut self.failed_ends));
        let (calls, loops) = (std::mem::take(&mut self.calls), std::mem::take(&mut self.loops));
        let left_early = self.left_early;
        inner(self);
        self.left_early = left_early;
        if !std::mem::take(&mut self.dead) {
            self.ends.push(self.state.head());
        }
        let mut all = std::mem::replace(&mut self.ends, ends);
        all.extend(std::mem::replace(&mut self.failed_ends, failed));
        all.sort_unstable();
        all.dedup();
        self.calls = calls;
        self.loops = loops;
        self.state.leave_process(mark, self.facts, &all);
        Status::Unknown
    }

    /// Runs the body of a function or a sourced script: `return` leads out of it.
    fn call(&mut self, identity: *const (), body: impl FnOnce(&mut Self)) {
        if self.active.contains(&identity) || self.active.len() > 200 {
            return;
        }
        // In an equal state the same code does the same: what it found is noted already.
        let situation = Situation {
            identity,
            state: self.state.fingerprint(),
            arguments: self.arguments.clone(),
            is_guarded: self.guarded > 0,
            is_certain: self.is_certain(),
        };
        if let Some(outcome) = self.outcomes.get(&situation) {
            let (delta, dead) = (outcome.delta.clone(), outcome.dead);
            self.state.apply(self.facts, &delta);
            self.dead = dead;
            return;
        }
        let (start, steps) = (self.state.mark(), self.steps);
        self.call_anew(identity, body);
        if self.steps - steps > WORTH_REMEMBERING {
            let outcome = Outcome { delta: Arc::new(self.state.delta(start)), dead: self.dead };
            self.outcomes.insert(situation, outcome);
        }
    }

    fn call_anew(&mut self, identity: *const (), body: impl FnOnce(&mut Self)) {
        self.active.push(identity);
        let loops = std::mem::take(&mut self.loops);
        let left_early = self.left_early;
        self.calls.push(Call { mark: self.state.mark(), returns: Vec::new(), locals: Vec::new() });
        body(self);
        // Only `exit` leads further out than the call.
        self.left_early = left_early || (self.left_early && self.calls.last().is_some_and(|call| call.returns.is_empty()));
        self.loops = loops;
        self.active.pop();
        let Some(call) = self.calls.pop() else { return };
        if !call.returns.is_empty() {
            let through = (!self.dead).then(|| self.state.delta(call.mark));
            self.state.take_back(call.mark);
            self.dead = false;
            self.merge(std::iter::once(through).chain(call.returns.into_iter().map(Some)));
        }
        for (name, variable) in call.locals.into_iter().rev() {
            self.state.restore_variable(&name, variable);
        }
    }

    fn leave_call(&mut self) {
        self.left_early |= self.uncertain > 0;
        match self.calls.last_mut() {
            Some(call) => {
                let delta = self.state.delta(call.mark);
                call.returns.push(delta);
                self.dead = true;
            }
            None => self.end_process(false),
        }
    }

    pub(super) fn call_function(&mut self, defined: &Defined, arguments: Option<Vec<Value>>) {
        self.call_function_with(defined, arguments, |machine| {
            machine.block(&defined.function.body);
        });
    }

    /// Calls a function, and lets `run` run its body.
    pub(super) fn call_function_with(&mut self, defined: &Defined, arguments: Option<Vec<Value>>, run: impl FnOnce(&mut Self)) {
        let file = std::mem::replace(&mut self.file, defined.file);
        let outer = std::mem::replace(&mut self.arguments, arguments);
        self.call(Arc::as_ptr(&defined.function).cast(), run);
        self.arguments = outer;
        self.file = file;
    }

    /// Runs a script file in the present shell.
    pub(super) fn source(&mut self, script: &Arc<ScriptFile>, folder: CompactString, arguments: Arguments) {
        let file = std::mem::replace(&mut self.file, script.file);
        let outer_folder = self.script_folder.replace(folder);
        let outer = match arguments {
            Arguments::Inherited => None,
            Arguments::Own(arguments) => Some(std::mem::replace(&mut self.arguments, arguments)),
        };
        let identity = Arc::as_ptr(script).cast();
        let setting = self.setting(script.file);
        if !setting.as_ref().is_some_and(|setting| self.replay(setting)) {
            let before = setting.is_some().then(|| self.before());
            self.call(identity, |machine| {
                machine.note_errors(&script.script);
                machine.block(&script.script.body);
            });
            if let (Some(setting), Some(before)) = (setting, before) {
                self.keep(setting, &before);
            }
        }
        if let Some(outer) = outer {
            self.arguments = outer;
        }
        self.script_folder = outer_folder;
        self.file = file;
    }

    /// Runs a script file as a child: it sees exported variables only.
    pub(super) fn run_child(&mut self, script: &Arc<ScriptFile>, folder: CompactString, arguments: Option<Vec<Value>>) {
        self.process(|machine| {
            for name in machine.state.unexported() {
                machine.state.restore_variable(&name, None);
            }
            machine.source(script, folder, Arguments::Own(arguments));
        });
    }

    // Assignments.

    fn assignments(&mut self, assignments: &[Assignment]) -> Status {
        for assignment in assignments {
            self.assign(assignment);
        }
        Status::Likely
    }

    pub(super) fn assign(&mut self, assignment: &Assignment) {
        let name = &assignment.name;
        let exported = assignment.scope == Scope::Exported;
        if assignment.scope == Scope::Local
            && let Some(call) = self.calls.last_mut()
        {
            call.locals.push((name.clone(), self.state.saved_variable(name)));
        }
        let binding = self.assigned_binding(assignment);
        if name.is_empty() {
            return;
        }
        if exported {
            let is_from_store = matches!(&binding, Binding::Scalar(value) if value.is_from_store());
            let place = self.location(assignment.span);
            self.flow.shell_exports.push(ShellExport { name: name.clone(), place, is_from_store });
        }
        self.state.set_variable(name, binding, exported);
    }

    /// What a variable holds behind an assignment.
    fn assigned_binding(&mut self, assignment: &Assignment) -> Binding {
        let name = &assignment.name;
        let unknown = || Binding::Scalar(Value::unknown(Cause::Variable(name.clone())));
        if let Some(subscript) = &assignment.subscript {
            self.word(subscript);
            self.evaluate_assigned(&assignment.value);
            return unknown();
        }
        match &assignment.value {
            AssignedValue::Word(word) => {
                let more = self.word(word);
                match self.state.variable(name) {
                    _ if !assignment.appends => Binding::Scalar(more),
                    Some(Binding::Scalar(value)) => Binding::Scalar(value.then(&more)),
                    _ => unknown(),
                }
            }
            AssignedValue::Array(elements) if elements.iter().all(|element| element.subscript.is_none()) => {
                let words: Vec<Word> = elements.iter().map(|element| element.value.clone()).collect();
                match (self.words(&words), self.state.variable(name)) {
                    (Some(values), _) if !assignment.appends => Binding::Array(values),
                    (Some(more), Some(Binding::Array(values))) => Binding::Array(values.iter().cloned().chain(more).collect()),
                    _ => unknown(),
                }
            }
            AssignedValue::Array(_) | AssignedValue::Dynamic(_) => {
                self.evaluate_assigned(&assignment.value);
                unknown()
            }
            // `export name`, `local name`: what it holds stays known.
            AssignedValue::Bare => self.state.variable(name).cloned().unwrap_or_else(unknown),
        }
    }

    /// Evaluates the right side of an assignment for what it runs.
    pub(super) fn evaluate_assigned(&mut self, value: &AssignedValue) {
        match value {
            AssignedValue::Word(word) | AssignedValue::Dynamic(word) => {
                self.word(word);
            }
            AssignedValue::Array(elements) => {
                for element in elements {
                    if let Some(subscript) = &element.subscript {
                        self.word(subscript);
                    }
                    self.word(&element.value);
                }
            }
            AssignedValue::Bare => {}
        }
    }

    // The store.

    pub(super) fn set(&mut self, kind: StoreKind, key: Option<CompactString>, place: Location, value: Option<&Value>) {
        if let Some(key) = &key {
            let subject = self.facts.id(Subject::Set(kind, key.clone()));
            // Of a value that is neither known nor secret nothing is kept.
            let value = value.filter(|value| value.split().1.is_none() || value.secret().is_some());
            let fact = Fact::new(place, value.cloned().map(Arc::new));
            let unsent = Fact { value: None, ..fact.clone() };
            self.state.set_fact(self.facts, subject, fact);
            if kind == StoreKind::Env && !self.is_surely_exported(key) {
                self.hold(Subject::Unsent(key.clone()), unsent);
            }
        }
        self.flow.sets.push(Access { kind, key, place });
    }

    /// Makes a fact hold from here on.
    pub(super) fn hold(&mut self, subject: Subject, fact: Fact) {
        let subject = self.facts.id(subject);
        self.state.set_fact(self.facts, subject, fact);
    }

    fn is_surely_exported(&self, key: &CompactString) -> bool {
        let subject = self.facts.find(&Subject::Exported(key.clone()));
        subject.and_then(|subject| self.state.fact(subject)).is_some_and(|fact| fact.certainty == Certainty::Yes)
    }

    pub(super) fn export(&mut self, key: Option<CompactString>, place: Location) {
        match &key {
            Some(key) => {
                let exported = Fact::new(place, None);
                // Where an earlier stage set the key, the certainty of the export says enough.
                let unsent = self.facts.find(&Subject::Unsent(key.clone()));
                if unsent.is_some_and(|unsent| self.state.fact(unsent).is_some()) {
                    self.hold(Subject::Unsent(key.clone()), exported.ended());
                }
                self.hold(Subject::Exported(key.clone()), exported);
            }
            None => self.hold(Subject::Widened, Fact::new(place, None)),
        }
        self.flow.exports.push(Access { kind: StoreKind::Env, key, place });
    }
}

/// The names of all variables that a block assigns by itself.
fn assigned(block: &Block, names: &mut Vec<CompactString>) {
    for statement in block {
        assigned_by(statement, names);
    }
}

fn assigned_by(statement: &Statement, names: &mut Vec<CompactString>) {
    match &statement.kind {
        StatementKind::Assign(assignments) => names.extend(assignments.iter().map(|assignment| assignment.name.clone())),
        StatementKind::Declare(declaration) => names.extend(declaration.items.iter().map(|item| item.name.clone())),
        StatementKind::Arithmetic(expression) => names.extend(expression.assigned.iter().cloned()),
        StatementKind::Command(command) => {
            let name = command.name();
            if name.is("read") || name.is("mapfile") || name.is("readarray") {
                names.extend(command.arguments().iter().filter_map(Word::literal).filter(|word| !word.starts_with('-')));
            }
        }
        StatementKind::Chain(chain) => {
            assigned_by(&chain.first, names);
            chain.rest.iter().for_each(|(_, member)| assigned_by(member, names));
        }
        StatementKind::Not(inner) | StatementKind::Time(inner) => assigned_by(inner, names),
        StatementKind::Redirected(redirected) => assigned_by(&redirected.inner, names),
        StatementKind::If(branches) => {
            for (condition, body) in &branches.arms {
                assigned(condition, names);
                assigned(body, names);
            }
            if let Some(body) = &branches.otherwise {
                assigned(body, names);
            }
        }
        StatementKind::Loop(repeated) => {
            match &repeated.head {
                LoopHead::Words { name, .. } | LoopHead::Select { name, .. } => names.push(name.clone()),
                LoopHead::Arithmetic(parts) => names.extend(parts.iter().flat_map(|part| part.assigned.iter().cloned())),
                LoopHead::Condition { .. } => {}
            }
            assigned(&repeated.body, names);
        }
        StatementKind::Case(case) => {
            for arm in &case.arms {
                assigned(&arm.body, names);
            }
        }
        StatementKind::Group(block) => assigned(block, names),
        StatementKind::Pipe(_)
        | StatementKind::Subshell(_)
        | StatementKind::Background(_)
        | StatementKind::Coproc(_)
        | StatementKind::Test(_)
        | StatementKind::Function(_)
        | StatementKind::Exit(_)
        | StatementKind::Return(_)
        | StatementKind::Break(_)
        | StatementKind::Continue(_) => {}
    }
}
