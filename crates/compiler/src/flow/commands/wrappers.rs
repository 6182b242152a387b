//! Programs that run a command that they are given.

use compact_str::CompactString;

use super::super::interpret::fields::{Argument, Arguments};
use super::super::interpret::{Interpreter, Status};
use super::super::value::text::split_fields;
use super::super::value::{Cause, Value};
use super::shells::Child;
use super::{Lookup, Site};
use crate::platform::Own;
use crate::source::Location;

/// More runs of one command are taken as one of an argument that is not known.
const MAX_RUNS: usize = 256;

impl Interpreter<'_, '_> {
    /// Runs the command behind a wrapper's own arguments.
    pub(super) fn wrapper(&mut self, name: &str, keeps: Own, own: &Arguments<'_>, site: Site<'_>) -> Status {
        let mut text = None;
        let mut at = super::options(own, 0, keeps.with_value, |option, value| {
            if name == "flock" && option == "-c" || matches!(option, "-S" | "--split-string") {
                text = value.cloned();
            }
        });
        let mut assigned: Vec<Value> = Vec::new();
        while keeps.assigns
            && let Some(argument) = own.get(at)
            && let Some((variable, _)) = argument.prefix().split_once('=')
            && super::super::interpret::is_name(variable)
        {
            assigned.push(argument.clone());
            at += 1;
        }
        at += keeps.words;
        // `flock file -c text`
        if name == "flock" && matches!(own.text(at), Some("-c" | "--command")) {
            return self.text_argument(own, at + 1, site);
        }
        if let Some(text) = text {
            let place = own.list().first().map_or_else(|| self.site_location(site), |first| first.place);
            return self.child_of_text(&[(text, place)], &Child::plain(), site);
        }
        let rest = own.skip(at);
        if rest.list().is_empty() {
            return self.other_output(name);
        }
        // The platform's own `retry` is a function: it sees all that the shell sees.
        let lookup = if name == "retry" { Lookup::All } else { Lookup::Programs };
        let saved: Vec<_> = assigned
            .iter()
            .filter_map(|pair| pair.prefix().split_once('=').map(|(name, _)| CompactString::from(name)))
            .map(|name| (name.clone(), self.state.saved_variable(&name)))
            .collect();
        for pair in &assigned {
            let Some((variable, text)) = pair.prefix().split_once('=') else { continue };
            let value = if pair.known().is_some() { Value::text(text) } else { Value::made_of(pair, Cause::Variable(variable.into())) };
            let binding = super::super::value::Binding::Scalar(value);
            self.state.set_variable(variable, binding, true);
        }
        let status = self.invoke(&rest, site.with(lookup));
        if self.alive {
            for (name, variable) in saved.into_iter().rev() {
                self.state.restore_variable(&name, variable);
            }
        }
        match status {
            Status::Success => Status::Likely,
            status => status,
        }
    }

    /// `.. | xargs command`.
    pub(super) fn xargs(&mut self, own: &Arguments<'_>, site: Site<'_>) -> Status {
        let (mut most, mut replaced, mut is_plain, mut by_line) = (None, None, true, false);
        let with_value = ["n", "L", "P", "I", "d", "a", "s", "E", "--max-args", "--max-procs", "--replace", "--delimiter", "--arg-file"];
        let at = super::options(own, 0, &with_value, |option, value| {
            let glued = option.get(2..).filter(|text| !text.is_empty() && !option.starts_with("--"));
            let value = value.and_then(Value::known).map(CompactString::as_str).or(glued);
            match option.as_bytes().get(1) {
                Some(b'n') => most = value.and_then(|value| value.parse::<usize>().ok()),
                Some(b'L') => (most, by_line) = (value.and_then(|value| value.parse::<usize>().ok()), true),
                Some(b'I') => replaced = value.map(str::to_owned),
                Some(b'i') => replaced = Some(glued.unwrap_or("{}").to_owned()),
                Some(b'0' | b'd' | b'a') => is_plain = false,
                _ if option.starts_with("--max-args") => {
                    most = value.or_else(|| option.split_once('=').map(|(_, value)| value)).and_then(|value| value.parse().ok());
                }
                _ if option.starts_with("--") => is_plain &= !option.starts_with("--null") && !option.starts_with("--delim"),
                _ => {}
            }
        });
        let command = own.skip(at);
        if command.list().is_empty() {
            return self.print_input("xargs");
        }
        let site = site.with(Lookup::Programs);
        let input = self.input();
        let known = input.as_ref().and_then(Value::known).filter(|text| is_plain && !text.contains(['\'', '"', '\\']));
        let Some(text) = known.cloned() else {
            self.over_unknown_argument(&command, replaced.as_deref(), site);
            return Status::Unknown;
        };
        let place = command.list()[0].place;
        if let Some(mark) = replaced {
            let lines: Vec<CompactString> =
                text.lines().map(|line| line.trim_start().into()).filter(|line: &CompactString| !line.is_empty()).collect();
            return self.run_each(&lines, |line| with_replaced(&command, &mark, &Value::text(line.clone())), site);
        }
        let batches: Vec<Vec<CompactString>> = if by_line {
            text.lines().map(|line| split_fields(line, " \t")).filter(|fields| !fields.is_empty()).collect()
        } else {
            let fields = split_fields(&text, " \t\n");
            if fields.is_empty() { Vec::new() } else { fields.chunks(most.unwrap_or(usize::MAX).max(1)).map(<[_]>::to_vec).collect() }
        };
        self.run_each(&batches, |batch| with_more(&command, batch.iter().map(|text| Value::text(text.clone())), place), site)
    }

    fn run_each<T>(&mut self, runs: &[T], command: impl Fn(&T) -> Arguments<'static>, site: Site<'_>) -> Status {
        let mut status = Status::Success;
        for run in runs.iter().take(MAX_RUNS) {
            if !self.alive {
                break;
            }
            status = self.process(|interpreter| interpreter.invoke(&command(run), site));
        }
        if status == Status::Success { Status::Likely } else { status }
    }

    /// Runs a command any number of times, with an argument that is not known.
    fn over_unknown_argument(&mut self, command: &Arguments<'_>, replaced: Option<&str>, site: Site<'_>) {
        let unknown = Value::unknown(Cause::Expansion);
        let place = command.list().first().map_or_else(|| self.site_location(site), |first| first.place);
        let mut arguments = match replaced {
            Some(mark) => with_replaced(command, mark, &unknown),
            None => with_more(command, std::iter::once(unknown), place),
        };
        arguments.is_complete = false;
        self.perhaps_unproven(site.span, |interpreter| {
            interpreter.process(|interpreter| interpreter.invoke(&arguments, site));
        });
        self.other_output("xargs");
    }

    /// `find .. -exec command {} \;`.
    pub(super) fn find(&mut self, own: &Arguments<'_>, site: Site<'_>) {
        let mut at = 0;
        while let Some(found) =
            own.list().get(at..).unwrap_or_default().iter().position(|argument| {
                matches!(argument.value.known().map(CompactString::as_str), Some("-exec" | "-execdir" | "-ok" | "-okdir"))
            })
        {
            let from = at + found + 1;
            let rest = own.list().get(from..).unwrap_or_default();
            let length = rest.iter().position(|argument| argument.value.is(";") || argument.value.is("+")).unwrap_or(rest.len());
            let command = Arguments::of(rest[..length].to_vec(), own.is_complete);
            if !command.list().is_empty() {
                let mut arguments = with_replaced(&command, "{}", &Value::unknown(Cause::Expansion));
                let has_mark = command.list().iter().any(|argument| argument.value.prefix().contains("{}"));
                arguments.is_complete &= !has_mark;
                let site = site.with(Lookup::Programs);
                self.perhaps_unproven(site.span, |interpreter| {
                    interpreter.process(|interpreter| interpreter.invoke(&arguments, site));
                });
            }
            at = from + length;
        }
    }

    /// `parallel command ::: argument ..`.
    pub(super) fn parallel(&mut self, own: &Arguments<'_>, site: Site<'_>) -> Status {
        let with_value =
            ["j", "P", "n", "N", "I", "--jobs", "--max-procs", "--delay", "--retries", "--joblog", "--results", "--timeout", "--colsep"];
        let at = super::options(own, 0, &with_value, |_, _| {});
        let rest = own.skip(at);
        let mark = rest.list().iter().position(|argument| argument.value.prefix().starts_with(":::"));
        let command = Arguments::of(rest.list()[..mark.unwrap_or(rest.list().len())].to_vec(), rest.is_complete);
        let values: Option<Vec<Value>> = match mark {
            Some(mark) => rest.skip(mark + 1).values().filter(|_| rest.text(mark) == Some(":::")),
            None => self.input().and_then(|input| Some(input.known()?.lines().map(Value::text).collect())),
        };
        let site = site.with(Lookup::Programs);
        let Some(first) = command.list().first().cloned() else { return self.other_output("parallel") };
        let Some(values) = values else {
            self.over_unknown_argument(&command, None, site);
            return Status::Unknown;
        };
        let is_text = command.list().len() == 1 && first.value.known().is_some_and(|text| text.contains(' '));
        let has_mark = command.list().iter().any(|argument| argument.value.prefix().contains("{}"));
        let run = |value: &Value| {
            if has_mark {
                return with_replaced(&command, "{}", value);
            }
            with_more(&command, std::iter::once(value.clone()), first.place)
        };
        if is_text {
            for value in values.iter().take(MAX_RUNS) {
                let pieces: Vec<(Value, Location)> =
                    run(value).list().iter().map(|argument| (argument.value.clone(), argument.place)).collect();
                self.child_of_text(&pieces, &Child::plain(), site);
            }
            return Status::Likely;
        }
        self.run_each(&values, run, site)
    }

    fn print_input(&mut self, name: &str) -> Status {
        let printed = self.input().map_or_else(
            || Value::unknown(Cause::Output(name.into())),
            |input| input.map(|text| Some(compact_str::format_compact!("{}\n", split_fields(text, " \t\n").join(" ")))),
        );
        self.print(&printed);
        Status::Likely
    }
}

fn with_more(command: &Arguments<'_>, more: impl Iterator<Item = Value>, place: Location) -> Arguments<'static> {
    let word = command.list().first().map_or(0, |first| first.word);
    let more = more.map(|value| Argument { value, place, word });
    Arguments::of(command.list().iter().cloned().chain(more).collect(), command.is_complete)
}

fn with_replaced(command: &Arguments<'_>, mark: &str, value: &Value) -> Arguments<'static> {
    let mut list = command.list().to_vec();
    for argument in &mut list {
        let Some(text) = argument.value.known().filter(|text| text.contains(mark)).cloned() else { continue };
        let mut replaced = Value::text("");
        for (index, part) in text.split(mark).enumerate() {
            if index > 0 {
                replaced.push(value);
            }
            replaced.push(&Value::text(part));
        }
        argument.value = replaced;
    }
    Arguments::of(list, command.is_complete)
}
