//! Assignments.

use super::super::error::Fault;
use super::super::statement::{AssignedValue, Assignment, Element, Scope};
use super::super::word::{Part, Parts, Quoting, Word};
use super::bytes::{END, META, is};
use super::words::Mode;
use super::{Parsed, Parser};
use compact_str::CompactString;

/// What stands where an assignment may stand.
pub(super) enum Assigned {
    Assignment(Assignment),
    /// A word that begins like one, and is read.
    Word(Word),
    /// Anything else, and nothing is read.
    Nothing,
}

impl Parser<'_> {
    /// `name=value`, `name[i]+=value`, `name=(..)`, if one stands here; there must be a name.
    pub(super) fn assignment(&mut self, scope: Scope) -> Parsed<Assigned> {
        let start = self.at;
        let Some(end) = self.name_at(start) else { return Ok(Assigned::Nothing) };
        let mut at = end;
        let mut subscript = None;
        if self.byte(end) == b'[' {
            self.at = end;
            let word = self.subscript()?;
            at = self.at;
            if !matches!((self.byte(at), self.byte(at + 1)), (b'=', _) | (b'+', b'=')) {
                return self.pattern_word(start, end, &word).map(Assigned::Word);
            }
            subscript = Some(Box::new(word));
        }
        let appends = match (self.byte(at), self.byte(at + 1)) {
            (b'=', _) => false,
            (b'+', b'=') => true,
            _ => return Ok(Assigned::Nothing),
        };
        let name = self.text(start, end);
        let span = self.span(start, end);
        self.at = at + 1 + usize::from(appends);
        let value = if self.peek() == b'(' { AssignedValue::Array(self.array()?) } else { AssignedValue::Word(self.value()?) };
        self.end = self.at;
        Ok(Assigned::Assignment(Assignment { name, span, subscript, appends, value, scope }))
    }

    /// `name[..]` that assigns nothing: a word, whatever stands in the brackets.
    fn pattern_word(&mut self, start: usize, open: usize, subscript: &Word) -> Parsed<Word> {
        let word = self.word_of(start, |parser| {
            parser.push_run(start, open + 1, Quoting::Bare);
            parser.parts.extend(subscript.parts.iter().cloned());
            parser.push_text("]", Quoting::Bare);
            parser.word_parts(start, Mode::ARGUMENT)
        })?;
        self.end = self.at;
        Ok(word)
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
