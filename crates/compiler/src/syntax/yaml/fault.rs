//! What is wrong where a file is not YAML, in words of our own for the commonest faults.

use granit_parser::{ErrorKind, ScanError};

use super::YamlError;
use crate::source::{Span, line_start};

/// The title of every syntax error.
const INVALID: &str = "invalid YAML";

/// A text, and how far it was understood.
pub(super) struct Understood<'a> {
    pub(super) text: &'a str,
    /// The end of the last thing that was understood.
    pub(super) end: usize,
    /// The content of the last value, where that is a block (`|`, `>`).
    pub(super) block: Option<Span>,
    /// Where the innermost list or mapping in brackets begins that is still open.
    pub(super) bracket: Option<usize>,
}

/// A place with its label and its help.
type Fault = (Span, String, Option<&'static str>);

/// Says what is wrong, where the cause is.
pub(super) fn explain(understood: &Understood<'_>, error: &ScanError) -> YamlError {
    let at = error.marker().byte_offset().unwrap_or(understood.text.len()).min(understood.text.len());
    let found = understood
        .conflict(at)
        .or_else(|| understood.tab(at, error.kind()))
        .or_else(|| understood.quote(at, error))
        .or_else(|| understood.bracket(error.kind()))
        .or_else(|| understood.by_kind(at, error.kind()));
    let (span, label, help) = found.unwrap_or_else(|| (understood.character(at), error.info().clone(), None));
    YamlError { span, message: INVALID.to_owned(), label: Some(label), help: help.map(str::to_owned) }
}

impl Understood<'_> {
    /// The character at an offset; nothing at the end of a line.
    fn character(&self, at: usize) -> Span {
        let width = self.text[at..].chars().next().filter(|c| *c != '\n' && *c != '\r').map_or(0, char::len_utf8);
        Span::new(at, at + width)
    }

    /// The line that an offset is in, without its line break.
    fn line(&self, at: usize) -> (usize, &str) {
        let start = line_start(self.text.as_bytes(), at);
        (start, self.text[start..].lines().next().unwrap_or_default())
    }

    /// The nearest line before the one that begins at an offset that is not blank.
    fn line_before(&self, start: usize) -> Option<(usize, &str)> {
        let mut start = start;
        while start > 0 {
            let (before, line) = self.line(start - 1);
            if !line.trim().is_empty() {
                return Some((before, line));
            }
            start = before;
        }
        None
    }

    fn whole_line(&self, at: usize) -> Span {
        let (start, line) = self.line(at);
        let indent = line.len() - line.trim_start().len();
        Span::new(start + indent, start + line.trim_end().len().max(indent))
    }

    fn conflict(&self, at: usize) -> Option<Fault> {
        let is_marker = |line: &str| ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark));
        let (start, line) = self.line(at);
        let above = self.line_before(start);
        let marked = [Some((start, line)), above].into_iter().flatten().find(|(_, line)| is_marker(line))?;
        let help = "keep one of the two sides and remove the lines with the markers";
        Some((self.whole_line(marked.0), "this is a marker of a merge conflict".to_owned(), Some(help)))
    }

    fn tab(&self, at: usize, kind: &ErrorKind) -> Option<Fault> {
        let tab = if *kind == ErrorKind::TabAtBlockScalarStart {
            self.indenting_tab(at, self.text.len(), usize::MAX)
        } else {
            let is_tab = self.text[at..].starts_with('\t') || self.text[..at].ends_with('\t');
            let first = at - self.text[..at].bytes().rev().take_while(|byte| *byte == b'\t').count();
            is_tab.then_some(first).or_else(|| {
                // A line that only holds a tab ends a block: what follows makes no sense.
                let block = self.block?;
                let indent = block.start as usize - line_start(self.text.as_bytes(), block.start as usize);
                self.indenting_tab(block.start as usize, at, indent)
            })
        };
        Some((self.character(tab?), "a tab in the indentation".to_owned(), Some("indent with spaces: YAML does not allow tabs there")))
    }

    /// The first tab of a line after the one at `from` that has fewer spaces before it than a block is indented.
    fn indenting_tab(&self, from: usize, to: usize, indent: usize) -> Option<usize> {
        let mut start = from + self.text[from..].find('\n')? + 1;
        while start < to {
            let (_, line) = self.line(start);
            let spaces = line.len() - line.trim_start_matches(' ').len();
            if spaces < indent && line[spaces..].starts_with('\t') {
                return Some(start + spaces);
            }
            start += self.text[start..].find('\n')? + 1;
        }
        None
    }

    fn quote(&self, at: usize, error: &ScanError) -> Option<Fault> {
        let is_after = matches!(error.kind(), ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar);
        let between = self.text.get(self.end..at).unwrap_or_default();
        let quote = self.end + between.find(['"', '\'']).filter(|_| error.info().contains("quoted scalar"))?;
        let rest = &self.text[quote + 1..];
        let closed = rest.find(&self.text[quote..=quote]).filter(|length| is_after && !rest[..*length].contains('\n'));
        Some(match closed {
            Some(length) => {
                let after = quote + length + 2;
                let text = self.text[after..].lines().next().unwrap_or_default().trim_end();
                let start = after + text.len() - text.trim_start().len();
                let help = "put all of the value inside the quotes, or use a block: `|` and the text on the next line";
                (Span::new(start, after + text.len()), "the value has ended with the quote before this".to_owned(), Some(help))
            }
            // A quote that is never closed is noticed only where the text after it makes no sense.
            _ => (self.character(quote), "this quote is never closed".to_owned(), Some("close it, or write the string without quotes")),
        })
    }

    fn bracket(&self, kind: &ErrorKind) -> Option<Fault> {
        let start = self.bracket.filter(|_| !matches!(kind, ErrorKind::UnexpectedCharacter { .. } | ErrorKind::RecursionLimitExceeded))?;
        let (open, close) = if self.text[start..].starts_with('{') { ('{', '}') } else { ('[', ']') };
        let help = if close == '}' { "close it with `}`" } else { "close it with `]`" };
        Some((self.character(start), format!("this `{open}` is never closed, or a comma is missing in it"), Some(help)))
    }

    fn by_kind(&self, at: usize, kind: &ErrorKind) -> Option<Fault> {
        let quote_it = "put the value in quotes, or in a block: `|` and the text on the next line";
        Some(match kind {
            ErrorKind::RecursionLimitExceeded => {
                (self.character(at), "nested too deeply".to_owned(), Some("values may be nested 255 deep"))
            }
            ErrorKind::SimpleKeyExpected if self.block.is_some() => {
                let label = "indented less than the block before it, so it is not part of it".to_owned();
                (self.whole_line(at), label, Some("indent this line, and those after it, like the block"))
            }
            ErrorKind::SimpleKeyExpected => (self.whole_line(at), "a key without a colon".to_owned(), Some("write `key: value`")),
            ErrorKind::MappingValueNotAllowed => self.colon(at, quote_it),
            ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry | ErrorKind::InvalidIndentation => {
                let label = "the indentation of this line fits no level above it".to_owned();
                (self.whole_line(at), label, Some("indent it exactly like the other entries of its level"))
            }
            ErrorKind::UnknownQuotedScalarEscape => {
                let help = "use single quotes, or double the backslash";
                (self.character(at), "a backslash in this string begins no escape that YAML knows".to_owned(), Some(help))
            }
            ErrorKind::BlockSequenceEntryNotAllowed => {
                let help = "put each `- item` on a line of its own, or write the list in brackets: `[a, b]`";
                (self.character(at), "a list cannot begin in the line of its key".to_owned(), Some(help))
            }
            ErrorKind::InvalidBlockScalarHeader => (
                self.character(at),
                "no text can follow `|` or `>` in its line".to_owned(),
                Some("begin the text on the next line, indented"),
            ),
            ErrorKind::UnexpectedCharacter { character } if character.is_control() => {
                // In a block the parser stops at the beginning of its line, or of the whole block.
                let is_one = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t' | '\u{85}');
                let place = self.text[at..].find(is_one).map_or(at, |offset| at + offset);
                let found = self.text[place..].chars().next().unwrap_or(*character);
                (self.character(place), format!("the control character U+{:04X}", u32::from(found)), Some("remove it"))
            }
            ErrorKind::UnexpectedCharacter { character } => {
                (self.character(at), format!("no value can begin with `{character}`"), Some(quote_it))
            }
            _ => return None,
        })
    }

    /// A colon that makes a key where none can be.
    fn colon(&self, at: usize, quote_it: &'static str) -> Fault {
        let (start, line) = self.line(at);
        let before = self.text.get(start..at).unwrap_or_default();
        if before.contains(": ") {
            return (self.character(at), "a colon and a space cannot be in a value without quotes".to_owned(), Some(quote_it));
        }
        let indent = |line: &str| line.len() - line.trim_start().len();
        match self.line_before(start) {
            Some((above, text)) if !text.contains(": ") && !text.trim_end().ends_with(':') => match text.find(':') {
                Some(colon) => (
                    self.character(above + colon),
                    "no space follows this colon, so it makes no key".to_owned(),
                    Some("write `key: value`"),
                ),
                None => (self.whole_line(above), "a key without a colon".to_owned(), Some("write `key: value`")),
            },
            Some((_, text)) if indent(line) > indent(text) => {
                let label = "indented more than the line above, which has a value already".to_owned();
                (self.whole_line(at), label, Some("indent it exactly like the other entries of its level"))
            }
            _ => (self.character(at), "a key cannot be here".to_owned(), Some(quote_it)),
        }
    }
}
