//! What prints text that is known: `echo`, `printf`.

use compact_str::CompactString;

use super::super::interpret::fields::Arguments;
use super::super::interpret::{Interpreter, Status};
use super::super::value::text::unescaped;
use super::super::value::{Cause, Value};

/// A format is used again for further arguments, but not for ever.
const MAX_ROUNDS: usize = 256;

impl Interpreter<'_, '_> {
    pub(super) fn echo(&mut self, own: &Arguments<'_>) -> Status {
        if !self.is_asked() {
            return Status::Likely;
        }
        let (mut breaks, mut escapes, mut at) = (true, false, 0);
        while let Some(flags) = own.text(at).and_then(|text| text.strip_prefix('-')) {
            if flags.is_empty() || !flags.chars().all(|flag| matches!(flag, 'n' | 'e' | 'E')) {
                break;
            }
            breaks &= !flags.contains('n');
            escapes |= flags.contains('e');
            at += 1;
        }
        let mut printed = Value::text("");
        for (index, argument) in own.list().iter().skip(at).enumerate() {
            if index > 0 {
                printed.push(&Value::text(" "));
            }
            let value = if escapes { argument.value.map(unescaped) } else { argument.value.clone() };
            printed.push(&value);
        }
        if !own.is_complete && printed.known().is_some() {
            printed = Value::unknown(Cause::Expansion);
        }
        if breaks {
            printed.push(&Value::text("\n"));
        }
        self.print(&printed);
        Status::Likely
    }

    pub(super) fn printf(&mut self, own: &Arguments<'_>) -> Status {
        if own.text(0) == Some("-v") {
            let Some(name) = own.get(1).cloned() else { return Status::Unknown };
            let value = formatted(&own.skip(2));
            self.assign_named(&name, &value);
            return Status::Likely;
        }
        let own = if own.text(0) == Some("--") { own.skip(1) } else { own.clone() };
        if self.is_asked() {
            let value = formatted(&own);
            self.print(&value);
        }
        Status::Likely
    }
}

/// What `printf` makes of its arguments.
fn formatted(own: &Arguments<'_>) -> Value {
    let unknown = || Value::made_of_any(own.list().iter().map(|argument| &argument.value), Cause::Output("printf".into()));
    let Some(format) = own.text(0).filter(|_| own.is_complete) else { return unknown() };
    let mut values = own.list()[1..].iter().map(|argument| &argument.value).peekable();
    let mut result = Value::text("");
    for round in 0..MAX_ROUNDS {
        if round > 0 && values.peek().is_none() {
            return result;
        }
        let mut takes = false;
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            let Some(text) = unescaped(&rest[..at]) else { return unknown() };
            result.push(&Value::text(text));
            let directive = rest[at + 1..].chars().next();
            rest = rest.get(at + 2..).unwrap_or_default();
            match directive {
                Some('%') => result.push(&Value::text("%")),
                Some('s') => {
                    takes = true;
                    if let Some(value) = values.next() {
                        result.push(value);
                    }
                }
                Some('d' | 'i') => {
                    takes = true;
                    match values.next() {
                        None => result.push(&Value::text("0")),
                        Some(value) => match value.known().and_then(|text| text.parse::<i64>().ok()) {
                            Some(number) => result.push(&Value::text(CompactString::from(number.to_string()))),
                            None => return unknown(),
                        },
                    }
                }
                Some('b') => {
                    takes = true;
                    if let Some(value) = values.next() {
                        result.push(&value.map(unescaped));
                    }
                }
                _ => return unknown(),
            }
        }
        let Some(text) = unescaped(rest) else { return unknown() };
        result.push(&Value::text(text));
        if !takes {
            return result;
        }
    }
    unknown()
}
