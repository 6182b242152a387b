//! Lists of statements, chains and pipelines; and how parsing goes on behind an error.

use super::super::error::Fault;
use super::super::redirect::{Descriptor, Redirect, RedirectOperator, Target};
use super::super::statement::{AndOr, Block, Chain, Command, Redirected, Statement, StatementKind};
use super::super::word::{Quoting, Word};
use super::bytes::END;
use super::keyword::{self as word, Keyword};
use super::{Closers, Failed, Parsed, Parser};

impl Parser<'_> {
    /// Statements up to what closes them, which is left, or up to the end. An error on the first line is the caller's:
    /// the list has no other line to go on with.
    pub(super) fn list(&mut self, closers: Closers) -> Parsed<Block> {
        let base = self.statements.len();
        let awaited = self.awaited;
        self.awaited |= closers;
        let begin = self.at;
        let is_whole = closers == 0;
        let result = loop {
            self.skip_lines();
            if self.is_list_end() {
                break Ok(());
            }
            if self.next_statement().is_err() && !self.recover(begin, is_whole) {
                break Err(Failed);
            }
        };
        self.awaited = awaited;
        match result {
            Ok(()) => Ok(self.statements.split_off(base.min(self.statements.len())).into()),
            Err(failed) => {
                self.statements.truncate(base);
                Err(failed)
            }
        }
    }

    /// Whether something that is open here ends, or the text.
    fn is_list_end(&self) -> bool {
        match self.peek() {
            END => self.is_at_end(),
            b')' => self.awaited & word::PAREN != 0,
            b';' => matches!(self.byte(self.at + 1), b';' | b'&') && self.awaited & word::ESAC != 0,
            _ => self.closer() & self.awaited != 0,
        }
    }

    /// What the word here closes.
    pub(super) fn closer(&self) -> Closers {
        match self.peek() {
            b'f' | b't' | b'e' | b'd' | b'}' => match self.keyword() {
                Keyword::Closer(closer) => closer,
                _ => 0,
            },
            _ => 0,
        }
    }

    /// One statement and what ends it, put on the stack.
    fn next_statement(&mut self) -> Parsed<()> {
        let (words, parts) = (self.words.len(), self.parts.len());
        let word_base = self.word_base;
        let statement = self.statement();
        if statement.is_err() {
            self.words.truncate(words);
            self.parts.truncate(parts);
            self.word_base = word_base;
        }
        let mut statement = statement?;
        self.skip_blanks();
        match self.peek() {
            b'&' if self.byte(self.at + 1) != b'&' => {
                self.at += 1;
                let span = statement.span;
                statement = Statement { span, kind: StatementKind::Background(Box::new(statement)) };
                self.statements.push(statement);
                self.skip_blanks();
                return if self.peek() == b';' && !self.is_list_end() { self.unexpected() } else { Ok(()) };
            }
            b';' if !matches!(self.byte(self.at + 1), b';' | b'&') => self.at += 1,
            b'\n' | b';' | b')' => {}
            END if self.is_at_end() => {}
            _ if self.is_closed && self.closer() & self.awaited != 0 => {}
            _ => {
                self.statements.push(statement);
                return self.not_ended();
            }
        }
        self.statements.push(statement);
        Ok(())
    }

    fn not_ended(&mut self) -> Parsed<()> {
        if matches!(self.peek(), b'&' | b'|' | b'<' | b'>') {
            return self.unexpected();
        }
        let start = self.at;
        let end = self.run_until(start, super::bytes::META).max(start + 1);
        let what = match self.raw(start.saturating_sub(1), start) {
            b")" if self.peek() == b'(' => "`)`",
            _ if self.is_closed => "the end of a compound command",
            _ => "a command",
        };
        let found = self.shown(start, end);
        self.fail(start, end, Fault::NotEnded(what, &found))
    }

    /// An error at an operator or word that cannot stand here.
    pub(super) fn unexpected<T>(&mut self) -> Parsed<T> {
        let start = self.at;
        let operators = [";;&", "&>>", ";;", ";&", "&&", "||", "|&", "&>", "<<", ">>"];
        if self.is_at_end() {
            return self.fail(start.saturating_sub(1), start, Fault::Unexpected("the end of the script"));
        }
        let found = operators.iter().find(|operator| self.starts_with(operator.as_bytes()));
        let end = found.map_or_else(|| self.run_until(start, super::bytes::META).max(start + 1), |operator| start + operator.len());
        let shown = if self.peek() == b'\n' { "a line break".into() } else { self.shown(start, end) };
        self.fail(start, end, Fault::Unexpected(&shown))
    }

    /// Goes to the next line behind an error; `false` where that line is not of this list.
    pub(super) fn recover(&mut self, begin: usize, is_whole: bool) -> bool {
        self.at = self.resume;
        if self.at >= self.bytes.len() {
            self.at = self.bytes.len();
            return true;
        }
        let is_first_line = self.at < begin || !self.raw(begin, self.at).contains(&b'\n');
        if is_first_line && !is_whole {
            return false;
        }
        if self.closer() & self.awaited != 0 && self.is_line_start() {
            return true;
        }
        let end = self.find(b'\n', self.at).unwrap_or(self.bytes.len());
        if self.keeps_comments
            && let Some(comment) = self.raw(self.at, end).windows(2).position(|pair| pair == b" #")
        {
            self.keep_comment(self.at + comment + 1, end);
        }
        self.at = end;
        self.is_closed = false;
        true
    }

    fn is_line_start(&self) -> bool {
        self.raw(0, self.at).iter().rev().find(|byte| !matches!(byte, b' ' | b'\t')).is_none_or(|byte| *byte == b'\n')
    }

    /// `a && b || c`.
    pub(super) fn statement(&mut self) -> Parsed<Statement> {
        let start = self.at;
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.skip_blanks();
            let join = match self.two() {
                Some(b"&&") => AndOr::And,
                Some(b"||") => AndOr::Or,
                _ => break,
            };
            let operator = self.at;
            self.take_two();
            self.skip_lines();
            if self.is_command_missing() {
                let shown = if join == AndOr::And { "&&" } else { "||" };
                return self.fail(operator, operator + 2, Fault::NothingBehind(shown));
            }
            rest.push((join, self.pipeline()?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let span = self.span(start, self.end);
        Ok(Statement { span, kind: StatementKind::Chain(Box::new(Chain { first, rest: rest.into() })) })
    }

    /// The operator of two bytes here, also where a line continuation parts them.
    fn two(&self) -> Option<&'static [u8; 2]> {
        let first = self.peek();
        if first != b'&' && first != b'|' {
            return None;
        }
        let mut next = self.at + 1;
        while self.byte(next) == b'\\' && self.line_break(next + 1) > 0 {
            next += 1 + self.line_break(next + 1);
        }
        match (first, self.byte(next)) {
            (b'&', b'&') => Some(b"&&"),
            (b'|', b'|') => Some(b"||"),
            (b'|', b'&') => Some(b"|&"),
            _ => None,
        }
    }

    fn take_two(&mut self) {
        self.at += 1;
        self.skip_continuations();
        self.at += 1;
    }

    /// Whether no command can begin here.
    fn is_command_missing(&self) -> bool {
        match self.peek() {
            END => self.is_at_end(),
            b'\n' | b';' | b'|' | b')' => true,
            b'&' => self.byte(self.at + 1) != b'>',
            _ => self.closer() != 0,
        }
    }

    /// `! time a | b`.
    fn pipeline(&mut self) -> Parsed<Statement> {
        let start = self.at;
        let (mut is_negated, mut is_timed, mut ends_in_not) = (false, false, false);
        let mut known = self.keyword();
        while matches!(known, Keyword::Not | Keyword::Time) {
            ends_in_not = known == Keyword::Not;
            self.at += if ends_in_not { 1 } else { 4 };
            self.end = self.at;
            is_negated ^= ends_in_not;
            is_timed |= !ends_in_not;
            self.skip_blanks();
            if !ends_in_not {
                self.time_options();
            }
            known = self.keyword();
        }
        let inner = if (is_timed || is_negated || ends_in_not) && matches!(self.peek(), END | b'\n' | b';') {
            Statement { span: self.span(start, self.end), kind: StatementKind::Assign(Box::default()) }
        } else {
            self.pipe(known)?
        };
        self.wrapped(inner, start, is_negated, is_timed)
    }

    #[allow(clippy::unnecessary_wraps)] // reads as the other parsers do
    fn wrapped(&mut self, inner: Statement, start: usize, is_negated: bool, is_timed: bool) -> Parsed<Statement> {
        if !is_negated && !is_timed {
            return Ok(inner);
        }
        let span = self.span(start, self.end);
        let inner = if is_timed { Statement { span, kind: StatementKind::Time(Box::new(inner)) } } else { inner };
        Ok(if is_negated { Statement { span, kind: StatementKind::Not(Box::new(inner)) } } else { inner })
    }

    fn time_options(&mut self) {
        for option in ["-p", "--"] {
            if self.take_word(option) {
                self.skip_blanks();
            }
        }
    }

    fn pipe(&mut self, known: Keyword) -> Parsed<Statement> {
        let start = self.at;
        let mut member = self.command(known)?;
        let mut members = Vec::new();
        loop {
            self.skip_blanks();
            if self.peek() != b'|' {
                break;
            }
            let is_both = match self.two() {
                Some(b"||") => break,
                Some(_) => true,
                None => false,
            };
            let operator = self.at;
            if is_both {
                self.take_two();
                member = self.with_errors(member, operator);
            } else {
                self.at += 1;
            }
            self.end = self.at;
            members.push(member);
            self.skip_lines();
            if self.is_command_missing() {
                return self.fail(operator, self.end, Fault::NothingBehind(if is_both { "|&" } else { "|" }));
            }
            member = self.member()?;
        }
        if members.is_empty() {
            return Ok(member);
        }
        members.push(member);
        let span = self.span(start, self.end);
        Ok(Statement { span, kind: StatementKind::Pipe(members.into()) })
    }

    /// A later member of a pipeline: it may be timed.
    fn member(&mut self) -> Parsed<Statement> {
        let start = self.at;
        match self.keyword() {
            Keyword::Time => {
                while self.keyword() == Keyword::Time {
                    self.take_word("time");
                    self.skip_blanks();
                    self.time_options();
                }
                let inner = match self.peek() {
                    END | b'\n' | b';' => Statement { span: self.span(start, self.end), kind: StatementKind::Assign(Box::default()) },
                    _ => self.command(self.keyword())?,
                };
                self.wrapped(inner, start, false, true)
            }
            known => self.command(known),
        }
    }

    /// `a |& b` is `a 2>&1 | b`.
    fn with_errors(&mut self, member: Statement, operator: usize) -> Statement {
        let span = self.span(operator, operator + 2);
        let target = Target::Word(Word::of_text(span, "1".into(), Quoting::Bare));
        let redirect = Redirect { span, descriptor: Descriptor::Number(2), operator: RedirectOperator::DuplicateOutput, target };
        let Statement { span, kind } = member;
        let kind = match kind {
            StatementKind::Command(Command { words, more }) => {
                let mut more = more.unwrap_or_default();
                more.redirects = std::mem::take(&mut more.redirects).into_iter().chain([redirect]).collect();
                StatementKind::Command(Command { words, more: Some(more) })
            }
            kind => StatementKind::Redirected(Box::new(Redirected { inner: Statement { span, kind }, redirects: Box::new([redirect]) })),
        };
        Statement { span, kind }
    }
}
