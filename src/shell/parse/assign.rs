//! Assignments.

use super::super::error::Fault;
use super::super::statement::{AssignedValue, Assignment, Element, Scope};
use super::super::word::{Part, Parts, Quoting, Word};
use super::bytes::{END, META, is};
use super::words::Mode;
use super::{Parsed, Parser};
use compact_str::CompactString;

impl Parser<'_> {
    /// `name=value`, `name[i]+=value`, `name=(..)`, if one stands here; there must be a name.
    pub(super) fn assignment(&mut self, scope: Scope) -> Parsed<Option<Assignment>> {
        let start = self.at;
        let Some(end) = self.name_at(start) else { return Ok(None) };
        let mut at = end;
        let mut subscript = None;
        if self.byte(end) == b'[' {
            // Without a `]` on the line it is text.
            let (parts, words, statements) = (self.parts.len(), self.words.len(), self.statements.len());
            let (errors, word_base) = (self.found.errors.len(), self.word_base);
            self.at = end;
            let word = self.subscript()?;
            at = self.at;
            self.at = start;
            if !matches!((self.byte(at), self.byte(at + 1)), (b'=', _) | (b'+', b'=')) {
                // A pattern: it is read again as a word, which is as long.
                self.parts.truncate(parts);
                self.words.truncate(words);
                self.statements.truncate(statements);
                self.found.errors.truncate(errors);
                self.word_base = word_base;
                return Ok(None);
            }
            subscript = Some(Box::new(word));
        }
        let appends = match (self.byte(at), self.byte(at + 1)) {
            (b'=', _) => false,
            (b'+', b'=') => true,
            _ => return Ok(None),
        };
        let name = self.text(start, end);
        let span = self.span(start, end);
        self.at = at + 1 + usize::from(appends);
        let value = if self.peek() == b'(' { AssignedValue::Array(self.array()?) } else { AssignedValue::Word(self.value()?) };
        self.end = self.at;
        Ok(Some(Assignment { name, span, subscript, appends, value, scope }))
    }

    /// The value of an assignment: it may be nothing.
    fn value(&mut self) -> Parsed<Word> {
        let start = self.at;
        let next = self.peek();
        let is_empty = is(next, META) && !self.is_process() && (next != END || self.is_at_end());
        if is_empty || self.line_break(start) > 0 || (next == b'\r' && start + 1 == self.bytes.len()) {
            let span = self.span(start, start);
            return Ok(Word { span, parts: Parts::Many(Box::default()) });
        }
        self.word_or_nothing()
    }

    /// A word; line continuations alone make an empty one.
    fn word_or_nothing(&mut self) -> Parsed<Word> {
        let start = self.at;
        self.skip_continuations();
        if self.at > start && is(self.peek(), META) {
            let span = self.span(start, start);
            return Ok(Word { span, parts: Parts::Many(Box::default()) });
        }
        self.at = start;
        self.word(Mode::PLAIN)
    }

    /// `( .. )` behind `=`.
    fn array(&mut self) -> Parsed<Box<[Element]>> {
        let start = self.at;
        let mut elements = Vec::new();
        self.at += 1;
        loop {
            self.skip_lines();
            match self.peek() {
                b')' => break,
                END if self.is_at_end() => return self.unclosed(start, start + 1, Fault::NeverClosed("(", ")")),
                b'<' | b'>' if self.is_process() => {}
                b'<' | b'>' | b'&' | b'|' | b';' | b'(' => return self.unexpected(),
                _ => {}
            }
            let element = self.array_element()?;
            elements.push(element);
        }
        self.at += 1;
        self.end = self.at;
        Ok(elements.into())
    }

    fn array_element(&mut self) -> Parsed<Element> {
        let start = self.at;
        let mut subscript = None;
        let mut appends = false;
        if self.peek() == b'[' {
            let word = self.subscript()?;
            appends = self.peek() == b'+';
            if self.byte(self.at + usize::from(appends)) == b'=' {
                self.at += 1 + usize::from(appends);
                subscript = Some(Box::new(word));
            } else {
                appends = false;
                self.at = start;
            }
        }
        let value = if subscript.is_some() { self.value()? } else { self.word(Mode::ARGUMENT)? };
        Ok(Element { subscript, appends, value })
    }

    /// `name=(..)` as an argument of `eval`, `let` and `alias`.
    pub(super) fn array_argument(&mut self) -> Parsed<Option<Word>> {
        let start = self.at;
        let Some(end) = self.name_at(start) else { return Ok(None) };
        let at = end + usize::from(self.byte(end) == b'+');
        if self.byte(at) != b'=' || self.byte(at + 1) != b'(' {
            return Ok(None);
        }
        self.at = at + 1;
        let words: Vec<Word> = self.array()?.into_iter().map(|element| element.value).collect();
        let name: CompactString = self.text(start, at + 1);
        let parts = Box::new([Part::Text(name, Quoting::Bare), Part::Opaque(words.into())]);
        Ok(Some(Word { span: self.span(start, self.at), parts: Parts::Many(parts) }))
    }
}

/// What a word of `declare` declares: a bare name, or what it is when it runs.
pub(super) fn declared(word: Word, scope: Scope, is_name: bool) -> Assignment {
    let span = word.span;
    match word.literal() {
        Some(name) if is_name => Assignment { name, span, subscript: None, appends: false, value: AssignedValue::Bare, scope },
        _ => {
            let value = AssignedValue::Dynamic(word);
            Assignment { name: CompactString::default(), span, subscript: None, appends: false, value, scope }
        }
    }
}
