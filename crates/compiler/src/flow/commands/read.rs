//! What reads: `read`, `mapfile`, `getopts`.

use std::sync::Arc;

use compact_str::CompactString;

use super::super::interpret::fields::Arguments;
use super::super::interpret::{Interpreter, Status};
use super::super::state::{Input, Toggle};
use super::super::value::text::{first_line, split_fields};
use super::super::value::{Binding, Cause, Value};

/// Where in a word of several options `getopts` goes on; no script has a variable of this name.
const OPTION_AT: &str = "getopts position";

impl Interpreter<'_, '_> {
    pub(super) fn read(&mut self, own: &Arguments<'_>) -> Status {
        let (mut is_raw, mut array, mut is_plain) = (false, None, true);
        let at = super::options(own, 0, &["a", "d", "i", "n", "N", "p", "t", "u"], |option, value| {
            is_raw |= !option.starts_with("--") && option.contains('r');
            if option.contains('a') {
                array = value.and_then(Value::known).cloned();
            } else if value.is_some() && !option.ends_with(['p', 't', 'i']) {
                is_plain = false;
            }
        });
        let names: Vec<Value> = own.list().iter().skip(at).map(|argument| argument.value.clone()).collect();
        let input = self.input();
        let line = input.as_ref().filter(|_| is_plain && own.is_complete).and_then(|input| {
            let text = input.known()?;
            let (line, rest, is_whole) = first_line(text);
            (is_raw || !line.contains('\\')).then(|| (CompactString::from(line), CompactString::from(rest), is_whole))
        });
        let Some((line, rest, is_whole)) = line else {
            let of = input.clone().unwrap_or_else(|| Value::unknown(Cause::Output("read".into())));
            if input.is_some() {
                // A line of it is gone, and nobody knows how many are left.
                self.state.set_input(Input::Text(Value::made_of(&of, Cause::Expansion)));
            }
            self.read_nothing(&names, array.as_deref(), &of);
            return Status::Unknown;
        };
        self.state.set_input(Input::Text(Value::text(rest)));
        self.read_line(&line, &names, array.as_deref());
        Status::of(Some(is_whole))
    }

    fn read_nothing(&mut self, names: &[Value], array: Option<&str>, of: &Value) {
        if let Some(array) = array {
            self.assign_text(array, Value::made_of(of, Cause::Variable(array.into())));
        }
        if names.is_empty() && array.is_none() {
            self.assign_text("REPLY", Value::made_of(of, Cause::Variable("REPLY".into())));
        }
        for name in names {
            let cause = Cause::Variable(name.known().cloned().unwrap_or_default());
            self.assign_named(name, &Value::made_of(of, cause));
        }
    }

    fn read_line(&mut self, line: &str, names: &[Value], array: Option<&str>) {
        let Some(separators) = self.separators() else {
            let unknown = Value::unknown(Cause::Expansion);
            return self.read_nothing(names, array, &unknown);
        };
        let blanks: Vec<char> = separators.chars().filter(|c| matches!(c, ' ' | '\t' | '\n')).collect();
        if let Some(array) = array {
            let values = split_fields(line, &separators).into_iter().map(Value::text).collect();
            let array = self.referred(array);
            return self.state.set_variable(&array, Binding::Array(Arc::new(values)), false);
        }
        if names.is_empty() {
            return self.assign_text("REPLY", Value::text(line));
        }
        let mut rest = line.trim_start_matches(&*blanks);
        for (index, name) in names.iter().enumerate() {
            let is_last = index + 1 == names.len();
            let value = if is_last {
                let whole = rest.trim_end_matches(&*blanks);
                // A lone separator behind the last field is dropped with it.
                let fields = split_fields(whole, &separators);
                let own = match &*fields {
                    [only] => only.clone(),
                    _ => whole.into(),
                };
                rest = "";
                own
            } else {
                let end = rest.find(|c| separators.contains(c)).unwrap_or(rest.len());
                let own = CompactString::from(&rest[..end]);
                rest = rest[end..].trim_start_matches(&*blanks);
                if let Some(first) = rest.chars().next().filter(|c| separators.contains(*c)) {
                    rest = rest[first.len_utf8()..].trim_start_matches(&*blanks);
                }
                own
            };
            self.assign_named(name, &Value::text(value));
        }
    }

    /// `mapfile -t lines`.
    pub(super) fn mapfile(&mut self, own: &Arguments<'_>) -> Status {
        let (mut trims, mut is_plain) = (false, true);
        let at = super::options(own, 0, &["d", "n", "O", "s", "u", "C", "c"], |option, value| {
            trims |= option.contains('t');
            is_plain &= value.is_none();
        });
        let name = own.get(at).cloned().unwrap_or_else(|| Value::text("MAPFILE"));
        let input = self.input();
        let known = input.as_ref().filter(|_| is_plain).and_then(Value::known).cloned();
        match (known, name.known()) {
            (Some(text), Some(name)) if text.lines().count() <= 1_000 => {
                let lines = text.split_inclusive('\n').map(|line| Value::text(if trims { line.trim_end_matches('\n') } else { line }));
                let name = self.referred(name);
                self.state.set_variable(&name, Binding::Array(Arc::new(lines.collect())), false);
                self.state.set_input(Input::Text(Value::text("")));
            }
            _ => {
                let of = input.unwrap_or_else(|| Value::unknown(Cause::Output("mapfile".into())));
                let cause = Cause::Variable(name.known().cloned().unwrap_or_default());
                self.assign_named(&name, &Value::made_of(&of, cause));
            }
        }
        Status::Likely
    }

    /// `getopts letters name`.
    pub(super) fn getopts(&mut self, own: &Arguments<'_>) -> Status {
        let Some(name) = own.get(1).cloned() else { return Status::Unknown };
        let taken = self.next_option(own);
        let Some((letter, argument, index, position)) = taken else {
            self.assign_named(&name, &Value::unknown(Cause::Variable(name.known().cloned().unwrap_or_default())));
            for variable in ["OPTARG", "OPTIND", OPTION_AT] {
                self.assign_text(variable, Value::unknown(Cause::Variable(variable.into())));
            }
            return Status::Unknown;
        };
        self.assign_text("OPTIND", Value::text(index.to_string()));
        self.assign_text(OPTION_AT, Value::text(position.to_string()));
        match &argument {
            Some(argument) => self.assign_text("OPTARG", argument.clone()),
            None => self.state.put_variable("OPTARG", Some((Binding::Unset, Toggle::Unknown))),
        }
        self.assign_named(&name, &Value::text(letter.map_or_else(|| "?".to_owned(), |letter| letter.to_string())));
        Status::of(Some(letter.is_some()))
    }

    /// The next option, its argument, and where to go on; no letter at the end. Nothing where it is not known.
    #[allow(clippy::type_complexity)] // what one step gives
    fn next_option(&mut self, own: &Arguments<'_>) -> Option<(Option<char>, Option<Value>, usize, usize)> {
        let letters = own.text(0)?.to_owned();
        let words = if own.list().len() > 2 { own.skip(2).values()? } else { self.state.arguments()?.to_vec() };
        let mut index = self.variable("OPTIND").known()?.parse::<usize>().ok()?.max(1);
        let mut position = match self.state.variable(OPTION_AT) {
            Some(Binding::Scalar(value)) => value.known()?.parse::<usize>().ok()?,
            _ => 0,
        };
        let Some(word) = words.get(index - 1) else { return Some((None, None, index, 0)) };
        let text = word.known()?;
        if position == 0 {
            if text == "--" {
                return Some((None, None, index + 1, 0));
            }
            if !text.starts_with('-') || text.len() < 2 {
                return Some((None, None, index, 0));
            }
            position = 1;
        }
        let letter = text[position..].chars().next()?;
        let at = letters.find(letter);
        let takes = at.is_some_and(|at| letters[at + letter.len_utf8()..].starts_with(':'));
        position += letter.len_utf8();
        let mut argument = None;
        if takes {
            if position < text.len() {
                argument = Some(Value::text(&text[position..]));
            } else {
                index += 1;
                argument = Some(words.get(index - 1)?.clone());
            }
            index += 1;
            position = 0;
        } else if position >= text.len() {
            index += 1;
            position = 0;
        }
        Some((Some(if at.is_some() { letter } else { '?' }), argument, index, position))
    }
}
