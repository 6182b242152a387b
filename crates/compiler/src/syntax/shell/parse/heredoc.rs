//! Here-documents.

use std::sync::{Arc, OnceLock};

use compact_str::CompactString;

use super::super::OpenDocument;
use super::super::error::Fault;
use super::super::redirect::{Document, Target};
use super::super::word::{Quoting, Word};
use super::bytes::{END, META, is};
use super::{Parsed, Parser};

impl Parser<'_> {
    /// The word behind `<<`; the text is read behind the line.
    pub(super) fn document(&mut self, strips_tabs: bool) -> Parsed<Target> {
        let start = self.at;
        let (delimiter, is_literal) = self.delimiter()?;
        self.end = self.at;
        let span = self.span(start, self.at);
        let document = Arc::new(Document { span, delimiter, is_literal, strips_tabs, body: OnceLock::new() });
        self.pending.push((start, document.clone()));
        Ok(Target::Document(document))
    }

    /// The text of a delimiter, in which nothing is expanded; and whether any of it is quoted.
    fn delimiter(&mut self) -> Parsed<(CompactString, bool)> {
        let mut text = CompactString::default();
        let mut is_quoted = false;
        let mut depth = 0_usize;
        loop {
            let byte = self.peek();
            match byte {
                END if self.is_at_end() => break,
                b'\'' | b'"' => {
                    is_quoted = true;
                    let Some(end) = self.find(byte, self.at + 1) else {
                        let start = self.at;
                        self.at = self.bytes.len();
                        return self.unclosed(start, start + 1, Fault::Quote);
                    };
                    self.push_bytes(&mut text, self.at + 1, end);
                    self.at = end + 1;
                    continue;
                }
                b'\\' if self.line_break(self.at + 1) > 0 => {
                    self.skip_continuations();
                    continue;
                }
                // At the very end it quotes nothing.
                b'\\' if self.at + 1 < self.bytes.len() => {
                    is_quoted = true;
                    self.at += 1;
                }
                b'$' if matches!(self.byte(self.at + 1), b'\'' | b'"') => {
                    self.at += 1;
                    continue;
                }
                b'(' if depth > 0 || self.byte(self.at.wrapping_sub(1)) == b'$' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\r' if self.byte(self.at + 1) == b'\n' => break,
                b'\n' => break,
                _ if is(byte, META) && depth == 0 => break,
                _ => {}
            }
            let from = self.at;
            self.at += 1;
            while self.byte(self.at) & 0xc0 == 0x80 {
                self.at += 1;
            }
            self.push_bytes(&mut text, from, self.at);
        }
        Ok((text, is_quoted))
    }

    /// Reads the documents whose text begins here.
    pub(super) fn read_documents(&mut self) {
        let documents: Vec<_> = self.pending.drain(self.pending_base.min(self.pending.len())..).collect();
        for (word, document) in documents {
            self.read_document(word, &document);
        }
    }

    fn read_document(&mut self, word: usize, document: &Document) {
        let start = self.at;
        let mut line = start;
        let (end, next, is_closed) = loop {
            let end = self.find(b'\n', line).unwrap_or(self.bytes.len());
            let text = self.trimmed_line(line, end, document.strips_tabs);
            let rest = self.raw(text, end);
            if line < self.bytes.len() && self.is_delimiter(rest, document) {
                break (line, (end + 1).min(self.bytes.len()), true);
            }
            // `$(cat <<E .. E)`
            if self.in_substitution && rest.starts_with(document.delimiter.as_bytes()) && rest.get(document.delimiter.len()) == Some(&b')')
            {
                break (line, text + document.delimiter.len(), true);
            }
            if end >= self.bytes.len() {
                break (end, end, false);
            }
            line = end + 1;
        };
        if !is_closed && !document.delimiter.is_empty() {
            self.found.open_at = word;
            self.found.open_documents.push(OpenDocument { span: document.span, delimiter: document.delimiter.clone() });
        }
        let body = self.document_body(start, end, document, is_closed);
        let _ = document.body.set(body);
        self.at = next;
    }

    fn is_delimiter(&self, line: &[u8], document: &Document) -> bool {
        let line = if self.is_odd { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        line == document.delimiter.as_bytes()
    }

    fn trimmed_line(&self, start: usize, end: usize, strips_tabs: bool) -> usize {
        if !strips_tabs {
            return start;
        }
        start + self.raw(start, end).iter().take_while(|byte| **byte == b'\t').count()
    }

    fn document_body(&mut self, start: usize, end: usize, document: &Document, is_closed: bool) -> Word {
        let span = self.span(start, end);
        let empty = Word::of_text(span, CompactString::default(), Quoting::Quoted);
        if document.is_literal {
            let text = self.stripped(start, end, document.strips_tabs);
            return Word::of_text(span, text, Quoting::Quoted);
        }
        let errors = self.found.errors.len();
        let (rewound, resume) = (self.rewound, self.resume);
        let (words, parts, word_base) = (self.words.len(), self.parts.len(), self.word_base);
        let strips_tabs = document.strips_tabs;
        let body = self
            .deeper(start, |parser| parser.within(start, end, |parser| parser.word_of(start, |parser| parser.document_parts(strips_tabs))));
        (self.rewound, self.resume) = (rewound, resume);
        if body.is_err() {
            self.words.truncate(words);
            self.parts.truncate(parts);
            self.word_base = word_base;
        }
        if !is_closed && !self.gave_up {
            // What it swallowed was not meant to be its text.
            self.found.errors.truncate(errors);
        }
        body.unwrap_or(empty)
    }

    fn document_parts(&mut self, strips_tabs: bool) -> Parsed<()> {
        self.in_document = true;
        if strips_tabs {
            self.at = self.trimmed_line(self.at, self.bytes.len(), true);
        }
        loop {
            if strips_tabs {
                self.stripped_lines();
            } else {
                self.quoted_run()?;
            }
            match self.peek() {
                END if self.is_at_end() => return Ok(()),
                END => self.at += 1,
                b'"' => self.push_byte(Quoting::Quoted),
                b'$' => self.dollar(Quoting::Quoted)?,
                b'`' => self.backquoted(Quoting::Quoted)?,
                b'\\' => self.quoted_escape(END),
                _ => self.push_byte(Quoting::Quoted),
            }
        }
    }

    /// Text up to what is expanded, without tabs at the beginning of lines.
    fn stripped_lines(&mut self) {
        loop {
            let from = self.at;
            let rest = self.bytes.get(from..).unwrap_or_default();
            let stop = rest.iter().position(|byte| matches!(*byte, b'\n' | b'$' | b'`' | b'\\' | END));
            self.at = stop.map_or(self.bytes.len(), |length| from + length);
            if self.peek() == b'\n' {
                self.at += 1;
                self.push_run(from, self.at, Quoting::Quoted);
                self.at = self.trimmed_line(self.at, self.bytes.len(), true);
                continue;
            }
            if self.at > from {
                self.push_run(from, self.at, Quoting::Quoted);
            }
            return;
        }
    }

    /// The text of a document in which nothing is expanded.
    fn stripped(&self, start: usize, end: usize, strips_tabs: bool) -> CompactString {
        if !strips_tabs {
            return self.text(start, end);
        }
        let mut text = CompactString::default();
        let mut line = start;
        while line < end {
            let next = self.find(b'\n', line).map_or(end, |at| at + 1).min(end);
            let from = self.trimmed_line(line, next, true);
            self.push_bytes(&mut text, from, next);
            line = next;
        }
        text
    }
}
