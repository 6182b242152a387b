//! A file and a range in it, as every JSON format writes them.

use serde::Serialize;

use super::{Location, Sources};

/// A file of the repository and a range in it: lines and columns from 1, columns in characters, offsets in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    file: String,
    range: Range,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Range {
    start: Point,
    end: Point,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Point {
    line: usize,
    column: usize,
    offset: usize,
}

impl Place {
    /// The place of a location.
    pub fn new(sources: &Sources, at: Location) -> Self {
        let source = sources.get(at.file);
        let point = |offset| {
            let position = source.position(offset);
            Point { line: position.line, column: position.column, offset: position.offset }
        };
        Self { file: source.path().to_owned(), range: Range { start: point(at.span.start), end: point(at.span.end) } }
    }

    /// The same place with its file written as `show` says.
    #[must_use]
    pub fn shown(self, show: impl FnOnce(&str) -> String) -> Self {
        Self { file: show(&self.file), ..self }
    }

    /// What places are sorted by.
    pub fn key(&self) -> (&str, usize) {
        (&self.file, self.range.start.offset)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.range.start.line, self.range.start.column)
    }
}
