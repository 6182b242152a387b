//! Runs a script without running it: statements over the state.
//!
//! * [`Context`] is what surrounds a statement: cloned, compared and hashed as one value, changed by
//!   [`Interpreter::within`] alone. With the state it is the key of every summary of a call.
//! * `branches`, `loops`, `processes`, `calls` are the ways that a script can take; `redirects` what they read and
//!   print; `words`, `fields`, `assign`, `conditions` give words their meaning, `commands` commands theirs.

mod assign;
mod branches;
pub(super) mod calls;
mod conditions;
pub(super) mod fields;
mod loops;
mod processes;
mod redirects;
mod words;

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{ChangeId, Fact, Facts, Subject, SubjectId};
use super::scripts::ScriptFiles;
pub(super) use words::is_name;

use super::stage::{Event, Opaque, StageFlow, Suspicious, SuspiciousKind};
use super::state::{Branch, Flag, Input, Mark, State, TestId, Toggle, Variable};
use super::value::Value;
use crate::config::StageId;
use crate::platform::PipelineKind;
use crate::source::{FileId, Location, Sources, Span};
use crate::syntax::shell::{Block, Script, Statement, StatementKind, Word};

/// How deep calls, scripts and compound commands may stand in each other.
const MAX_DEPTH: usize = 700;
/// How many steps a stage may take in any case, and how many more for each byte of the scripts that it reads: code that
/// is made to blow up is not followed to its end.
const MIN_BUDGET: usize = 100_000;
const STEPS_PER_BYTE: usize = 4;
/// More places than this say no more.
const MAX_OPAQUE: usize = 1_000;

/// What is known before the stage begins.
#[derive(Clone, Copy)]
pub(super) struct PipelineContext<'a> {
    /// The pipeline that runs it.
    pub(super) pipeline: Option<PipelineKind>,
    /// What earlier stages left.
    pub(super) entry: Option<&'a dyn Earlier>,
    /// The stage.
    pub(super) stage: StageId,
    /// Whether the pipeline goes on where it fails.
    pub(super) may_fail: bool,
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
    surroundings: PipelineContext<'_>,
    facts: &mut Facts,
    sources: &mut Sources,
    scripts: &mut ScriptFiles<'_>,
) -> StageFlow {
    let context = Context {
        file,
        script_folder: None,
        program_folder: None,
        on_failure: OnFailure::Ends,
        is_unlikely: false,
        forgets_traps: false,
        is_certain: true,
        repeats: 1,
    };
    let run = scripts.new_scope(surroundings.stage);
    let scope = if surroundings.entry.is_some() { run } else { 0 };
    let budget = MIN_BUDGET + script.length() * STEPS_PER_BYTE;
    let mut interpreter = Interpreter {
        facts,
        sources,
        scripts,
        surroundings,
        scope,
        run,
        unlogged: 0,
        state: State::new(),
        flow: StageFlow::default(),
        context,
        substituted: None,
        alive: true,
        frames: vec![Frame::Process { ends: Vec::new(), may_have_left: false, is_substitution: false }],
        active: Vec::new(),
        was_cut: false,
        depth: 0,
        steps: 0,
        budget,
        opaque_places: FxHashSet::default(),
        last_status: Status::Success,
    };
    interpreter.note_errors(script);
    interpreter.run_to_end(&script.body);
    interpreter.finish()
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
    /// Not well, unless something is broken: `! set_env key value`.
    Unlikely,
    /// That is what the script asks, and it is known what differs.
    Asked(TestId),
    /// That is what the script asks.
    Unknown,
}

impl Status {
    /// Whether it ended badly as far as that is known.
    pub(super) fn fails(self) -> bool {
        matches!(self, Self::Failure | Self::Unlikely)
    }

    /// Whether it ended well as far as that is known.
    pub(super) fn succeeds(self) -> bool {
        matches!(self, Self::Success | Self::Likely)
    }

    /// How it ended where either way was taken.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (left, right) if left == right => left,
            (Self::Success | Self::Likely, Self::Success | Self::Likely) => Self::Likely,
            (Self::Failure | Self::Unlikely, Self::Failure | Self::Unlikely) => Self::Unlikely,
            _ => Self::Unknown,
        }
    }

    /// How a command ends that ends with a code.
    pub(super) fn of_code(code: &Value) -> Self {
        let code = code.known().and_then(|text| text.trim().parse::<i64>().ok());
        Self::of(code.map(|code| code.rem_euclid(256) == 0))
    }

    /// How a test ends.
    pub(super) fn of_test((answer, test): (Option<bool>, Option<TestId>)) -> Self {
        match (answer, test) {
            (None, Some(test)) => Self::Asked(test),
            (answer, _) => Self::of(answer),
        }
    }

    pub(super) fn of(answer: Option<bool>) -> Self {
        match answer {
            Some(true) => Self::Success,
            Some(false) => Self::Failure,
            None => Self::Unknown,
        }
    }
}

/// What the failure of a command leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum OnFailure {
    /// `set -e` ends the shell.
    Ends,
    /// It does not end the shell: left of `&&`.
    Passes,
    /// The script has a way to go on: left of `||`, in a condition.
    GoesOn,
}

/// What surrounds a statement, and decides with the state what it does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Context {
    /// The file of the text that is being run.
    pub(super) file: FileId,
    /// The folder of the script file that is being run, from the repository's root: `${BASH_SOURCE[0]}`.
    pub(super) script_folder: Option<CompactString>,
    /// The folder of the program that is being run: `$0`.
    pub(super) program_folder: Option<CompactString>,
    /// What a failure here leads to.
    pub(super) on_failure: OnFailure,
    /// Whether only something broken leads here.
    pub(super) is_unlikely: bool,
    /// Whether bash forgets the handler for the end of this process.
    pub(super) forgets_traps: bool,
    /// Whether every path to the innermost process, call or loop comes by.
    pub(super) is_certain: bool,
    /// How many times loops that are unrolled run the present statement.
    pub(super) repeats: usize,
}

impl Context {
    /// Whether a failure here does not end the shell.
    pub(super) fn handles_failure(&self) -> bool {
        self.on_failure >= OnFailure::Passes
    }

    /// Whether the script has a way to go on from a failure here.
    pub(super) fn excuses_failure(&self) -> bool {
        self.on_failure == OnFailure::GoesOn
    }
}

/// Whether `set -e` looks at what this gives: of a loop, a branch or a group it has looked at each command inside.
fn ends_by_itself(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Redirected(redirected) => ends_by_itself(&redirected.inner.kind),
        StatementKind::Command(_)
        | StatementKind::Test(_)
        | StatementKind::Arithmetic(_)
        | StatementKind::Subshell(_)
        | StatementKind::Pipe(_) => true,
        _ => false,
    }
}

/// Where the present process ended.
#[derive(Debug, Clone)]
pub(super) struct End {
    head: ChangeId,
    output: Option<Value>,
    status: Status,
    /// Whether only something broken leads here.
    is_unlikely: bool,
}

/// The ends that count: those that something broken leads to do not, where there are others.
fn without_unlikely(ends: Vec<End>) -> Vec<End> {
    if ends.iter().all(|end| end.is_unlikely) { ends } else { ends.into_iter().filter(|end| !end.is_unlikely).collect() }
}

/// What was printed so far, where someone asks for it.
type Asked = Option<Value>;

/// The arguments around a script that has its own, where they are known.
#[derive(Debug, Clone)]
struct OuterArguments(Option<Arc<Vec<Value>>>);

/// Something that statements can leave before its end.
#[derive(Debug)]
enum Frame {
    /// A process: `exit` ends it, and in a substitution that stands in a loop, `break` and `continue` do.
    Process { ends: Vec<End>, may_have_left: bool, is_substitution: bool },
    /// A function or a sourced script: `return` ends it.
    Call {
        mark: Mark,
        returns: Vec<(Branch, Status)>,
        locals: Vec<(CompactString, Option<Variable>)>,
        may_have_left: bool,
        is_function: bool,
        /// The arguments around it, where it has its own.
        outer: Option<OuterArguments>,
    },
    /// A loop: `break` ends it, `continue` its iteration.
    Loop { start: Mark, breaks: Vec<Branch>, continues: Vec<Branch>, may_have_left: bool },
    /// Redirections: whatever leaves them has the old input and output again.
    Redirect { input: Option<Input>, output: Option<Asked>, target: Option<(CompactString, bool)> },
}

pub(super) struct Interpreter<'a, 'f> {
    pub(super) facts: &'a mut Facts,
    pub(super) sources: &'a mut Sources,
    pub(super) scripts: &'a mut ScriptFiles<'f>,
    pub(super) surroundings: PipelineContext<'a>,
    /// Tells runs of stages apart whose entry matters.
    scope: u32,
    /// This run of a stage alone.
    run: u32,
    /// How often something was done again that is not noted again.
    unlogged: usize,
    pub(super) state: State,
    pub(super) flow: StageFlow,
    pub(super) context: Context,
    /// How the last substitution ended.
    substituted: Option<Status>,
    /// Whether the present path goes on.
    pub(super) alive: bool,
    frames: Vec<Frame>,
    /// Scripts and functions that are being run: they are not entered again.
    active: Vec<*const ()>,
    /// Whether such an entry was left out since the flag was cleared.
    was_cut: bool,
    depth: usize,
    steps: usize,
    budget: usize,
    /// The places of calls that cannot be followed.
    opaque_places: FxHashSet<Location>,
    /// How the last command ended: `$?`.
    last_status: Status,
}

impl Interpreter<'_, '_> {
    fn finish(mut self) -> StageFlow {
        let Some(Frame::Process { ends, .. }) = self.frames.pop() else { return self.flow };
        // A stage that fails ends the pipeline: what it did does not matter to later stages, unless it may fail.
        let may_fail = self.surroundings.may_fail;
        let ends = without_unlikely(ends);
        let succeeded: Vec<&End> = ends.iter().filter(|end| may_fail || !end.status.fails()).collect();
        let counted = if succeeded.is_empty() { ends.iter().collect() } else { succeeded };
        let mut heads: Vec<ChangeId> = counted.into_iter().map(|end| end.head).collect();
        heads.sort_unstable();
        heads.dedup();
        self.flow.end = self.facts.merge_ends(ChangeId::ROOT, &heads);
        self.flow.close_log();
        self.flow
    }

    pub(super) fn location(&self, span: Span) -> Location {
        Location { file: self.context.file, span }
    }

    /// The place of a word without its quotes.
    pub(super) fn word_location(&self, word: &Word) -> Location {
        self.location(word.inner_span(self.sources.get(self.context.file).text()))
    }

    /// Whether every path through the stage comes by.
    pub(super) fn is_certain(&self) -> bool {
        self.context.is_certain
            && !self.frames.iter().any(|frame| match frame {
                Frame::Process { may_have_left, .. } | Frame::Call { may_have_left, .. } | Frame::Loop { may_have_left, .. } => {
                    *may_have_left
                }
                Frame::Redirect { .. } => false,
            })
    }

    /// Runs something in other surroundings: the one way to change them.
    pub(super) fn within<T>(&mut self, change: impl FnOnce(&mut Context), run: impl FnOnce(&mut Self) -> T) -> T {
        let mut inner = self.context.clone();
        change(&mut inner);
        let outer = std::mem::replace(&mut self.context, inner);
        let result = run(self);
        self.context = outer;
        result
    }

    /// Runs something whose failure the script handles.
    pub(super) fn in_condition<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        if self.context.handles_failure() { run(self) } else { self.within(|context| context.on_failure = OnFailure::Passes, run) }
    }

    /// Runs something from whose failure the script has a way to go on.
    pub(super) fn excused<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        if self.context.excuses_failure() { run(self) } else { self.within(|context| context.on_failure = OnFailure::GoesOn, run) }
    }

    /// Runs something that not every path comes by, if so.
    pub(super) fn uncertain<T>(&mut self, is_uncertain: bool, run: impl FnOnce(&mut Self) -> T) -> T {
        if is_uncertain && self.context.is_certain { self.within(|context| context.is_certain = false, run) } else { run(self) }
    }

    pub(super) fn log(&mut self, event: Event) {
        self.flow.events.push(event);
    }

    // Statements.

    pub(super) fn block(&mut self, block: &Block) -> Status {
        let mut status = Status::Success;
        for statement in block {
            if !self.alive {
                break;
            }
            status = self.statement(statement);
        }
        status
    }

    /// Counts a step; false where the budget is used up.
    pub(super) fn spend(&mut self, steps: usize, span: Span) -> bool {
        self.steps += steps;
        if self.steps > self.budget || self.depth > MAX_DEPTH {
            self.stop_following(span);
            return false;
        }
        true
    }

    /// Lets a script that is read have its share of steps.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.budget += bytes * STEPS_PER_BYTE;
    }

    pub(super) fn statement(&mut self, statement: &Statement) -> Status {
        if !self.spend(1, statement.span) {
            return Status::Unknown;
        }
        self.depth += 1;
        let events = self.flow.events.len();
        let status = self.statement_kind(statement);
        self.depth -= 1;
        self.last_status = status;
        self.end_on_error(statement, status, events);
        status
    }

    /// `set -e`: a failure that nobody handles ends the shell.
    fn end_on_error(&mut self, statement: &Statement, status: Status, events: usize) {
        if status.succeeds() || !self.alive || self.context.handles_failure() || self.state.flag(Flag::ErrorExit) == Toggle::Off {
            return;
        }
        let ends = ends_by_itself(&statement.kind);
        // `a=$(command)` asks for what it prints, whether it fails or not; unless that is known.
        let ends = ends || (matches!(statement.kind, StatementKind::Assign(_)) && status != Status::Unknown);
        if !ends {
            return;
        }
        let is_on = self.state.flag(Flag::ErrorExit) == Toggle::On;
        if is_on && status == Status::Failure {
            self.end_process(Status::Failure);
        } else if let (true, Status::Asked(test)) = (is_on, status) {
            let here = self.state.mark();
            self.state.assume(self.facts, test, false);
            self.may_end_process();
            self.state.undo(here);
            self.state.assume(self.facts, test, true);
        } else {
            self.may_end_process();
            // What it did before it failed does not count where it goes on.
            if self.flow.events[events..].iter().any(|event| matches!(event, Event::Export(_))) {
                let place = self.location(statement.span);
                self.set_fact(Subject::Widened, Fact::new(place, None));
            }
        }
    }

    fn statement_kind(&mut self, statement: &Statement) -> Status {
        match &statement.kind {
            StatementKind::Command(command) => self.command(command, statement.span),
            StatementKind::Assign(assignments) => self.assignments(assignments),
            StatementKind::Test(test) => Status::of_test(self.in_condition(|interpreter| interpreter.test(test))),
            StatementKind::Arithmetic(expression) => Status::of_test(self.arithmetic_test(expression)),
            StatementKind::Declare(declaration) => self.declare(declaration),
            StatementKind::Chain(_) | StatementKind::Not(_) => self.joined(statement),
            StatementKind::Time(inner) => self.statement(inner),
            StatementKind::Pipe(members) => self.pipe(members),
            StatementKind::If(branches) => self.branches(branches),
            StatementKind::Loop(repeated) => self.repeat(repeated),
            StatementKind::Case(case) => self.case(case),
            StatementKind::Group(block) => self.block(block),
            StatementKind::Subshell(block) => self.process(|interpreter| interpreter.block(block)),
            StatementKind::Background(inner) => {
                self.process(|interpreter| interpreter.statement(inner));
                Status::Success
            }
            StatementKind::Coproc(coproc) => {
                self.process(|interpreter| interpreter.statement(&coproc.inner));
                Status::Success
            }
            StatementKind::Redirected(redirected) => {
                self.redirected(&redirected.redirects, |interpreter| interpreter.statement(&redirected.inner))
            }
            StatementKind::Function(function) => {
                self.define(function);
                Status::Success
            }
            StatementKind::Exit(arguments) => {
                let status = self.code(arguments);
                self.end_process(status);
                status
            }
            StatementKind::Return(arguments) => {
                let status = self.code(arguments);
                self.leave_call(status);
                status
            }
            StatementKind::Break(arguments) | StatementKind::Continue(arguments) => {
                let given = self.arguments(arguments);
                self.leave_iterations(&given, matches!(statement.kind, StatementKind::Break(_)))
            }
        }
    }

    /// What the code given to `exit` or `return` says.
    fn code(&mut self, arguments: &[Word]) -> Status {
        let values = self.arguments(arguments);
        let Some(first) = values.list().first() else {
            return if arguments.is_empty() { self.last_status } else { Status::Unknown };
        };
        Status::of_code(&first.value)
    }

    /// Of a script that does not parse parts may be missing: they may do anything.
    pub(super) fn note_errors(&mut self, script: &Script) {
        for document in &script.open_documents {
            let kind = SuspiciousKind::OpenHereDocument(document.delimiter.clone());
            self.suspect(self.location(document.span), kind);
        }
        if let Some(error) = script.errors.first() {
            let place = self.location(error.span);
            self.opaque(place, "a script that does not parse as a whole".into());
        }
    }

    /// From here on anything may happen: the script is beyond what is followed.
    fn stop_following(&mut self, span: Span) {
        let place = self.location(span);
        if self.flow.cut.is_none() {
            self.flow.cut = Some(place);
            self.opaque(place, "code that is too deep or too long to follow".into());
        }
        self.alive = false;
        let end = End { head: self.state.head(), output: self.state.output().cloned(), status: Status::Unknown, is_unlikely: false };
        if let Some(ends) = self.ends() {
            ends.push(end);
        }
    }

    /// Notes what cannot be followed: it may export anything.
    pub(super) fn opaque(&mut self, place: Location, what: CompactString) {
        self.state.forget_disk();
        self.set_fact(Subject::Widened, Fact::new(place, None));
        self.log_opaque(place, what, None);
    }

    /// Notes what cannot be followed. The platform's own scripts export nothing.
    pub(super) fn log_opaque(&mut self, place: Location, what: CompactString, platform_script: Option<CompactString>) {
        // More of them in a long script say no more.
        if self.opaque_places.insert(place) || self.flow.events.len() < MAX_OPAQUE {
            self.log(Event::Opaque(Box::new(Opaque { place, what, platform_script })));
        }
    }

    pub(super) fn suspect(&mut self, place: Location, kind: SuspiciousKind) {
        let suspicious = Suspicious { place, kind };
        if !self.flow.events.iter().any(|event| matches!(event, Event::Suspicious(known) if **known == suspicious)) {
            self.log(Event::Suspicious(Box::new(suspicious)));
        }
    }

    /// Makes a fact hold from here on.
    pub(super) fn set_fact(&mut self, subject: Subject, fact: Fact) {
        let subject = self.facts.id(subject);
        self.state.set_fact(self.facts, subject, fact);
    }
}
