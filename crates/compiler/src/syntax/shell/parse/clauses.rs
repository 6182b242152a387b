//! `for`, `select`, `case`, and functions.

use std::sync::Arc;

use compact_str::CompactString;

use super::super::error::Fault;
use super::super::statement::{ArmEnd, Block, Case, CaseArm, Function, Loop, LoopHead, Statement, StatementKind};
use super::super::word::Word;
use super::bytes::END;
use super::keyword::{ESAC, Keyword};
use super::words::Mode;
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn for_loop(&mut self) -> Parsed<StatementKind> {
        let (start, errors) = (self.at, self.found.errors.len());
        self.take_word("for");
        self.skip_blanks();
        if self.starts_with(b"((") {
            let parts = self.for_parts()?;
            self.skip_blanks();
            if self.peek() == b';' {
                self.at += 1;
            }
            self.skip_lines();
            let body = self.for_body((start, "for"), errors)?;
            return Ok(StatementKind::Loop(Box::new(Loop { head: LoopHead::Arithmetic(Box::new(parts)), body })));
        }
        let (name, words) = self.loop_words((start, "for"))?;
        let body = self.for_body((start, "for"), errors)?;
        Ok(StatementKind::Loop(Box::new(Loop { head: LoopHead::Words { name, words }, body })))
    }

    pub(super) fn select(&mut self) -> Parsed<StatementKind> {
        let (start, errors) = (self.at, self.found.errors.len());
        self.take_word("select");
        self.skip_blanks();
        let (name, words) = self.loop_words((start, "select"))?;
        let body = self.for_body((start, "select"), errors)?;
        Ok(StatementKind::Loop(Box::new(Loop { head: LoopHead::Select { name, words }, body })))
    }

    /// `name in words;`, up to the `do`.
    fn loop_words(&mut self, opener: (usize, &str)) -> Parsed<(CompactString, Option<Box<[Word]>>)> {
        if matches!(self.peek(), END | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>') {
            return self.fail(opener.0, opener.0 + opener.1.len(), Fault::Misses(opener.1, "name"));
        }
        let name = self.word(Mode::PLAIN)?.literal().unwrap_or_default();
        self.skip_blanks();
        let has_line = self.peek() == b'\n';
        self.skip_lines();
        if !self.take_word("in") {
            if self.peek() == b';' && !has_line {
                self.at += 1;
                self.skip_lines();
            }
            return match self.keyword() {
                Keyword::Group if !has_line && self.byte(self.at.saturating_sub(1)) != b';' => self.unexpected(),
                _ => Ok((name, None)),
            };
        }
        let base = self.words.len();
        loop {
            self.skip_blanks();
            match self.peek() {
                b';' => {
                    self.at += 1;
                    break;
                }
                b'\n' => break,
                END if self.is_at_end() => break,
                b'<' | b'>' if self.byte(self.at + 1) == b'(' => {}
                b'&' | b'|' | b'(' | b')' | b'<' | b'>' => return self.unexpected(),
                _ => {}
            }
            let word = self.word(Mode::ARGUMENT)?;
            self.words.push(word);
        }
        self.skip_lines();
        Ok((name, Some(self.take_words(base))))
    }

    pub(super) fn case(&mut self) -> Parsed<StatementKind> {
        let (start, errors) = (self.at, self.found.errors.len());
        self.take_word("case");
        self.skip_blanks();
        if matches!(self.peek(), END | b'\n' | b';' | b'&' | b'|' | b'(' | b')') {
            return self.fail(start, start + 4, Fault::Misses("case", "word"));
        }
        let word = self.word(Mode::PLAIN)?;
        self.skip_lines();
        if !self.take_word("in") {
            return self.fail(start, start + 4, Fault::Misses("case", "in"));
        }
        let mut arms = Vec::new();
        let mut is_closed;
        loop {
            self.skip_lines();
            is_closed = self.take_word("esac");
            if self.is_at_end() || is_closed {
                break;
            }
            match self.arm() {
                Ok(arm) => arms.push(arm),
                Err(failed) if !self.recover(start, false) => return Err(failed),
                Err(_) => continue,
            }
            if self.closer() & self.awaited != 0 && self.closer() != ESAC {
                break;
            }
        }
        if !is_closed {
            self.never_closed((start, "case"), "esac", errors);
        }
        Ok(StatementKind::Case(Box::new(Case { word, arms: arms.into() })))
    }

    fn arm(&mut self) -> Parsed<CaseArm> {
        if self.peek() == b'(' {
            self.at += 1;
            self.skip_blanks();
        }
        let mut patterns = Vec::new();
        loop {
            if matches!(self.peek(), END | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>') && !self.is_process() {
                let at = self.at;
                return self.fail(at, at + 1, Fault::NoPattern);
            }
            let word = self.word(Mode::PLAIN)?;
            patterns.push(word);
            self.skip_blanks();
            match self.peek() {
                b'|' => self.at += 1,
                b')' => break,
                _ => return self.unexpected(),
            }
            self.skip_blanks();
        }
        self.at += 1;
        self.end = self.at;
        let body = self.list(ESAC)?;
        let end = self.arm_end();
        Ok(CaseArm { patterns: patterns.into(), body, end })
    }

    fn arm_end(&mut self) -> ArmEnd {
        let (end, length) = if self.starts_with(b";;&") {
            (ArmEnd::GoOn, 3)
        } else if self.starts_with(b";&") {
            (ArmEnd::FallThrough, 2)
        } else if self.starts_with(b";;") {
            (ArmEnd::Done, 2)
        } else {
            return ArmEnd::Done;
        };
        self.at += length;
        self.end = self.at;
        end
    }

    /// `function name () body`.
    pub(super) fn function_keyword(&mut self) -> Parsed<StatementKind> {
        let start = self.at;
        self.take_word("function");
        self.skip_blanks();
        if matches!(self.peek(), END | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>') {
            return self.fail(start, start + 8, Fault::Misses("function", "name"));
        }
        let name = self.word(Mode::PLAIN)?.literal().unwrap_or_default();
        self.skip_blanks();
        self.parentheses();
        self.function_body(start, name)
    }

    /// Passes `()`, if it stands here.
    pub(super) fn parentheses(&mut self) -> bool {
        if self.peek() != b'(' {
            return false;
        }
        let start = self.at;
        self.at += 1;
        self.skip_blanks();
        if self.peek() == b')' {
            self.at += 1;
            self.end = self.at;
            return true;
        }
        self.at = start;
        false
    }

    pub(super) fn function_body(&mut self, start: usize, name: CompactString) -> Parsed<StatementKind> {
        self.skip_lines();
        let known = self.keyword();
        let is_body = self.peek() == b'('
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
            );
        if !is_body {
            let end = self.end;
            return self.fail(start, end, Fault::NoFunctionBody);
        }
        let body: Statement = self.compound(known)?;
        let body: Block = match body.kind {
            StatementKind::Group(block) => block,
            kind => Box::new([Statement { span: body.span, kind }]),
        };
        Ok(StatementKind::Function(Arc::new(Function { name, body })))
    }
}
