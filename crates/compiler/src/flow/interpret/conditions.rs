//! Tests and patterns to answers. A test whose answer is not known has a name: the same test of the same values has the
//! same answer, wherever it is asked again.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;

use super::super::facts::Subject;
use super::super::state::{Answer, Flag, TestId, Toggle};
use super::super::value::folder::Folder;
use super::super::value::glob::Pattern;
use super::super::value::{Binding, Cause, Piece, Value};
use super::Interpreter;
use crate::platform::StoreKind;
use crate::source::EntryKind;
use crate::syntax::shell::{Arithmetic, Operator, Part, Quoting, StatementKind, Test, Word};

/// The name of a test, and whether it is asked the other way round.
pub(super) type Question = (TestId, bool);

impl Interpreter<'_, '_> {
    /// The answer of a test where it is known, else what it is known by.
    pub(super) fn test(&mut self, test: &Test) -> (Option<bool>, Option<TestId>) {
        let (answer, question) = self.answer(test);
        self.answered(answer, question)
    }

    fn answered(&self, answer: Option<bool>, question: Option<Question>) -> (Option<bool>, Option<TestId>) {
        match (answer, question) {
            (None, Some((id, negated))) => match self.state.answer(id) {
                Some(Answer::Known(answer)) => (Some(*answer != negated), None),
                _ if negated => (None, Some(id.opposite())),
                _ => (None, Some(id)),
            },
            (answer, _) => (answer, None),
        }
    }

    fn answer(&mut self, test: &Test) -> (Option<bool>, Option<Question>) {
        match test {
            Test::Equals { left, right, is_pattern, negated } => {
                let value = self.word(left);
                let pattern = if *is_pattern {
                    self.pattern(right)
                } else {
                    self.word(right).known().map(|text| {
                        let mut pattern = Pattern::default();
                        pattern.push_literal(text);
                        pattern
                    })
                };
                let answer = pattern.and_then(|pattern| self.fits(&value, &pattern)).map(|equal| equal != *negated);
                (answer, self.equality(left, right).map(|id| (id, *negated)))
            }
            Test::Empty { word, negated } => {
                let value = self.word(word);
                let question = self.identity(word).map(|word| (named("empty", &[word]), *negated));
                (value.is_empty().map(|is_empty| is_empty != *negated), question)
            }
            Test::Matches { left, regex } => {
                let value = self.word(left);
                let pattern = self.regex(regex);
                let answer = pattern.as_ref().and_then(|pattern| {
                    let (texts, unknown) = value.split();
                    let mut answers = texts.iter().map(|text| pattern.is_match(text));
                    let first = answers.next()??;
                    (unknown.is_none() && answers.all(|answer| answer == Some(first))).then_some(first)
                });
                let groups = pattern.zip(value.known()).and_then(|(pattern, text)| pattern.groups(text));
                let found = match groups {
                    Some(groups) => Binding::Array(Arc::new(groups.into_iter().map(Value::text).collect())),
                    None => Binding::Scalar(Value::made_of(&value, Cause::Variable("BASH_REMATCH".into()))),
                };
                self.state.set_variable("BASH_REMATCH", found, false);
                (answer, self.pair("=~", left, regex))
            }
            Test::Unary { operator, word } => {
                let value = self.word(word);
                self.unary(operator, &value)
            }
            Test::Binary { operator, left, right } => {
                let (first, second) = (self.word(left), self.word(right));
                let number = |interpreter: &mut Self, value: &Value| interpreter.calculate(value.known()?);
                let answer = match (operator.as_str(), number(self, &first), number(self, &second)) {
                    ("-eq", Some(left), Some(right)) => Some(left == right),
                    ("-ne", Some(left), Some(right)) => Some(left != right),
                    ("-lt", Some(left), Some(right)) => Some(left < right),
                    ("-le", Some(left), Some(right)) => Some(left <= right),
                    ("-gt", Some(left), Some(right)) => Some(left > right),
                    ("-ge", Some(left), Some(right)) => Some(left >= right),
                    _ => None,
                };
                (answer, self.pair(operator, left, right))
            }
            Test::And(members) => self.together(members, false),
            Test::Or(members) => self.together(members, true),
            Test::Not(inner) => {
                let (answer, question) = self.answer(inner);
                (answer.map(|answer| !answer), question.map(|(id, negated)| (id, !negated)))
            }
            Test::Other(words) => {
                for word in words {
                    self.word(word);
                }
                (None, None)
            }
        }
    }

    /// The answer of several tests: any that is `decisive` decides.
    fn together(&mut self, members: &[Test], decisive: bool) -> (Option<bool>, Option<Question>) {
        let mut answer = Some(!decisive);
        let (mut names, mut is_of_disk) = (Some(Vec::new()), false);
        for member in members {
            let (own, question) = self.answer(member);
            let own = own.or_else(|| match self.state.answer(question?.0) {
                Some(Answer::Known(known)) => Some(*known != question?.1),
                _ => None,
            });
            match own {
                Some(own) if own == decisive => return (Some(decisive), None),
                Some(_) => {}
                None => {
                    answer = None;
                    is_of_disk |= question.is_some_and(|(id, _)| id.is_of_disk());
                    names = names.zip(question).map(|(mut names, (id, negated))| {
                        names.push(id.0 ^ u64::from(negated));
                        names
                    });
                }
            }
        }
        let question = names.filter(|names| !names.is_empty()).map(|names| {
            let hash = hash_of(&(if decisive { "or" } else { "and" }, &*names));
            (if is_of_disk { TestId::of_disk(hash) } else { TestId::of(hash) }, false)
        });
        (answer, question)
    }

    fn unary(&mut self, operator: &str, value: &Value) -> (Option<bool>, Option<Question>) {
        if operator == "-v" {
            let Some(name) = value.known() else { return (None, None) };
            let question = self.identity_of_variable(name).map(|variable| (named("-v", &[variable]), false));
            return (self.is_set(name), question);
        }
        if !FILE_TESTS.contains(&operator) {
            return (None, None);
        }
        let Some(path) = value.only() else { return (None, None) };
        let Folder::Repo { path, sure } = self.state.folder().join(path) else { return (None, None) };
        let question = Some((file_test(operator, &path), false));
        let found = self.scripts.repository.kind(&path);
        if found.is_none() || !sure || self.scripts.is_changed(&path) || self.state.file(&path).is_some() {
            return (None, question);
        }
        let answer = match operator {
            "-d" => Some(found == Some(EntryKind::Folder)),
            "-f" => Some(found == Some(EntryKind::File)),
            "-s" if found == Some(EntryKind::File) => self.scripts.repository.text(&path).map(|text| !text.is_empty()),
            "-L" | "-h" | "-s" | "-w" => None,
            _ => Some(true),
        };
        (answer, None)
    }

    /// Whether this path has asked for a file, or for a folder that it stands in, and it was there.
    pub(in crate::flow) fn is_there_by_test(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        // Whatever was asked of it: where the answer was yes, it is there.
        let was_there = |test: TestId| matches!(self.state.answer(test), Some(Answer::Known(true) | Answer::WasYes));
        parents.chain([path]).any(|path| FILE_TESTS.iter().any(|operator| was_there(file_test(operator, path))))
    }

    /// The right side of `=~`; nothing where it is not known, or means something else to others than bash.
    fn regex(&mut self, word: &Word) -> Option<crate::config::pattern::Pattern> {
        let raw = word.span.slice(self.sources.get(self.context.file).text());
        let is_plain = !raw.contains('\\');
        let mut text = Some(String::new());
        for part in &word.parts {
            let (value, is_group) = match part {
                Part::Opaque(inner) => (inner.first().map(|word| self.word(word)), true),
                part => (Some(self.part(part)), false),
            };
            let is_quoted = matches!(part, Part::Text(_, Quoting::Quoted) | Part::Variable(_, Quoting::Quoted));
            text = text.zip(value.as_ref().and_then(Value::known)).map(|(text, own)| match (is_group, is_quoted) {
                (true, _) => format!("{text}({own})"),
                (_, true) => text + &regex_syntax::escape(own),
                _ => text + own,
            });
        }
        crate::config::pattern::Pattern::new(&text.filter(|_| is_plain)?).ok()
    }

    /// Whether the value of an expression is other than nought, or what that is known by.
    pub(super) fn arithmetic_test(&mut self, arithmetic: &Arithmetic) -> (Option<bool>, Option<TestId>) {
        let question = if arithmetic.assigned.is_empty() { self.identity_of_arithmetic(arithmetic) } else { None };
        let answer = self.arithmetic(arithmetic).map(|value| value != 0);
        self.answered(answer, question.map(|id| (named("(( ))", &[id]), false)))
    }

    /// As [`Self::identity`]; the names of variables in it are what these hold.
    fn identity_of_arithmetic(&self, arithmetic: &Arithmetic) -> Option<u64> {
        let expression = &arithmetic.expression;
        let texts = expression.parts.iter().filter_map(|part| match part {
            Part::Text(text, _) => Some(text.as_str()),
            _ => None,
        });
        let mut variables = Vec::new();
        for text in texts {
            let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            for name in words.filter(|word| super::words::is_name(word)) {
                variables.push(self.identity_of_variable(name)?);
            }
        }
        Some(hash_of(&(self.identity(expression)?, variables)))
    }

    /// Whether a value has the form of any of the patterns of an arm; `None` where that is not known.
    pub(super) fn any_matches(&mut self, word: &Word, value: &Value, patterns: &[Word]) -> (Option<bool>, Option<TestId>) {
        let mut answer = Some(false);
        let mut id = None;
        for right in patterns {
            let pattern = self.pattern(right);
            match pattern.and_then(|pattern| if pattern.is_any() { Some(true) } else { self.fits(value, &pattern) }) {
                Some(true) => return (Some(true), None),
                Some(false) => {}
                None => {
                    let own = self.equality(word, right);
                    match own.and_then(|own| self.state.answer(own)) {
                        Some(Answer::Known(true)) => return (Some(true), None),
                        Some(Answer::Known(false)) => {}
                        _ => {
                            id = if answer == Some(false) { own } else { None };
                            answer = None;
                        }
                    }
                }
            }
        }
        (answer, id)
    }

    fn fits(&self, value: &Value, pattern: &Pattern) -> Option<bool> {
        let ignores_case = match self.state.flag(Flag::NoCaseMatch) {
            Toggle::On => true,
            Toggle::Off => false,
            Toggle::Unknown => return None,
        };
        let (texts, unknown) = value.split();
        let mut answers = texts.iter().map(|text| pattern.matches(text, ignores_case));
        let first = answers.next()?;
        (unknown.is_none() && answers.all(|answer| answer == first)).then_some(first)
    }

    fn equality(&self, left: &Word, right: &Word) -> Option<TestId> {
        Some(named("=", &[self.identity(left)?, self.identity(right)?]))
    }

    fn pair(&self, operator: &str, left: &Word, right: &Word) -> Option<Question> {
        let sides = [self.identity(left)?, self.identity(right)?];
        Some(match operator {
            "-ne" => (named("-eq", &sides), true),
            "-ge" => (named("-lt", &sides), true),
            "-gt" => (named("-le", &sides), true),
            operator => (named(operator, &sides), false),
        })
    }

    /// What two readings of a word have in common that give the same text, whatever it is.
    fn identity(&self, word: &Word) -> Option<u64> {
        let mut hasher = FxHasher::default();
        for part in &word.parts {
            match part {
                // A quote only matters where the text could be a pattern.
                Part::Text(text, quoting) => (text, text.contains(['*', '?', '[', '(']) && *quoting == Quoting::Quoted).hash(&mut hasher),
                Part::Variable(name, _) => self.identity_of_variable(name)?.hash(&mut hasher),
                Part::Expansion(expansion, _) if !expansion.is_indirect && expansion.subscript.is_none() => {
                    let variable = self.identity_of_variable(&expansion.name)?;
                    let operands: Option<Vec<u64>> = expansion.operands.iter().map(|operand| self.identity(operand)).collect();
                    match expansion.operator {
                        Operator::Get => variable.hash(&mut hasher),
                        // `${x:-}` is what `$x` is.
                        Operator::Default { .. } if expansion.operands.iter().all(|word| word.is("")) => variable.hash(&mut hasher),
                        Operator::Default { .. }
                        | Operator::Alternative { .. }
                        | Operator::Length
                        | Operator::TrimStart { .. }
                        | Operator::TrimEnd { .. }
                        | Operator::Replace(_)
                        | Operator::ChangeCase { .. }
                        | Operator::Slice => (17, variable, expansion.operator, operands?).hash(&mut hasher),
                        _ => return None,
                    }
                }
                Part::Substitution(block, _) => match &***block {
                    [statement] => match &statement.kind {
                        StatementKind::Command(command) if command.more.is_none() && command.name().is("get_env") => {
                            let key = command.arguments().first()?.literal()?;
                            let subject = self.facts.find(&Subject::Set(StoreKind::Env, key.clone()));
                            let set = subject.and_then(|subject| self.state.fact(subject));
                            let default: Option<Vec<u64>> = command.arguments().iter().skip(1).map(|word| self.identity(word)).collect();
                            (19, key, set.map(|fact| (fact.certainty, fact.places.clone())), default?).hash(&mut hasher);
                        }
                        _ => return None,
                    },
                    _ => return None,
                },
                _ => return None,
            }
        }
        Some(hasher.finish())
    }

    fn identity_of_variable(&self, name: &str) -> Option<u64> {
        let name = self.referred(name);
        let mut hasher = FxHasher::default();
        match (self.state.variable(&name), self.state.variable_id(&name)) {
            (Some(Binding::Scalar(Value::One(Piece::Text(text)))), _) => text.hash(&mut hasher),
            (Some(_), Some(id)) => (23, id).hash(&mut hasher),
            _ if !super::words::is_name(&name) => return None,
            _ => (29, name).hash(&mut hasher),
        }
        Some(hasher.finish())
    }
}

/// What is asked of a file or folder.
const FILE_TESTS: [&str; 10] = ["-e", "-a", "-f", "-d", "-r", "-x", "-s", "-L", "-h", "-w"];

/// The name of a test of what stands at a path.
fn file_test(operator: &str, path: &str) -> TestId {
    TestId::of_disk(hash_of(&(operator, path)))
}

fn named(operator: &str, sides: &[u64]) -> TestId {
    TestId::of(hash_of(&(operator, sides)))
}

fn hash_of(named: &impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    named.hash(&mut hasher);
    // Its lowest bits are those that mix least.
    hasher.finish().rotate_left(20)
}
