//! Built-ins: what changes the shell itself.

use std::sync::Arc;

use compact_str::CompactString;

use super::super::interpret::fields::Arguments;
use super::super::interpret::{Interpreter, Status};
use super::super::state::{Flag, Signal, Toggle, Trap};
use super::super::value::folder::Folder;
use super::super::value::{Binding, Cause, Piece, Value};
use super::paths::Manner;
use super::{Lookup, Site, list_of};
use crate::platform::{self, StoreCommand};

/// A variable of which no script has the name: the folders of `pushd`.
const FOLDERS: &str = "pushd folders";

impl Interpreter<'_, '_> {
    /// Runs a built-in; nothing where the name is none.
    pub(super) fn builtin(&mut self, name: &str, arguments: &Arguments<'_>, site: Site<'_>) -> Option<Status> {
        // Those that do nothing with their words come first: they are many.
        match name {
            "echo" if !self.is_asked() => return Some(Status::Likely),
            ":" | "true" => return Some(Status::Success),
            "false" => return Some(Status::Failure),
            _ if !platform::is_builtin(name) => return None,
            _ => {}
        }
        let own = arguments.skip(1);
        Some(match name {
            "source" | "." => self.source_command(&own, site),
            "eval" => self.eval(&own, site),
            "exec" => {
                let at = super::options(&own, 0, &["a"], |_, _| {});
                let rest = own.skip(at);
                if rest.list().is_empty() && rest.is_complete {
                    return Some(Status::Likely);
                }
                let status = self.invoke(&rest, site.with(Lookup::Programs));
                if self.alive {
                    self.end_process(status);
                }
                status
            }
            "command" => self.command_builtin(&own, site),
            "builtin" => self.invoke(&own, site.with(Lookup::Builtins)),
            "type" | "hash" => self.is_command(&own),
            "cd" | "pushd" | "popd" => self.change_folder(name, &own),
            "export" | "declare" | "local" | "readonly" | "typeset" => {
                for argument in own.list() {
                    self.declare_text(&argument.value, name == "export");
                }
                Status::Likely
            }
            "unset" => self.unset(&own),
            "shift" => self.shift(&own),
            "set" => self.set_options(&own),
            "shopt" => self.shopt(&own),
            "trap" => self.trap(&own),
            "read" => self.read(&own),
            "mapfile" | "readarray" => self.mapfile(&own),
            "getopts" => self.getopts(&own),
            "let" => self.let_builtin(&own),
            "printf" => self.printf(&own),
            "echo" => self.echo(&own),
            "pwd" => {
                let folder = Value::folder(self.state.folder().clone()).then(&Value::text("\n"));
                self.print(&folder);
                Status::Success
            }
            "test" | "[" => Status::Unknown,
            "exit" | "return" => {
                let status = own.get(0).map_or(Status::Unknown, Status::of_code);
                if name == "exit" {
                    self.end_process(status);
                } else {
                    self.leave_call(status);
                }
                status
            }
            "break" | "continue" => self.leave_iterations(&own, name == "break"),
            "umask" | "unalias" | "alias" | "ulimit" | "disown" | "enable" | "history" | "fc" | "bind" | "complete" | "compgen"
            | "times" => Status::Likely,
            // Without a job it waits for all, and succeeds whatever they did.
            "wait" if own.list().is_empty() && own.is_complete => Status::Success,
            "wait" | "jobs" | "fg" | "bg" | "kill" | "suspend" | "caller" | "dirs" => Status::Unknown,
            _ => return None,
        })
    }

    /// `command [-v] name ..`.
    fn command_builtin(&mut self, own: &Arguments<'_>, site: Site<'_>) -> Status {
        let mut asks = false;
        let at = super::options(own, 0, &[], |option, _| asks |= option.contains(['v', 'V']));
        let rest = own.skip(at);
        if asks { self.is_command(&rest) } else { self.invoke(&rest, site.with(Lookup::NoFunctions)) }
    }

    /// Whether there are commands of these names.
    pub(super) fn is_command(&mut self, own: &Arguments<'_>) -> Status {
        let at = super::options(own, 0, &[], |_, _| {});
        let mut status = if own.list().len() > at { Status::Success } else { Status::Unknown };
        for argument in own.list().iter().skip(at) {
            let known = match argument.value.known().map(CompactString::as_str) {
                Some(name) => self.knows_command(name),
                None => Status::Unknown,
            };
            status = if status == known { status } else { Status::Unknown };
        }
        if self.is_asked() && status != Status::Failure {
            self.print(&Value::unknown(Cause::Output("command".into())));
        }
        status
    }

    fn knows_command(&self, name: &str) -> Status {
        match self.state.functions(name) {
            Some(functions) if !functions.or_command => return Status::Success,
            Some(functions) if !functions.options.is_empty() && StoreCommand::named(name).is_none() => return Status::Unknown,
            _ => {}
        }
        let is_builtin = platform::program_named(name).is_some_and(|program| program.kind == platform::ProgramKind::Builtin);
        if is_builtin || StoreCommand::named(name).is_some() || matches!(name, "pipelinectl" | "bash" | "sh") {
            return Status::Success;
        }
        if name.contains('/')
            && let Folder::Repo { path, sure: true } = self.state.folder().join(&[Piece::Text(name.into())])
            && self.scripts.repository.exists(&path)
        {
            return Status::Success;
        }
        Status::Unknown
    }

    fn source_command(&mut self, own: &Arguments<'_>, site: Site<'_>) -> Status {
        let own = if own.text(0) == Some("--") { own.skip(1) } else { own.clone() };
        let Some(path) = own.list().first().cloned() else { return Status::Unknown };
        let rest = own.skip(1);
        let given = if rest.list().is_empty() && rest.is_complete {
            super::super::interpret::calls::Given::Inherited
        } else {
            super::super::interpret::calls::Given::Own(rest.values())
        };
        if let Some(status) = self.source_process(&path, site) {
            return status;
        }
        self.run_path(&path, &Manner::Source(given), site)
    }

    fn change_folder(&mut self, name: &str, own: &Arguments<'_>) -> Status {
        let folders = list_of(self.state.variable(FOLDERS));
        if name == "popd" {
            let back = folders.last().and_then(folder_of);
            self.state.set_folder(back.unwrap_or(Folder::Unknown));
            let rest = folders[..folders.len().saturating_sub(1)].to_vec();
            self.state.set_variable(FOLDERS, Binding::Array(Arc::new(rest)), false);
            return Status::Likely;
        }
        if name == "pushd" {
            let mut folders = folders;
            folders.push(Value::folder(self.state.folder().clone()));
            self.state.set_variable(FOLDERS, Binding::Array(Arc::new(folders)), false);
        }
        let at = super::options(own, 0, &[], |_, _| {});
        let target = own.get(at).map(|value| if value.is("-") { Value::unknown(Cause::Expansion) } else { value.clone() });
        let folder = match target {
            None if own.is_complete => Folder::Outside,
            None => Folder::Unknown,
            Some(target) => target.only().map_or(Folder::Unknown, |path| self.state.folder().join(path)),
        };
        self.state.set_folder(folder);
        Status::Likely
    }

    /// `export` and the like behind another command: `command export NAME=value`.
    fn declare_text(&mut self, value: &Value, exported: bool) {
        let Some((name, text)) = value.known().and_then(|text| text.split_once('=')).map(|(name, text)| (name.to_owned(), text.to_owned()))
        else {
            if value.known().is_none() {
                match value.prefix().split_once('=') {
                    Some((name, _)) => {
                        let name = name.to_owned();
                        self.assign_text(&name, Value::made_of(value, Cause::Variable(name.as_str().into())));
                    }
                    None => self.forget_variables(),
                }
            }
            return;
        };
        if super::super::interpret::is_name(&name) {
            self.state.set_variable(&name, Binding::Scalar(Value::text(text)), exported);
        }
    }

    fn unset(&mut self, own: &Arguments<'_>) -> Status {
        let (mut functions, mut variables) = (false, false);
        let at = super::options(own, 0, &[], |option, _| {
            functions |= option.contains('f');
            variables |= option.contains('v');
        });
        for argument in own.list().iter().skip(at) {
            let Some(name) = argument.value.known().cloned() else {
                self.forget_variables();
                continue;
            };
            if functions || (!variables && self.state.variable(&name).is_none() && self.state.functions(&name).is_some()) {
                self.state.define(name, None);
            } else if super::super::interpret::is_name(&name) {
                let name = self.referred(&name);
                self.state.put_variable(&name, Some((Binding::Unset, Toggle::Off)));
            } else if let Some((array, _)) = name.split_once('[') {
                let array = array.to_owned();
                self.assign_text(&array, Value::unknown(Cause::Variable(array.as_str().into())));
            }
        }
        Status::Likely
    }

    fn shift(&mut self, own: &Arguments<'_>) -> Status {
        let count = match own.get(0) {
            None if own.is_complete => Some(1),
            Some(count) => count.known().and_then(|text| text.parse::<usize>().ok()),
            None => None,
        };
        let Some(values) = self.state.arguments().cloned() else { return Status::Unknown };
        match count {
            // More than there are: nothing is shifted.
            Some(count) if count > values.len() => Status::Failure,
            Some(count) => {
                self.state.set_arguments(Some(Arc::new(values[count..].to_vec())));
                Status::Success
            }
            None => {
                self.state.set_arguments(None);
                Status::Unknown
            }
        }
    }

    fn set_options(&mut self, own: &Arguments<'_>) -> Status {
        let mut at = 0;
        while let Some(argument) = own.get(at) {
            let Some(text) = argument.known().cloned() else { break };
            if text == "--" {
                self.state.set_arguments(own.skip(at + 1).values().map(Arc::new));
                return Status::Likely;
            }
            if !text.starts_with(['-', '+']) || text.len() < 2 {
                break;
            }
            let toggle = if text.starts_with('-') { Toggle::On } else { Toggle::Off };
            let is_long = text.ends_with('o');
            let is_error_exit = text[1..].contains('e') || (is_long && own.text(at + 1) == Some("errexit"));
            if is_error_exit {
                self.state.set_flag(Flag::ErrorExit, toggle);
            }
            if text[1..].contains('u') || (is_long && own.text(at + 1) == Some("nounset")) {
                self.state.set_flag(Flag::NoUnset, toggle);
            }
            at += 1 + usize::from(is_long);
        }
        let rest = own.skip(at);
        if !rest.list().is_empty() {
            self.state.set_arguments(rest.values().map(Arc::new));
        } else if !own.is_complete {
            self.state.set_arguments(None);
        }
        Status::Likely
    }

    fn shopt(&mut self, own: &Arguments<'_>) -> Status {
        let mut toggle = None;
        let at = super::options(own, 0, &[], |option, _| {
            toggle = match option {
                "-s" => Some(Toggle::On),
                "-u" => Some(Toggle::Off),
                _ => toggle,
            };
        });
        let Some(toggle) = toggle else { return Status::Unknown };
        for argument in own.list().iter().skip(at) {
            let flag = match argument.value.known().map(CompactString::as_str) {
                Some("nocasematch") => Flag::NoCaseMatch,
                Some("lastpipe") => Flag::LastPipe,
                Some("extglob" | "nullglob" | "failglob") => Flag::Globbing,
                _ => continue,
            };
            self.state.set_flag(flag, toggle);
        }
        Status::Likely
    }

    /// `trap handler SIGNAL ..`.
    fn trap(&mut self, own: &Arguments<'_>) -> Status {
        let own = if own.text(0) == Some("--") { own.skip(1) } else { own.clone() };
        let Some(handler) = own.list().first() else { return Status::Likely };
        let asks = handler.value.known().is_some_and(|text| matches!(text.as_str(), "-p" | "-l"));
        if asks {
            return Status::Likely;
        }
        // `trap EXIT` and `trap - EXIT` give the signal back what it does by itself.
        let is_reset = handler.value.is("-") || own.list().len() == 1;
        let signals = if own.list().len() == 1 { own.list() } else { &own.list()[1..] };
        for signal in signals {
            let signal = match signal.value.known().map(CompactString::as_str) {
                Some("EXIT" | "0" | "exit" | "SIGEXIT") => Signal::Exit,
                _ => Signal::Other,
            };
            let trap = Trap { text: handler.value.clone(), place: handler.place, is_of_function: self.is_in_function_of_process() };
            match (signal, is_reset) {
                (signal, true) => self.state.set_trap(signal, None),
                (Signal::Exit, false) => self.state.set_trap(Signal::Exit, Some(trap)),
                (Signal::Other, false) => {
                    // It may run at any time from here on, and at the end.
                    self.perhaps_unproven(trap.place.span, |interpreter| {
                        interpreter.one_of(&trap.text.each(), |interpreter, text| {
                            interpreter.run_text(&[(text.clone(), trap.place)], trap.place.span)
                        });
                    });
                    self.state.set_trap(Signal::Other, Some(trap));
                }
            }
        }
        Status::Likely
    }

    fn let_builtin(&mut self, own: &Arguments<'_>) -> Status {
        let mut value = None;
        for argument in own.list() {
            let text = argument.value.known().cloned();
            value = text.as_ref().and_then(|text| self.calculate(text));
            if value.is_none() {
                let text = text.unwrap_or_else(|| argument.value.prefix().into());
                let name: CompactString = text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if super::super::interpret::is_name(&name) {
                    self.assign_text(&name, Value::unknown(Cause::Variable(name.clone())));
                }
            }
        }
        Status::of(value.map(|value| value != 0))
    }
}

fn folder_of(value: &Value) -> Option<Folder> {
    match value {
        Value::One(Piece::Folder(folder)) => Some(Folder::clone(folder)),
        _ => None,
    }
}
