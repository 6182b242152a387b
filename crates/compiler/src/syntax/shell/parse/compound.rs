//! Compound commands: which one stands here, groups, `if` and `while`.

use std::sync::Arc;

use super::super::error::Fault;
use super::super::statement::{Block, Coproc, If, Loop, LoopHead, Redirected, Statement, StatementKind};
use super::bytes::END;
use super::keyword::{BRACE, DO, DONE, ELIF, ELSE, FI, Keyword, PAREN, THEN};
use super::{Closers, Parsed, Parser};

impl Parser<'_> {
    /// One command, compound or simple, with its redirections.
    pub(super) fn command(&mut self, known: Keyword) -> Parsed<Statement> {
        let start = self.at;
        match (self.peek(), known) {
            (b'(', _) | (_, Keyword::Group) => self.compound(known),
            (b'&', _) if self.byte(start + 1) == b'>' => self.simple(known),
            (b';' | b'&' | b'|' | b')' | b'\n' | END, _) => self.no_command(),
            (_, Keyword::Closer(_)) => {
                let word = self.shown(start, start + self.plain_word().len());
                if word == "]]" || word == "in" || self.found.errors.is_empty() {
                    return self.fail(start, start + word.len(), Fault::ClosesNothing(&word));
                }
                // What it closes was lost to an error before it.
                self.resume = start;
                Err(super::Failed)
            }
            (_, Keyword::Not) => self.fail(start, start + 1, Fault::Negation),
            (
                _,
                Keyword::If
                | Keyword::For
                | Keyword::While
                | Keyword::Until
                | Keyword::Case
                | Keyword::Select
                | Keyword::Function
                | Keyword::Condition,
            ) => self.compound(known),
            (_, Keyword::Coproc) => self.deeper(start, Self::coproc),
            _ => self.simple(known),
        }
    }

    fn no_command<T>(&mut self) -> Parsed<T> {
        let start = self.at;
        match self.peek() {
            b')' if !self.found.errors.is_empty() => {
                self.resume = start;
                return Err(super::Failed);
            }
            b')' => return self.fail(start, start + 1, Fault::ClosesNothing(")")),
            b';' if matches!(self.byte(start + 1), b';' | b'&') && !self.found.errors.is_empty() => {
                self.resume = start;
                return Err(super::Failed);
            }
            b';' if matches!(self.byte(start + 1), b';' | b'&') => {}
            b';' | b'&' | b'|' => {
                let length = if self.byte(start + 1) == self.peek() { 2 } else { 1 };
                let shown = self.shown(start, start + length);
                return self.fail(start, start + length, Fault::NothingBefore(&shown));
            }
            _ => {}
        }
        self.unexpected()
    }

    /// A compound command with its redirections.
    pub(super) fn compound(&mut self, known: Keyword) -> Parsed<Statement> {
        let start = self.at;
        let kind = self.deeper(start, |parser| match known {
            Keyword::If => parser.conditional(),
            Keyword::For => parser.for_loop(),
            Keyword::Select => parser.select(),
            Keyword::While => parser.while_loop("while"),
            Keyword::Until => parser.while_loop("until"),
            Keyword::Case => parser.case(),
            Keyword::Function => parser.function_keyword(),
            Keyword::Condition => parser.condition(),
            Keyword::Group => parser.group(),
            _ => parser.parenthesis(),
        })?;
        self.is_closed = true;
        let span = self.span(start, self.end);
        self.redirected(Statement { span, kind }, start)
    }

    /// A statement with the redirections behind it.
    fn redirected(&mut self, inner: Statement, start: usize) -> Parsed<Statement> {
        let mut redirects = Vec::new();
        loop {
            self.skip_blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => break,
            }
        }
        if redirects.is_empty() {
            return Ok(inner);
        }
        let span = self.span(start, self.end);
        Ok(Statement { span, kind: StatementKind::Redirected(Box::new(Redirected { inner, redirects: redirects.into() })) })
    }

    /// Passes the word that closes, and says where it is missing. `true` where it was there.
    fn close(&mut self, word: &str, opener: (usize, &str), errors: usize) -> bool {
        if self.take_word(word) {
            return true;
        }
        self.never_closed(opener, word, errors);
        false
    }

    /// Notes that something is not closed, unless an error inside it may be why.
    pub(super) fn never_closed(&mut self, opener: (usize, &str), by: &str, errors: usize) {
        self.end = self.end.max(opener.0);
        if self.found.errors.len() > errors {
            return;
        }
        let (start, what) = opener;
        let document = self.found.open_documents.last().filter(|_| self.is_at_end() && self.found.open_at > start);
        if let Some(document) = document.cloned() {
            let message = Fault::Swallowed(&document.delimiter, what, by).to_string();
            self.found.errors.push(super::SyntaxError { span: document.span, message });
        } else {
            self.note(start, start + what.len(), Fault::NeverClosed(what, by));
        }
    }

    /// A list that must hold something.
    pub(super) fn body(&mut self, closers: Closers, opener: (usize, &str)) -> Parsed<Block> {
        let errors = self.found.errors.len();
        let block = self.list(closers)?;
        let is_closed = if closers == PAREN { self.peek() == b')' } else { self.closer() & closers != 0 };
        if block.is_empty() && is_closed && self.found.errors.len() == errors {
            self.note(opener.0, opener.0 + opener.1.len(), Fault::Empty(opener.1));
        }
        Ok(block)
    }

    fn group(&mut self) -> Parsed<StatementKind> {
        let (start, errors) = (self.at, self.found.errors.len());
        self.at += 1;
        let body = self.body(BRACE, (start, "{"))?;
        self.close("}", (start, "{"), errors);
        Ok(StatementKind::Group(body))
    }

    /// `( .. )`, or `(( .. ))`.
    fn parenthesis(&mut self) -> Parsed<StatementKind> {
        let (start, errors) = (self.at, self.found.errors.len());
        if self.byte(start + 1) == b'('
            && let Some(expression) = self.arithmetic_attempt(start, start + 2)?
        {
            return Ok(StatementKind::Arithmetic(Arc::new(expression)));
        }
        self.at = start + 1;
        let outer = std::mem::replace(&mut self.in_substitution, true);
        let body = self.body(PAREN, (start, "("));
        self.in_substitution = outer;
        let body = body?;
        if self.peek() == b')' {
            self.at += 1;
            self.end = self.at;
        } else {
            self.never_closed((start, "("), ")", errors);
        }
        Ok(StatementKind::Subshell(body))
    }

    fn conditional(&mut self) -> Parsed<StatementKind> {
        let (start, errors) = (self.at, self.found.errors.len());
        let mut arms = Vec::new();
        let mut otherwise = None;
        let mut word = (start, "if");
        loop {
            self.at = word.0 + word.1.len();
            let condition = self.body(THEN | FI | ELSE | ELIF, word)?;
            let then = self.at;
            if self.take_word("then") {
                let body = self.body(FI | ELSE | ELIF, (then, "then"))?;
                arms.push((condition, body));
            } else {
                self.end = self.end.max(start);
                if self.closer() & (FI | ELSE | ELIF) == 0 {
                    self.never_closed((start, "if"), "fi", errors);
                } else if self.found.errors.len() == errors {
                    self.note(word.0, word.0 + word.1.len(), Fault::Misses(word.1, "then"));
                }
                arms.push((condition, Block::default()));
            }
            if self.closer() != ELIF {
                break;
            }
            word = (self.at, "elif");
        }
        if self.closer() == ELSE {
            let at = self.at;
            self.take_word("else");
            otherwise = Some(self.body(FI, (at, "else"))?);
        }
        self.close("fi", (start, "if"), errors);
        Ok(StatementKind::If(Box::new(If { arms: arms.into(), otherwise })))
    }

    fn while_loop(&mut self, word: &'static str) -> Parsed<StatementKind> {
        let (start, errors) = (self.at, self.found.errors.len());
        self.at += word.len();
        let condition = self.body(DO | DONE, (start, word))?;
        let body = self.loop_body((start, word), errors)?;
        let head = LoopHead::Condition { condition, until: word == "until" };
        Ok(StatementKind::Loop(Box::new(Loop { head, body })))
    }

    /// `do .. done`.
    pub(super) fn loop_body(&mut self, opener: (usize, &str), errors: usize) -> Parsed<Block> {
        let at = self.at;
        if self.take_word("do") {
            let body = self.body(DONE, (at, "do"))?;
            self.close("done", opener, errors);
            return Ok(body);
        }
        self.end = self.end.max(opener.0);
        let is_open = self.is_at_end() || self.closer() & self.awaited != 0;
        if is_open && self.closer() != DONE {
            self.never_closed(opener, "done", errors);
            return Ok(Block::default());
        }
        if self.found.errors.len() == errors {
            self.note(opener.0, opener.0 + opener.1.len(), Fault::Misses(opener.1, "do"));
        }
        self.take_word("done");
        Ok(Block::default())
    }

    /// The body of `for` and `select`: also `{ .. }`.
    pub(super) fn for_body(&mut self, opener: (usize, &str), errors: usize) -> Parsed<Block> {
        if self.keyword() != Keyword::Group {
            return self.loop_body(opener, errors);
        }
        match self.group()? {
            StatementKind::Group(body) => Ok(body),
            _ => Ok(Block::default()),
        }
    }

    fn coproc(&mut self) -> Parsed<Statement> {
        let start = self.at;
        self.take_word("coproc");
        self.skip_blanks();
        let known = self.keyword();
        let begins = |parser: &Self, known| {
            parser.peek() == b'('
                || matches!(
                    known,
                    Keyword::If
                        | Keyword::For
                        | Keyword::While
                        | Keyword::Until
                        | Keyword::Case
                        | Keyword::Select
                        | Keyword::Condition
                        | Keyword::Group
                )
        };
        let mut name = None;
        let inner = if begins(self, known) {
            self.compound(known)?
        } else if matches!(known, Keyword::Coproc | Keyword::Not | Keyword::Time | Keyword::Function) {
            return self.unexpected();
        } else if let (b'\n' | b';' | b'&' | b'|' | b')' | END, _) = (self.peek(), known) {
            return self.fail(start, start + 6, Fault::NothingBehind("coproc"));
        } else {
            // The name is told from a command by what follows it.
            let (at, end, errors) = (self.at, self.end, self.found.errors.len());
            let first = self.word(super::words::Mode::PLAIN)?;
            let is_apart = super::bytes::is(self.peek(), super::bytes::BLANK);
            self.skip_blanks();
            let known = self.keyword();
            if is_apart && (begins(self, known) && self.peek() != b'(' || self.peek() == b'(' && self.byte(self.at + 1) != b')') {
                name = Some(first);
                self.compound(known)?
            } else {
                (self.at, self.end) = (at, end);
                self.found.errors.truncate(errors);
                self.simple(Keyword::None)?
            }
        };
        let span = self.span(start, self.end);
        Ok(Statement { span, kind: StatementKind::Coproc(Box::new(Coproc { name, inner })) })
    }
}
