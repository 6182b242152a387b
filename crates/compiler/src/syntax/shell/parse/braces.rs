//! Brace expansion.

use std::sync::Arc;

use super::super::word::{Braces, Part, Parts, Quoting, Word};
use super::words::Mode;
use super::{MAX_DEPTH, Parsed, Parser};

impl Parser<'_> {
    /// `{a,b}`, `{1..3}`; braces that are neither are text.
    pub(super) fn braces(&mut self, mode: Mode) -> Parsed<()> {
        let start = self.at;
        if self.depth >= MAX_DEPTH {
            self.push_byte(Quoting::Bare);
            return Ok(());
        }
        self.depth += 1;
        let base = self.parts.len();
        let outer = self.word_base;
        let mut starts = vec![self.mark("{")];
        let is_closed = loop {
            let from = self.at;
            self.word_parts(from, Mode { in_braces: true, ..mode })?;
            match self.peek() {
                b',' => starts.push(self.mark(",")),
                b'}' => break true,
                _ => break false,
            }
        };
        self.depth -= 1;
        self.word_base = outer;
        let inside = self.raw(start + 1, self.at);
        if is_closed && starts.len() > 1 {
            self.at += 1;
            let words = self.alternatives(base, &starts, start);
            self.parts.push(Part::Braces(Arc::new(Braces::List(words))));
        } else if is_closed && is_range(inside) {
            let range = self.text(start + 1, self.at);
            self.at += 1;
            self.parts.truncate(base);
            self.parts.push(Part::Braces(Arc::new(Braces::Range(range))));
        } else {
            // The parts are text after all: they join what stands around them.
            let parts: Vec<Part> = self.parts.drain(base..).collect();
            for part in parts {
                match part {
                    Part::Text(text, quoting) => self.push_text(&text, quoting),
                    part => self.parts.push(part),
                }
            }
            if is_closed {
                self.push_byte(Quoting::Bare);
            }
        }
        Ok(())
    }

    /// Passes `{` or `,`, and keeps it as a part until it is known what it is. Returns where the next parts begin.
    fn mark(&mut self, text: &str) -> (usize, usize) {
        self.parts.push(Part::Text(text.into(), Quoting::Bare));
        self.at += 1;
        self.word_base = self.parts.len();
        (self.parts.len(), self.at)
    }

    fn alternatives(&mut self, base: usize, starts: &[(usize, usize)], start: usize) -> Box<[Word]> {
        let mut ends: Vec<(usize, usize)> = starts.iter().skip(1).map(|(part, at)| (part - 1, at - 1)).collect();
        ends.push((self.parts.len(), self.at - 1));
        let mut parts = self.parts.split_off(base.min(self.parts.len())).into_iter();
        let mut taken = base;
        let mut words = Vec::with_capacity(starts.len());
        for ((first, from), (last, to)) in starts.iter().zip(ends) {
            parts.by_ref().take(first - taken).for_each(drop);
            let mut own: Vec<Part> = parts.by_ref().take(last - first).collect();
            taken = last;
            let parts = match (own.len(), own.pop()) {
                (1, Some(part)) => Parts::One(part),
                (_, last) => Parts::Many(own.into_iter().chain(last).collect()),
            };
            let span = self.span((*from).max(start), to.max(*from));
            words.push(Word { span, parts });
        }
        words.into()
    }
}

/// Whether `{inside}` is a sequence.
fn is_range(inside: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(inside) else { return false };
    let mut parts = text.split("..");
    let (Some(from), Some(to)) = (parts.next(), parts.next()) else { return false };
    let is_number = |text: &str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_letter = |text: &str| text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_step = parts.next().is_none_or(is_number) && parts.next().is_none();
    is_step && (is_number(from) && is_number(to) || is_letter(from) && is_letter(to))
}
