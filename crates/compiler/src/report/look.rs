//! How reports are fitted to where they are read.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

/// Frames are cut to this where no terminal says another width.
const FRAME: usize = 120;
/// What the renderer does not count: numbers of lines.
const NUMBERS: usize = 8;
/// Text has at least this room.
const MIN_TEXT: usize = 20;

/// The room for a report, and whether it can have links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal; where nobody looks, nothing is wrapped.
    pub columns: Option<usize>,
    /// Whether the names of rules lead to their pages (OSC 8).
    pub links: bool,
    /// Whether colours are kept: where none are, they are not drawn only to be taken out again.
    pub colours: bool,
}

impl Look {
    /// For files and pipes: frames of a fixed width, text in one line, no links, no colours.
    pub const PLAIN: Self = Self { columns: None, links: false, colours: false };

    /// The width of frames.
    pub(crate) fn frame(self) -> usize {
        self.columns.map_or(FRAME, |columns| columns.saturating_sub(NUMBERS))
    }

    /// A text in lines that have room beside something of this width.
    pub(crate) fn wrapped(self, text: &str, beside: usize) -> Cow<'_, str> {
        match self.columns {
            None => Cow::Borrowed(text),
            Some(columns) => Cow::Owned(textwrap::fill(text, options(columns.saturating_sub(beside).max(MIN_TEXT)))),
        }
    }

    /// A text in lines, each of which begins with these words.
    pub fn indented(self, text: &str, first: &str, rest: &str) -> String {
        let columns = self.columns.unwrap_or(usize::MAX);
        textwrap::fill(text, options(columns).initial_indent(first).subsequent_indent(rest))
    }

    /// Whether a text fits into the rest of a line.
    pub(crate) fn fits(self, text: &str, beside: usize) -> bool {
        self.columns.is_none_or(|columns| text.width() + beside <= columns)
    }
}

/// Names are never parted, neither at their hyphens nor where they are too long.
fn options<'a>(columns: usize) -> textwrap::Options<'a> {
    textwrap::Options::new(columns).break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation)
}

#[cfg(test)]
mod tests {
    use super::Look;

    #[test]
    fn text_is_wrapped_between_words_and_only_for_terminals() {
        let look = |columns| Look { columns, ..Look::PLAIN };
        let text = "add `export_env \"app-url\"` before the trigger";
        assert_eq!(look(Some(50)).wrapped(text, 16), "add `export_env \"app-url\"` before\nthe trigger");
        assert_eq!(look(Some(30)).wrapped("`a-very-long-name-of-a-stage` is missing", 4), "`a-very-long-name-of-a-stage`\nis missing");
        assert_eq!(look(None).wrapped(text, 16), text);
        assert_eq!(look(Some(24)).indented("one two three four five", "note: ", "      "), "note: one two three four\n      five");
        assert!(look(Some(20)).fits("ten letter", 10) && !look(Some(20)).fits("ten letters", 10) && look(None).fits("any", 900));
    }
}
