//! The map from a script's text to the bytes of the file that holds it.

use memchr::{memchr2, memrchr2};

use super::Span;

/// Maps offsets of a script text to offsets of its file.
///
/// A literal block (`|`) maps byte for byte: one segment a line, since YAML strips the indentation and
/// normalises line ends. A script file, and a one-line scalar without escapes, is one segment. Folded and
/// escaped scalars have no such map: everything in them stands at the whole node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptMap {
    segments: Vec<Segment>,
    whole: Option<Span>,
    /// Where the file ends: a block without a line break at its end has one in its text all the same.
    end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    text: u32,
    file: u32,
}

impl ScriptMap {
    /// The text stands in the file as it is, from `start` on.
    pub fn verbatim(start: usize) -> Self {
        Self { segments: vec![Segment { text: 0, file: start as u32 }], whole: None, end: u32::MAX }
    }

    /// The text has no exact counterpart: every position is the node.
    pub fn whole(node: Span) -> Self {
        Self { segments: Vec::new(), whole: Some(node), end: node.end }
    }

    /// Text that stands in the file in runs: offsets of the text at which one begins, and where it stands in the file,
    /// sorted. `end` is where the file ends.
    pub fn of_points(points: Vec<(u32, u32)>, end: u32) -> Self {
        Self { segments: points.into_iter().map(|(text, file)| Segment { text, file }).collect(), whole: None, end }
    }

    /// Reads a literal block scalar: its text, and the map back to `file`.
    ///
    /// `content` is the span from the first content character to the end of the block, `indent` the columns
    /// that YAML strips, `chomping` what becomes of the line breaks at its end.
    pub fn literal_block(file: &str, content: Span, indent: usize, chomping: Chomping) -> (String, Self) {
        let mut text = String::with_capacity(content.len());
        let mut segments = Vec::new();
        // The text up to the end of the last line that holds something; line breaks after it are chomped.
        let mut kept = 0;
        for (start, end) in block_lines(file.as_bytes(), content, indent) {
            segments.push(Segment { text: text.len() as u32, file: start as u32 });
            text.push_str(file.get(start..end).unwrap_or_default());
            if end > start {
                kept = text.len();
            }
            text.push('\n');
        }
        text.truncate(chomping.length(kept, text.len()));
        (text, Self { segments, whole: None, end: file.len() as u32 })
    }

    /// Whether [`Self::literal_block`] gives this text.
    pub fn is_literal_block(file: &str, content: Span, indent: usize, chomping: Chomping, text: &str) -> bool {
        let (file, text) = (file.as_bytes(), text.as_bytes());
        let (mut at, mut kept) = (0, 0);
        for (start, end) in block_lines(file, content, indent) {
            let line = &file[start..end];
            let line_end = at + line.len();
            if !line.is_empty() {
                if text.get(at..line_end) != Some(line) {
                    return false;
                }
                kept = line_end;
            }
            if text.get(line_end).is_some_and(|byte| *byte != b'\n') {
                return false;
            }
            at = line_end + 1;
        }
        text.len() == chomping.length(kept, at)
    }

    /// The place in the file of a span of the text.
    pub fn to_file(&self, span: Span) -> Span {
        if let Some(node) = self.whole {
            return node;
        }
        let start = self.offset(span.start, false);
        let end = if span.is_empty() { start } else { self.offset(span.end, true) };
        Span { start, end: end.max(start) }
    }

    /// As [`ScriptMap::to_file`], for many spans in about their order: most stand on the line of the one before.
    #[inline]
    pub(crate) fn to_file_near(&self, span: Span, near: &mut Near) -> Span {
        if near.holds(span) { near.to_file(span, self.end) } else { self.move_near(span, near) }
    }

    fn move_near(&self, span: Span, near: &mut Near) -> Span {
        let at = self.segments.partition_point(|segment| segment.text <= span.start).saturating_sub(1);
        if let Some(own) = self.segments.get(at) {
            let to = self.segments.get(at + 1).map_or(u32::MAX, |next| next.text);
            *near = Near { from: own.text, to, file: own.file };
        }
        if near.holds(span) { near.to_file(span, self.end) } else { self.to_file(span) }
    }

    /// Whether positions are exact.
    pub fn is_exact(&self) -> bool {
        self.whole.is_none()
    }

    // An end that falls on the beginning of a line belongs to the line before: there the span ends.
    fn offset(&self, offset: u32, is_end: bool) -> u32 {
        let after = self.segments.partition_point(|segment| if is_end { segment.text < offset } else { segment.text <= offset });
        match self.segments.get(after.saturating_sub(1)) {
            Some(segment) => (segment.file + offset.saturating_sub(segment.text)).min(self.end),
            None => 0,
        }
    }
}

/// The segment of the last span.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Near {
    /// Where it begins in the text, and where the next one does.
    from: u32,
    to: u32,
    /// Where it begins in the file.
    file: u32,
}

impl Near {
    /// Whether a span stands in it as a whole; an end where the next one begins belongs to it.
    #[inline]
    fn holds(self, span: Span) -> bool {
        self.from <= span.start && span.start < self.to && span.end <= self.to
    }

    #[inline]
    fn to_file(self, span: Span, end: u32) -> Span {
        let offset = |offset: u32| (self.file.saturating_add(offset - self.from)).min(end);
        let start = offset(span.start);
        Span { start, end: offset(span.end.max(span.start)) }
    }
}

/// What YAML does with the line breaks at the end of a block scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chomping {
    /// `|`: one is kept.
    Clip,
    /// `|-`: none is kept.
    Strip,
    /// `|+`: all are kept.
    Keep,
}

impl Chomping {
    /// How long a text stays of which so much is kept in any case.
    fn length(self, kept: usize, whole: usize) -> usize {
        match self {
            Self::Keep => whole,
            Self::Clip if kept == 0 => 0,
            Self::Clip => kept + 1,
            Self::Strip => kept,
        }
    }
}

/// Where the lines of a block begin, behind the columns that are stripped, and where they end.
fn block_lines(file: &[u8], content: Span, indent: usize) -> impl Iterator<Item = (usize, usize)> {
    let end = (content.end as usize).min(file.len());
    let mut at = line_start(file, content.start as usize);
    std::iter::from_fn(move || {
        let line = file.get(at..end).filter(|line| !line.is_empty())?;
        let start = at + line.iter().take(indent).take_while(|byte| **byte == b' ').count();
        let line_end = memchr2(b'\n', b'\r', &file[start..end]).map_or(end, |length| start + length);
        at = if line_end == end { end } else { line_end + break_length(file, line_end) };
        Some((start, line_end))
    })
}

/// Where the line of an offset begins.
pub(crate) fn line_start(bytes: &[u8], at: usize) -> usize {
    memrchr2(b'\n', b'\r', &bytes[..at.min(bytes.len())]).map_or(0, |n| n + 1)
}

fn break_length(bytes: &[u8], at: usize) -> usize {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => 2,
        (Some(b'\r' | b'\n'), _) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Chomping, Near, ScriptMap};
    use crate::source::Span;

    #[test]
    fn a_place_is_the_same_whatever_was_asked_before() {
        let file = "script: |\r\n  one\r\n\r\n  two three\n  four";
        let content = Span { start: 13, end: file.len() as u32 };
        let (text, literal) = ScriptMap::literal_block(file, content, 2, Chomping::Clip);
        assert_eq!(text, "one\n\ntwo three\nfour\n");
        let maps = [literal, ScriptMap::verbatim(3), ScriptMap::whole(content), ScriptMap::of_points(vec![(2, 7), (5, 12)], 20)];
        for map in maps {
            let length = text.len() as u32;
            let spans = || (0..=length).flat_map(|start| (start..=length).map(move |end| Span { start, end }));
            let (mut forward, mut backward) = (Near::default(), Near::default());
            for span in spans() {
                assert_eq!(map.to_file_near(span, &mut forward), map.to_file(span), "{span:?} of {map:?}");
            }
            for span in spans().collect::<Vec<_>>().into_iter().rev() {
                assert_eq!(map.to_file_near(span, &mut backward), map.to_file(span), "{span:?} of {map:?}");
            }
        }
    }
}
