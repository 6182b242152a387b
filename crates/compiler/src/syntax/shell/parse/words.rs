//! Words: plain text, quotes and escapes.

use super::super::error::Fault;
use super::super::word::{Part, Quoting, Word};
use super::bytes::{END, IN_BRACES, IN_QUOTES, META, PLAIN, is};
use super::{Parsed, Parser};
use compact_str::CompactString;

/// What a word may hold, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    /// `{a,b}`.
    pub(super) braces: bool,
    /// An alternative of `{a,b}`: ends at `,` and `}`.
    pub(super) in_braces: bool,
    /// Right of `=~`: `(`, `|` and `)` are text.
    pub(super) regex: bool,
}

impl Mode {
    /// A word that stays one.
    pub(super) const PLAIN: Self = Self { braces: false, in_braces: false, regex: false };
    /// A word that may become several.
    pub(super) const ARGUMENT: Self = Self { braces: true, in_braces: false, regex: false };
    /// Right of `=~`.
    pub(super) const REGEX: Self = Self { braces: false, in_braces: false, regex: true };
}

/// A character that an escape makes text where it would be a pattern.
fn is_pattern_byte(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b']' | b'{' | b'}' | b'~' | b'!' | b'@' | b'+' | b'(' | b'|' | b',')
}

impl<'a> Parser<'a> {
    /// A word; there must be one.
    #[inline]
    pub(super) fn word(&mut self, mode: Mode) -> Parsed<Word> {
        let start = self.at;
        let end = self.run(start, PLAIN);
        let next = self.byte(end);
        let ends = is(next, META)
            && end > start
            && match next {
                b'(' => mode == Mode::ARGUMENT && !is_pattern_byte(self.byte(end - 1)),
                b'<' | b'>' => self.byte(end + 1) != b'(',
                END => end >= self.bytes.len(),
                b'|' => !mode.regex,
                _ => true,
            };
        if !ends {
            return self.long_word(start, mode);
        }
        self.at = end;
        self.end = end;
        let text = self.text(start, end);
        Ok(Word::of_text(self.span(start, end), text, Quoting::Bare))
    }

    fn long_word(&mut self, start: usize, mode: Mode) -> Parsed<Word> {
        let word = self.word_of(start, |parser| parser.word_parts(start, mode))?;
        self.end = self.at;
        if self.at == start {
            return self.unexpected();
        }
        Ok(word)
    }

    /// A word of the parts that are read.
    pub(super) fn word_of(&mut self, start: usize, read: impl FnOnce(&mut Self) -> Parsed<()>) -> Parsed<Word> {
        let base = self.parts.len();
        let outer = std::mem::replace(&mut self.word_base, base);
        read(self)?;
        let parts = self.take_parts(base);
        self.word_base = outer;
        Ok(Word { span: self.span(start, self.at), parts })
    }

    /// The parts of a word up to its end.
    pub(super) fn word_parts(&mut self, start: usize, mode: Mode) -> Parsed<()> {
        loop {
            let from = self.at;
            let mut end = self.run(from, PLAIN);
            if mode.in_braces {
                end = from + self.raw(from, end).iter().position(|byte| is(*byte, IN_BRACES)).unwrap_or(end - from);
            }
            if end > from {
                self.push_run(from, end, Quoting::Bare);
                self.at = end;
            }
            let byte = self.peek();
            match byte {
                b'\'' => self.single_quoted()?,
                b'"' => self.double_quoted()?,
                b'$' => self.dollar(Quoting::Bare)?,
                b'`' => self.backquoted(Quoting::Bare)?,
                b'\\' => self.escape(),
                b'{' if mode.braces => self.braces(mode)?,
                b'{' => self.push_byte(Quoting::Bare),
                b'\r' if self.byte(self.at + 1) == b'\n' || self.at + 1 == self.bytes.len() => return Ok(()),
                b'\r' => self.push_byte(Quoting::Bare),
                b'<' | b'>' if self.is_process() => self.process()?,
                b'(' if mode.regex || (self.at > start && matches!(self.byte(self.at - 1), b'?' | b'*' | b'+' | b'@' | b'!')) => {
                    self.group_pattern()?;
                }
                b'|' if mode.regex && self.byte(self.at + 1) != b'|' => self.push_byte(Quoting::Bare),
                END if !self.is_at_end() => self.at += 1,
                _ => return Ok(()),
            }
        }
    }

    /// Whether `<(` or `>(` stands here.
    pub(super) fn is_process(&self) -> bool {
        matches!(self.peek(), b'<' | b'>') && self.byte(self.at + 1) == b'('
    }

    /// `@(a|b)`, and parentheses of a regular expression.
    fn group_pattern(&mut self) -> Parsed<()> {
        let start = self.at;
        self.deeper(start, |parser| {
            parser.at += 1;
            let word = parser.word_of(start, |parser| parser.enclosed((start, "("), super::expansion::Enclosed::new(b')', b'(')))?;
            parser.at += 1;
            parser.parts.push(Part::Opaque([word].into()));
            Ok(())
        })
    }

    /// The text part that is being read.
    fn last_text(&mut self, quoting: Quoting) -> Option<&mut CompactString> {
        if !matches!(self.parts.get(self.word_base..)?.last()?, Part::Text(_, last) if *last == quoting) {
            self.parts.push(Part::Text(CompactString::default(), quoting));
        }
        match self.parts.last_mut()? {
            Part::Text(text, _) => Some(text),
            _ => None,
        }
    }

    /// Adds text to the word.
    pub(super) fn push_text(&mut self, text: &str, quoting: Quoting) {
        if self.parts.len() <= self.word_base {
            return self.parts.push(Part::Text(text.into(), quoting));
        }
        if let Some(last) = self.last_text(quoting) {
            last.push_str(text);
        }
    }

    /// Adds bytes of the script to the word.
    pub(super) fn push_run(&mut self, start: usize, end: usize, quoting: Quoting) {
        let plain: Option<&'a str> = self.plain.and_then(|text| text.get(start..end));
        match plain {
            Some(text) => self.push_text(text, quoting),
            None => {
                let text = self.text(start, end);
                self.push_text(&text, quoting);
            }
        }
    }

    /// Adds the byte here to the word.
    pub(super) fn push_byte(&mut self, quoting: Quoting) {
        let at = self.at;
        self.at += 1;
        self.push_run(at, at + 1, quoting);
    }

    /// A backslash outside of quotes.
    pub(super) fn escape(&mut self) {
        let length = self.line_break(self.at + 1);
        if length > 0 {
            self.at += 1 + length;
            return;
        }
        self.at += 1;
        if self.is_at_end() {
            return self.push_text("\\", Quoting::Bare);
        }
        let start = self.at;
        self.at += char_length(self.peek()).min(self.bytes.len() - start);
        let quoting = if is_pattern_byte(self.byte(start)) { Quoting::Quoted } else { Quoting::Bare };
        self.push_run(start, self.at, quoting);
    }

    /// `'..'`.
    pub(super) fn single_quoted(&mut self) -> Parsed<()> {
        let start = self.at;
        let Some(end) = self.find(b'\'', start + 1) else {
            self.at = self.bytes.len();
            return self.unclosed(start, start + 1, Fault::Quote);
        };
        self.push_run(start + 1, end, Quoting::Quoted);
        self.at = end + 1;
        Ok(())
    }

    /// `".."`.
    pub(super) fn double_quoted(&mut self) -> Parsed<()> {
        let start = self.at;
        self.at += 1;
        if self.peek() == b'"' {
            self.at += 1;
            self.push_text("", Quoting::Quoted);
            return Ok(());
        }
        loop {
            self.quoted_run()?;
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                END if self.is_at_end() => return self.unclosed(start, start + 1, Fault::Quote),
                _ => self.at += 1,
            }
        }
    }

    /// What stands in double quotes, up to a `"`, the end, or a NUL.
    pub(super) fn quoted_run(&mut self) -> Parsed<()> {
        loop {
            let from = self.at;
            let end = self.run_until(from, IN_QUOTES);
            if end > from {
                self.push_run(from, end, Quoting::Quoted);
                self.at = end;
            }
            match self.peek() {
                b'$' => self.dollar(Quoting::Quoted)?,
                b'`' => self.backquoted(Quoting::Quoted)?,
                b'\\' => self.quoted_escape(b'"'),
                b'\r' if self.byte(self.at + 1) == b'\n' => self.at += 1,
                b'\r' => self.push_byte(Quoting::Quoted),
                _ => return Ok(()),
            }
        }
    }

    /// A backslash in double quotes: it means something before few characters.
    pub(super) fn quoted_escape(&mut self, also: u8) {
        let length = self.line_break(self.at + 1);
        if length > 0 {
            self.at += 1 + length;
            return;
        }
        let next = self.byte(self.at + 1);
        if matches!(next, b'$' | b'`' | b'\\') || (next == also && also != END) {
            self.at += 1;
        }
        self.push_byte(Quoting::Quoted);
    }

    /// `$'..'`, behind its `$`.
    pub(super) fn ansi_quoted(&mut self) -> Parsed<()> {
        let start = self.at;
        let mut at = start + 1;
        loop {
            match self.byte(at) {
                b'\'' => break,
                b'\\' => at += 2,
                END if at >= self.bytes.len() => {
                    self.at = self.bytes.len();
                    return self.unclosed(start.saturating_sub(1), start + 1, Fault::Quote);
                }
                _ => at += 1,
            }
        }
        let text = decoded(self.raw(start + 1, at));
        self.push_text(&text, Quoting::Quoted);
        self.at = at + 1;
        Ok(())
    }
}

/// How many bytes a character takes, by its first.
fn char_length(first: u8) -> usize {
    match first {
        0xf0..=0xf7 => 4,
        0xe0..=0xef => 3,
        0xc0..=0xdf => 2,
        _ => 1,
    }
}

/// The text of `$'..'`.
fn decoded(raw: &[u8]) -> CompactString {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let Some((escaped, after)) = rest.split_first() else {
            bytes.push(b'\\');
            break;
        };
        rest = after;
        match escaped {
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'r' => bytes.push(b'\r'),
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'e' | b'E' => bytes.push(27),
            b'f' => bytes.push(12),
            b'v' => bytes.push(11),
            b'\\' | b'\'' | b'"' | b'?' => bytes.push(*escaped),
            b'0'..=b'7' => {
                let digits = raw_digits(rest, 8, 2);
                let value = number(&rest[..digits], 8, u32::from(escaped - b'0'));
                bytes.push(value as u8);
                rest = &rest[digits..];
            }
            b'c' => {
                if let Some((control, after)) = rest.split_first() {
                    bytes.push(control & 0x1f);
                    rest = after;
                }
            }
            b'x' | b'u' | b'U' => {
                let most = match escaped {
                    b'x' => 2,
                    b'u' => 4,
                    _ => 8,
                };
                let digits = raw_digits(rest, 16, most);
                let value = number(&rest[..digits], 16, 0);
                rest = &rest[digits..];
                match char::from_u32(value) {
                    _ if digits == 0 => bytes.extend([b'\\', *escaped]),
                    Some(c) if *escaped != b'x' => bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    _ => bytes.push(value as u8),
                }
            }
            other => bytes.extend([b'\\', *other]),
        }
    }
    // A NUL ends the text.
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    CompactString::from_utf8_lossy(&bytes[..end])
}

fn raw_digits(bytes: &[u8], base: u32, most: usize) -> usize {
    bytes.iter().take(most).take_while(|byte| (**byte as char).is_digit(base)).count()
}

fn number(digits: &[u8], base: u32, start: u32) -> u32 {
    digits.iter().fold(start, |value, byte| value.wrapping_mul(base).wrapping_add((*byte as char).to_digit(base).unwrap_or_default()))
}
