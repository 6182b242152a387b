//! Calls: functions, sourced scripts, children and shell text. What a call did is kept, by all that it depends on: the
//! state, and the [`Context`](super::Context).

use std::sync::Arc;

use compact_str::CompactString;

use super::super::facts::{Fact, SubjectId};
use super::super::scripts::{ScriptFile, align};
use super::super::stage::Event;
use super::super::state::{Branch, Defined, Flag, Functions, Mark, Toggle};
use super::super::value::{Binding, Value};
use super::branches::Split;
use super::{Context, End, Frame, Interpreter, OuterArguments, Status};
use crate::platform::PipelineKind;
use crate::source::{Location, Span};
use crate::syntax::shell::{Block, Command, Function};

/// Calls of fewer steps are run again rather than remembered.
const WORTH_REMEMBERING: usize = 32;
/// A stage that notes more than this has calls that call others many times over: what is done again is not noted again.
const MAX_EVENTS: usize = 20_000;
/// Calls that stand deeper in each other than this are not asked where they succeed and where they fail.
const MAX_PARTED: usize = 4;
/// Calls that stand deeper in each other are not entered.
const MAX_CALLS: usize = 200;

/// Everything that what a call does can depend on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::flow) struct CallKey {
    callee: usize,
    context: Context,
    is_certain: bool,
    state: u64,
    /// How many loops `break` in it can leave.
    loops: usize,
    /// The run of a stage whose entry matters; 0 for all others.
    scope: u32,
    pipeline: Option<PipelineKind>,
}

/// What changed of the store, in order.
type StoreChanges = Vec<(SubjectId, Option<Fact>)>;

/// What a call did.
pub(in crate::flow) struct CallSummary {
    /// What it changed, where it came out.
    change: Option<Branch>,
    status: Status,
    /// Where the process ended in it: what it had changed of the store by then.
    ends: Vec<(StoreChanges, End)>,
    may_have_left: bool,
    /// What it noted; `None` where the log was full: the same stage has noted it before.
    events: Option<Vec<Event>>,
    /// Between which changes of the store it ran first.
    heads: (super::super::facts::ChangeId, super::super::facts::ChangeId),
    depends_on_pipeline: bool,
}

/// The arguments of a call.
pub(in crate::flow) enum Given {
    /// Those of the script around it.
    Inherited,
    /// Its own, where they are known.
    Own(Option<Vec<Value>>),
}

/// What is called.
struct Callee<'c> {
    identity: *const (),
    body: &'c Block,
    is_function: bool,
    /// The arguments around it, where it has its own.
    outer: Option<OuterArguments>,
    errors_of: Option<&'c crate::syntax::shell::Script>,
}

impl Interpreter<'_, '_> {
    pub(super) fn define(&mut self, function: &Arc<Function>) {
        self.scripts.keep_function(function);
        let defined = Defined { file: self.context.file, folder: self.context.script_folder.clone(), function: function.clone() };
        self.state.define(function.name.clone(), Some(Functions { options: vec![defined], or_command: false, exported: false }));
    }

    /// Calls a function.
    pub(in crate::flow) fn call_function(&mut self, defined: &Defined, arguments: Option<Vec<Value>>) -> Status {
        self.in_function(defined, arguments, Self::call)
    }

    fn in_function<T>(&mut self, defined: &Defined, arguments: Option<Vec<Value>>, run: impl FnOnce(&mut Self, &Callee<'_>) -> T) -> T {
        let identity = Arc::as_ptr(&defined.function).cast();
        let callee = Callee { identity, body: &defined.function.body, is_function: true, outer: None, errors_of: None };
        let outer = self.state.arguments().cloned();
        self.state.set_arguments(arguments.map(Arc::new));
        let result = self.within(
            |context| {
                context.file = defined.file;
                context.script_folder.clone_from(&defined.folder);
            },
            |interpreter| run(interpreter, &callee),
        );
        if self.alive {
            self.state.set_arguments(outer);
        }
        result
    }

    /// Where a call of a function succeeds and where it fails; nothing where the command is not surely one.
    pub(super) fn split_command(&mut self, command: &Command, span: Span, start: Mark) -> Option<Split> {
        // Deep inside, calls are remembered rather than parted: functions that call others twice would part without end.
        if command.more.is_some() || self.active.len() >= MAX_PARTED {
            return None;
        }
        let name = command.name().literal()?;
        let functions = self.state.functions(&name)?;
        let [defined] = &*functions.options else { return None };
        if functions.or_command {
            return None;
        }
        let defined = defined.clone();
        let arguments = self.arguments(command.arguments()).values();
        if !self.alive {
            return Some(self.taken_back(Status::Unknown, start, span));
        }
        let outer = self.state.arguments().cloned();
        let mut split = self.in_function(&defined, arguments, |interpreter, callee| interpreter.split_call(callee, start));
        // The arguments of the caller are its own again in either case.
        let back = |interpreter: &mut Self, branch: Option<Branch>| {
            let branch = branch?;
            interpreter.enter(&branch);
            interpreter.state.set_arguments(outer.clone());
            Some(interpreter.state.take_back(start))
        };
        Some(Split { success: back(self, split.success.take()), failure: back(self, split.failure.take()), ..split })
    }

    /// Runs the body of a call up to where it succeeds and where it fails.
    fn split_call(&mut self, callee: &Callee<'_>, start: Mark) -> Split {
        if !self.may_enter(callee.identity) {
            return self.taken_back(Status::Unknown, start, Span::default());
        }
        self.active.push(callee.identity);
        self.frames.push(Frame::Call {
            mark: start,
            returns: Vec::new(),
            locals: Vec::new(),
            may_have_left: false,
            is_function: true,
            outer: None,
        });
        let through = self.split_block(callee.body, start);
        self.active.pop();
        let Some(Frame::Call { returns, locals, .. }) = self.frames.pop() else { return through };
        let mut split = self.with_returns(through, returns);
        let restored = |interpreter: &mut Self, branch: Option<Branch>| {
            let branch = branch?;
            if locals.is_empty() {
                return Some(branch);
            }
            interpreter.enter(&branch);
            for (name, variable) in locals.iter().rev() {
                interpreter.state.restore_variable(name, variable.clone());
            }
            Some(interpreter.state.take_back(start))
        };
        Split { success: restored(self, split.success.take()), failure: restored(self, split.failure.take()), ..split }
    }

    /// Where a call succeeds and where it fails that also ends at each `return`.
    fn with_returns(&mut self, through: Split, returns: Vec<(Branch, Status)>) -> Split {
        returns.into_iter().fold(through, |through, (branch, status)| {
            let own = self.parted(status, branch);
            Split {
                success: self.either(through.success, own.success),
                failure: self.either(through.failure, own.failure),
                is_likely: through.is_likely | own.is_likely,
                is_unlikely: through.is_unlikely | own.is_unlikely,
            }
        })
    }

    fn may_enter(&mut self, identity: *const ()) -> bool {
        let may = self.active.len() < MAX_CALLS && !self.active.contains(&identity);
        self.was_cut |= !may;
        may
    }

    /// Runs the body of a call, or does again what it did in an equal state and context.
    fn call(&mut self, callee: &Callee<'_>) -> Status {
        if !self.may_enter(callee.identity) {
            return Status::Unknown;
        }
        let loops = if callee.is_function { 0 } else { self.count_loops() };
        self.remembered(callee.identity as usize, self.scope, loops, |interpreter| {
            if let Some(script) = callee.errors_of {
                interpreter.note_errors(script);
            }
            interpreter.call_anew(callee)
        })
    }

    /// Runs something, or does again what it did in an equal state and context.
    pub(super) fn remembered(&mut self, identity: usize, scope: u32, loops: usize, run: impl FnOnce(&mut Self) -> Status) -> Status {
        let key = CallKey {
            callee: identity,
            context: self.context.clone(),
            is_certain: self.is_certain(),
            state: self.state.fingerprint(),
            loops,
            scope,
            pipeline: self.surroundings.pipeline,
        };
        let known = self.scripts.summary(&key).or_else(|| self.scripts.summary(&CallKey { scope: self.run, ..key.clone() }));
        if let Some(summary) = known {
            return self.call_again(&summary);
        }
        let before = Before {
            mark: self.state.mark(),
            events: self.flow.events.len(),
            steps: self.steps,
            ends: self.ends().map_or(0, |ends| ends.len()),
            left: self.count_left(),
            head: self.state.head(),
            unlogged: self.unlogged,
            depends_on_pipeline: std::mem::take(&mut self.flow.depends_on_pipeline),
        };
        let was_cut = std::mem::take(&mut self.was_cut);
        let status = run(self);
        // What left to a place around it is not in its summary.
        let is_closed = self.count_left() == before.left;
        if self.steps - before.steps > WORTH_REMEMBERING && is_closed && !self.was_cut && self.flow.cut.is_none() {
            self.keep(key, &before, status);
        }
        self.was_cut |= was_cut;
        self.flow.depends_on_pipeline |= before.depends_on_pipeline;
        status
    }

    /// How many paths have left the calls and loops around the present place.
    fn count_left(&self) -> usize {
        let left = self.frames.iter().map(|frame| match frame {
            Frame::Call { returns, .. } => returns.len(),
            Frame::Loop { breaks, continues, .. } => breaks.len() + continues.len(),
            Frame::Process { .. } | Frame::Redirect { .. } => 0,
        });
        left.sum()
    }

    fn call_anew(&mut self, callee: &Callee<'_>) -> Status {
        self.active.push(callee.identity);
        let mark = self.state.mark();
        let (is_function, outer) = (callee.is_function, callee.outer.clone());
        self.frames.push(Frame::Call { mark, returns: Vec::new(), locals: Vec::new(), may_have_left: false, is_function, outer });
        let mut status = self.block(callee.body);
        self.active.pop();
        let Some(Frame::Call { mark, returns, locals, .. }) = self.frames.pop() else { return status };
        if !returns.is_empty() {
            let through = self.taken_back(status, mark, Span::default());
            let split = self.with_returns(through, returns);
            status = self.meet(split);
        }
        if self.alive {
            for (name, variable) in locals.into_iter().rev() {
                self.state.restore_variable(&name, variable);
            }
        }
        status
    }

    /// The ends of the present process.
    pub(super) fn ends(&mut self) -> Option<&mut Vec<End>> {
        self.frames.iter_mut().rev().find_map(|frame| match frame {
            Frame::Process { ends, .. } => Some(ends),
            _ => None,
        })
    }

    fn keep(&mut self, key: CallKey, before: &Before, status: Status) {
        let ends = self.ends().map(|ends| ends[before.ends..].to_vec()).unwrap_or_default();
        let may_have_left = self.frames.iter().rev().find_map(|frame| match frame {
            Frame::Process { may_have_left, .. } => Some(*may_have_left),
            _ => None,
        });
        let ends = ends.into_iter().map(|end| (self.facts.changes_between(before.head, end.head), end));
        let is_whole = self.unlogged == before.unlogged;
        let key = if is_whole { key } else { CallKey { scope: self.run, ..key } };
        let summary = CallSummary {
            change: self.alive.then(|| self.state.delta(before.mark)),
            status,
            ends: ends.collect(),
            may_have_left: may_have_left.unwrap_or_default(),
            events: is_whole.then(|| self.flow.events[before.events..].to_vec()),
            heads: (before.head, self.state.head()),
            depends_on_pipeline: self.flow.depends_on_pipeline,
        };
        self.scripts.keep_summary(key, summary);
    }

    /// Does what a call did again.
    fn call_again(&mut self, summary: &CallSummary) -> Status {
        let events = summary.events.as_ref().filter(|events| self.flow.events.len() + events.len() <= MAX_EVENTS);
        if !self.spend(1 + events.map_or(0, |events| events.len() / 8), Span::default()) {
            return Status::Unknown;
        }
        let is_same_head = summary.heads.0 == self.state.head();
        for (changes, end) in &summary.ends {
            let mut head = end.head;
            if !is_same_head {
                head = self.state.head();
                for (subject, fact) in changes {
                    head = self.facts.push(head, *subject, fact.clone());
                }
            }
            let end = End { head, ..end.clone() };
            if let Some(ends) = self.ends() {
                ends.push(end);
            }
        }
        if summary.may_have_left {
            self.note_left_process();
        }
        match events {
            Some(events) => self.flow.events.extend(events.iter().cloned()),
            // The state is the same: what it would note is noted, and nothing that matters happened since.
            None => self.unlogged += 1,
        }
        self.flow.depends_on_pipeline |= summary.depends_on_pipeline;
        match &summary.change {
            Some(change) => self.state.redo(self.facts, change, is_same_head.then_some(summary.heads.1)),
            None => self.alive = false,
        }
        summary.status
    }

    /// `return`.
    pub(in crate::flow) fn leave_call(&mut self, status: Status) {
        let target = self.frames.iter().rposition(|frame| matches!(frame, Frame::Call { .. } | Frame::Process { .. }));
        let Some(target) = target else { return };
        if matches!(self.frames[target], Frame::Process { .. }) {
            // In a subshell of a function it ends that; elsewhere bash refuses it.
            return self.end_process(status);
        }
        self.unwind_redirects(target);
        let is_certain = self.context.is_certain && !self.may_come_back(target);
        if let Some(Frame::Call { mark, returns, may_have_left, .. }) = self.frames.get_mut(target) {
            *may_have_left |= !is_certain;
            returns.push((self.state.delta(*mark), status));
        }
        self.alive = false;
    }

    /// Runs a script file in the present shell.
    pub(in crate::flow) fn source(&mut self, script: &Arc<ScriptFile>, folder: CompactString, given: Given) -> Status {
        self.run_script(script, folder, given, false)
    }

    /// Runs a script file as a child: it sees exported variables only.
    pub(in crate::flow) fn run_child(
        &mut self,
        script: &Arc<ScriptFile>,
        folder: CompactString,
        arguments: Option<Vec<Value>>,
        error_exit: Toggle,
        no_unset: Toggle,
    ) -> Status {
        self.process(|interpreter| {
            interpreter.begin_program(error_exit, no_unset);
            interpreter.run_script(script, folder, Given::Own(arguments), true)
        })
    }

    /// Forgets what a new program does not see of the shell that starts it.
    pub(in crate::flow) fn begin_program(&mut self, error_exit: Toggle, no_unset: Toggle) {
        for (name, is_sure) in self.state.unexported() {
            self.state.put_variable(&name, is_sure.then_some((Binding::Unset, Toggle::Off)));
        }
        for name in self.state.function_names() {
            if self.state.functions(&name).is_some_and(|functions| !functions.exported) {
                self.state.define(name, None);
            }
        }
        for (flag, toggle) in [
            (Flag::ErrorExit, error_exit),
            (Flag::NoUnset, no_unset),
            (Flag::NoCaseMatch, Toggle::Off),
            (Flag::Globbing, Toggle::Off),
            (Flag::LastPipe, Toggle::Off),
        ] {
            if self.state.flag(flag) != toggle {
                self.state.set_flag(flag, toggle);
            }
        }
    }

    fn run_script(&mut self, script: &Arc<ScriptFile>, folder: CompactString, given: Given, is_program: bool) -> Status {
        let outer = match given {
            Given::Inherited => None,
            Given::Own(arguments) => {
                let outer = self.state.arguments().cloned();
                self.state.set_arguments(arguments.map(Arc::new));
                Some(OuterArguments(outer))
            }
        };
        self.allow(script.length());
        let identity = Arc::as_ptr(script).cast();
        let callee =
            Callee { identity, body: &script.script().body, is_function: false, outer: outer.clone(), errors_of: Some(script.script()) };
        let status = self.within(
            |context| {
                context.file = script.file;
                if is_program {
                    context.program_folder = Some(folder.clone());
                }
                context.script_folder = Some(folder);
            },
            |interpreter| interpreter.call(&callee),
        );
        if let Some(OuterArguments(outer)) = outer.filter(|_| self.alive) {
            self.state.set_arguments(outer);
        }
        status
    }

    /// Runs shell text in the present shell: pieces of known text, with the places where they stand.
    pub(in crate::flow) fn run_text(&mut self, pieces: &[(Value, Location)], span: Span) -> Status {
        let mut texts = Vec::with_capacity(pieces.len());
        for (value, place) in pieces {
            match value.known() {
                Some(text) => texts.push((text.clone(), *place)),
                None => {
                    let place = self.location(span);
                    self.opaque(place, "shell text that is not fixed".into());
                    self.forget_variables();
                    return Status::Unknown;
                }
            }
        }
        if texts.iter().all(|(text, _)| text.trim().is_empty()) {
            return Status::Success;
        }
        let file = texts.first().map_or(self.context.file, |(_, place)| place.file);
        let (text, map) = align(self.sources.get(file).text(), &texts);
        let script = self.scripts.text_script(file, texts.first().map_or(0, |(_, place)| place.span.start), &text, &map);
        self.within(
            |context| context.file = file,
            |interpreter| {
                if let Some(error) = script.errors.first() {
                    let place = interpreter.location(error.span);
                    interpreter.opaque(place, "shell text that does not parse".into());
                }
                let identity: *const () = Arc::as_ptr(&script).cast();
                if interpreter.active.iter().filter(|active| **active == identity).count() > 2 || interpreter.active.len() > MAX_CALLS {
                    interpreter.was_cut = true;
                    return Status::Unknown;
                }
                interpreter.active.push(identity);
                let status = interpreter.block(&script.body);
                interpreter.active.pop();
                status
            },
        )
    }
}

/// How much had been noted before a call.
struct Before {
    mark: Mark,
    events: usize,
    steps: usize,
    ends: usize,
    left: usize,
    head: super::super::facts::ChangeId,
    unlogged: usize,
    depends_on_pipeline: bool,
}
