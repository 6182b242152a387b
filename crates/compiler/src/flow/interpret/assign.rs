//! Assignments and declarations.

use std::sync::Arc;

use compact_str::CompactString;

use super::super::stage::{Event, ShellExport};
use super::super::state::{Functions, Toggle};
use super::super::value::text;
use super::super::value::{Binding, Cause, Value};
use super::words::is_name;
use super::{Frame, Interpreter, Status};
use crate::syntax::shell::{AssignedValue, Assignment, Declaration, Declarer, Element, Scope, Word};

/// What the options of `declare` say.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
struct Attributes {
    is_reference: bool,
    is_map: bool,
    is_array: bool,
    is_integer: bool,
    is_lower: bool,
    is_upper: bool,
    is_function: bool,
    unexports: bool,
}

impl Attributes {
    fn of(options: &[Word]) -> Self {
        let mut attributes = Self::default();
        for flags in options.iter().filter_map(Word::literal).filter(|flags| flags.starts_with('-')) {
            attributes.is_reference |= flags.contains('n');
            attributes.is_map |= flags.contains('A');
            attributes.is_array |= flags.contains('a');
            attributes.is_integer |= flags.contains('i');
            attributes.is_lower |= flags.contains('l');
            attributes.is_upper |= flags.contains('u');
            attributes.is_function |= flags.contains('f') || flags.contains('F');
        }
        attributes
    }

    /// What a variable holds that is declared without a value.
    fn empty(self) -> Binding {
        if self.is_map { Binding::Map(Arc::default()) } else { Binding::Unset }
    }
}

impl Interpreter<'_, '_> {
    pub(super) fn assignments(&mut self, assignments: &[Assignment]) -> Status {
        let mut status = Status::Likely;
        for assignment in assignments {
            status = self.assign(assignment);
        }
        status
    }

    /// An assignment; it ends as the last substitution in it does.
    pub(in crate::flow) fn assign(&mut self, assignment: &Assignment) -> Status {
        self.substituted = None;
        let binding = self.assigned(assignment, Attributes::default());
        self.bind(assignment, binding, Attributes::default());
        match &assignment.value {
            AssignedValue::Word(word) if word.does_something() => self.substituted.unwrap_or(Status::Unknown),
            _ => Status::Likely,
        }
    }

    pub(super) fn declare(&mut self, declaration: &Declaration) -> Status {
        let mut attributes = Attributes::of(&declaration.options);
        self.arguments(&declaration.options);
        if declaration.builtin == Declarer::Export {
            // `export -n`: children no longer see it.
            attributes.unexports = std::mem::take(&mut attributes.is_reference);
        }
        if attributes.is_function {
            return self.asked_functions(declaration);
        }
        for item in &declaration.items {
            if let AssignedValue::Dynamic(word) = &item.value {
                self.declare_computed(word, item.scope, attributes);
                continue;
            }
            let binding = self.assigned(item, attributes);
            self.bind(item, binding, attributes);
        }
        Status::Likely
    }

    /// `declare -f name`, `declare -F name`: succeeds where there is such a function.
    fn asked_functions(&mut self, declaration: &Declaration) -> Status {
        let mut status = Status::Success;
        for item in &declaration.items {
            if declaration.builtin == Declarer::Export
                && let Some(functions) = self.state.functions(&item.name).cloned()
            {
                self.state.define(item.name.clone(), Some(Functions { exported: true, ..functions }));
            }
            status = match self.state.functions(&item.name) {
                Some(functions) if functions.options.is_empty() => Status::Failure,
                Some(functions) if !functions.or_command => Status::Success,
                Some(_) => Status::Unknown,
                None => Status::Failure,
            };
        }
        if declaration.builtin == Declarer::Export { Status::Likely } else { status }
    }

    /// `declare "$name=value"`, `export "$pair"`.
    fn declare_computed(&mut self, word: &Word, scope: Scope, attributes: Attributes) {
        let value = self.word(word);
        for option in value.each() {
            let prefix = option.prefix();
            let Some((name, _)) = prefix.split_once('=') else {
                match option.known() {
                    Some(name) if is_name(name) => {
                        let name = name.clone();
                        self.enter_scope(&name, scope);
                        let binding = self.state.variable(&name).cloned().unwrap_or(Binding::Unset);
                        self.state.set_variable(&name, binding, scope == Scope::Exported);
                    }
                    Some(_) => {}
                    None => self.forget_variables(),
                }
                continue;
            };
            let name = CompactString::from(name.strip_suffix('+').unwrap_or(name));
            let text = without_text(&option, prefix.find('=').map_or(0, |at| at + 1));
            let text = if attributes.is_integer { Value::unknown(Cause::Variable(name.clone())) } else { text };
            self.enter_scope(&name, scope);
            let name = self.referred(&name);
            self.state.set_variable(&name, Binding::Scalar(text), scope == Scope::Exported);
        }
    }

    /// Keeps what a variable holds for the end of the function that declares it.
    pub(super) fn enter_scope(&mut self, name: &CompactString, scope: Scope) {
        if scope != Scope::Local {
            return;
        }
        let saved = self.state.saved_variable(name);
        for frame in self.frames.iter_mut().rev() {
            match frame {
                Frame::Call { locals, is_function: true, .. } => {
                    if locals.iter().all(|(known, _)| known != name) {
                        locals.push((name.clone(), saved));
                    }
                    return;
                }
                // A subshell of the function forgets it anyway.
                Frame::Process { .. } => return,
                Frame::Call { .. } | Frame::Loop { .. } | Frame::Redirect { .. } => {}
            }
        }
    }

    fn is_in_function(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame, Frame::Call { is_function: true, .. }))
    }

    fn bind(&mut self, assignment: &Assignment, binding: Binding, attributes: Attributes) {
        let name = &assignment.name;
        if name.is_empty() {
            return;
        }
        let exported = assignment.scope == Scope::Exported;
        self.enter_scope(name, assignment.scope);
        if exported {
            let is_from_store = matches!(&binding, Binding::Scalar(value) if value.is_from_store());
            let place = self.location(assignment.span);
            self.log(Event::ShellExport(ShellExport { name: name.clone(), place, is_from_store }));
        }
        if attributes.is_reference {
            let target = match &binding {
                Binding::Scalar(value) => value.known().filter(|target| is_name(target) && *target != name).cloned(),
                _ => None,
            };
            match target {
                Some(target) => self.state.put_variable(name, Some((Binding::Reference(target), Toggle::Off))),
                // It may be any variable: what is assigned through it may change any.
                None => {
                    let unknown = Binding::Scalar(Value::unknown(Cause::Variable(name.clone())));
                    self.state.put_variable(name, Some((unknown, Toggle::Off)));
                    self.forget_variables();
                }
            }
            return;
        }
        let name = self.referred(name);
        if attributes.unexports {
            self.state.put_variable(&name, Some((binding, Toggle::Off)));
        } else {
            self.state.set_variable(&name, binding, exported);
        }
    }

    /// What a variable holds behind an assignment.
    fn assigned(&mut self, assignment: &Assignment, attributes: Attributes) -> Binding {
        let name = self.referred(&assignment.name);
        let unknown = |of: Option<&Value>| Binding::Scalar(Value::made_of_any(of, Cause::Variable(name.clone())));
        if let Some(subscript) = &assignment.subscript {
            return self.assigned_element(assignment, &name, subscript);
        }
        match &assignment.value {
            AssignedValue::Word(word) => {
                let more = self.word(word);
                if attributes.is_integer {
                    let number = more.known().cloned().and_then(|text| self.calculate(&text));
                    return number.map_or_else(|| unknown(Some(&more)), |number| Binding::Scalar(Value::text(super::words::itoa(number))));
                }
                let more = match (attributes.is_lower, attributes.is_upper) {
                    (false, false) => more,
                    (_, to_upper) => more.map(|known| Some(text::case_changed(known, to_upper, true))),
                };
                match self.state.variable(&name) {
                    _ if !assignment.appends => Binding::Scalar(more),
                    Some(Binding::Scalar(value)) => Binding::Scalar(value.clone().then(&more)),
                    Some(Binding::Unset) => Binding::Scalar(more),
                    Some(Binding::Array(values)) if !values.is_empty() => {
                        let mut values = values.to_vec();
                        values[0].push(&more);
                        Binding::Array(Arc::new(values))
                    }
                    _ => Binding::Scalar(Value::unknown(Cause::Variable(name.clone())).then(&more)),
                }
            }
            AssignedValue::Array(elements) => self.assigned_array(assignment, &name, elements, attributes),
            AssignedValue::Dynamic(word) => {
                let value = self.word(word);
                unknown(Some(&value))
            }
            AssignedValue::Bare if assignment.scope == Scope::Local && self.is_in_function() => attributes.empty(),
            // `export name`, `readonly name`: what it holds stays known.
            AssignedValue::Bare => self
                .state
                .variable(&name)
                .cloned()
                .unwrap_or_else(|| if attributes.is_map || attributes.is_array { attributes.empty() } else { unknown(None) }),
        }
    }

    fn assigned_array(&mut self, assignment: &Assignment, name: &str, elements: &[Element], attributes: Attributes) -> Binding {
        let is_map = attributes.is_map || matches!(self.state.variable(name), Some(Binding::Map(_)));
        if is_map {
            let mut pairs = match self.state.variable(name) {
                Some(Binding::Map(pairs)) if assignment.appends => pairs.to_vec(),
                _ => Vec::new(),
            };
            let mut is_known = true;
            for element in elements {
                let key = element.subscript.as_ref().map(|subscript| self.word(subscript));
                let value = self.word(&element.value);
                match key.as_ref().and_then(Value::known) {
                    Some(key) => put_pair(&mut pairs, key.clone(), value),
                    None => is_known = false,
                }
            }
            return if is_known { Binding::Map(Arc::new(pairs)) } else { Binding::Scalar(Value::unknown(Cause::Variable(name.into()))) };
        }
        let is_plain = elements.iter().all(|element| element.subscript.is_none());
        let words: Vec<Word> = elements.iter().map(|element| element.value.clone()).collect();
        for subscript in elements.iter().filter_map(|element| element.subscript.as_deref()) {
            self.word(subscript);
        }
        let arguments = self.arguments(&words);
        let unknown = || {
            let values = arguments.list().iter().map(|argument| &argument.value);
            Binding::Scalar(Value::made_of_any(values, Cause::Variable(name.into())))
        };
        let Some(values) = arguments.values().filter(|_| is_plain) else { return unknown() };
        if !assignment.appends {
            return Binding::Array(Arc::new(values));
        }
        match self.state.variable(name) {
            Some(Binding::Array(known)) => Binding::Array(Arc::new(known.iter().cloned().chain(values).collect())),
            Some(Binding::Unset) => Binding::Array(Arc::new(values)),
            Some(Binding::Scalar(first)) if first.known().is_some() => {
                Binding::Array(Arc::new(std::iter::once(first.clone()).chain(values).collect()))
            }
            _ => unknown(),
        }
    }

    /// `name[subscript]=value`.
    fn assigned_element(&mut self, assignment: &Assignment, name: &str, subscript: &Word) -> Binding {
        let current = self.state.variable(name).cloned();
        let is_map = matches!(current, Some(Binding::Map(_)));
        let key = if is_map { self.word(subscript).known().cloned() } else { self.index(subscript).map(super::words::itoa) };
        let value = match &assignment.value {
            AssignedValue::Word(word) | AssignedValue::Dynamic(word) => self.word(word),
            AssignedValue::Array(elements) => {
                for element in elements {
                    self.word(&element.value);
                }
                Value::unknown(Cause::Expansion)
            }
            AssignedValue::Bare => Value::text(""),
        };
        let unknown = Binding::Scalar(Value::made_of(&value, Cause::Variable(name.into())));
        let Some(key) = key else { return unknown };
        match current {
            Some(Binding::Map(pairs)) => {
                let mut pairs = pairs.to_vec();
                let before = pairs.iter().find(|(own, _)| *own == key).map(|(_, value)| value.clone());
                let value = if assignment.appends { before.unwrap_or_else(|| Value::text("")).then(&value) } else { value };
                put_pair(&mut pairs, key, value);
                Binding::Map(Arc::new(pairs))
            }
            Some(Binding::Array(_) | Binding::Unset) | None => {
                let mut values = match current {
                    Some(Binding::Array(values)) => values.to_vec(),
                    // What the environment gives is no array.
                    _ => Vec::new(),
                };
                match key.parse::<usize>() {
                    Ok(index) if index < values.len() => {
                        values[index] = if assignment.appends { values[index].clone().then(&value) } else { value };
                        Binding::Array(Arc::new(values))
                    }
                    Ok(index) if index == values.len() => {
                        values.push(value);
                        Binding::Array(Arc::new(values))
                    }
                    _ => unknown,
                }
            }
            _ => unknown,
        }
    }

    /// Any variable may have been changed: each may still hold what it held.
    pub(in crate::flow) fn forget_variables(&mut self) {
        for name in self.state.variable_names() {
            let Some(variable) = self.state.saved_variable(&name) else { continue };
            if matches!(variable.binding, Binding::Reference(_)) {
                continue;
            }
            let unknown = Binding::Scalar(Value::unknown(Cause::Variable(name.clone())));
            self.state.put_variable(&name, Some((variable.binding.or(&unknown), variable.exported)));
        }
    }

    /// Gives a variable that is named by a value another one.
    pub(in crate::flow) fn assign_named(&mut self, name: &Value, value: &Value) {
        match name.known() {
            Some(name) if is_name(name) => self.assign_text(name, value.clone()),
            // An element of an array.
            Some(name) if name.contains('[') => {
                let array = name.split('[').next().unwrap_or_default();
                self.assign_text(array, Value::made_of(value, Cause::Variable(array.into())));
            }
            Some(_) => {}
            None => self.forget_variables(),
        }
    }
}

fn put_pair(pairs: &mut Vec<(CompactString, Value)>, key: CompactString, value: Value) {
    match pairs.iter_mut().find(|(own, _)| *own == key) {
        Some((_, own)) => *own = value,
        None => pairs.push((key, value)),
    }
}

/// A value without the first bytes of the text that it begins with.
fn without_text(value: &Value, length: usize) -> Value {
    use super::super::value::Piece;
    let Some(pieces) = value.options().next() else { return value.clone() };
    let mut rest = Value::text("");
    for (index, piece) in pieces.iter().enumerate() {
        rest.push(&match piece {
            Piece::Text(text) if index == 0 => Value::text(text.get(length..).unwrap_or_default()),
            piece => Value::One(piece.clone()),
        });
    }
    rest
}
