//! What begins with `$`, and the other substitutions.

use std::sync::Arc;

use super::super::error::Fault;
use super::super::statement::Block;
use super::super::word::{Part, Quoting};
use super::bytes::END;
use super::keyword::PAREN;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// An expansion; a `$` that begins none is text.
    pub(super) fn dollar(&mut self, quoting: Quoting) -> Parsed<()> {
        let start = self.at;
        self.at += 1;
        self.skip_continuations();
        match self.peek() {
            b'(' => self.deeper(start, |parser| parser.parenthesized(start, quoting)),
            b'{' => self.braced(start, quoting),
            b'[' => self.deeper(start, |parser| parser.bracketed(start)),
            b'\'' if quoting == Quoting::Bare => self.ansi_quoted(),
            b'"' if quoting == Quoting::Bare => self.double_quoted(),
            b'@' | b'*' => {
                let part = if self.peek() == b'@' { Part::All } else { Part::Joined };
                self.at += 1;
                self.parts.push(part("@".into(), quoting));
                Ok(())
            }
            b'#' | b'?' | b'-' | b'$' | b'!' | b'0'..=b'9' => {
                let name = self.text(self.at, self.at + 1);
                self.at += 1;
                self.parts.push(Part::Variable(name, quoting));
                Ok(())
            }
            _ => {
                self.plain_variable(start, quoting);
                Ok(())
            }
        }
    }

    fn plain_variable(&mut self, start: usize, quoting: Quoting) {
        let Some(mut end) = self.name_at(self.at) else {
            self.at = start;
            return self.push_byte(quoting);
        };
        let mut name = self.text(self.at, end);
        self.at = end;
        while self.peek() == b'\\' && self.line_break(end + 1) > 0 {
            self.skip_continuations();
            end = self.run(self.at, super::bytes::NAME);
            name.push_str(&self.text(self.at, end));
            self.at = end;
        }
        self.parts.push(Part::Variable(name, quoting));
    }

    /// `$(( .. ))` or `$( .. )`.
    fn parenthesized(&mut self, start: usize, quoting: Quoting) -> Parsed<()> {
        let open = self.at;
        if self.byte(open + 1) == b'('
            && let Some(expression) = self.arithmetic_attempt(open, open + 2)?
        {
            self.parts.push(Part::Arithmetic(Arc::new(expression)));
            return Ok(());
        }
        self.at = open + 1;
        let block = self.substitution(start, "$(")?;
        self.parts.push(Part::Substitution(Arc::new(block), quoting));
        Ok(())
    }

    /// `<( .. )`, `>( .. )`.
    pub(super) fn process(&mut self) -> Parsed<()> {
        let start = self.at;
        self.deeper(start, |parser| {
            let opener = if parser.peek() == b'<' { "<(" } else { ">(" };
            parser.at += 2;
            let block = parser.substitution(start, opener)?;
            parser.parts.push(Part::Process(Arc::new(block)));
            Ok(())
        })
    }

    /// The commands up to a `)`, and that.
    fn substitution(&mut self, start: usize, opener: &str) -> Parsed<Block> {
        self.commands(start, opener, |parser| {
            let block = parser.list(PAREN)?;
            if parser.peek() != b')' {
                return Ok((block, false));
            }
            parser.at += 1;
            Ok((block, true))
        })
    }

    /// Commands inside of a word, closed as `read` tells.
    pub(super) fn commands(&mut self, start: usize, opener: &str, read: impl FnOnce(&mut Self) -> Parsed<(Block, bool)>) -> Parsed<Block> {
        let errors = self.found.errors.len();
        let is_outer = std::mem::replace(&mut self.in_substitution, true);
        let is_closed_outside = self.is_closed;
        let pending = std::mem::replace(&mut self.pending_base, self.pending.len());
        let word_base = self.word_base;
        let result = read(self);
        self.pending_base = pending;
        self.in_substitution = is_outer;
        self.is_closed = is_closed_outside;
        self.word_base = word_base;
        let (block, is_closed) = result?;
        if is_closed {
            return Ok(block);
        }
        if self.found.errors.len() > errors {
            self.resume = self.at;
            return Err(super::Failed);
        }
        let by = if opener.ends_with('(') { ")" } else { "}" };
        if self.is_at_end() {
            return self.unclosed(start, start + opener.len(), Fault::NeverClosed(opener, by));
        }
        self.fail(start, start + opener.len(), Fault::NeverClosed(opener, by))
    }

    /// `` `..` ``: its text without the backslashes that only get it there.
    pub(super) fn backquoted(&mut self, quoting: Quoting) -> Parsed<()> {
        let start = self.at;
        let mut end = start + 1;
        let mut is_escaped = false;
        loop {
            match self.byte(end) {
                b'`' => break,
                b'\\' => {
                    let next = self.byte(end + 1);
                    is_escaped |= matches!(next, b'`' | b'\\' | b'$') || (next == b'"' && quoting == Quoting::Quoted);
                    end += 2;
                }
                END if end >= self.bytes.len() => {
                    self.at = self.bytes.len();
                    return self.unclosed(start, start + 1, Fault::Backquote);
                }
                _ => end += 1,
            }
        }
        let word_base = self.word_base;
        let block = self.deeper(start, |parser| {
            Ok(if is_escaped { parser.unescaped(start + 1, end, quoting) } else { parser.within(start + 1, end, Self::script) })
        })?;
        self.word_base = word_base;
        self.at = end + 1;
        self.parts.push(Part::Substitution(Arc::new(block), quoting));
        Ok(())
    }

    fn unescaped(&mut self, start: usize, end: usize, quoting: Quoting) -> Block {
        let mut buffer = Vec::with_capacity(end - start);
        let mut shifts = vec![(0, self.place.offset(start) as u32)];
        let mut at = start;
        while at < end {
            let next = self.byte(at + 1);
            let is_escape = matches!(next, b'`' | b'\\' | b'$') || (next == b'"' && quoting == Quoting::Quoted);
            if self.byte(at) == b'\\' && is_escape && at + 1 < end {
                at += 1;
                shifts.push((buffer.len() as u32, self.place.offset(at) as u32));
            }
            buffer.push(self.byte(at));
            at += 1;
        }
        let mut inner = Parser::new(&buffer, self.place.shifted(&shifts));
        inner.depth = self.depth;
        inner.found = std::mem::take(&mut self.found);
        let block = inner.script();
        self.found = std::mem::take(&mut inner.found);
        block
    }
}
