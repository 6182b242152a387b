//! Processes: their variables end with them, the store and files do not.

use super::super::facts::ChangeId;
use super::super::state::{Flag, Input, Mark, Signal, Toggle};
use super::super::value::{Cause, Value};
use super::{End, Frame, Interpreter, Status, without_unlikely};
use crate::syntax::shell::{Block, Statement, StatementKind};

/// So many tests part the paths to the end of a process.
const MAX_PARTED: usize = 16;

/// Where what a process prints goes.
enum Printed {
    /// To where the shell prints.
    Through,
    /// To the next member of a pipeline.
    Piped,
    /// Into a word.
    Substituted,
}

impl Interpreter<'_, '_> {
    /// Runs something in a process of its own.
    pub(in crate::flow) fn process(&mut self, run: impl FnOnce(&mut Self) -> Status) -> Status {
        self.process_of(&Printed::Through, None, false, run).0
    }

    /// Runs what stands in a word, in a process of its own; also what it prints.
    pub(in crate::flow) fn captured(&mut self, run: impl FnOnce(&mut Self) -> Status) -> (Status, Value) {
        self.process_of(&Printed::Substituted, None, false, run)
    }

    fn process_of(
        &mut self,
        printed: &Printed,
        input: Option<Value>,
        forgets_traps: bool,
        run: impl FnOnce(&mut Self) -> Status,
    ) -> (Status, Value) {
        let mark = self.state.mark();
        let is_substitution = matches!(printed, Printed::Substituted);
        self.frames.push(Frame::Process { ends: Vec::new(), may_have_left: false, is_substitution });
        // A new process has no handler for its end, and no loop around it.
        for signal in [Signal::Exit, Signal::Other] {
            if self.state.trap(signal).is_some() {
                self.state.set_trap(signal, None);
            }
        }
        let shares_input = input.is_none();
        if let Some(input) = input {
            self.state.set_input(Input::Text(input));
        }
        if !matches!(printed, Printed::Through) {
            self.state.set_output(Some(Value::text("")));
        }
        let run = |interpreter: &mut Self| {
            let status = run(interpreter);
            if interpreter.alive {
                interpreter.end_process(status);
            }
        };
        if self.context.forgets_traps == forgets_traps {
            run(self);
        } else {
            self.within(|context| context.forgets_traps = forgets_traps, run);
        }
        self.alive = true;
        let ends = match self.frames.pop() {
            Some(Frame::Process { ends, .. }) => without_unlikely(ends),
            _ => Vec::new(),
        };
        self.leave_process(mark, &ends, matches!(printed, Printed::Through), shares_input)
    }

    /// Goes on behind a process that ended at any of `ends`: how it ended, and what it printed. Whoever asks how it ended
    /// knows what it did.
    fn leave_process(&mut self, mark: Mark, ends: &[End], through: bool, shares_input: bool) -> (Status, Value) {
        let process = self.state.end_process(mark);
        if let [only] = ends {
            let output = only.output.clone().unwrap_or_else(|| Value::unknown(Cause::Expansion));
            self.state.leave_process(&process, self.facts, &[only.head], through.then_some(&output), shares_input);
            return (only.status, output);
        }
        let output = ends.iter().map(|end| end.output.clone().unwrap_or_else(|| Value::unknown(Cause::Expansion)));
        let output = output.reduce(|left, right| left.or(&right)).unwrap_or_else(|| Value::text(""));
        let passed = through.then_some(&output);
        let heads = |is_one: &dyn Fn(Status) -> bool| {
            let mut heads: Vec<ChangeId> = ends.iter().filter(|end| is_one(end.status)).map(|end| end.head).collect();
            heads.sort_unstable();
            heads.dedup();
            heads
        };
        let successes = heads(&|status| !status.fails());
        let failures = heads(&|status| !status.succeeds());
        if successes.is_empty() || failures.is_empty() || successes == failures {
            self.state.leave_process(&process, self.facts, &heads(&|_| true), passed, shares_input);
            let status = ends.iter().map(|end| end.status).reduce(Status::or);
            return (status.unwrap_or(Status::Unknown), output);
        }
        let sides = [successes, failures].map(|heads| {
            self.state.leave_process(&process, self.facts, &heads, passed, shares_input);
            self.state.take_back(mark)
        });
        let test = self.state.join_outcomes(self.facts, &sides, Some(vec![true, false]));
        (test.map_or(Status::Unknown, Status::Asked), output)
    }

    /// Ends the present process, and runs what is to run then.
    pub(in crate::flow) fn end_process(&mut self, status: Status) {
        self.end_parted(status, 0);
    }

    /// As [`Self::end_process`], inside of so many tests that part the paths to here.
    fn end_parted(&mut self, status: Status, depth: usize) {
        // What was done on the way to a handler is known where it runs.
        let handled = || self.state.test_of_trap(Signal::Exit).filter(|_| self.runs_exit_traps());
        let test = self.met(status).or_else(handled).filter(|_| depth < MAX_PARTED);
        if let Some(test) = test {
            let here = self.state.mark();
            for side in [true, false] {
                self.state.assume(self.facts, test, side);
                let status = if status == Status::Asked(test) { Status::of(Some(side)) } else { status };
                self.uncertain(true, |interpreter| interpreter.end_parted(status, depth + 1));
                self.state.undo(here);
                self.alive = true;
            }
            self.alive = false;
            return;
        }
        if self.runs_exit_traps() {
            self.run_exit_traps();
        }
        // The handler itself may have ended it.
        if self.alive {
            self.note_end(status);
        }
    }

    /// Ends the present process as `break` in a substitution does: no handler runs.
    pub(super) fn break_off_process(&mut self) {
        self.note_end(Status::Success);
    }

    fn note_end(&mut self, status: Status) {
        let Some(target) = self.frames.iter().rposition(|frame| matches!(frame, Frame::Process { .. })) else { return };
        self.unwind_redirects(target);
        let is_certain = self.context.is_certain && !self.may_come_back(target);
        let is_unlikely = self.context.is_unlikely;
        let end = End { head: self.state.head(), output: self.state.output().cloned(), status, is_unlikely };
        if let Some(Frame::Process { ends, may_have_left, .. }) = self.frames.get_mut(target) {
            *may_have_left |= !is_certain;
            ends.push(end);
        }
        self.alive = false;
    }

    /// Notes that the present process may end here, and goes on where it does not. Where the stage itself would end, it
    /// fails: nothing follows that it could matter to.
    pub(in crate::flow) fn may_end_process(&mut self) {
        let Some(target) = self.frames.iter().rposition(|frame| matches!(frame, Frame::Process { .. })) else { return };
        if self.state.trap(Signal::Exit).is_some() {
            let start = self.state.mark();
            self.uncertain(true, |interpreter| interpreter.end_process(Status::Failure));
            self.state.undo(start);
            self.alive = true;
            return;
        }
        if target == 0 {
            return;
        }
        let end = End { head: self.state.head(), output: self.state.output().cloned(), status: Status::Failure, is_unlikely: false };
        if let Some(Frame::Process { ends, may_have_left, .. }) = self.frames.get_mut(target) {
            *may_have_left = true;
            ends.push(end);
        }
    }

    /// Whether paths that left a call or a loop inside of this frame go on elsewhere in it.
    pub(super) fn may_come_back(&self, frame: usize) -> bool {
        self.frames[frame + 1..].iter().any(|frame| match frame {
            Frame::Call { may_have_left, .. } | Frame::Loop { may_have_left, .. } => *may_have_left,
            Frame::Process { .. } | Frame::Redirect { .. } => false,
        })
    }

    /// Notes that some paths left the present process.
    pub(super) fn note_left_process(&mut self) {
        let process = self.frames.iter_mut().rev().find(|frame| matches!(frame, Frame::Process { .. }));
        if let Some(Frame::Process { may_have_left, .. }) = process {
            *may_have_left = true;
        }
    }

    fn runs_exit_traps(&self) -> bool {
        !self.context.is_unlikely && !self.context.forgets_traps
    }

    /// Whether the present place is in a function that was called in the present process.
    pub(in crate::flow) fn is_in_function_of_process(&self) -> bool {
        let mut of_process = self.frames.iter().rev().take_while(|frame| !matches!(frame, Frame::Process { .. }));
        of_process.any(|frame| matches!(frame, Frame::Call { is_function: true, .. }))
    }

    fn run_exit_traps(&mut self) {
        let process = self.frames.iter().rev().find(|frame| matches!(frame, Frame::Process { .. }));
        let is_substitution = matches!(process, Some(Frame::Process { is_substitution: true, .. }));
        for (signal, is_sure) in [(Signal::Other, false), (Signal::Exit, true)] {
            let Some(trap) = self.state.trap(signal).cloned() else { continue };
            let is_sure = is_sure && !(is_substitution && trap.is_of_function);
            self.state.set_trap(signal, None);
            let run = |interpreter: &mut Self| {
                interpreter
                    .one_of(&trap.text.each(), |interpreter, text| interpreter.run_text(&[(text.clone(), trap.place)], trap.place.span));
            };
            if is_sure {
                run(self);
            } else {
                self.perhaps(run);
            }
            if !self.alive {
                return;
            }
        }
    }

    /// Runs each member with what the one before it prints.
    pub(super) fn pipe(&mut self, members: &[Statement]) -> Status {
        let mut input = None;
        let mut status = Status::Unknown;
        for (index, member) in members.iter().enumerate() {
            let is_last = index + 1 == members.len();
            if is_last && self.state.flag(Flag::LastPipe) == Toggle::On {
                let outer = self.state.input().clone();
                self.state.set_input(Input::Text(input.take().unwrap_or_else(|| Value::unknown(Cause::Expansion))));
                status = self.statement(member);
                if self.alive {
                    self.state.set_input(outer);
                }
                return status;
            }
            let printed = if is_last { Printed::Through } else { Printed::Piped };
            let outcome = self.process_of(&printed, input.take(), forgets_traps(&member.kind), |interpreter| interpreter.statement(member));
            status = outcome.0;
            input = Some(outcome.1);
        }
        status
    }

    /// `$( .. )`: how it ended, and what it leaves in the word.
    pub(super) fn substitution(&mut self, block: &Block) -> (Status, Value) {
        let (status, printed) = self.captured(|interpreter| {
            // `set -e` does not reach into it in bash; in a shell that is POSIX's alone it does.
            if interpreter.state.flag(Flag::ErrorExit) == Toggle::On {
                interpreter.state.set_flag(Flag::ErrorExit, Toggle::Unknown);
            }
            interpreter.block(block)
        });
        (status, printed.without_last_lines())
    }

    /// Prints a text.
    pub(in crate::flow) fn print(&mut self, value: &Value) {
        if let Some(output) = self.state.output() {
            let printed = output.clone().then(value);
            self.state.set_output(Some(printed));
        }
    }

    /// Whether someone asks for what is printed.
    pub(in crate::flow) fn is_asked(&self) -> bool {
        self.state.output().is_some()
    }

    /// What can be read here; nothing where the script connects nothing.
    pub(in crate::flow) fn input(&self) -> Option<Value> {
        match self.state.input() {
            Input::Stage => None,
            Input::Text(value) => Some(value.clone()),
        }
    }
}

/// Whether bash runs no handler at the end of a member of a pipeline: those of compound commands are forgotten, but of
/// `{ .. }` and `( .. )`.
fn forgets_traps(member: &StatementKind) -> bool {
    match member {
        StatementKind::Redirected(redirected) => forgets_traps(&redirected.inner.kind),
        StatementKind::If(_) | StatementKind::Loop(_) | StatementKind::Case(_) => true,
        _ => false,
    }
}
