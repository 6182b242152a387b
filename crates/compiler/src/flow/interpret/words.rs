//! Words to values: every place of a word in which bash runs something is walked.

use compact_str::CompactString;

use super::super::stage::{Event, ShellRead};
use super::super::state::{Flag, Toggle};
use super::super::value::arithmetic::{self, Variables};
use super::super::value::folder::Folder;
use super::super::value::glob::Pattern;
use super::super::value::text;
use super::super::value::{Binding, Cause, Value};
use super::{Interpreter, Status};
use crate::platform;
use crate::syntax::shell::{Arithmetic, Braces, Expansion, Operator, Part, Quoting, Word};

/// The texts of a list, where they are known.
type List = Option<Vec<Value>>;

/// Texts up to this length, in bytes, cost no steps.
const FREE_LENGTH: usize = 256;

/// References that point to references are followed this far.
const MAX_REFERENCES: usize = 8;

impl Interpreter<'_, '_> {
    /// Every text that a word can be where it stays one word; runs what it substitutes.
    pub(in crate::flow) fn word(&mut self, word: &Word) -> Value {
        self.note_shell_reads(word);
        let mut parts = word.parts.iter();
        let Some(first) = parts.next() else { return Value::text("") };
        let mut value = self.part(first);
        for part in parts {
            let next = self.part(part);
            value.push(&next);
        }
        // Long texts cost what they are long.
        let length = value.known_length().unwrap_or_default();
        if length > FREE_LENGTH {
            self.spend(length / 128, word.span);
        }
        value
    }

    /// Notes variables that nothing in the stage has set: only another shell can have.
    pub(super) fn note_shell_reads(&mut self, word: &Word) {
        for part in &word.parts {
            let Part::Variable(name, _) = part else { continue };
            if self.state.variable(name).is_none() && is_name(name) && !platform::is_shell_variable(name) {
                let place = self.location(word.span);
                self.log(Event::ShellRead(ShellRead { name: name.clone(), place }));
            }
        }
    }

    pub(super) fn part(&mut self, part: &Part) -> Value {
        match part {
            Part::Text(text, _) => Value::text(text.clone()),
            Part::Variable(name, _) => {
                self.needs_value(name);
                self.variable(name)
            }
            Part::Expansion(expansion, _) => self.expansion(expansion),
            Part::All(name, _) | Part::Joined(name, _) => self.joined_elements(name),
            Part::Substitution(block, _) => {
                let (status, value) = self.substitution(block);
                self.substituted = Some(status);
                value
            }
            Part::Inside(block, is_reply) => self.inside(block, *is_reply),
            Part::Process(block) => {
                self.process_output(block);
                Value::unknown(Cause::Expansion)
            }
            Part::Arithmetic(expression) => match self.arithmetic(expression) {
                Some(number) => Value::text(itoa(number)),
                None => Value::unknown(Cause::Expansion),
            },
            Part::Braces(braces) => {
                if let Braces::List(words) = &**braces {
                    for word in words {
                        self.word(word);
                    }
                }
                Value::unknown(Cause::Expansion)
            }
            Part::Opaque(words) => {
                for word in words.iter() {
                    self.word(word);
                }
                Value::unknown(Cause::Expansion)
            }
        }
    }

    /// `set -u`: a variable without a value ends the shell.
    fn needs_value(&mut self, name: &str) {
        if self.state.flag(Flag::NoUnset) == Toggle::Off
            || self.is_set(name) == Some(true)
            || !(is_name(name) || name.parse::<usize>().is_ok())
        {
            return;
        }
        if self.is_set(name) == Some(false) && self.state.flag(Flag::NoUnset) == Toggle::On {
            self.end_process(Status::Failure);
        } else {
            self.may_end_process();
        }
    }

    /// `${ ..; }`: what it prints, or what it leaves in `REPLY`; it runs in the shell itself.
    fn inside(&mut self, block: &crate::syntax::shell::Block, is_reply: bool) -> Value {
        let outer = self.state.output().cloned();
        self.state.set_output(Some(Value::text("")));
        self.block(block);
        let printed = self.state.output().cloned().unwrap_or_else(|| Value::unknown(Cause::Expansion));
        self.state.set_output(outer);
        if is_reply { self.variable("REPLY") } else { printed.without_last_lines() }
    }

    /// The variable that a name means, where it may be a reference.
    pub(in crate::flow) fn referred(&self, name: &str) -> CompactString {
        let mut name: CompactString = name.into();
        for _ in 0..MAX_REFERENCES {
            match self.state.variable(&name) {
                Some(Binding::Reference(target)) => name = target.clone(),
                _ => break,
            }
        }
        name
    }

    /// The elements of `${name[@]}`, `"$@"`; `None` where they are not known.
    pub(in crate::flow) fn elements(&self, name: &str) -> Option<Vec<Value>> {
        if name == "@" {
            return self.state.arguments().map(|arguments| arguments.to_vec());
        }
        let name = self.referred(name);
        match self.state.variable(&name)? {
            Binding::Array(values) => Some(values.to_vec()),
            Binding::Map(pairs) => Some(pairs.iter().map(|(_, value)| value.clone()).collect()),
            Binding::Unset => Some(Vec::new()),
            Binding::Scalar(value) => value.known().map(|_| vec![value.clone()]),
            Binding::Reference(_) => None,
        }
    }

    /// `"$*"`, and `"$@"` where it stays one word.
    pub(super) fn joined_elements(&self, name: &str) -> Value {
        let separator = match self.separators() {
            Some(separators) => separators.chars().next().map(|first| compact_str::format_compact!("{first}")).unwrap_or_default(),
            None => return Value::unknown(Cause::Expansion),
        };
        let Some(values) = self.elements(name) else {
            let cause = Cause::Variable(name.into());
            return match self.state.variable(&self.referred(name)) {
                Some(Binding::Scalar(value)) => Value::made_of(value, cause),
                _ => Value::unknown(cause),
            };
        };
        let mut joined = Value::text("");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                joined.push(&Value::text(separator.clone()));
            }
            joined.push(value);
        }
        joined
    }

    /// The characters of `IFS`; `None` where they are not known.
    pub(in crate::flow) fn separators(&self) -> Option<CompactString> {
        match self.state.variable("IFS") {
            None | Some(Binding::Unset) => Some(" \t\n".into()),
            Some(Binding::Scalar(value)) => value.known().cloned(),
            Some(_) => None,
        }
    }

    pub(in crate::flow) fn variable(&self, name: &str) -> Value {
        let name = self.referred(name);
        if let Some(binding) = self.state.variable(&name) {
            return match binding {
                Binding::Scalar(value) => value.clone(),
                Binding::Array(values) => values.first().cloned().unwrap_or_else(|| Value::text("")),
                Binding::Map(pairs) => pairs.iter().find(|(key, _)| key == "0").map_or_else(|| Value::text(""), |(_, value)| value.clone()),
                Binding::Unset => Value::text(""),
                Binding::Reference(_) => Value::unknown(Cause::Variable(name)),
            };
        }
        let unknown = |name: CompactString| Value::unknown(Cause::Variable(name));
        if let Some(number) = name.parse::<usize>().ok().filter(|number| *number > 0) {
            return match self.state.arguments() {
                Some(arguments) => arguments.get(number - 1).cloned().unwrap_or_else(|| Value::text("")),
                None => unknown(name),
            };
        }
        let script = |folder: &Option<CompactString>| match folder {
            Some(folder) => Value::folder(Folder::Repo { path: folder.clone(), sure: true }).then(&Value::text("/script")),
            None => Value::unknown(Cause::Variable(name.clone())),
        };
        match name.as_str() {
            "PWD" => Value::folder(self.state.folder().clone()),
            "#" => match self.state.arguments() {
                Some(arguments) => Value::text(itoa(arguments.len())),
                None => unknown(name),
            },
            // A script's own path: only its folder is asked for, see `dirname`.
            "BASH_SOURCE" => script(&self.context.script_folder),
            "0" => script(&self.context.program_folder),
            "OPTIND" => Value::text("1"),
            _ => match Folder::of_variable(&name) {
                Some(folder) => Value::folder(folder),
                None => unknown(name),
            },
        }
    }

    /// Whether a variable has a value: `None` where that is not known.
    pub(in crate::flow) fn is_set(&self, name: &str) -> Option<bool> {
        let name = self.referred(name);
        if name == "@" {
            return self.state.arguments().map(|arguments| !arguments.is_empty());
        }
        match self.state.variable(&name) {
            Some(Binding::Unset) => return Some(false),
            Some(Binding::Scalar(value)) => return value.known().map(|_| true),
            Some(_) => return None,
            None => {}
        }
        if let Ok(number) = name.parse::<usize>() {
            return self.state.arguments().map(|arguments| number <= arguments.len());
        }
        None
    }

    fn expansion(&mut self, expansion: &Expansion) -> Value {
        let name = if expansion.is_indirect && expansion.operator != Operator::Keys && expansion.operator != Operator::Names {
            match self.variable(&expansion.name).known() {
                Some(target) if is_name(target) || target.parse::<usize>().is_ok() => target.clone(),
                _ => return self.operands_of(expansion, &expansion.name),
            }
        } else {
            expansion.name.clone()
        };
        if let Some(subscript) = &expansion.subscript {
            return self.element(expansion, &name, subscript);
        }
        let value = match expansion.operator {
            Operator::Get if name == "@" => self.joined_elements("@"),
            Operator::Names | Operator::Keys | Operator::Unknown => return self.operands_of(expansion, &name),
            _ if !matches!(expansion.operator, Operator::Default { .. } | Operator::Assign { .. } | Operator::Alternative { .. })
                && name != "@" =>
            {
                self.needs_value(&name);
                self.variable(&name)
            }
            Operator::Length if name == "@" => {
                return self.elements("@").map_or_else(|| Value::unknown(Cause::Expansion), |values| Value::text(itoa(values.len())));
            }
            _ if name == "@" => return self.operands_of(expansion, &name),
            _ => self.variable(&name),
        };
        let is_set = self.is_set(&name);
        self.operated(expansion, &name, value, is_set)
    }

    /// `${name[subscript]}` with whatever is done to it.
    fn element(&mut self, expansion: &Expansion, name: &str, subscript: &Word) -> Value {
        let is_all = subscript.is("@") || subscript.is("*");
        if is_all {
            let elements = self.elements(name);
            return match (expansion.operator, elements) {
                (Operator::Length, Some(values)) => Value::text(itoa(values.len())),
                _ => self.operands_of(expansion, name),
            };
        }
        let target = self.referred(name);
        let key = match self.state.variable(&target) {
            Some(Binding::Map(_)) => self.word(subscript),
            _ => self.index(subscript).map_or_else(|| Value::unknown(Cause::Expansion), |index| Value::text(itoa(index))),
        };
        let found = match (self.state.variable(&target), key.known()) {
            (Some(Binding::Array(values)), Some(key)) => key.parse::<i64>().ok().map(|index| {
                let at = if index < 0 { values.len().checked_add_signed(index as isize) } else { usize::try_from(index).ok() };
                at.and_then(|at| values.get(at)).cloned()
            }),
            (Some(Binding::Map(pairs)), Some(key)) => Some(pairs.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone())),
            (Some(Binding::Scalar(value)), Some(key)) if key == "0" => Some(Some(value.clone())),
            _ => None,
        };
        match found {
            Some(Some(value)) => {
                let is_set = value.known().map(|_| true);
                self.operated(expansion, name, value, is_set)
            }
            Some(None) => self.operated(expansion, name, Value::text(""), Some(false)),
            None => {
                let made_of =
                    self.state.variable(&target).and_then(|binding| binding.values().find(|value| value.secret().is_some()).cloned());
                let rest = self.operands_of(expansion, name);
                made_of.map_or(rest, |secret| Value::made_of(&secret, Cause::Expansion))
            }
        }
    }

    /// The number that a subscript is.
    pub(super) fn index(&mut self, subscript: &Word) -> Option<i64> {
        let text = self.word(subscript).known()?.clone();
        self.calculate(&text)
    }

    /// The texts of an expansion that stands for a list: `${name[@]:1}`, `${!name[@]}`. Nothing where it stands for one
    /// text; `Some(None)` where the texts are not known.
    pub(super) fn expansion_list(&mut self, expansion: &Expansion) -> Option<List> {
        let is_all = expansion.name == "@" || expansion.subscript.as_ref().is_some_and(|word| word.is("@") || word.is("*"));
        if !(is_all || expansion.operator == Operator::Names) || expansion.operator == Operator::Length {
            return None;
        }
        if expansion.operator == Operator::Keys {
            let name = self.referred(&expansion.name);
            return Some(match self.state.variable(&name) {
                Some(Binding::Array(values)) => Some((0..values.len()).map(|index| Value::text(itoa(index))).collect()),
                Some(Binding::Map(pairs)) => Some(pairs.iter().map(|(key, _)| Value::text(key.clone())).collect()),
                Some(Binding::Unset) => Some(Vec::new()),
                _ => None,
            });
        }
        let elements = if expansion.is_indirect { None } else { self.elements(&expansion.name) };
        let Some(elements) = elements else {
            self.operands(expansion);
            return Some(None);
        };
        Some(match expansion.operator {
            Operator::Slice => {
                let numbers: Vec<Option<i64>> = expansion.operands.iter().map(|word| self.index(word)).collect();
                // `$0` comes before the arguments.
                let shift = i64::from(expansion.name == "@");
                match &*numbers {
                    [Some(offset), rest @ ..] if *offset >= shift && rest.iter().all(Option::is_some) => {
                        let length = rest.first().copied().flatten();
                        text::slice_bounds(elements.len(), offset - shift, length).map(|(from, to)| elements[from..to].to_vec())
                    }
                    _ => None,
                }
            }
            Operator::TrimStart { .. } | Operator::TrimEnd { .. } | Operator::Replace(_) | Operator::Transform(_) => {
                Some(elements.into_iter().map(|value| self.operated(expansion, "@", value, Some(true))).collect())
            }
            Operator::Default { .. } | Operator::Alternative { .. } if elements.is_empty() => None,
            Operator::Default { .. } | Operator::Get | Operator::Require { .. } => Some(elements),
            _ => {
                self.operands(expansion);
                None
            }
        })
    }

    /// What is done with a value.
    fn operated(&mut self, expansion: &Expansion, name: &str, value: Value, is_set: Option<bool>) -> Value {
        match expansion.operator {
            Operator::Get => value,
            Operator::Default { colon } => self.defaulted(expansion, value, is_set, colon),
            Operator::Assign { colon } => {
                let result = self.defaulted(expansion, value, is_set, colon);
                if expansion.subscript.is_none() && is_name(name) {
                    self.assign_text(name, result.clone());
                }
                result
            }
            Operator::Require { .. } => {
                self.in_condition(|interpreter| interpreter.operands(expansion));
                value
            }
            Operator::Alternative { colon } => {
                let has_value = if colon { value.is_empty().map(|is_empty| !is_empty) } else { is_set };
                if has_value == Some(false) {
                    return Value::text("");
                }
                let mut alternative = Value::text("");
                if has_value == Some(true) {
                    alternative = self.operands(expansion).pop().unwrap_or(alternative);
                } else {
                    self.perhaps_unproven(expansion.span(), |interpreter| {
                        alternative = interpreter.operands(expansion).pop().unwrap_or_else(|| Value::text(""));
                    });
                    alternative = alternative.or(&Value::text(""));
                }
                alternative
            }
            // How long a secret is tells little of it.
            Operator::Length => match value.known() {
                Some(text) => Value::text(itoa(text.chars().count())),
                None => Value::unknown(Cause::Expansion),
            },
            Operator::TrimStart { longest } | Operator::TrimEnd { longest } => {
                let is_start = matches!(expansion.operator, Operator::TrimStart { .. });
                let pattern = expansion.operands.first().and_then(|word| self.pattern(word));
                let Some(pattern) = pattern.filter(|pattern| !pattern.has_groups()) else {
                    return Value::made_of(&value, Cause::Expansion);
                };
                if value.known().is_none() && !is_start && !longest {
                    // What stands before the last `/` is not touched: `${BASH_SOURCE[0]%/*}`.
                    return value.map_end(|text| Some(text::without_suffix(text, &pattern, false)).filter(|end| end.len() < text.len()));
                }
                value.map(|text| {
                    Some(if is_start {
                        text::without_prefix(text, &pattern, longest)
                    } else {
                        text::without_suffix(text, &pattern, longest)
                    })
                })
            }
            Operator::Replace(which) => {
                let pattern = expansion.operands.first().and_then(|word| self.pattern(word)).filter(|pattern| !pattern.has_groups());
                let new = expansion.operands.get(1).map_or_else(|| Value::text(""), |word| self.word(word));
                match (pattern, new.known()) {
                    // `&` is what was matched, in newer shells.
                    (Some(pattern), Some(new)) if !new.contains('&') => value.map(|text| Some(text::replaced(text, &pattern, new, which))),
                    _ => Value::made_of(&new, Cause::Expansion).or(&Value::made_of(&value, Cause::Expansion)),
                }
            }
            Operator::Slice => {
                let numbers: Vec<Option<i64>> = expansion.operands.iter().map(|word| self.index(word)).collect();
                match &*numbers {
                    [Some(offset)] => value.map(|text| text::slice(text, *offset, None)),
                    [Some(offset), Some(length)] => value.map(|text| text::slice(text, *offset, Some(*length))),
                    _ => Value::made_of(&value, Cause::Expansion),
                }
            }
            Operator::ChangeCase { .. } | Operator::Names | Operator::Keys | Operator::Unknown | Operator::Transform(_) => {
                self.operands(expansion);
                match expansion.operator {
                    Operator::Transform('U') => value.map(|text| Some(text::case_changed(text, true, true))),
                    Operator::Transform('L') => value.map(|text| Some(text::case_changed(text, false, true))),
                    Operator::Transform('u') => value.map(|text| Some(text::case_changed(text, true, false))),
                    Operator::ChangeCase { to_upper: Some(to_upper), all } if expansion.operands.iter().all(|word| word.is("")) => {
                        value.map(|text| Some(text::case_changed(text, to_upper, all)))
                    }
                    _ => Value::made_of(&value, Cause::Expansion),
                }
            }
        }
    }

    fn defaulted(&mut self, expansion: &Expansion, value: Value, is_set: Option<bool>, colon: bool) -> Value {
        let lacks = match (colon, is_set) {
            (_, Some(false)) => Some(true),
            (true, _) => value.is_empty(),
            (false, Some(true)) => Some(false),
            (false, None) => value.is_empty().filter(|is_empty| !is_empty),
        };
        match lacks {
            Some(false) => value,
            Some(true) => self.operands(expansion).pop().unwrap_or_else(|| Value::text("")),
            None => {
                let mut default = Value::text("");
                self.perhaps_unproven(expansion.span(), |interpreter| {
                    default = interpreter.operands(expansion).pop().unwrap_or_else(|| Value::text(""));
                });
                default.or(&value)
            }
        }
    }

    fn operands(&mut self, expansion: &Expansion) -> Vec<Value> {
        expansion.operands.iter().map(|word| self.word(word)).collect()
    }

    /// Runs what an expansion holds whose value is not followed.
    fn operands_of(&mut self, expansion: &Expansion, name: &str) -> Value {
        for word in expansion.words() {
            self.word(word);
        }
        if name == "@" {
            return Value::made_of_any(self.elements("@").iter().flatten(), Cause::Expansion);
        }
        let name = self.referred(name);
        Value::made_of_any(self.state.variable(&name).into_iter().flat_map(Binding::values), Cause::Expansion)
    }

    /// A word as a pattern; `None` where it is not known.
    pub(super) fn pattern(&mut self, word: &Word) -> Option<Pattern> {
        let mut pattern = Some(Pattern::default());
        // Every part is evaluated, also behind one that is not known: for what it runs.
        for part in &word.parts {
            if let Part::Opaque(alternatives) = part {
                let texts: Vec<Value> = alternatives.iter().map(|word| self.word(word)).collect();
                let text = texts.first().and_then(Value::known).cloned();
                pattern = pattern.zip(text).and_then(|(mut pattern, text)| pattern.push_group(&text).then_some(pattern));
                continue;
            }
            let value = self.part(part);
            let is_quoted = match part {
                Part::Text(_, quoting)
                | Part::Variable(_, quoting)
                | Part::All(_, quoting)
                | Part::Joined(_, quoting)
                | Part::Expansion(_, quoting)
                | Part::Substitution(_, quoting) => *quoting == Quoting::Quoted,
                _ => false,
            };
            let text = value.known();
            pattern = match (pattern, text) {
                (Some(mut pattern), Some(text)) if is_quoted => {
                    pattern.push_literal(text);
                    Some(pattern)
                }
                (Some(mut pattern), Some(text)) => pattern.push_pattern(text).then_some(pattern),
                _ => None,
            };
        }
        pattern
    }

    // Arithmetic.

    /// The value of an arithmetic expression; runs what it holds, and assigns what it assigns.
    pub(super) fn arithmetic(&mut self, expression: &Arithmetic) -> Option<i64> {
        let text = self.word(&expression.expression);
        let value = text.known().cloned().and_then(|text| self.calculate(&text));
        if value.is_none() {
            for name in &expression.assigned {
                self.assign_text(name, Value::unknown(Cause::Variable(name.clone())));
            }
        }
        value
    }

    /// The value of an expression without expansions.
    pub(in crate::flow) fn calculate(&mut self, text: &str) -> Option<i64> {
        struct Shell<'s, 'a, 'f>(&'s mut Interpreter<'a, 'f>);
        impl Variables for Shell<'_, '_, '_> {
            fn get(&mut self, name: &str) -> Option<CompactString> {
                self.0.variable(name).known().cloned()
            }

            fn set(&mut self, name: &str, value: i64) {
                self.0.assign_text(name, Value::text(itoa(value)));
            }
        }
        arithmetic::evaluate(text, &mut Shell(self))
    }
}

/// Whether a text is the name of a variable.
pub(in crate::flow) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A number as text.
pub(in crate::flow) fn itoa(number: impl std::fmt::Display) -> CompactString {
    compact_str::format_compact!("{number}")
}
