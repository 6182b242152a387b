//! Offsets of the text that is parsed to places of its file.

use crate::source::{Near, ScriptMap, Span};

/// Where the text that is parsed stands.
pub(super) struct Place<'a> {
    map: &'a ScriptMap,
    near: Near,
    /// For text from which backslashes were taken: offset here, offset in the script; sorted.
    shifts: &'a [(u32, u32)],
}

impl<'a> Place<'a> {
    pub(super) fn new(map: &'a ScriptMap) -> Self {
        Self { map, near: Near::default(), shifts: &[] }
    }

    /// The place of text that is the script's but for backslashes.
    pub(super) fn shifted<'b>(&self, shifts: &'b [(u32, u32)]) -> Place<'b>
    where
        'a: 'b,
    {
        Place { map: self.map, near: self.near, shifts }
    }

    /// The offset in the script.
    pub(super) fn offset(&self, at: usize) -> usize {
        if self.shifts.is_empty() {
            return at;
        }
        let behind = self.shifts.partition_point(|(own, _)| *own as usize <= at);
        match self.shifts.get(behind.saturating_sub(1)) {
            Some((own, outer)) => *outer as usize + at - *own as usize,
            None => at,
        }
    }

    #[inline]
    pub(super) fn span(&mut self, start: usize, end: usize) -> Span {
        let span = match end {
            _ if self.shifts.is_empty() => Span::new(start, end),
            // Backslashes that were taken away behind it are not its own.
            _ if end > start => Span::new(self.offset(start), self.offset(end - 1) + 1),
            _ => Span::new(self.offset(start), self.offset(start)),
        };
        self.map.to_file_near(span, &mut self.near)
    }
}
