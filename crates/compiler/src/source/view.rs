//! A file as the `miette` protocol reads it: over our line table, so that nothing is scanned again.

use std::borrow::Cow;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::Source;

/// A file under the path that the reader knows it by.
#[derive(Debug, Clone)]
pub struct SourceView<'a> {
    /// The file.
    pub source: &'a Source,
    /// Its path as it is written.
    pub path: Cow<'a, str>,
}

impl SourceCode for SourceView<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text: &str = self.source.text();
        let end = span.offset() + span.len();
        if end > text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let table = self.source.line_table();
        let marked = self.source.position(span.offset() as u32);
        let first = marked.line.saturating_sub(lines_before).max(1);
        let last = (self.source.position(end as u32).line + lines_after).min(table.lines());
        // Without lines around it a span is shown alone.
        let start = if lines_before == 0 { span.offset() } else { table.line_start(first) };
        let stop = match lines_after {
            0 => end,
            _ if last == table.lines() => text.len(),
            _ => table.line_start(last + 1),
        };
        let column = if lines_before == 0 { marked.column - 1 } else { 0 };
        let contents = text.as_bytes().get(start..stop).ok_or(MietteError::OutOfBounds)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.path.clone().into_owned(),
            contents,
            SourceSpan::from((start, stop - start)),
            first - 1,
            column,
            last - first + 1,
        )))
    }
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let view = SourceView { source: self, path: Cow::Borrowed(self.path()) };
        let contents = view.read_span(span, lines_before, lines_after)?;
        let range = contents.span().offset()..contents.span().offset() + contents.span().len();
        let data = self.text().as_bytes().get(range).ok_or(MietteError::OutOfBounds)?;
        let (line, column, count) = (contents.line(), contents.column(), contents.line_count());
        Ok(Box::new(MietteSpanContents::new_named(self.path().to_owned(), data, *contents.span(), line, column, count)))
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use miette::SourceCode;

    use crate::source::{Sources, Span};

    #[test]
    fn lines_around_a_span_are_read_with_their_place() {
        let mut sources = Sources::default();
        let file = sources.add("a/b".to_owned(), "one\ntwo three\nfour\n".to_owned().into());
        let read = |word: &str, around| {
            let source = sources.get(file);
            let start = source.text().find(word).expect("a word of the text");
            let span = Span::new(start, start + word.len());
            let contents = source.read_span(&span.into(), around, around).expect("it is inside");
            let text = String::from_utf8_lossy(contents.data()).into_owned();
            (text, contents.line(), contents.column(), contents.name().map(str::to_owned))
        };
        let name = Some("a/b".to_owned());
        assert_eq!(read("three", 0), ("three".to_owned(), 1, 4, name.clone()));
        assert_eq!(read("three", 1), ("one\ntwo three\nfour\n".to_owned(), 0, 0, name.clone()));
        assert_eq!(read("one", 1), ("one\ntwo three\n".to_owned(), 0, 0, name));
        let outside = Span::new(18, 90);
        assert!(sources.get(file).read_span(&outside.into(), 0, 0).is_err());
    }
}
