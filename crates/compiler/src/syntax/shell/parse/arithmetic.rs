//! Arithmetic: the words in it, and the names that it assigns.

use compact_str::CompactString;

use super::super::error::Fault;
use super::super::word::{Arithmetic, Part, Word};
use super::bytes::{NAME, NAME_START, is};
use super::expansion::Enclosed;
use super::{Parsed, Parser};

/// How many times the text may be read in vain, in search of a `))`.
const MAX_TRIED: usize = 8;

impl Parser<'_> {
    /// What stands in `((` and `))`; `None`, and nothing is read, where it is `( (`.
    pub(super) fn arithmetic_attempt(&mut self, open: usize, from: usize) -> Parsed<Option<Arithmetic>> {
        if self.refuted.contains(&open) || self.tried > MAX_TRIED * self.bytes.len() {
            return Ok(None);
        }
        let (at, end, word_base) = (self.at, self.end, self.word_base);
        let (parts, words, statements) = (self.parts.len(), self.words.len(), self.statements.len());
        let (depth, awaited, rewound) = (self.depth, self.awaited, self.rewound);
        let (errors, comments, documents) = (self.found.errors.len(), self.found.comments.len(), self.found.open_documents.len());
        let (pending, pending_base) = (self.pending.len(), self.pending_base);
        let (in_substitution, is_closed) = (self.in_substitution, self.is_closed);
        self.at = from;
        let result = self.arithmetic((open, "(("), b')', b'(');
        if self.gave_up {
            return result.map(|_| None);
        }
        if let Ok(expression) = result
            && self.byte(self.at + 1) == b')'
        {
            self.at += 2;
            self.end = self.at;
            return Ok(Some(expression));
        }
        self.tried += self.at.saturating_sub(from);
        (self.at, self.end, self.word_base) = (at, end, word_base);
        self.parts.truncate(parts);
        self.words.truncate(words);
        self.statements.truncate(statements);
        (self.depth, self.awaited, self.rewound) = (depth, awaited, rewound);
        self.found.errors.truncate(errors);
        self.found.comments.truncate(comments);
        self.found.open_documents.truncate(documents);
        self.pending.truncate(pending);
        self.pending_base = pending_base;
        (self.in_substitution, self.is_closed) = (in_substitution, is_closed);
        self.refuted.insert(open);
        Ok(None)
    }

    /// An expression up to what closes it, which is left.
    fn arithmetic(&mut self, opener: (usize, &str), close: u8, nest: u8) -> Parsed<Arithmetic> {
        let from = self.at;
        let expression = self.word_of(from, |parser| parser.enclosed(opener, Enclosed::quoted(close, nest)))?;
        Ok(self.expression(expression))
    }

    #[allow(clippy::unused_self)] // reads as the other builders do
    fn expression(&self, expression: Word) -> Arithmetic {
        let mut names = Vec::new();
        for part in &expression.parts {
            if let Part::Text(text, _) = part {
                assigned(text, &mut names);
            }
        }
        names.sort_unstable();
        names.dedup();
        Arithmetic { expression, assigned: names.into() }
    }

    /// `$[ .. ]`, at its bracket.
    pub(super) fn bracketed(&mut self, start: usize) -> Parsed<()> {
        self.at += 1;
        let expression = self.arithmetic((start, "$["), b']', b'[')?;
        self.at += 1;
        self.parts.push(Part::Arithmetic(expression.into()));
        Ok(())
    }

    /// The parts of `for ((first; condition; step))`, with its parentheses.
    pub(super) fn for_parts(&mut self) -> Parsed<[Arithmetic; 3]> {
        let start = self.at;
        self.at += 2;
        let mut parts = Vec::with_capacity(3);
        loop {
            let from = self.at;
            let how = Enclosed::quoted(b')', b'(').or(b';');
            let expression = self.word_of(from, |parser| parser.enclosed((start, "(("), how))?;
            parts.push(self.expression(expression));
            if self.peek() == b')' {
                break;
            }
            self.at += 1;
        }
        self.at += 1;
        self.skip_blanks();
        if self.peek() != b')' {
            return self.fail(start, start + 2, Fault::NeverClosed("((", "))"));
        }
        self.at += 1;
        self.end = self.at;
        match <[Arithmetic; 3]>::try_from(parts) {
            Ok(parts) => Ok(parts),
            Err(parts) => self.fail(start, self.end, Fault::ForParts(parts.len())),
        }
    }
}

/// The names that an expression assigns: `a = 1`, `a += 1`, `a++`, `--a`, `a[1] = 2`.
fn assigned(text: &str, names: &mut Vec<CompactString>) {
    let bytes = text.as_bytes();
    if !text.contains('=') && !text.contains("++") && !text.contains("--") {
        return;
    }
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let mut at = 0;
    while at < bytes.len() {
        if !is(byte(at), NAME) {
            at += 1;
            continue;
        }
        let end = bytes.get(at..).unwrap_or_default().iter().position(|c| !is(*c, NAME)).map_or(bytes.len(), |length| at + length);
        let is_name = is(byte(at), NAME_START);
        let before = text.get(..at).unwrap_or_default().trim_end();
        let after = text.get(end..).unwrap_or_default().trim_start();
        let after = match after.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((_, rest)) => rest.trim_start(),
            None => after,
        };
        let is_stepped = ["++", "--"].iter().any(|step| before.ends_with(step) || after.starts_with(step));
        let operator = after.trim_start_matches(['+', '-', '*', '/', '%', '&', '|', '^', '<', '>']);
        let length = after.len() - operator.len();
        let is_comparison = length == 1 && after.starts_with(['<', '>']) || length > 2;
        let is_assigned = operator.starts_with('=') && !operator.starts_with("==") && !is_comparison;
        if is_name && (is_stepped || is_assigned) {
            names.push(text.get(at..end).unwrap_or_default().into());
        }
        at = end;
    }
}
