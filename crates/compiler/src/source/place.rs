//! A file and a range in it, as every JSON format writes them.

use serde::Serialize;

use super::{Location, Sources};

/// A file and a range in it: lines and columns from 1, columns in characters, offsets in bytes.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    file: String,
    range: Range,
}

#[derive(Debug, Clone, Serialize)]
struct Range {
    start: Point,
    end: Point,
}

#[derive(Debug, Clone, Serialize)]
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
