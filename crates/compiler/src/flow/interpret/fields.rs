//! Words to arguments: brace expansion, splitting at `IFS`, elements of arrays.

use std::borrow::Cow;

use compact_str::CompactString;

use super::super::state::{Flag, Toggle};
use super::super::value::text::split_fields;
use super::super::value::{Cause, Value};
use super::Interpreter;
use crate::source::Location;
use crate::syntax::shell::{Braces, Part, Quoting, Word};

/// A brace expansion of more words is not followed.
const MAX_WORDS: usize = 1_024;

/// More arguments than this, and than words, are not taken one by one.
const MAX_ARGUMENTS: usize = 4_096;

/// One argument of a command.
#[derive(Debug, Clone)]
pub(in crate::flow) struct Argument {
    /// What it is.
    pub(in crate::flow) value: Value,
    /// Where it stands, without its quotes.
    pub(in crate::flow) place: Location,
    /// Which of the command's words it comes from.
    pub(in crate::flow) word: usize,
}

/// The arguments of a command.
#[derive(Debug, Clone, Default)]
pub(in crate::flow) struct Arguments<'a> {
    list: Cow<'a, [Argument]>,
    /// Whether there are exactly these.
    pub(in crate::flow) is_complete: bool,
    /// Whether there is surely one.
    pub(in crate::flow) is_some: bool,
}

impl Arguments<'_> {
    /// These arguments.
    pub(in crate::flow) fn of(list: Vec<Argument>, is_complete: bool) -> Self {
        Self { is_some: !list.is_empty(), list: list.into(), is_complete }
    }

    /// Each; of a word that becomes nobody knows how many, one that is not known.
    pub(in crate::flow) fn list(&self) -> &[Argument] {
        &self.list
    }

    /// The texts alone, where their number is known.
    pub(in crate::flow) fn values(&self) -> Option<Vec<Value>> {
        self.is_complete.then(|| self.list().iter().map(|argument| argument.value.clone()).collect())
    }

    /// All but the first ones.
    pub(in crate::flow) fn skip(&self, count: usize) -> Arguments<'_> {
        Arguments { list: self.list.get(count..).unwrap_or_default().into(), is_complete: self.is_complete, is_some: false }
    }

    pub(in crate::flow) fn get(&self, at: usize) -> Option<&Value> {
        self.list().get(at).map(|argument| &argument.value)
    }

    /// The known text of an argument.
    pub(in crate::flow) fn text(&self, at: usize) -> Option<&str> {
        self.get(at)?.known().map(CompactString::as_str)
    }
}

/// What a word becomes while it is split.
struct Fields {
    done: Vec<Value>,
    current: Option<Value>,
    is_known: bool,
    /// Whether it surely becomes something.
    is_some: bool,
}

impl Fields {
    fn push(&mut self, value: &Value) {
        match &mut self.current {
            Some(current) => current.push(value),
            None => self.current = Some(value.clone()),
        }
    }

    fn end(&mut self) {
        self.done.extend(self.current.take());
    }
}

impl Interpreter<'_, '_> {
    /// The arguments that words become; runs what they substitute.
    pub(in crate::flow) fn arguments(&mut self, words: &[Word]) -> Arguments<'static> {
        let mut list = Vec::with_capacity(words.len());
        let (mut is_complete, mut is_some) = (true, false);
        for (index, word) in words.iter().enumerate() {
            if let [Part::Text(text, quoting)] = &*word.parts
                && (*quoting == Quoting::Quoted || !may_be_pattern(text))
            {
                let place = self.word_location(word);
                list.push(Argument { value: Value::text(text.clone()), place, word: index });
                is_some = true;
                continue;
            }
            self.note_shell_reads(word);
            let place = self.word_location(word);
            let fields = self.fields(&word.parts);
            is_complete &= fields.is_known;
            is_some |= fields.is_some || (fields.is_known && !fields.done.is_empty());
            list.extend(fields.done.into_iter().map(|value| Argument { value, place, word: index }));
            if list.len() > MAX_ARGUMENTS.max(words.len()) {
                list.truncate(words.len());
                is_complete = false;
            }
        }
        Arguments { list: list.into(), is_complete, is_some }
    }

    fn fields(&mut self, parts: &[Part]) -> Fields {
        let Some(at) = parts.iter().position(|part| matches!(part, Part::Braces(_))) else { return self.split_parts(parts) };
        let Part::Braces(braces) = &parts[at] else { return self.split_parts(parts) };
        let Some(alternatives) = alternatives(braces) else {
            let mut value = Value::text("");
            for part in parts {
                let next = self.part(part);
                value.push(&next);
            }
            return Fields { done: vec![value], current: None, is_known: false, is_some: true };
        };
        let mut fields = Fields { done: Vec::new(), current: None, is_known: true, is_some: false };
        for alternative in alternatives {
            if fields.done.len() > MAX_WORDS {
                fields.is_known = false;
                break;
            }
            let own: Vec<Part> = parts[..at].iter().chain(&alternative).chain(&parts[at + 1..]).cloned().collect();
            let inner = self.fields(&own);
            fields.is_known &= inner.is_known;
            fields.done.extend(inner.done);
        }
        fields
    }

    fn split_parts(&mut self, parts: &[Part]) -> Fields {
        let mut fields = Fields { done: Vec::new(), current: None, is_known: true, is_some: false };
        let mut is_glob = false;
        for part in parts {
            match part {
                Part::Text(text, quoting) => {
                    is_glob |= *quoting == Quoting::Bare && may_be_pattern(text);
                    fields.push(&Value::text(text.clone()));
                }
                Part::All(name, quoting) | Part::Joined(name, quoting) => self.split_all(name, *quoting, part, &mut fields),
                Part::Expansion(expansion, quoting) if let Some(values) = self.expansion_list(expansion) => {
                    self.split_list(values, *quoting, &mut fields);
                }
                Part::Variable(_, Quoting::Bare) | Part::Expansion(_, Quoting::Bare) | Part::Substitution(_, Quoting::Bare) => {
                    let value = self.part(part);
                    self.split_value(&value, &mut fields);
                }
                Part::Opaque(_) => {
                    is_glob = true;
                    let value = self.part(part);
                    fields.push(&value);
                }
                part => {
                    let value = self.part(part);
                    fields.push(&value);
                }
            }
        }
        fields.end();
        if is_glob {
            // It may be any number of files, or stay as it is.
            fields.is_known = false;
            fields.is_some = self.state.flag(Flag::Globbing) == Toggle::Off;
            for value in &mut fields.done {
                *value = Value::unknown(Cause::Expansion);
            }
        }
        fields
    }

    fn split_all(&mut self, name: &str, quoting: Quoting, part: &Part, fields: &mut Fields) {
        if matches!(part, Part::Joined(..)) && quoting == Quoting::Quoted {
            let value = self.joined_elements(name);
            return fields.push(&value);
        }
        match self.elements(name) {
            Some(values) => self.split_list(Some(values), quoting, fields),
            None => {
                let value = self.joined_elements(name);
                fields.is_known = false;
                fields.push(&value);
            }
        }
    }

    fn split_list(&mut self, values: Option<Vec<Value>>, quoting: Quoting, fields: &mut Fields) {
        let Some(values) = values else {
            fields.is_known = false;
            return fields.push(&Value::unknown(Cause::Expansion));
        };
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                fields.end();
            }
            if quoting == Quoting::Quoted {
                fields.push(value);
            } else {
                self.split_value(value, fields);
            }
        }
    }

    /// Adds a value that is not quoted.
    fn split_value(&mut self, value: &Value, fields: &mut Fields) {
        let Some(separators) = self.separators() else {
            fields.is_known = false;
            return fields.push(&Value::made_of(value, Cause::Expansion));
        };
        let Some(text) = value.known() else {
            let (texts, unknown) = value.split();
            let is_one = unknown.is_none() && texts.iter().all(|text| !text.is_empty() && !text.contains(|c| separators.contains(c)));
            fields.is_known &= is_one && texts.iter().all(|text| !may_be_pattern(text));
            return fields.push(value);
        };
        if may_be_pattern(text) {
            fields.is_known = false;
        }
        if text.is_empty() {
            return;
        }
        if text.starts_with(|c| separators.contains(c)) {
            fields.end();
        }
        let split = split_fields(text, &separators);
        for (index, field) in split.iter().enumerate() {
            if index > 0 {
                fields.end();
            }
            fields.push(&Value::text(field.clone()));
        }
        if text.ends_with(|c| separators.contains(c)) {
            fields.end();
        }
    }
}

/// Whether names of files may take the place of a text that is not quoted.
fn may_be_pattern(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// The parts that a brace expansion stands for, one after the other.
fn alternatives(braces: &Braces) -> Option<Vec<Vec<Part>>> {
    match braces {
        Braces::List(words) => Some(words.iter().map(|word| word.parts.to_vec()).collect()),
        Braces::Range(range) => {
            let texts = range_of(range)?;
            Some(texts.into_iter().map(|text| vec![Part::Text(text, Quoting::Quoted)]).collect())
        }
    }
}

/// `1..3`, `a..e..2`; `None` where it is longer than anyone writes.
fn range_of(range: &str) -> Option<Vec<CompactString>> {
    let mut parts = range.split("..");
    let (from, to) = (parts.next()?, parts.next()?);
    let step = parts.next().map_or(Some(1), |step| step.parse::<i64>().ok())?.abs().max(1);
    let numbers = |from: i64, to: i64| -> Option<Vec<i64>> {
        let count = (to - from).abs() / step + 1;
        let sign = if to < from { -step } else { step };
        usize::try_from(count).is_ok_and(|count| count <= MAX_WORDS).then(|| (0..count).map(|index| from + index * sign).collect())
    };
    if let (Ok(first), Ok(last)) = (from.parse::<i64>(), to.parse::<i64>()) {
        let is_padded = |text: &str| text.trim_start_matches('-').len() > 1 && text.trim_start_matches('-').starts_with('0');
        let width = if is_padded(from) || is_padded(to) { from.len().max(to.len()) } else { 0 };
        return Some(numbers(first, last)?.into_iter().map(|number| compact_str::format_compact!("{number:0width$}")).collect());
    }
    let (first, last) = (from.chars().next()?, to.chars().next()?);
    let letters = numbers(i64::from(u32::from(first)), i64::from(u32::from(last)))?;
    letters
        .into_iter()
        .map(|letter| u32::try_from(letter).ok().and_then(char::from_u32).map(|letter| compact_str::format_compact!("{letter}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::range_of;

    #[test]
    fn ranges_are_those_of_bash() {
        assert_eq!(range_of("1..3").unwrap_or_default(), ["1", "2", "3"]);
        assert_eq!(range_of("3..1").unwrap_or_default(), ["3", "2", "1"]);
        assert_eq!(range_of("1..6..2").unwrap_or_default(), ["1", "3", "5"]);
        assert_eq!(range_of("08..10").unwrap_or_default(), ["08", "09", "10"]);
        assert_eq!(range_of("a..c").unwrap_or_default(), ["a", "b", "c"]);
        assert_eq!(range_of("1..1000000"), None);
    }
}
