//! What commands do. A command is what its words become: a function, a built-in, the store, a program that runs another
//! one, a script. What is not known here does nothing that the store sees.
//!
//! * `store` the store and triggers; `builtins`, `streams` what changes the shell and what it reads and prints
//! * `wrappers`, `shells`, `programs`, `files`, `paths` programs, by what the table of programs says of them

mod builtins;
mod files;
mod paths;
mod print;
mod programs;
mod read;
mod shells;
mod store;
mod wrappers;

use compact_str::CompactString;

use super::interpret::fields::{Argument, Arguments};
use super::interpret::{Interpreter, Status};
use super::state::Functions;
use super::value::{Binding, Cause, Value};
use crate::platform::{self, StoreCommand};
use crate::source::{Location, Span};
use crate::syntax::shell::{Assignment, Command, Redirect, Word};

/// How the name of a command is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Functions, built-ins, programs.
    All,
    /// `command`: no functions.
    NoFunctions,
    /// `builtin`: built-ins alone.
    Builtins,
    /// Another program runs it: programs alone.
    Programs,
}

/// A command that is about to run.
#[derive(Clone, Copy)]
pub(super) struct Site<'c> {
    /// Its words as they are written; the arguments say from which of them they come.
    pub(super) words: &'c [Word],
    pub(super) redirects: &'c [Redirect],
    /// The whole command.
    pub(super) span: Span,
    pub(super) lookup: Lookup,
}

impl<'c> Site<'c> {
    fn with(self, lookup: Lookup) -> Self {
        Self { lookup, ..self }
    }

    /// The word that an argument comes from.
    fn word(&self, argument: &Argument) -> Option<&'c Word> {
        self.words.get(argument.word)
    }
}

impl Interpreter<'_, '_> {
    pub(super) fn command(&mut self, command: &Command, span: Span) -> Status {
        let arguments = self.arguments(&command.words);
        if !self.alive {
            return Status::Unknown;
        }
        if command.name().is("exec") && command.words.len() == 1 {
            self.redirect_shell(command.redirects());
            return Status::Likely;
        }
        let site = Site { words: &command.words, redirects: command.redirects(), span, lookup: Lookup::All };
        if command.more.is_none() {
            return self.invoke(&arguments, site);
        }
        self.redirected(command.redirects(), |interpreter| {
            interpreter.with_environment(command.environment(), arguments.list().is_empty() && arguments.is_complete, |interpreter| {
                interpreter.invoke(&arguments, site)
            })
        })
    }

    /// `A=1 command`: what is assigned ends with the command, unless there is none.
    fn with_environment(&mut self, environment: &[Assignment], stays: bool, run: impl FnOnce(&mut Self) -> Status) -> Status {
        let saved: Vec<_> =
            environment.iter().map(|assignment| (assignment.name.clone(), self.state.saved_variable(&assignment.name))).collect();
        for assignment in environment {
            self.assign(assignment);
            if !stays && let Some(binding) = self.state.variable(&assignment.name).cloned() {
                self.state.set_variable(&assignment.name, binding, true);
            }
        }
        let status = run(self);
        if !stays && self.alive {
            for (name, variable) in saved.into_iter().rev() {
                self.state.restore_variable(&name, variable);
            }
        }
        status
    }

    /// Runs the command that arguments are.
    pub(super) fn invoke(&mut self, arguments: &Arguments<'_>, site: Site<'_>) -> Status {
        let Some(first) = arguments.list().first() else {
            return if arguments.is_complete { Status::Success } else { Status::Unknown };
        };
        if let Some(name) = first.value.known() {
            let name = name.clone();
            return self.named(&name, arguments, site);
        }
        let options = first.value.each();
        self.one_of(&options, |interpreter, option| {
            let own = arguments;
            match option.known() {
                // An empty variable without quotes is no word at all.
                Some(text) if text.is_empty() && site.word(&own.list()[0]).is_some_and(|word| !is_quoted(word)) => {
                    interpreter.invoke(&own.skip(1), site)
                }
                // One without quotes is as many words as it has.
                Some(text) if text.contains([' ', '\t']) && site.word(&own.list()[0]).is_some_and(|word| !is_quoted(word)) => {
                    let words: Vec<Value> = text.split_whitespace().map(Value::text).collect();
                    interpreter.invoke(&with_first(own, words), site)
                }
                Some(name) => interpreter.named(name, &with_first(own, vec![option.clone()]), site),
                None => interpreter.unknown_command(&with_first(own, vec![option.clone()]), site),
            }
        })
    }

    fn named(&mut self, name: &str, arguments: &Arguments<'_>, site: Site<'_>) -> Status {
        if site.lookup == Lookup::All
            && let Some(functions) = self.state.functions(name).cloned()
        {
            return self.function(&functions, name, arguments, site);
        }
        self.without_functions(name, arguments, site)
    }

    fn function(&mut self, functions: &Functions, name: &str, arguments: &Arguments<'_>, site: Site<'_>) -> Status {
        let values = arguments.skip(1).values();
        let mut options: Vec<Option<_>> = functions.options.iter().map(Some).collect();
        if functions.or_command {
            options.push(None);
        }
        self.one_of(&options, |interpreter, option| match option {
            Some(defined) => interpreter.call_function(defined, values.clone()),
            None => interpreter.without_functions(name, arguments, site),
        })
    }

    fn without_functions(&mut self, name: &str, arguments: &Arguments<'_>, site: Site<'_>) -> Status {
        if let Some(program) = platform::in_system_folder(name) {
            return self.without_functions(program, arguments, site.with(Lookup::Programs));
        }
        if matches!(site.lookup, Lookup::All | Lookup::NoFunctions | Lookup::Builtins)
            && let Some(status) = self.builtin(name, arguments, site)
        {
            return status;
        }
        if site.lookup == Lookup::Builtins {
            return Status::Failure;
        }
        // An empty name is no command.
        if name.is_empty() {
            return Status::Failure;
        }
        if name == "pipelinectl" {
            let rest = arguments.skip(1);
            return match rest.list().first().map(|first| &first.value) {
                Some(value) => match value.known().and_then(|name| StoreCommand::named(name)) {
                    Some(store) => self.store(store, &rest, site),
                    None if value.known().is_none() => self.unknown_command(&rest, site),
                    None => self.other_output(name),
                },
                None => self.other_output(name),
            };
        }
        if let Some(store) = StoreCommand::named(name) {
            return self.store(store, arguments, site);
        }
        if name.contains('/') && !is_build_wrapper(name) {
            let target = arguments.list()[0].clone();
            let values = arguments.skip(1).values();
            return self.run_path(&target, &paths::Manner::direct(values), site);
        }
        self.program(name, arguments, site)
    }

    /// A command whose name is not known: a script by its path, or anything at all.
    fn unknown_command(&mut self, arguments: &Arguments<'_>, site: Site<'_>) -> Status {
        let target = arguments.list()[0].clone();
        let mut options = target.value.options();
        let has_path = options.clone().any(|option| option.iter().any(|piece| matches!(piece, super::value::Piece::Folder(_))));
        let word = site.word(&target);
        let is_provided = word.is_some_and(|word| options.any(|option| self.scripts.repository.provided.names(word, option)));
        // `"$folder/run.sh"`: a script, wherever it is.
        if has_path || is_provided {
            let values = arguments.skip(1).values();
            return self.run_path(&target, &paths::Manner::direct(values), site);
        }
        let (_, cause) = target.value.split();
        let cause = cause.map_or_else(String::new, |cause| format!(" ({})", cause.describe()));
        let place = self.location(site.span);
        self.opaque(place, format!("a command that is not known{cause}").into());
        self.other_output("a command")
    }

    /// Prints what nobody knows.
    fn other_output(&mut self, name: &str) -> Status {
        if self.is_asked() {
            self.print(&Value::unknown(Cause::Output(name.into())));
        }
        Status::Unknown
    }

    /// The location of a whole command.
    fn site_location(&self, site: Site<'_>) -> Location {
        self.location(site.span)
    }
}

/// Arguments of which the first is other words.
fn with_first<'a>(arguments: &Arguments<'a>, words: Vec<Value>) -> Arguments<'a> {
    let Some((first, rest)) = arguments.list().split_first() else { return arguments.clone() };
    let words = words.into_iter().map(|value| Argument { value, place: first.place, word: first.word });
    Arguments::of(words.chain(rest.iter().cloned()).collect(), arguments.is_complete)
}

/// Whether a word is nothing but one quoted expansion: it stays one word.
fn is_quoted(word: &Word) -> bool {
    use crate::syntax::shell::{Part, Quoting};
    !word.parts.iter().any(|part| {
        matches!(
            part,
            Part::Variable(_, Quoting::Bare)
                | Part::Expansion(_, Quoting::Bare)
                | Part::Substitution(_, Quoting::Bare)
                | Part::All(_, Quoting::Bare)
        )
    })
}

/// Scripts that build tools put into repositories: what they run is the build's.
fn is_build_wrapper(path: &str) -> bool {
    path.contains("node_modules/.bin/") || matches!(path.rsplit('/').next(), Some("gradlew" | "mvnw"))
}

/// The options of a command: the words with a dash before the others. Returns how many words they take.
fn options(arguments: &Arguments<'_>, from: usize, with_value: &[&str], mut seen: impl FnMut(&str, Option<&Value>)) -> usize {
    let mut at = from;
    while let Some(argument) = arguments.get(at) {
        let Some(text) = argument.known().map(CompactString::as_str) else { break };
        if text == "--" {
            return at + 1;
        }
        if text.len() < 2 || !text.starts_with('-') {
            break;
        }
        let takes_next = if text.starts_with("--") {
            !text.contains('=') && with_value.contains(&text)
        } else {
            // `-u x`, `-eu x`; `-n5` has its value with it.
            let letters = &text[1..];
            let first = letters.char_indices().find(|(at, letter)| with_value.contains(&&letters[*at..*at + letter.len_utf8()]));
            first.is_some_and(|(at, letter)| at + letter.len_utf8() == letters.len())
        };
        seen(text, if takes_next { arguments.get(at + 1) } else { None });
        at += 1 + usize::from(takes_next);
    }
    at
}

/// A variable's list of words, where all are known.
fn list_of(binding: Option<&Binding>) -> Vec<Value> {
    match binding {
        Some(Binding::Array(values)) => values.to_vec(),
        _ => Vec::new(),
    }
}
