//! Shells: `bash script`, `bash -c text`, `bash < file`, and `eval`.

use std::sync::Arc;

use super::super::interpret::fields::Arguments;
use super::super::interpret::{Interpreter, Status};
use super::super::state::Toggle;
use super::super::value::Value;
use super::Site;
use super::paths::Manner;
use crate::platform::{self, SHELL_OPTIONS_WITH_VALUE};
use crate::source::Location;
use crate::syntax::shell::{Input, Part, StatementKind, Word, input};

/// What a new program is given.
pub(super) struct Child {
    /// Its arguments, where they are known.
    pub(super) arguments: Option<Vec<Value>>,
    /// `-e`.
    pub(super) ends_on_error: bool,
    /// `-u`.
    pub(super) needs_values: bool,
}

impl Child {
    /// Without arguments.
    pub(super) fn plain() -> Self {
        Self { arguments: Some(Vec::new()), ends_on_error: false, needs_values: false }
    }
}

impl Interpreter<'_, '_> {
    pub(super) fn shell(&mut self, own: &Arguments<'_>, site: Site<'_>) -> Status {
        let mut at = 0;
        let (mut is_text, mut reads_input, mut runs_nothing) = (false, false, false);
        let (mut ends_on_error, mut needs_values) = (false, false);
        while let Some(text) = own.text(at) {
            if text == "--" || text == "-" {
                at += 1;
                break;
            }
            if !text.starts_with(['-', '+']) {
                break;
            }
            if SHELL_OPTIONS_WITH_VALUE.contains(&text) {
                ends_on_error |= own.text(at + 1) == Some("errexit") && text == "-o";
                needs_values |= own.text(at + 1) == Some("nounset") && text == "-o";
                at += 2;
                continue;
            }
            if text.starts_with('-') && !text.starts_with("--") {
                is_text |= text.contains('c');
                reads_input |= text.contains('s');
                runs_nothing |= text.contains('n');
                ends_on_error |= text.contains('e');
                needs_values |= text.contains('u');
                // `-euo pipefail`
                at += usize::from(text.ends_with(['o', 'O']));
            }
            runs_nothing |= matches!(text, "--version" | "--help");
            at += 1;
        }
        if runs_nothing {
            return self.other_output("bash");
        }
        let child = |from: usize| Child { arguments: own.skip(from).values(), ends_on_error, needs_values };
        if is_text {
            return self.child_text(own, at, &child(at + 2), site);
        }
        if reads_input || (own.list().len() <= at && own.is_complete) {
            return self.shell_on_input(&child(at), site);
        }
        let Some(script) = own.list().get(at).cloned() else {
            let place = self.site_location(site);
            self.opaque(place, "a script whose path is not known".into());
            return self.other_output("bash");
        };
        if script.value.known().is_some_and(|path| path == "/dev/stdin") {
            return self.shell_on_input(&child(at + 1), site);
        }
        if let Some(Part::Process(block)) = site.word(&script).and_then(|word| word.parts.first()) {
            let block = block.clone();
            let text = self.process_output(&block);
            return self.child_of_text(&[(text, script.place)], &child(at + 1), site);
        }
        let Child { arguments, ends_on_error, needs_values } = child(at + 1);
        self.run_path(&script, &Manner::Child { arguments, ends_on_error, needs_values, by_shell: true }, site)
    }

    /// `-c text name argument ..`, in a process of its own.
    fn child_text(&mut self, own: &Arguments<'_>, at: usize, child: &Child, site: Site<'_>) -> Status {
        let Some(text) = own.list().get(at) else { return Status::Unknown };
        let options: Vec<(Value, Location)> = text.value.each().into_iter().map(|value| (value, text.place)).collect();
        self.one_of(&options, |interpreter, option| interpreter.child_of_text(std::slice::from_ref(option), child, site))
    }

    /// Runs shell text as a new program.
    pub(super) fn child_of_text(&mut self, pieces: &[(Value, Location)], child: &Child, site: Site<'_>) -> Status {
        self.process(|interpreter| {
            interpreter.begin_program(Toggle::when(child.ends_on_error), Toggle::when(child.needs_values));
            interpreter.state.set_arguments(child.arguments.clone().map(Arc::new));
            interpreter.run_text(pieces, site.span)
        })
    }

    /// A shell that reads its commands from standard input.
    fn shell_on_input(&mut self, child: &Child, site: Site<'_>) -> Status {
        let Some(text) = self.input() else {
            // Nothing is connected: there is nothing to run.
            return self.other_output("bash");
        };
        let place = self.input_place(site);
        self.child_of_text(&[(text, place)], child, site)
    }

    /// Where the text stands that a command reads: its here-document, else the command.
    fn input_place(&self, site: Site<'_>) -> Location {
        match input(site.redirects) {
            Some(Input::Text(word)) => self.word_location(word),
            _ => self.site_location(site),
        }
    }

    /// A command that is given as text: `script -c text`.
    pub(super) fn text_argument(&mut self, own: &Arguments<'_>, at: usize, site: Site<'_>) -> Status {
        self.child_text(own, at, &Child::plain(), site)
    }

    pub(super) fn eval(&mut self, own: &Arguments<'_>, site: Site<'_>) -> Status {
        if Self::is_harmless_eval(own, site) {
            return Status::Likely;
        }
        let own = if own.text(0) == Some("--") { own.skip(1) } else { own.clone() };
        let pieces: Vec<(Value, Location)> = own.list().iter().map(|argument| (argument.value.clone(), argument.place)).collect();
        if let [(value, place)] = &*pieces
            && own.is_complete
        {
            let options = value.each();
            let place = *place;
            return self.one_of(&options, |interpreter, option| interpreter.run_text(&[(option.clone(), place)], site.span));
        }
        if !own.is_complete {
            let place = self.site_location(site);
            self.opaque(place, "`eval` of text that is not fixed".into());
            self.forget_variables();
            return Status::Unknown;
        }
        self.run_text(&pieces, site.span)
    }

    /// `eval "$(ssh-agent -s)"`.
    fn is_harmless_eval(own: &Arguments<'_>, site: Site<'_>) -> bool {
        let word = own.list().first().and_then(|first| site.word(first));
        let is_one = own.list().iter().all(|argument| Some(argument.word) == own.list().first().map(|first| first.word));
        is_one && word.is_some_and(substitutes_harmless_text)
    }
}

/// Whether a word is the output of a command that sets up tools.
pub(super) fn substitutes_harmless_text(word: &Word) -> bool {
    let (Some(Part::Substitution(block, _) | Part::Process(block)), 1) = (word.parts.first(), word.parts.len()) else { return false };
    let [statement] = &***block else { return false };
    let mut statement = statement;
    // `$(brew shellenv 2> /dev/null || true)`
    while let StatementKind::Chain(chain) = &statement.kind {
        statement = &chain.first;
    }
    let StatementKind::Command(command) = &statement.kind else { return false };
    let words: Vec<_> = command.words.iter().map(|word| word.literal().unwrap_or_default()).collect();
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    platform::prints_harmless_text(&words)
}
