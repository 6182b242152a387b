//! Secrets in what a stage prints: each becomes `***`, wherever the chunks of its output end.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

/// What stands in the place of a secret.
const MASK: &[u8] = b"***";

/// Shorter values are no secrets that could be hidden: every `1` of a log would go.
pub const SHORTEST: usize = 4;

/// Hides values in a stream of bytes. What might become one is held back until it is known.
#[derive(Default)]
pub(super) struct Masker {
    values: Vec<Vec<u8>>,
    search: Option<AhoCorasick>,
    longest: usize,
    held: Vec<u8>,
}

impl Masker {
    /// Hides these from now on, and every line of one that has several.
    pub(super) fn set(&mut self, secrets: impl IntoIterator<Item = Vec<u8>>) {
        let mut values: Vec<Vec<u8>> = Vec::new();
        for secret in secrets {
            let lines = secret.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec());
            values.extend(lines.filter(|line| line.len() >= SHORTEST));
        }
        values.sort();
        values.dedup();
        if values == self.values {
            return;
        }
        self.longest = values.iter().map(Vec::len).max().unwrap_or_default();
        // Fails only where the patterns have gigabytes.
        self.search = AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostLongest).build(&values).ok();
        self.values = values;
    }

    /// What may be shown after one more chunk.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(chunk);
        self.release(self.held.len() - self.unfinished())
    }

    /// The length of the end that may still become a secret: it is how one begins. All else is shown at once, so that a log
    /// can be followed.
    fn unfinished(&self) -> usize {
        let most = self.held.len().min(self.longest.saturating_sub(1));
        let begins_one = |tail: &[u8]| {
            let at = self.values.partition_point(|value| value.as_slice() < tail);
            self.values.get(at).is_some_and(|value| value.starts_with(tail))
        };
        (1..=most).rev().find(|length| begins_one(&self.held[self.held.len() - length..])).unwrap_or_default()
    }

    /// What is left at the end of the stream.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let all = self.held.len();
        self.release(all)
    }

    fn release(&mut self, safe: usize) -> Vec<u8> {
        let mut shown = Vec::with_capacity(safe);
        let mut from = 0;
        for found in self.search.iter().flat_map(|search| search.find_iter(&self.held)) {
            if found.start() >= safe {
                break;
            }
            shown.extend_from_slice(&self.held[from..found.start()]);
            shown.extend_from_slice(MASK);
            from = found.end();
        }
        let end = safe.max(from);
        shown.extend_from_slice(&self.held[from..end]);
        self.held.drain(..end);
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secrets: &[&str], text: &str, chunk: usize) -> String {
        let mut masker = Masker::default();
        masker.set(secrets.iter().map(|secret| secret.as_bytes().to_vec()));
        let mut shown = Vec::new();
        for chunk in text.as_bytes().chunks(chunk) {
            shown.extend(masker.push(chunk));
        }
        shown.extend(masker.finish());
        String::from_utf8_lossy(&shown).into_owned()
    }

    #[test]
    fn only_what_may_become_a_secret_is_held_back() {
        let mut masker = Masker::default();
        masker.set([b"hunter22-and-more".to_vec()]);
        assert_eq!(masker.push(b"a line\n"), b"a line\n");
        assert_eq!(masker.push(b"key: hunter22-"), b"key: ");
        assert_eq!(masker.push(b"and-less h"), b"hunter22-and-less ");
        assert_eq!(masker.push(b"unter22-and-more"), b"***");
    }

    #[test]
    fn secrets_are_hidden_wherever_chunks_end() {
        let cases: &[(&[&str], &str, &str)] = &[
            (&["hunter22"], "a hunter22 b hunter2 c", "a *** b hunter2 c"),
            (&["abcd", "abcdefgh"], "abcdefgh abcd abcdefg", "*** *** ***efg"),
            (&["aaaa"], "aaaaaaaaa", "******a"),
            (&["first line\nsecond line"], "second line, first line", "***, ***"),
            (&["123"], "123 is too short", "123 is too short"),
            (&["pässword"], "xpässwordx", "x***x"),
            (&[], "nothing", "nothing"),
        ];
        for (secrets, text, expected) in cases {
            for chunk in [1, 2, 3, 5, 8, 13, 4096] {
                assert_eq!(masked(secrets, text, chunk), *expected, "chunks of {chunk}");
            }
        }
    }
}
