//! From byte offsets to lines and columns.

use memchr::memchr2_iter;

/// Where a byte stands, as people count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// From 0, in bytes.
    pub offset: usize,
}

/// The offsets at which the lines of a text begin. `\n`, `\r\n` and a lone `\r` end a line, as in YAML.
#[derive(Debug, Clone)]
pub struct LineTable {
    starts: Vec<u32>,
}

impl LineTable {
    /// Scans the text once.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        let ends = memchr2_iter(b'\n', b'\r', bytes).filter(|at| bytes[*at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'));
        starts.extend(ends.map(|at| at as u32 + 1));
        Self { starts }
    }

    /// The position of a byte offset; an offset behind the end gives the end.
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let offset = floor_char_boundary(text, offset.min(text.len()));
        let line = self.starts.partition_point(|start| *start as usize <= offset);
        let line_start = self.line_start(line);
        let before = text.get(line_start..offset).unwrap_or_default();
        let column = before.chars().filter(|c| *c != '\u{feff}').count() + 1;
        Position { line, column, offset }
    }

    /// Offset of the first byte of a line counted from 1; lines behind the end begin at the last one.
    pub fn line_start(&self, line: usize) -> usize {
        let index = line.saturating_sub(1).min(self.starts.len() - 1);
        self.starts[index] as usize
    }

    /// How many lines the text has; a final line break opens one more, empty line.
    pub fn lines(&self) -> usize {
        self.starts.len()
    }
}

fn floor_char_boundary(text: &str, mut offset: usize) -> usize {
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, offset: usize) -> (usize, usize) {
        let position = LineTable::new(text).position(text, offset);
        (position.line, position.column)
    }

    #[test]
    fn columns_count_characters_and_lines_end_in_any_style() {
        assert_eq!(at("ab\ncd", 4), (2, 2));
        assert_eq!(at("ab\r\ncd", 5), (2, 2));
        assert_eq!(at("ab\rcd", 4), (2, 2));
        assert_eq!(at("äö x", 5), (1, 4));
        assert_eq!(at("äö x", 1), (1, 1), "inside a character: its beginning");
        assert_eq!(at("ab", 99), (1, 3), "behind the end: the end");
        assert_eq!(at("\u{feff}ab", 4), (1, 2), "a byte order mark is no column");
    }
}
