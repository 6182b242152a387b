//! Redirections: what commands read, and where what they print goes.

use compact_str::CompactString;

use super::super::stage::{Event, WithoutKey};
use super::super::state::Input;
use super::super::value::{Cause, Value};
use super::{Frame, Interpreter, Status};
use crate::platform::StoreKind;
use crate::syntax::shell::{Block, Descriptor, Part, Redirect, RedirectOperator, Word};

/// A file, and whether it is appended to.
type Target = Option<(CompactString, bool)>;

/// What redirections make of standard input and output.
#[derive(Default)]
struct Streams {
    input: Option<Value>,
    /// Where the output goes: a file and whether it is appended to; `None` inside where it goes nowhere that is read.
    output: Option<Target>,
}

impl Interpreter<'_, '_> {
    /// Runs something with redirections, which end with it.
    pub(in crate::flow) fn redirected(&mut self, redirects: &[Redirect], run: impl FnOnce(&mut Self) -> Status) -> Status {
        if redirects.is_empty() {
            return run(self);
        }
        let streams = self.streams(redirects);
        let mut frame = (None, None, None);
        if let Some(input) = streams.input {
            frame.0 = Some(self.state.input().clone());
            self.state.set_input(Input::Text(input));
        }
        if let Some(target) = streams.output {
            frame.1 = Some(self.state.output().cloned());
            let is_kept = target.is_some();
            self.state.set_output(is_kept.then(|| Value::text("")));
            frame.2 = target;
        }
        let (input, output, target) = frame;
        self.frames.push(Frame::Redirect { input, output, target });
        let status = run(self);
        if self.alive {
            self.unwind_redirect(self.frames.len() - 1);
        }
        self.frames.pop();
        status
    }

    /// `exec < file`: redirections that last.
    pub(in crate::flow) fn redirect_shell(&mut self, redirects: &[Redirect]) {
        let streams = self.streams(redirects);
        if let Some(input) = streams.input {
            self.state.set_input(Input::Text(input));
        }
        if let Some(target) = streams.output {
            if self.is_asked() {
                self.state.set_output(Some(Value::unknown(Cause::Expansion)));
            }
            if let Some((path, _)) = target {
                self.state.set_file(path, None);
            }
        }
    }

    /// Gives back what the redirections above a frame changed: the present path leaves them.
    pub(super) fn unwind_redirects(&mut self, target: usize) {
        for index in (target + 1..self.frames.len()).rev() {
            if matches!(self.frames[index], Frame::Redirect { .. }) {
                self.unwind_redirect(index);
            }
        }
    }

    fn unwind_redirect(&mut self, index: usize) {
        let Some(Frame::Redirect { input, output, target }) = self.frames.get(index) else { return };
        let (input, output, target) = (input.clone(), output.clone(), target.clone());
        let printed = self.state.output().cloned();
        if let Some(input) = input {
            self.state.set_input(input);
        }
        if let Some(output) = output {
            self.state.set_output(output);
        }
        if let Some((path, appends)) = target {
            let content = match (self.state.file(&path), appends) {
                (Some(before), true) => before.clone().zip(printed).map(|(before, printed)| before.then(&printed)),
                (None, true) => self.repository_text(&path).zip(printed).map(|(before, printed)| Value::text(before).then(&printed)),
                _ => printed,
            };
            self.state.set_file(path, content);
        }
    }

    fn streams(&mut self, redirects: &[Redirect]) -> Streams {
        let mut streams = Streams::default();
        for redirect in redirects {
            let descriptor = match (&redirect.descriptor, redirect.operator) {
                (Descriptor::Number(number), _) => Some(*number),
                (Descriptor::Variable(name), _) => {
                    self.assign_text(name, Value::unknown(Cause::Variable(name.clone())));
                    None
                }
                (Descriptor::Default, operator) => Some(u32::from(!is_input(operator))),
            };
            let word = redirect.word();
            match redirect.operator {
                RedirectOperator::HereString => {
                    let text = self.word(word).then(&Value::text("\n"));
                    if descriptor == Some(0) {
                        streams.input = Some(text);
                    }
                }
                RedirectOperator::HereDocument => {
                    let text = self.word(word);
                    if descriptor == Some(0) {
                        streams.input = Some(text);
                    }
                }
                RedirectOperator::Input | RedirectOperator::ReadWrite => {
                    let content = self.read_from(word);
                    if descriptor == Some(0) {
                        streams.input = Some(content);
                    }
                }
                RedirectOperator::DuplicateInput => {
                    let source = self.word(word);
                    if descriptor == Some(0) && !source.is("0") {
                        streams.input = Some(Value::unknown(Cause::Expansion));
                    }
                }
                RedirectOperator::DuplicateOutput => {
                    let target = self.word(word);
                    let is_number = target.known().is_some_and(|text| text == "-" || text.parse::<u32>().is_ok());
                    if descriptor == Some(1) && !target.is("1") {
                        streams.output = Some(if is_number { None } else { self.written(word, &target, false) });
                    }
                }
                operator => {
                    let target = self.word(word);
                    let appends = matches!(operator, RedirectOperator::Append | RedirectOperator::AppendBoth);
                    let file = self.written(word, &target, appends);
                    let is_both = matches!(operator, RedirectOperator::OutputBoth | RedirectOperator::AppendBoth);
                    if descriptor == Some(1) || is_both {
                        streams.output = Some(file);
                    } else if let Some((path, _)) = file {
                        self.state.set_file(path, None);
                    }
                }
            }
        }
        streams
    }

    /// A file that is written: noted, and what it is known by.
    fn written(&mut self, word: &Word, target: &Value, appends: bool) -> Option<(CompactString, bool)> {
        self.makes(target);
        let path = self.state.folder().file_below(target)?;
        self.note_written(word, &path);
        Some((path, appends))
    }

    /// What a file, or a process behind `<( .. )`, gives to read.
    fn read_from(&mut self, word: &Word) -> Value {
        if let [Part::Process(block)] = &*word.parts {
            return self.process_output(block);
        }
        let path = self.word(word);
        self.read_file(word, &path)
    }

    /// What `<( .. )` gives to read.
    pub(in crate::flow) fn process_output(&mut self, block: &Block) -> Value {
        self.captured(|interpreter| interpreter.block(block)).1
    }

    /// What a file holds as far as it is known; its reading is noted where only the workspace can have it.
    pub(in crate::flow) fn read_file(&mut self, word: &Word, path: &Value) -> Value {
        let Some(file) = self.state.folder().file_below(path) else { return Value::unknown(Cause::Expansion) };
        let place = self.word_location(word);
        self.note_file_read(&file, place);
        self.file_content(&file).unwrap_or_else(|| Value::unknown(Cause::Output("cat".into())))
    }

    /// What a file holds, where it is known.
    pub(in crate::flow) fn file_content(&mut self, file: &str) -> Option<Value> {
        match self.state.file(file) {
            Some(content) => content.clone(),
            None => self.repository_text(file).map(Value::text),
        }
    }

    /// The text of a file of the repository that nothing has changed.
    fn repository_text(&mut self, file: &str) -> Option<CompactString> {
        if self.scripts.is_changed(file) {
            return None;
        }
        self.scripts.repository.text(file)
    }

    /// Notes that a file must be there: one that the repository does not have.
    pub(in crate::flow) fn note_file_read(&mut self, file: &CompactString, place: crate::source::Location) {
        if !self.scripts.repository.exists(file) {
            let has_default = self.context.handles_failure() || !self.is_certain();
            let without = if has_default { WithoutKey::GoesOn } else { WithoutKey::Fails };
            self.note_read(StoreKind::Workspace, Some(file.clone()), place, without);
        }
    }

    /// Notes that a file is written.
    pub(in crate::flow) fn note_written(&mut self, word: &Word, file: &CompactString) {
        let place = self.word_location(word);
        self.set(StoreKind::Workspace, Some(file.clone()), place, None);
        self.log(Event::Made(file.clone()));
        self.scripts.note_changed(file);
    }
}

fn is_input(operator: RedirectOperator) -> bool {
    matches!(
        operator,
        RedirectOperator::Input
            | RedirectOperator::ReadWrite
            | RedirectOperator::DuplicateInput
            | RedirectOperator::HereString
            | RedirectOperator::HereDocument
    )
}
