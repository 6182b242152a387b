//! `${ .. }`, and text that something encloses.

use std::sync::Arc;

use compact_str::CompactString;

use super::super::error::Fault;
use super::super::word::{Expansion, Operator, Part, Quoting, Replaced, Word};
use super::bytes::{END, NAME};
use super::keyword::BRACE;
use super::{Parsed, Parser};

/// Text up to a byte that closes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Enclosed {
    close: u8,
    /// What takes one more `close`.
    nest: u8,
    /// What ends it as well.
    also: u8,
    quoting: Quoting,
    /// How single quotes are read.
    single: Single,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Single {
    /// As quotes.
    Quotes,
    /// As text, though they stand in pairs: nothing between them closes.
    Pairs,
    /// As text.
    Text,
}

impl Enclosed {
    pub(super) fn new(close: u8, nest: u8) -> Self {
        Self { close, nest, also: END, quoting: Quoting::Bare, single: Single::Quotes }
    }

    /// That ends at another byte as well.
    pub(super) fn or(self, also: u8) -> Self {
        Self { also, ..self }
    }

    /// As in double quotes.
    pub(super) fn quoted(close: u8, nest: u8) -> Self {
        Self { close, nest, also: END, quoting: Quoting::Quoted, single: Single::Pairs }
    }
}

impl Parser<'_> {
    /// Reads parts up to what closes them, which is left.
    pub(super) fn enclosed(&mut self, opener: (usize, &str), how: Enclosed) -> Parsed<()> {
        let mut depth = 0_usize;
        let mut quote = None;
        loop {
            let from = self.at;
            let is_special = |byte: u8| {
                matches!(byte, b'\'' | b'"' | b'$' | b'`' | b'\\' | b'<' | b'>' | b'\r' | END)
                    || byte == how.close
                    || byte == how.nest
                    || byte == how.also
            };
            let rest = self.bytes.get(from..).unwrap_or_default();
            let end = from + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len());
            if end > from {
                self.push_run(from, end, how.quoting);
                self.at = end;
            }
            let byte = self.peek();
            match byte {
                END if !self.is_at_end() => self.at += 1,
                END => {
                    let opener = quote.map_or(opener, |at| (at, "'"));
                    let by = match how.close {
                        _ if quote.is_some() => "'",
                        b')' => ")",
                        b']' => "]",
                        _ => "}",
                    };
                    let fault = if by == "'" { Fault::Quote } else { Fault::NeverClosed(opener.1, by) };
                    return self.unclosed(opener.0, opener.0 + opener.1.len(), fault);
                }
                b'\'' if how.single == Single::Quotes => self.single_quoted()?,
                b'\'' => {
                    if how.single == Single::Pairs {
                        quote = if quote.is_some() { None } else { Some(self.at) };
                    }
                    self.push_byte(how.quoting);
                }
                b'"' if quote.is_none() => self.double_quoted()?,
                b'$' => self.dollar(how.quoting)?,
                b'`' if quote.is_none() => self.backquoted(how.quoting)?,
                b'\\' if how.quoting == Quoting::Bare => self.escape(),
                b'\\' => self.quoted_escape(if how.close == b'}' && self.byte(self.at + 1) == b'}' { b'}' } else { b'"' }),
                b'<' | b'>' if how.quoting == Quoting::Bare && self.is_process() => self.process()?,
                _ if quote.is_some() => self.push_byte(how.quoting),
                _ if depth == 0 && (byte == how.close || byte == how.also) => return Ok(()),
                _ => {
                    if byte == how.close {
                        depth -= 1;
                    } else if byte == how.nest {
                        depth += 1;
                    }
                    self.push_byte(how.quoting);
                }
            }
        }
    }

    /// `${ .. }`, at its brace.
    pub(super) fn braced(&mut self, start: usize, quoting: Quoting) -> Parsed<()> {
        self.at += 1;
        // `${name}` is what most are.
        if let Some(end) = self.name_at(self.at)
            && self.byte(end) == b'}'
        {
            let name = self.text(self.at, end);
            self.at = end + 1;
            self.parts.push(Part::Variable(name, quoting));
            return Ok(());
        }
        self.deeper(start, |parser| match parser.peek() {
            b' ' | b'\t' | b'\n' | b'|' => parser.inside(start),
            _ => parser.expansion(start, quoting),
        })
    }

    /// `${ ..; }`, `${| ..; }`.
    fn inside(&mut self, start: usize) -> Parsed<()> {
        let is_reply = self.peek() == b'|';
        if is_reply {
            self.at += 1;
        }
        let block = self.commands(start, if is_reply { "${|" } else { "${" }, |parser| {
            let block = parser.list(BRACE)?;
            let is_closed = parser.peek() == b'}';
            if is_closed {
                parser.at += 1;
            }
            Ok((block, is_closed))
        })?;
        self.parts.push(Part::Inside(Arc::new(block), is_reply));
        Ok(())
    }

    fn expansion(&mut self, start: usize, quoting: Quoting) -> Parsed<()> {
        let opener = (start, "${");
        let is_length = self.peek() == b'#' && self.is_length();
        let is_indirect = self.peek() == b'!' && !matches!(self.byte(self.at + 1), b'}' | b':' | b'-' | b'=' | b'?' | b'+' | b'%' | b'/');
        if is_length || is_indirect {
            self.at += 1;
        }
        let is_star = self.peek() == b'*';
        let name = self.parameter();
        let subscript = self.expansion_subscript(start)?;
        let is_all = subscript.as_ref().is_some_and(|word| word.is("@") || word.is("*"));
        let mut operator = if name.is_empty() { Operator::Unknown } else { self.operator(is_indirect) };
        if is_length {
            operator = Operator::Length;
        } else if is_indirect && is_all && operator == Operator::Get {
            operator = Operator::Keys;
        }
        let operands = self.operands(opener, operator, quoting)?;
        self.at += 1;
        let part = match operator {
            Operator::Get if is_all && !is_indirect => {
                let is_star = subscript.as_ref().is_some_and(|word| word.is("*"));
                if is_star { Part::Joined(name, quoting) } else { Part::All(name, quoting) }
            }
            Operator::Get if !is_indirect && subscript.is_none() && name == "@" => {
                if is_star {
                    Part::Joined(name, quoting)
                } else {
                    Part::All(name, quoting)
                }
            }
            // `${BASH_SOURCE[0]}` is what the name alone gives.
            Operator::Get if !is_indirect && (subscript.is_none() || name == "BASH_SOURCE") => Part::Variable(name, quoting),
            _ => Part::Expansion(Arc::new(Expansion { name, is_indirect, subscript, operator, operands }), quoting),
        };
        self.parts.push(part);
        Ok(())
    }

    /// Whether a `#` begins `${#name}`, and is not the parameter `$#`.
    fn is_length(&self) -> bool {
        let next = self.byte(self.at + 1);
        match next {
            b'@' | b'*' | b'?' | b'-' | b'$' | b'!' | b'#' => self.byte(self.at + 2) == b'}',
            _ => super::bytes::is(next, NAME),
        }
    }

    /// The name, number or character of a parameter.
    fn parameter(&mut self) -> CompactString {
        let start = self.at;
        let end = match self.peek() {
            b'0'..=b'9' => {
                let rest = self.bytes.get(start..).unwrap_or_default();
                start + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
            }
            b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' => start + 1,
            _ => self.name_at(start).unwrap_or(start),
        };
        self.at = end;
        match self.raw(start, end) {
            b"@" | b"*" => "@".into(),
            _ => self.text(start, end),
        }
    }

    fn expansion_subscript(&mut self, start: usize) -> Parsed<Option<Word>> {
        if self.peek() != b'[' || self.at == start + 2 {
            return Ok(None);
        }
        self.subscript().map(Some)
    }

    /// `[subscript]`, at its bracket.
    pub(super) fn subscript(&mut self) -> Parsed<Word> {
        let open = self.at;
        self.at += 1;
        let from = self.at;
        let word = self.word_of(from, |parser| parser.enclosed((open, "["), Enclosed::new(b']', b'[')))?;
        self.at += 1;
        Ok(word)
    }

    fn operator(&mut self, is_indirect: bool) -> Operator {
        let (byte, next) = (self.peek(), self.byte(self.at + 1));
        let colon = byte == b':' && matches!(next, b'-' | b'=' | b'?' | b'+');
        let is_double = byte == next;
        let (operator, length) = match if colon { next } else { byte } {
            b'}' => (Operator::Get, 0),
            b'-' => (Operator::Default { colon }, 1),
            b'=' => (Operator::Assign { colon }, 1),
            b'?' => (Operator::Require { colon }, 1),
            b'+' => (Operator::Alternative { colon }, 1),
            b':' => (Operator::Slice, 1),
            b'#' => (Operator::TrimStart { longest: is_double }, 1 + usize::from(is_double)),
            b'%' => (Operator::TrimEnd { longest: is_double }, 1 + usize::from(is_double)),
            b'/' => match next {
                b'/' => (Operator::Replace(Replaced::All), 2),
                b'#' => (Operator::Replace(Replaced::Start), 2),
                b'%' => (Operator::Replace(Replaced::End), 2),
                _ => (Operator::Replace(Replaced::First), 1),
            },
            b'^' => (Operator::ChangeCase { to_upper: Some(true), all: is_double }, 1 + usize::from(is_double)),
            b',' => (Operator::ChangeCase { to_upper: Some(false), all: is_double }, 1 + usize::from(is_double)),
            b'~' => (Operator::ChangeCase { to_upper: None, all: is_double }, 1 + usize::from(is_double)),
            b'@' | b'*' if is_indirect && next == b'}' => (Operator::Names, 1),
            b'@' if next.is_ascii_alphabetic() && self.byte(self.at + 2) == b'}' => (Operator::Transform(next as char), 2),
            _ => (Operator::Unknown, 0),
        };
        self.at += length + usize::from(colon);
        operator
    }

    /// The words behind an operator, up to the brace.
    fn operands(&mut self, opener: (usize, &str), operator: Operator, quoting: Quoting) -> Parsed<Box<[Word]>> {
        let mut how = Enclosed::new(b'}', END);
        match operator {
            Operator::Get | Operator::Names | Operator::Keys | Operator::Length | Operator::Transform(_) if self.peek() == b'}' => {
                return Ok(Box::default());
            }
            Operator::Replace(_) => how.also = b'/',
            Operator::Slice => how = Enclosed { also: b':', ..Enclosed::quoted(b'}', END) },
            Operator::TrimStart { .. } | Operator::TrimEnd { .. } | Operator::ChangeCase { .. } => {}
            _ if quoting == Quoting::Quoted => {
                how.quoting = Quoting::Quoted;
                how.single = if self.in_document { Single::Text } else { Single::Pairs };
            }
            _ => {}
        }
        let mut words = Vec::new();
        loop {
            let from = self.at;
            // In `${a/\//b}` and `${a//}` the first byte of the pattern is never its end.
            let is_first = words.is_empty() && how.also == b'/' && self.peek() == b'/';
            let word = self.word_of(from, |parser| {
                if is_first {
                    parser.push_byte(how.quoting);
                }
                parser.enclosed(opener, how)
            })?;
            words.push(word);
            if self.peek() == b'}' {
                return Ok(words.into());
            }
            self.at += 1;
            if how.also == b'/' {
                // The rest is the replacement.
                how.also = END;
            }
        }
    }
}
