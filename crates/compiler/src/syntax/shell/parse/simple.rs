//! Simple commands, and the built-ins that have a form of their own.

use super::super::redirect::Redirect;
use super::super::statement::{Assignment, Command, Declaration, Declarer, More, Redirected, Scope, Statement, StatementKind};
use super::super::word::Word;
use super::assign::Assigned;
use super::bytes::{END, NAME_START, is};
use super::keyword::{Keyword, keyword};
use super::words::Mode;
use super::{Parsed, Parser};

/// What is read of a simple command.
struct Simple {
    start: usize,
    /// What its first word is.
    name: Keyword,
    has_name: bool,
    assignments: Vec<Assignment>,
    redirects: Vec<Redirect>,
    /// `declare`: what it declares.
    items: Vec<Assignment>,
    scope: Scope,
}

impl Parser<'_> {
    pub(super) fn simple(&mut self, known: Keyword) -> Parsed<Statement> {
        self.is_closed = false;
        let base = self.words.len();
        let mut simple = Simple {
            start: self.at,
            name: known,
            has_name: false,
            assignments: Vec::new(),
            redirects: Vec::new(),
            items: Vec::new(),
            scope: Scope::Shell,
        };
        loop {
            self.skip_blanks();
            match self.peek() {
                b'\n' | b';' | b'|' | b')' => break,
                b'&' if self.byte(self.at + 1) != b'>' => break,
                END if self.is_at_end() => break,
                b'&' | b'<' | b'>' | b'0'..=b'9' | b'{' => match self.redirect()? {
                    Some(redirect) => simple.redirects.push(redirect),
                    None => self.element(&mut simple)?,
                },
                b'(' => {
                    if simple.has_name && self.words.len() == base + 1 && simple.assignments.is_empty() && simple.redirects.is_empty() {
                        return self.function(&simple, base);
                    }
                    return self.unexpected();
                }
                _ => self.element(&mut simple)?,
            }
        }
        Ok(self.built(simple, base))
    }

    /// A word or an assignment.
    fn element(&mut self, simple: &mut Simple) -> Parsed<()> {
        if simple.has_name {
            return match simple.name {
                Keyword::Local | Keyword::Declare | Keyword::Typeset | Keyword::Export | Keyword::Readonly => self.item(simple),
                _ => {
                    let word = if simple.name == Keyword::Assigning { self.array_argument()? } else { None };
                    let word = match word {
                        Some(word) => word,
                        None => self.word(Mode::ARGUMENT)?,
                    };
                    self.words.push(word);
                    Ok(())
                }
            };
        }
        if is(self.peek(), NAME_START) {
            match self.assignment(Scope::Shell)? {
                Assigned::Assignment(assignment) => {
                    simple.assignments.push(assignment);
                    return Ok(());
                }
                Assigned::Word(word) => {
                    simple.has_name = true;
                    simple.name = Keyword::None;
                    self.words.push(word);
                    return Ok(());
                }
                Assigned::Nothing => {}
            }
        }
        if self.at != simple.start {
            simple.name = keyword(self.plain_word());
            if !is_command_name(simple.name) {
                simple.name = Keyword::None;
            }
        }
        simple.scope = match simple.name {
            Keyword::Local | Keyword::Declare | Keyword::Typeset => Scope::Local,
            Keyword::Export => Scope::Exported,
            _ => Scope::Shell,
        };
        simple.has_name = true;
        let word = self.word(Mode::ARGUMENT)?;
        self.words.push(word);
        Ok(())
    }

    /// An argument of `declare` and the like.
    fn item(&mut self, simple: &mut Simple) -> Parsed<()> {
        let start = self.at;
        let is_option = matches!(self.peek(), b'-' | b'+');
        if is(self.peek(), NAME_START) {
            match self.assignment(simple.scope)? {
                Assigned::Assignment(assignment) => {
                    simple.items.push(assignment);
                    return Ok(());
                }
                Assigned::Word(word) => {
                    simple.items.push(super::assign::declared(word, simple.scope, false));
                    return Ok(());
                }
                Assigned::Nothing => {}
            }
        }
        let word = self.word(Mode::ARGUMENT)?;
        if is_option {
            let flags = word.literal().unwrap_or_default();
            if flags.starts_with('-') && flags.contains('x') {
                simple.scope = Scope::Exported;
            } else if flags.starts_with('-') && flags.contains('g') {
                simple.scope = Scope::Shell;
            }
            self.words.push(word);
            return Ok(());
        }
        let name_end = self.name_at(start).unwrap_or(start);
        simple.items.push(super::assign::declared(word, simple.scope, name_end == self.end && name_end > start));
        Ok(())
    }

    fn function(&mut self, simple: &Simple, base: usize) -> Parsed<Statement> {
        if !self.parentheses() {
            self.at += 1;
            self.skip_blanks();
            return self.unexpected();
        }
        let name = self.words.pop().and_then(|word| word.literal()).unwrap_or_default();
        self.words.truncate(base);
        let start = simple.start;
        let kind = self.deeper(start, |parser| parser.function_body(start, name))?;
        self.is_closed = true;
        let span = self.span(start, self.end);
        Ok(Statement { span, kind })
    }

    /// The statement of all that was read.
    fn built(&mut self, simple: Simple, base: usize) -> Statement {
        let span = self.span(simple.start, self.end);
        let has_environment = !simple.assignments.is_empty();
        if !simple.has_name {
            let kind = StatementKind::Assign(simple.assignments.into());
            return redirected(Statement { span, kind }, simple.redirects);
        }
        let kind = match simple.name {
            Keyword::Local => self.declaration(Declarer::Local, base, simple.items),
            Keyword::Declare => self.declaration(Declarer::Declare, base, simple.items),
            Keyword::Typeset => self.declaration(Declarer::Typeset, base, simple.items),
            Keyword::Export => self.declaration(Declarer::Export, base, simple.items),
            Keyword::Readonly => self.declaration(Declarer::Readonly, base, simple.items),
            Keyword::Exit if !has_environment => StatementKind::Exit(self.take_words(base + 1)),
            Keyword::Return if !has_environment => StatementKind::Return(self.take_words(base + 1)),
            Keyword::Break if !has_environment => StatementKind::Break(self.take_words(base + 1)),
            Keyword::Continue if !has_environment => StatementKind::Continue(self.take_words(base + 1)),
            Keyword::Bracket | Keyword::Test if !has_environment => {
                let words: Vec<Word> = self.words.drain(base + 1..).collect();
                StatementKind::Test(Box::new(super::test::bracket(words)))
            }
            _ => {
                let words = self.take_words(base);
                let has_more = has_environment || !simple.redirects.is_empty();
                let more = has_more.then(|| Box::new(More { environment: simple.assignments.into(), redirects: simple.redirects.into() }));
                return Statement { span, kind: StatementKind::Command(Command { words, more }) };
            }
        };
        self.words.truncate(base);
        let mut statement = redirected(Statement { span, kind }, simple.redirects);
        if has_environment {
            // `A=1 export B`: both are assigned.
            let first = Statement { span, kind: StatementKind::Assign(simple.assignments.into()) };
            statement = Statement { span, kind: StatementKind::Group(Box::new([first, statement])) };
        }
        statement
    }

    fn declaration(&mut self, builtin: Declarer, base: usize, items: Vec<Assignment>) -> StatementKind {
        let options = self.take_words(base + 1);
        StatementKind::Declare(Box::new(Declaration { builtin, options, items: items.into() }))
    }
}

/// Whether a keyword is one where a command's name stands behind assignments or redirections.
fn is_command_name(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::Local
            | Keyword::Declare
            | Keyword::Typeset
            | Keyword::Export
            | Keyword::Readonly
            | Keyword::Exit
            | Keyword::Return
            | Keyword::Break
            | Keyword::Continue
            | Keyword::Bracket
            | Keyword::Test
            | Keyword::Assigning
    )
}

fn redirected(inner: Statement, redirects: Vec<Redirect>) -> Statement {
    if redirects.is_empty() {
        return inner;
    }
    let span = inner.span;
    Statement { span, kind: StatementKind::Redirected(Box::new(Redirected { inner, redirects: redirects.into() })) }
}
