//! Bytes by what they mean to the shell; blanks, comments and line breaks.

use super::Parser;
use compact_str::CompactString;

/// Stands for the byte behind the end; a NUL in the text is told apart by its place.
pub(super) const END: u8 = 0;

/// Goes on in a word that is nothing but its text.
pub(super) const PLAIN: u8 = 1;
/// Ends a word.
pub(super) const META: u8 = 2;
/// A letter, or `_`.
pub(super) const NAME_START: u8 = 4;
/// A letter, a digit, or `_`.
pub(super) const NAME: u8 = 8;
/// Means something in double quotes.
pub(super) const IN_QUOTES: u8 = 16;
/// A space or a tab.
pub(super) const BLANK: u8 = 32;
/// Ends an alternative of `{a,b}`.
pub(super) const IN_BRACES: u8 = 64;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [PLAIN; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        if c.is_ascii_alphabetic() || c == b'_' {
            table[byte] |= NAME | NAME_START;
        }
        if c.is_ascii_digit() {
            table[byte] |= NAME;
        }
        byte += 1;
    }
    let metas = b" \t\n;&|()<>\0";
    let mut at = 0;
    while at < metas.len() {
        table[metas[at] as usize] = META;
        at += 1;
    }
    let special = b"\r'\"`\\${";
    at = 0;
    while at < special.len() {
        table[special[at] as usize] = 0;
        at += 1;
    }
    let quoted = b"\"$`\\\r\0";
    at = 0;
    while at < quoted.len() {
        table[quoted[at] as usize] |= IN_QUOTES;
        at += 1;
    }
    table[b' ' as usize] |= BLANK;
    table[b'\t' as usize] |= BLANK;
    table[b',' as usize] |= IN_BRACES;
    table[b'}' as usize] |= IN_BRACES;
    table
}

/// Whether a byte is of any of the classes.
#[inline]
pub(super) fn is(byte: u8, classes: u8) -> bool {
    CLASSES[byte as usize] & classes != 0
}

impl Parser<'_> {
    /// The byte at an offset.
    #[inline]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(END)
    }

    #[inline]
    pub(super) fn peek(&self) -> u8 {
        self.byte(self.at)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn starts_with(&self, text: &[u8]) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(text))
    }

    /// Where a run of bytes of a class ends.
    #[inline]
    pub(super) fn run(&self, from: usize, class: u8) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| !is(*byte, class)).unwrap_or(rest.len())
    }

    /// Where a run of bytes that are of none of the classes ends.
    pub(super) fn run_until(&self, from: usize, classes: u8) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| is(*byte, classes)).unwrap_or(rest.len())
    }

    /// Where a byte stands next.
    pub(super) fn find(&self, byte: u8, from: usize) -> Option<usize> {
        let rest = self.bytes.get(from..)?;
        Some(from + rest.iter().position(|found| *found == byte)?)
    }

    /// The length of a line break at an offset: a carriage return counts before a line feed and at the end.
    pub(super) fn line_break(&self, at: usize) -> usize {
        match (self.byte(at), self.byte(at + 1)) {
            (b'\n', _) => 1,
            (b'\r', b'\n') => 2,
            _ => 0,
        }
    }

    /// Passes backslashes before line breaks.
    #[inline]
    pub(super) fn skip_continuations(&mut self) {
        while self.peek() == b'\\' {
            match self.line_break(self.at + 1) {
                0 => return,
                length => self.at += 1 + length,
            }
        }
    }

    /// Passes blanks, line continuations and a comment.
    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        loop {
            while is(self.peek(), BLANK) {
                self.at += 1;
            }
            match self.peek() {
                b'\n' | b'a'..=b'z' | b'"' | b'-' | b'$' => return,
                b'\\' => {
                    let before = self.at;
                    self.skip_continuations();
                    if self.at == before {
                        return;
                    }
                }
                b'\r' if self.byte(self.at + 1) == b'\n' || self.at + 1 == self.bytes.len() => self.at += 1,
                b'#' => self.comment(),
                END if !self.is_at_end() => self.at += 1,
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        let start = self.at;
        let end = self.find(b'\n', start).unwrap_or(self.bytes.len());
        self.at = end;
        if self.keeps_comments {
            self.keep_comment(start, end);
        }
    }

    /// Passes a line break, and the here-documents behind it.
    #[inline]
    pub(super) fn newline(&mut self) {
        self.at += 1;
        if self.pending.len() > self.pending_base {
            self.read_documents();
        }
    }

    /// Passes blanks, comments and line breaks.
    pub(super) fn skip_lines(&mut self) {
        loop {
            self.skip_blanks();
            if self.peek() != b'\n' {
                return;
            }
            self.newline();
        }
    }

    /// The text of some bytes: one that is no UTF-8 is shown as U+FFFD, a line break is a line feed, a NUL is nothing.
    pub(super) fn text(&self, start: usize, end: usize) -> CompactString {
        match self.plain.and_then(|text| text.get(start..end)) {
            Some(text) => CompactString::new(text),
            None => {
                let mut text = CompactString::default();
                self.push_bytes(&mut text, start, end);
                text
            }
        }
    }

    /// Adds the text of some bytes.
    pub(super) fn push_bytes(&self, text: &mut CompactString, start: usize, end: usize) {
        let bytes = self.bytes.get(start..end).unwrap_or_default();
        if let Some(plain) = self.plain.and_then(|text| text.get(start..end)) {
            return text.push_str(plain);
        }
        for chunk in bytes.utf8_chunks() {
            let mut chars = chunk.valid().chars().peekable();
            while let Some(c) = chars.next() {
                if c != '\0' && !(c == '\r' && chars.peek() == Some(&'\n')) {
                    text.push(c);
                }
            }
            chunk.invalid().iter().for_each(|_| text.push('\u{fffd}'));
        }
    }
}
