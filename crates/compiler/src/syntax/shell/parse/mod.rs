//! The parser: recursive descent over the bytes of a script, straight to statements.
//!
//! * `bytes` classes of bytes, blanks, comments; `place` offsets to places of the file
//! * `list` statements, chains and pipelines, and how parsing goes on behind an error
//! * `compound`, `clauses`, `test` compound commands; `simple`, `assign`, `redirect` simple ones
//! * `words`, `braces`, `dollar`, `expansion`, `arithmetic`, `heredoc` words and what is expanded in them
//!
//! Every recursion goes through [`Parser::deeper`]. Text is read once, but for three rewinds that are bounded: what
//! looks like `((` and is `( (`, the line behind a quote that is never closed, and text in backquotes.

mod arithmetic;
mod assign;
mod braces;
mod bytes;
mod clauses;
mod compound;
mod dollar;
mod expansion;
mod heredoc;
mod keyword;
mod list;
mod place;
mod redirect;
mod simple;
mod test;
mod words;

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::FxHashSet;

use super::error::Fault;
use super::redirect::Document;
use super::statement::{Block, Statement};
use super::word::{Part, Word};
use super::{OpenDocument, Script, SyntaxError};
use crate::source::{ScriptMap, Span};
use place::Place;

/// How deep commands and expansions may stand in each other.
const MAX_DEPTH: usize = 150;
/// Comments are kept only where they say this.
const COMMENT_MARK: &str = "sidestage:";
/// More errors of one script say no more.
const MAX_ERRORS: usize = 1_000;

/// What was to be read is not there; the error is noted.
#[derive(Debug)]
struct Failed;

type Parsed<T> = Result<T, Failed>;

/// Parses a script; spans are mapped to its file by `map`.
pub fn parse(text: &[u8], map: &ScriptMap) -> Script {
    let mut parser = Parser::new(text, Place::new(map));
    parser.keeps_comments = map.is_exact();
    let body = parser.script();
    let mut found = parser.found;
    found.comments.sort_unstable();
    found.comments.dedup();
    found.errors.sort_by_key(|error| error.span);
    found.errors.dedup_by(|one, other| one.span == other.span);
    found.open_documents.dedup_by(|one, other| one.span == other.span);
    Script { body, errors: found.errors, comments: found.comments, open_documents: found.open_documents }
}

/// What is found beside the statements.
#[derive(Debug, Default)]
struct Found {
    errors: Vec<SyntaxError>,
    comments: Vec<Span>,
    open_documents: Vec<OpenDocument>,
    /// Where the word of the last open here-document stands in the text.
    open_at: usize,
}

/// Words that close what is open, as bits.
type Closers = u32;

#[allow(clippy::struct_excessive_bools)] // each is a fact of its own about the place that is read
struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the last word or operator ended.
    end: usize,
    place: Place<'a>,
    keeps_comments: bool,
    /// The bytes as text, where they are text that is taken as it is.
    plain: Option<&'a str>,
    /// Whether the text holds carriage returns or NULs.
    is_odd: bool,
    /// How deep this is in compound commands and expansions.
    depth: usize,
    /// What may close something that is open here.
    awaited: Closers,
    /// Whether a `)` closes something here: a here-document may end before it.
    in_substitution: bool,
    /// Whether the last statement ended in a word that closes: a closing word may follow it at once.
    is_closed: bool,
    /// Here-documents whose text begins on the next line.
    pending: Vec<(usize, Arc<Document>)>,
    /// Those before it belong to the commands around the present substitution.
    pending_base: usize,
    /// Whether this is the text of a here-document.
    in_document: bool,
    /// Whether nesting was too deep, and the rest is not read.
    gave_up: bool,
    /// How many bytes were read in vain as arithmetic.
    tried: usize,
    /// Offsets of `((` that are no arithmetic.
    refuted: FxHashSet<usize>,
    /// Where to go on after an error.
    resume: usize,
    /// How many bytes were read again after errors.
    rewound: usize,
    // Stacks, so that what is read needs one allocation of its size.
    parts: Vec<Part>,
    /// Where the parts of the present word begin.
    word_base: usize,
    words: Vec<Word>,
    statements: Vec<Statement>,
    found: Found,
}

impl<'a> Parser<'a> {
    fn new(bytes: &'a [u8], place: Place<'a>) -> Self {
        let is_odd = bytes.contains(&b'\r') || bytes.contains(&0);
        Self {
            bytes,
            plain: std::str::from_utf8(bytes).ok().filter(|_| !is_odd),
            at: 0,
            end: 0,
            place,
            keeps_comments: false,
            is_odd,
            depth: 0,
            awaited: 0,
            in_substitution: false,
            is_closed: false,
            pending: Vec::new(),
            pending_base: 0,
            in_document: false,
            gave_up: false,
            tried: 0,
            refuted: FxHashSet::default(),
            resume: 0,
            rewound: 0,
            parts: Vec::new(),
            word_base: 0,
            words: Vec::new(),
            statements: Vec::new(),
            found: Found::default(),
        }
    }

    /// Everything up to the end.
    fn script(&mut self) -> Block {
        let body = self.list(0).unwrap_or_default();
        // Here-documents that are named on the last line.
        self.read_documents();
        body
    }

    fn span(&mut self, start: usize, end: usize) -> Span {
        self.place.span(start, end)
    }

    /// Goes one level down, unless it is too deep.
    fn deeper<T>(&mut self, start: usize, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let failed = self.fail(start, start + 1, Fault::TooDeep(MAX_DEPTH));
            // What goes on like this is not followed any further.
            self.resume = self.bytes.len();
            self.at = self.bytes.len();
            self.gave_up = true;
            return failed;
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Reads a part of the text as a text of its own.
    fn within<T>(&mut self, start: usize, end: usize, inner: impl FnOnce(&mut Self) -> T) -> T {
        let (bytes, at, last) = (self.bytes, self.at, self.end);
        let pending = std::mem::take(&mut self.pending);
        let pending_base = std::mem::take(&mut self.pending_base);
        let (is_closed, in_document) = (self.is_closed, std::mem::take(&mut self.in_document));
        let (awaited, in_substitution) = (std::mem::take(&mut self.awaited), std::mem::take(&mut self.in_substitution));
        let keeps_comments = std::mem::take(&mut self.keeps_comments);
        self.bytes = bytes.get(..end).unwrap_or(bytes);
        self.at = start;
        let result = inner(self);
        (self.bytes, self.at, self.end) = (bytes, at, last);
        (self.awaited, self.in_substitution) = (awaited, in_substitution);
        self.keeps_comments = keeps_comments;
        self.pending = pending;
        self.pending_base = pending_base;
        (self.is_closed, self.in_document) = (is_closed, in_document);
        result
    }

    /// Notes an error.
    fn note(&mut self, start: usize, end: usize, fault: Fault<'_>) {
        if self.found.errors.len() < MAX_ERRORS {
            let end = end.min(self.bytes.len()).max(start);
            let span = self.span(start.min(end), end);
            self.found.errors.push(SyntaxError { span, message: fault.to_string() });
        }
    }

    /// Notes an error that parsing cannot go on behind.
    fn fail<T>(&mut self, start: usize, end: usize, fault: Fault<'_>) -> Parsed<T> {
        self.note(start, end, fault);
        self.resume = self.at;
        Err(Failed)
    }

    /// What is opened at an offset is never closed: parsing goes on behind its line.
    fn unclosed<T>(&mut self, start: usize, end: usize, fault: Fault<'_>) -> Parsed<T> {
        let failed = self.fail(start, end, fault);
        let back = self.at.saturating_sub(start);
        if self.rewound + back <= 2 * self.bytes.len() {
            self.rewound += back;
            self.resume = start;
            self.pending.retain(|(at, _)| *at < start);
        }
        failed
    }

    fn keep_comment(&mut self, start: usize, end: usize) {
        let text = self.raw(start, end);
        if text.contains(&b':') && String::from_utf8_lossy(text).contains(COMMENT_MARK) {
            let span = self.span(start, end);
            self.found.comments.push(span);
        }
    }

    /// The parts above a base, taken from the stack.
    fn take_parts(&mut self, base: usize) -> super::word::Parts {
        use super::word::Parts;
        if self.parts.len() == base + 1
            && let Some(part) = self.parts.pop()
        {
            return Parts::One(part);
        }
        Parts::Many(self.parts.split_off(base.min(self.parts.len())).into())
    }

    /// The words above a base, taken from the stack.
    fn take_words(&mut self, base: usize) -> Box<[Word]> {
        self.words.split_off(base.min(self.words.len())).into()
    }

    /// The raw bytes between two offsets.
    fn raw(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// A name as text, where it is one.
    fn name_at(&self, at: usize) -> Option<usize> {
        bytes::is(self.byte(at), bytes::NAME_START).then(|| self.run(at, bytes::NAME))
    }

    /// Text that names something in a message.
    fn shown(&self, start: usize, end: usize) -> CompactString {
        let text = self.text(start, end);
        match text.char_indices().nth(30) {
            Some((at, _)) => format!("{}..", &text[..at]).into(),
            None => text,
        }
    }
}
