//! Loops: taken round by round as long as what drives them is known, else run zero or more times.

use compact_str::CompactString;

use super::super::state::{Mark, Toggle};
use super::super::value::{Binding, Cause, Value};
use super::branches::Split;
use super::fields::Arguments;
use super::{Frame, Interpreter, OuterArguments, Status};
use crate::source::Span;
use crate::syntax::shell::{Arithmetic, Block, Loop, LoopHead, Word};

/// Loops are unrolled as long as the innermost body is run at most this many times.
const MAX_UNROLLED: usize = 256;
/// Rounds of a loop whose number is not known: facts only grow, and what a round changes of the shell is unknown in the
/// next one, so few rounds see all.
const MAX_ROUNDS: usize = 4;

/// Loops inside of so many others are remembered.
const FEW_AROUND: usize = 3;

/// What drives a loop whose rounds are counted: runs to where another round begins, and where none does.
type Driver<'d, 'a, 'f> = &'d mut dyn FnMut(&mut Interpreter<'a, 'f>, Mark) -> Split;

impl<'a, 'f> Interpreter<'a, 'f> {
    pub(super) fn repeat(&mut self, repeated: &Loop) -> Status {
        if self.loops_around() < FEW_AROUND {
            return self.repeat_anew(repeated);
        }
        // Deep inside, a loop begins in the same few states again and again.
        let identity = std::ptr::from_ref(repeated) as usize;
        self.remembered(identity, self.run, self.count_loops(), |interpreter| interpreter.repeat_anew(repeated))
    }

    fn loops_around(&self) -> usize {
        self.frames.iter().filter(|frame| matches!(frame, Frame::Loop { .. })).count()
    }

    fn repeat_anew(&mut self, repeated: &Loop) -> Status {
        let start = self.state.mark();
        self.frames.push(Frame::Loop { start, breaks: Vec::new(), continues: Vec::new(), may_have_left: false });
        let body = &repeated.body;
        let mut status = Status::Likely;
        match &repeated.head {
            LoopHead::Words { name, words } => status = self.for_each(name, words.as_deref(), body),
            LoopHead::Condition { condition, until } => {
                let mut driver = |interpreter: &mut Self, mark: Mark| {
                    let split = interpreter.excused(|interpreter| interpreter.split_block(condition, mark));
                    if *until {
                        return Split { success: split.any_failure(), failure: split.any_success(), ..Split::default() };
                    }
                    Split { success: split.any_success(), failure: split.any_failure(), ..Split::default() }
                };
                status = self.while_driven(&mut driver, body, None);
            }
            LoopHead::Arithmetic(parts) => {
                let [first, condition, step] = &**parts;
                self.arithmetic(first);
                let mut driver = |interpreter: &mut Self, mark: Mark| {
                    let is_empty = condition.expression.literal().is_some_and(|text| text.trim().is_empty());
                    let answer = if is_empty { Some(true) } else { interpreter.arithmetic(condition).map(|value| value != 0) };
                    interpreter.taken_back(Status::of(answer), mark, condition.expression.span)
                };
                status = self.while_driven(&mut driver, body, Some(step));
            }
            LoopHead::Select { name, words } => {
                self.arguments(words.as_deref().unwrap_or_default());
                self.over_unknown(name, body);
            }
        }
        let Some(Frame::Loop { start, breaks, .. }) = self.frames.pop() else { return Status::Unknown };
        if !breaks.is_empty() {
            let through = self.state.take_back(start);
            let mut branches = breaks;
            if std::mem::replace(&mut self.alive, true) {
                branches.insert(0, through);
            }
            self.merge(&branches);
            status = Status::Unknown;
        }
        status
    }

    /// Takes the words one by one; ends as the last round does.
    fn for_each(&mut self, name: &str, words: Option<&[Word]>, body: &Block) -> Status {
        let mut runs = false;
        let values = match words {
            Some(words) => {
                let arguments = self.arguments(words);
                let is_complete = arguments.is_complete;
                runs = arguments.is_some;
                let values: Vec<Value> = arguments.list().iter().map(|argument| argument.value.clone()).collect();
                is_complete.then_some(values)
            }
            None => self.state.arguments().map(|arguments| arguments.to_vec()),
        };
        match values {
            Some(values) if values.is_empty() || (self.is_unrolled() && values.len() * self.context.repeats <= MAX_UNROLLED) => {
                let times = values.len().max(1);
                return self.within(
                    |context| context.repeats *= times,
                    |interpreter| {
                        let mut status = Status::Success;
                        for value in values {
                            if !interpreter.alive {
                                break;
                            }
                            interpreter.assign_loop_variable(name, value);
                            status = interpreter.iteration(body);
                        }
                        status
                    },
                );
            }
            Some(values) => {
                // Too many to take one by one: any of them, at least once.
                let any = values.iter().skip(1).fold(values[0].clone(), Value::or);
                self.assign_text(name, any.clone());
                self.iteration(body);
                if self.alive {
                    self.over_any(name, &any, body);
                }
            }
            None => {
                if runs {
                    // A pattern that no file has stays as it is: there is a first round.
                    self.assign_text(name, Value::unknown(Cause::Variable(name.into())));
                    self.iteration(body);
                }
                if self.alive {
                    self.over_unknown(name, body);
                }
            }
        }
        Status::Likely
    }

    /// Loops inside of many others are not taken round by round.
    fn is_unrolled(&self) -> bool {
        self.loops_around() <= FEW_AROUND
    }

    /// Zero or more rounds, with a variable that may be anything in each.
    fn over_unknown(&mut self, name: &str, body: &Block) {
        self.over_any(name, &Value::unknown(Cause::Variable(name.into())), body);
    }

    /// Zero or more rounds, with the same variable in each.
    fn over_any(&mut self, name: &str, any: &Value, body: &Block) {
        let mut driver = |interpreter: &mut Self, mark: Mark| {
            let none = interpreter.state.delta(mark);
            interpreter.assign_text(name, any.clone());
            let one = interpreter.state.take_back(mark);
            Split { success: Some(one), failure: Some(none), ..Split::default() }
        };
        self.while_driven(&mut driver, body, None);
    }

    /// Rounds as the driver has it; ends as the last one does, where their number is known.
    fn while_driven(&mut self, driver: Driver<'_, 'a, 'f>, body: &Block, step: Option<&Arithmetic>) -> Status {
        let mut rounds = 0;
        let mut status = Status::Success;
        let mut seen = rustc_hash::FxHashSet::default();
        while self.alive {
            let mark = self.state.mark();
            let split = driver(self, mark);
            match (split.success, split.failure) {
                (None, None) => self.alive = false,
                (None, Some(end)) => {
                    self.enter(&end);
                    return status;
                }
                (Some(round), None) => {
                    rounds += 1;
                    self.enter(&round);
                    // What begins as an earlier round did goes on for ever: only `break` leads out.
                    if !seen.insert(self.state.fingerprint()) {
                        self.alive = false;
                        return status;
                    }
                    if rounds * self.context.repeats > MAX_UNROLLED || (rounds > 1 && !self.is_unrolled()) {
                        self.zero_or_more(driver, body, step);
                        return Status::Likely;
                    }
                    status = self.round(body, step);
                }
                (Some(_), Some(_)) => {
                    self.zero_or_more(driver, body, step);
                    return Status::Likely;
                }
            }
        }
        status
    }

    /// Rounds whose number is not known.
    fn zero_or_more(&mut self, driver: Driver<'_, 'a, 'f>, body: &Block, step: Option<&Arithmetic>) {
        let start = self.state.mark();
        let mut end = None;
        for round in 0..MAX_ROUNDS {
            let here = self.state.mark();
            let split = driver(self, here);
            if round == 0 || split.failure.is_some() {
                end = split.failure;
            }
            let Some(next) = split.success else { break };
            // The end counts from the present state, which further rounds widen.
            if let Some(failure) = end.take() {
                self.enter(&failure);
                end = Some(self.state.delta(start));
                self.state.undo(here);
            }
            self.enter(&next);
            self.uncertain(true, |interpreter| interpreter.round(body, step));
            let after = self.state.take_back(here);
            if !std::mem::replace(&mut self.alive, true) {
                break;
            }
            if !self.spend(after.len() / 8, Span::default()) {
                break;
            }
            let is_new = self.state.widen(self.facts, &after, true);
            if !is_new {
                break;
            }
            if round + 1 == MAX_ROUNDS {
                let here = self.state.mark();
                let split = driver(self, here);
                if let Some(failure) = split.failure {
                    self.enter(&failure);
                    end = Some(self.state.delta(start));
                    self.state.undo(here);
                }
            }
        }
        self.state.undo(start);
        match end {
            Some(end) => self.enter(&end),
            None => self.alive = false,
        }
    }

    fn round(&mut self, body: &Block, step: Option<&Arithmetic>) -> Status {
        let status = self.iteration(body);
        if let Some(step) = step.filter(|_| self.alive) {
            self.arithmetic(step);
        }
        status
    }

    fn iteration(&mut self, body: &Block) -> Status {
        let start = self.state.mark();
        let status = self.block(body);
        let Some(Frame::Loop { continues, .. }) = self.frames.last_mut() else { return status };
        if continues.is_empty() {
            return status;
        }
        // They count from where the loop began: what they changed before this iteration is as it is here.
        let continues = std::mem::take(continues);
        let through = self.state.take_back(start);
        let mut branches = continues;
        if std::mem::replace(&mut self.alive, true) {
            branches.insert(0, through);
        }
        self.merge(&branches);
        Status::Unknown
    }

    /// `break N`, `continue N`.
    pub(in crate::flow) fn leave_iterations(&mut self, given: &Arguments<'_>, is_break: bool) -> Status {
        let (loops, ends_process) = self.loops_that_can_be_left();
        if loops.is_empty() && !ends_process {
            return Status::Success;
        }
        let levels = match given.list().first() {
            None if given.is_complete => Some(1),
            None => None,
            Some(first) => match first.value.known() {
                Some(text) => match text.trim().parse::<i64>() {
                    // All of them.
                    Ok(..1) => Some(usize::MAX),
                    Ok(levels) => Some(usize::try_from(levels).unwrap_or(usize::MAX)),
                    Err(_) => {
                        self.end_process(Status::Failure);
                        return Status::Failure;
                    }
                },
                None => None,
            },
        };
        match levels {
            Some(levels) if levels > loops.len() && ends_process => self.break_off_process(),
            Some(levels) => self.leave_loop(loops[levels.clamp(1, loops.len()) - 1], is_break),
            None => self.uncertain(true, |interpreter| {
                let start = interpreter.state.mark();
                for target in loops {
                    interpreter.leave_loop(target, is_break);
                    interpreter.state.undo(start);
                }
                if ends_process {
                    interpreter.break_off_process();
                }
            }),
        }
        self.alive = false;
        Status::Success
    }

    /// The frames of the loops that `break` here can leave, the innermost first; and whether it can leave more than
    /// these, which ends the process.
    fn loops_that_can_be_left(&self) -> (Vec<usize>, bool) {
        let (mut loops, mut ends_process, mut is_inside) = (Vec::new(), false, false);
        for (index, frame) in self.frames.iter().enumerate().rev() {
            match frame {
                Frame::Loop { .. } if is_inside => ends_process = true,
                Frame::Loop { .. } => loops.push(index),
                Frame::Redirect { .. } | Frame::Call { is_function: false, .. } => {}
                Frame::Process { is_substitution: true, .. } => is_inside = true,
                // Outside of a loop it does nothing.
                Frame::Process { .. } | Frame::Call { .. } => break,
            }
        }
        (loops, ends_process)
    }

    /// How many loops `break` can leave here: what a sourced script does may depend on it.
    pub(super) fn count_loops(&self) -> usize {
        let (loops, ends_process) = self.loops_that_can_be_left();
        loops.len() + usize::from(ends_process)
    }

    fn leave_loop(&mut self, target: usize, is_break: bool) {
        self.unwind_redirects(target);
        let outer = self.frames[target..].iter().find_map(|frame| match frame {
            Frame::Call { outer: Some(OuterArguments(outer)), .. } => Some(outer.clone()),
            _ => None,
        });
        if let Some(outer) = outer {
            self.state.set_arguments(outer);
        }
        let is_certain = self.context.is_certain && !self.may_come_back(target);
        let Some(Frame::Loop { start, breaks, continues, may_have_left }) = self.frames.get_mut(target) else { return };
        *may_have_left |= !is_certain;
        let branch = self.state.delta(*start);
        if is_break {
            breaks.push(branch);
        } else {
            continues.push(branch);
        }
    }

    /// Gives the variable of a loop its next value: a reference refers to another variable then.
    fn assign_loop_variable(&mut self, name: &str, value: Value) {
        match (self.state.variable(name), value.known()) {
            (Some(Binding::Reference(_)), Some(target)) => {
                let target = target.clone();
                self.state.put_variable(name, Some((Binding::Reference(target), Toggle::Off)));
            }
            (Some(Binding::Reference(_)), None) => self.state.put_variable(name, Some((Binding::Scalar(value), Toggle::Off))),
            _ => self.assign_text(name, value),
        }
    }

    /// Gives a variable a text.
    pub(in crate::flow) fn assign_text(&mut self, name: &str, value: Value) {
        let name: CompactString = self.referred(name);
        self.state.set_variable(&name, Binding::Scalar(value), false);
    }
}
