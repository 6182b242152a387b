//! Words to values, tests to answers.

use compact_str::CompactString;

use super::folder::Folder;
use super::machine::{Machine, Status};
use super::value::{Binding, Cause, Piece, Value};
use crate::platform::{self, StoreCommand, StoreKind};
use crate::source::Span;
use crate::syntax::shell::{
    AndOr, Arithmetic, Block, Braces, Command, Expansion, Operator, Part, Pattern, PatternPart, Quoting, Statement, StatementKind, Test,
    Word,
};

impl Machine<'_, '_> {
    /// Every text that a word can be; runs what it substitutes.
    pub(super) fn word(&mut self, word: &Word) -> Value {
        let mut parts = word.parts.iter();
        let Some(first) = parts.next() else { return Value::text("") };
        let mut value = self.part(first);
        for part in parts {
            let next = self.part(part);
            value = value.then(&next);
        }
        value
    }

    /// The words that a list of words becomes, after arrays and splitting; `None` where their number is not known.
    pub(super) fn words(&mut self, words: &[Word]) -> Option<Vec<Value>> {
        let mut values = Some(Vec::new());
        for word in words {
            // Every word is evaluated, also behind an unknown one: for what it runs.
            let expanded = self.fields(word);
            values = match (values, expanded) {
                (Some(mut values), Some(expanded)) => {
                    values.extend(expanded);
                    Some(values)
                }
                _ => None,
            };
        }
        values
    }

    fn fields(&mut self, word: &Word) -> Option<Vec<Value>> {
        match &*word.parts {
            [Part::All(name, quoting)] => self.all(name, *quoting),
            [Part::Text(text, Quoting::Bare)] if text.contains(['*', '?', '[']) => None,
            [Part::Opaque(_) | Part::Process(_) | Part::Arithmetic(_) | Part::Inside(..)] => {
                self.word(word);
                None
            }
            [Part::Expansion(expansion, _)] if expansion.default().is_none() => {
                self.word(word);
                None
            }
            parts if parts.iter().any(|part| matches!(part, Part::All(..) | Part::Braces(_))) => {
                self.word(word);
                None
            }
            parts => {
                let is_split = parts.iter().any(|part| {
                    let (Part::Variable(_, quoting) | Part::Expansion(_, quoting) | Part::Substitution(_, quoting)) = part else {
                        return false;
                    };
                    *quoting == Quoting::Bare
                });
                let value = self.word(word);
                if !is_split {
                    return Some(vec![value]);
                }
                let text = value.known()?;
                (!text.contains(['*', '?', '['])).then(|| text.split_whitespace().map(Value::text).collect())
            }
        }
    }

    fn all(&mut self, name: &str, quoting: Quoting) -> Option<Vec<Value>> {
        if name == "@" {
            return self.arguments.clone();
        }
        match self.state.variable(name)? {
            Binding::Array(values) => Some(values.clone()),
            Binding::Scalar(value) if quoting == Quoting::Bare => {
                let text = value.known()?;
                Some(text.split_whitespace().map(Value::text).collect())
            }
            Binding::Scalar(value) => value.known().map(|text| vec![Value::text(text)]),
        }
    }

    fn part(&mut self, part: &Part) -> Value {
        match part {
            Part::Text(text, _) => Value::text(text.clone()),
            Part::Variable(name, _) => self.variable(name),
            Part::Expansion(expansion, _) => self.expansion(expansion),
            Part::All(name, quoting) => {
                let values = self.all(name, *quoting).unwrap_or_default();
                match &*values {
                    [only] => only.clone(),
                    _ => Value::unknown(Cause::Variable(name.clone())),
                }
            }
            Part::Substitution(block, _) => self.substitution(block),
            Part::Inside(block, _) => {
                self.block(block);
                Value::unknown(Cause::Expansion)
            }
            Part::Process(block) => {
                self.substitution(block);
                Value::unknown(Cause::Expansion)
            }
            Part::Arithmetic(expression) => {
                self.arithmetic(expression);
                Value::unknown(Cause::Expansion)
            }
            Part::Braces(braces) => {
                if let Braces::List(words) = &**braces {
                    self.evaluate_words(words);
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

    /// Runs what an arithmetic expression holds; what it assigns is not known behind it.
    pub(super) fn arithmetic(&mut self, expression: &Arithmetic) {
        self.word(&expression.expression);
        for name in &expression.assigned {
            let unknown = Value::unknown(Cause::Variable(name.clone()));
            self.state.set_variable(name, Binding::Scalar(unknown), false);
        }
    }

    fn expansion(&mut self, expansion: &Expansion) -> Value {
        if let Some((word, assigns)) = expansion.default() {
            return self.defaulted(&expansion.name, word, assigns);
        }
        for word in expansion.words() {
            self.word(word);
        }
        match expansion.operator {
            // `${name?}` stops where there is no value.
            Operator::Require { .. } if expansion.subscript.is_none() && !expansion.is_indirect => self.variable(&expansion.name),
            _ => Value::unknown(Cause::Expansion),
        }
    }

    fn variable(&mut self, name: &str) -> Value {
        if let Some(binding) = self.state.variable(name) {
            return match binding {
                Binding::Scalar(value) => value.clone(),
                Binding::Array(values) => values.first().cloned().unwrap_or_else(|| Value::text("")),
            };
        }
        if let Some(number) = name.parse::<usize>().ok().filter(|number| *number > 0) {
            return match &self.arguments {
                Some(arguments) => arguments.get(number - 1).cloned().unwrap_or_else(|| Value::text("")),
                None => Value::unknown(Cause::Variable(name.into())),
            };
        }
        match name {
            "PWD" => Value::folder(self.state.folder().clone()),
            // The script's own path: only its folder is asked for, see `dirname`.
            "BASH_SOURCE" | "0" => match &self.script_folder {
                Some(folder) => {
                    let folder = Folder::Repo { path: folder.clone(), sure: true };
                    Value::folder(folder).then(&Value::text("/script"))
                }
                None => Value::unknown(Cause::Variable(name.into())),
            },
            _ => match Folder::of_variable(name) {
                Some(folder) => Value::folder(folder),
                None => Value::unknown(Cause::Variable(name.into())),
            },
        }
    }

    fn defaulted(&mut self, name: &str, default: &Word, assigns: bool) -> Value {
        let is_assigned = self.state.variable(name).is_some();
        let is_argument = name.parse::<usize>().is_ok() && self.arguments.is_some();
        let is_foreign = platform::is_shell_variable(name) || Folder::of_variable(name).is_some();
        let value = self.variable(name);
        let default = self.word(default);
        let result = match value.is_empty() {
            Some(true) => default,
            Some(false) => value,
            // Nothing that was read assigns it, and the platform has no such variable: the default is what it is.
            None if !is_assigned && !is_argument && !is_foreign => default,
            None => default.or(&value),
        };
        if assigns {
            self.state.set_variable(name, Binding::Scalar(result.clone()), false);
        }
        result
    }

    fn substitution(&mut self, block: &Block) -> Value {
        let mut value = None;
        self.process(|machine| value = machine.output(block));
        value.unwrap_or_else(|| Value::unknown(cause_of(block)))
    }

    /// What a block prints; `None` where it is not known. Runs it.
    fn output(&mut self, block: &Block) -> Option<Value> {
        match &**block {
            [] => Some(Value::text("")),
            [silent @ .., last] if silent.iter().all(is_silent) => {
                for statement in silent {
                    self.statement(statement);
                }
                self.printed(last)
            }
            _ => {
                self.block(block);
                None
            }
        }
    }

    /// What a statement prints; `None` where it is not known. Runs it.
    pub(super) fn printed(&mut self, statement: &Statement) -> Option<Value> {
        match &statement.kind {
            StatementKind::Command(command) => self.command_output(command, statement.span),
            StatementKind::Group(block) => self.output(block),
            StatementKind::Pipe(members) => self.pipe(members, true),
            // `cd folder && pwd`
            StatementKind::Chain(chain) if is_silent(&chain.first) && matches!(&*chain.rest, [(AndOr::And, _)]) => {
                self.guard(|machine| machine.statement(&chain.first));
                match chain.rest.first() {
                    Some((_, last)) => self.printed(last),
                    None => None,
                }
            }
            // `get_env key || echo default`, `get_env key 2>/dev/null || true`
            StatementKind::Chain(chain) => {
                let (StatementKind::Command(left), [(AndOr::Or, Statement { kind: StatementKind::Command(right), span })]) =
                    (&chain.first.kind, &*chain.rest)
                else {
                    self.statement(statement);
                    return None;
                };
                let left = self.guard(|machine| machine.command_output(left, chain.first.span));
                let right = match right.name() {
                    name if name.is("true") || name.is(":") => Some(Value::text("")),
                    _ => self.command_output(right, *span),
                };
                let left = left?;
                Some(match right {
                    Some(right) => left.or(&right),
                    None => left.or(&Value::unknown(Cause::Expansion)),
                })
            }
            _ => {
                self.statement(statement);
                None
            }
        }
    }

    fn command_output(&mut self, command: &Command, span: Span) -> Option<Value> {
        let (name, arguments) = match command.arguments() {
            [first, rest @ ..] if command.name().is("pipelinectl") => (first, rest),
            all => (command.name(), all),
        };
        let name = name.literal().unwrap_or_default();
        if let Some(defined) = self.state.function(&name).cloned() {
            let values = self.words(arguments);
            let mut printed = None;
            self.call_function_with(&defined, values, |machine| printed = machine.output(&defined.function.body));
            return printed;
        }
        match (StoreCommand::named(&name), &*name) {
            (Some(StoreCommand::Get(kind)), _) => Some(self.read(kind, arguments)),
            (Some(StoreCommand::Load(StoreKind::Repo)), _) => {
                let repo = arguments.first().map(|word| self.word(word));
                let property = arguments.get(1).and_then(Word::literal);
                self.command(command, span);
                let is_app = repo.and_then(|repo| repo.known()).is_some_and(|repo| repo == "app-repo");
                (is_app && property.as_deref() == Some("path")).then(|| Value::folder(Folder::RepoName { sure: false }))
            }
            (None, "echo") if !arguments.iter().any(|word| word.is("-e")) => {
                let values = self.words(without_flag(arguments))?;
                let mut joined = Value::text("");
                for (index, value) in values.iter().enumerate() {
                    let separator = Value::text(if index == 0 { "" } else { " " });
                    joined = joined.then(&separator).then(value);
                }
                Some(joined)
            }
            (None, "printf") if arguments.first().is_some_and(|format| format.is("%s") || format.is("%s\\n")) && arguments.len() == 2 => {
                Some(self.word(&arguments[1]))
            }
            (None, "cat") if arguments.is_empty() && crate::syntax::shell::input(command.redirects()).is_none() => self.piped.clone(),
            (None, "base64" | "tr" | "tee" | "head" | "tail" | "xargs") => {
                self.command(command, span);
                // Whatever form it takes, a secret stays one.
                let secret = self.piped.as_ref()?.secret()?.clone();
                Some(Value::unknown(Cause::Secret(secret)))
            }
            (None, "pwd") => Some(Value::folder(self.state.folder().clone())),
            (None, "dirname") => {
                let path = self.word(arguments.iter().find(|word| !word.is("--"))?);
                dirname(&path)
            }
            _ => {
                self.command(command, span);
                None
            }
        }
    }

    // Tests.

    pub(super) fn test(&mut self, test: &Test) -> Status {
        match self.answer(test) {
            Some(true) => Status::Success,
            Some(false) => Status::Failure,
            None => Status::Unknown,
        }
    }

    fn answer(&mut self, test: &Test) -> Option<bool> {
        match test {
            Test::Equals { left, right, negated } => {
                let left = self.word(left);
                let equal = self.any_matches(&left, std::slice::from_ref(right))?;
                Some(equal != *negated)
            }
            Test::Empty { word, negated } => {
                let value = self.word(word);
                Some(value.is_empty()? != *negated)
            }
            Test::Matches { left, regex } => {
                self.word(left);
                self.word(regex);
                None
            }
            Test::And(members) => self.joined(members, false),
            Test::Or(members) => self.joined(members, true),
            Test::Unary { word, .. } => {
                self.word(word);
                None
            }
            Test::Binary { left, right, .. } => {
                self.word(left);
                self.word(right);
                None
            }
            Test::Not(inner) => self.answer(inner).map(|answer| !answer),
            Test::Other(words) => {
                for word in words {
                    self.word(word);
                }
                None
            }
        }
    }

    /// The answer of several tests: any that is `decisive` decides.
    fn joined(&mut self, members: &[Test], decisive: bool) -> Option<bool> {
        let mut answer = Some(!decisive);
        for member in members {
            match self.answer(member) {
                Some(own) if own == decisive => answer = Some(decisive),
                None if answer != Some(decisive) => answer = None,
                _ => {}
            }
        }
        answer
    }

    /// Whether a value has the form of any of the patterns; `None` where that is not known.
    pub(super) fn any_matches(&mut self, value: &Value, patterns: &[Pattern]) -> Option<bool> {
        let mut answer = Some(false);
        for pattern in patterns {
            match self.matches(value, pattern) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => answer = None,
            }
        }
        answer
    }

    fn matches(&mut self, value: &Value, pattern: &Pattern) -> Option<bool> {
        let Some(parts) = &pattern.parts else {
            for word in &pattern.words {
                self.word(word);
            }
            return None;
        };
        if matches!(&**parts, [PatternPart::Any]) {
            return Some(true);
        }
        let glob = parts.iter().map(|part| match part {
            PatternPart::Any => Some(Glob::Any),
            PatternPart::One => Some(Glob::One),
            PatternPart::Word(word) => self.word(word).known().map(Glob::Text),
        });
        let glob: Vec<Option<Glob>> = glob.collect();
        let glob: Vec<Glob> = glob.into_iter().collect::<Option<_>>()?;
        let (texts, unknown) = value.split();
        let mut answers = texts.iter().map(|text| glob_matches(&glob, text));
        let first = answers.next()?;
        (unknown.is_none() && answers.all(|answer| answer == first)).then_some(first)
    }
}

enum Glob {
    Any,
    One,
    Text(CompactString),
}

fn glob_matches(glob: &[Glob], text: &str) -> bool {
    match glob {
        [] => text.is_empty(),
        [Glob::Text(prefix), rest @ ..] => text.strip_prefix(prefix.as_str()).is_some_and(|text| glob_matches(rest, text)),
        [Glob::One, rest @ ..] => {
            let mut chars = text.chars();
            chars.next().is_some() && glob_matches(rest, chars.as_str())
        }
        [Glob::Any, rest @ ..] => text.char_indices().map(|(at, _)| &text[at..]).chain([""]).any(|text| glob_matches(rest, text)),
    }
}

fn dirname(path: &Value) -> Option<Value> {
    let [option] = path.options() else { return None };
    match &**option {
        [pieces @ .., Piece::Text(last)] => {
            let (folder, _) = last.rsplit_once('/')?;
            let mut value = Value::text("");
            for piece in pieces {
                value = value.then(&match piece {
                    Piece::Text(text) => Value::text(text.clone()),
                    Piece::Folder(folder) => Value::folder(folder.clone()),
                    Piece::Unknown(cause) => Value::unknown(cause.clone()),
                });
            }
            Some(value.then(&Value::text(folder)))
        }
        _ => None,
    }
}

/// The arguments of `echo -n`.
fn without_flag(arguments: &[Word]) -> &[Word] {
    match arguments {
        [flag, rest @ ..] if flag.is("-n") => rest,
        all => all,
    }
}

/// Whether a statement prints nothing.
fn is_silent(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Assign(_)
        | StatementKind::Declare(_)
        | StatementKind::Function(_)
        | StatementKind::Test(_)
        | StatementKind::Arithmetic(_) => true,
        StatementKind::Command(command) => {
            let name = command.name().literal().unwrap_or_default();
            let name = if name == "pipelinectl" { command.arguments().first().and_then(Word::literal).unwrap_or_default() } else { name };
            matches!(StoreCommand::named(&name), Some(StoreCommand::Set(_) | StoreCommand::Save(_) | StoreCommand::Export))
                || matches!(&*name, ":" | "true" | "cd" | "set" | "shift" | "shopt" | "mkdir")
        }
        _ => false,
    }
}

fn cause_of(block: &Block) -> Cause {
    match &**block {
        [Statement { kind: StatementKind::Command(command), .. }] => {
            let name = command.name().literal().unwrap_or_default();
            Cause::Output(if name.is_empty() { "a command".into() } else { name })
        }
        _ => Cause::Output("a command".into()),
    }
}
