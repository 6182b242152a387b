//! Secrets in what a stage prints: each becomes `***`, wherever the chunks of its output end.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

/// What stands in the place of a secret.
const MASK: &[u8] = b"***";

/// Shorter values are no secrets that could be hidden: every `1` of a log would go.
pub const SHORTEST: usize = 4;

/// Hides values in a stream of bytes. What might become one is held back until it is known.
#[derive(Default)]
pub(super) struct Masker {
    values: Vec<Vec<u8>>,
    search: Option<AhoCorasick>,
    beginnings: Vec<Beginning>,
    held: Vec<u8>,
}

/// How much of a value the stream ends with, by Knuth, Morris and Pratt: a byte costs the same however long the value is.
struct Beginning {
    value: Vec<u8>,
    /// For each length, the longest shorter beginning that ends there too.
    shorter: Vec<usize>,
    length: usize,
}

impl Beginning {
    fn of(value: &[u8]) -> Self {
        let mut beginning = Self { value: value.to_vec(), shorter: vec![0; value.len() + 1], length: 0 };
        for (end, byte) in value.iter().enumerate().skip(1) {
            beginning.take(*byte);
            beginning.shorter[end + 1] = beginning.length;
        }
        beginning.length = 0;
        beginning
    }

    fn take(&mut self, byte: u8) {
        if self.length == self.value.len() {
            self.length = self.shorter[self.length];
        }
        while self.length > 0 && self.value[self.length] != byte {
            self.length = self.shorter[self.length];
        }
        self.length += usize::from(self.value[self.length] == byte);
    }

    /// As far as more may follow.
    fn open(&self) -> usize {
        if self.length == self.value.len() { self.shorter[self.length] } else { self.length }
    }
}

impl Masker {
    /// Hides these too from now on, and every line of one that has several. What was secret once stays so.
    pub(super) fn add(&mut self, secrets: impl IntoIterator<Item = Vec<u8>>) {
        let mut values = self.values.clone();
        for secret in secrets {
            let lines = secret.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            values.extend(lines.filter(|line| line.len() >= SHORTEST).flat_map(forms));
        }
        values.sort();
        values.dedup();
        if values == self.values {
            return;
        }
        self.beginnings = values.iter().map(|value| Beginning::of(value)).collect();
        // What is held was looked at for other values.
        for byte in &self.held {
            self.beginnings.iter_mut().for_each(|beginning| beginning.take(*byte));
        }
        // A table of all transitions would take a kilobyte for each byte of a secret. It fails only where they have gigabytes.
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        self.search = AhoCorasickBuilder::new().kind(kind).match_kind(MatchKind::LeftmostLongest).build(&values).ok();
        self.values = values;
    }

    /// What may be shown after one more chunk.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(chunk);
        for beginning in &mut self.beginnings {
            for byte in chunk {
                beginning.take(*byte);
            }
        }
        // What ends as a secret begins is held back, and nothing else: who watches waits for no more than that.
        let open = self.beginnings.iter().map(Beginning::open).max().unwrap_or_default();
        let safe = self.held.len().saturating_sub(open);
        self.release(safe)
    }

    /// What is left at the end of the stream.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let all = self.held.len();
        self.release(all)
    }

    fn release(&mut self, safe: usize) -> Vec<u8> {
        if safe == 0 {
            return Vec::new();
        }
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

/// A value as it is, and as traces of bash, JSON and addresses write it.
fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![value.to_vec()];
    if let Ok(text) = std::str::from_utf8(value) {
        let json = serde_json::Value::from(text).to_string();
        let json = json[1..json.len() - 1].to_owned();
        forms.extend([text.replace('\'', "'\\''"), in_ascii(&json), json].map(String::into_bytes));
        // What is left as it is differs between programs, and so does the case of the digits.
        for kept in ["", "-_.~", "-_.~/", "-_.!~*'()", "-_.!~*'();/?:@&=+$,#"] {
            let encoded: String = text.bytes().map(|byte| encoded(byte, kept)).collect();
            let lower: String = text.bytes().map(|byte| encoded_lower(byte, kept)).collect();
            forms.extend([encoded.replace("%20", "+"), lower.replace("%20", "+"), encoded, lower].map(String::into_bytes));
        }
    }
    forms
}

/// A byte of an address.
fn encoded(byte: u8, kept: &str) -> String {
    let is_kept = byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte);
    if is_kept { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

fn encoded_lower(byte: u8, kept: &str) -> String {
    let text = encoded(byte, kept);
    if text.starts_with('%') { text.to_ascii_lowercase() } else { text }
}

/// JSON whose letters are all of ASCII.
fn in_ascii(json: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii() { c.to_string() } else { c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect() }
    };
    json.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secrets: &[&str], text: &str, chunk: usize) -> String {
        let mut masker = Masker::default();
        masker.add(secrets.iter().map(|secret| secret.as_bytes().to_vec()));
        let mut shown = Vec::new();
        for chunk in text.as_bytes().chunks(chunk) {
            shown.extend(masker.push(chunk));
        }
        shown.extend(masker.finish());
        String::from_utf8_lossy(&shown).into_owned()
    }

    #[test]
    fn nothing_is_held_back_that_cannot_become_a_secret() {
        let mut masker = Masker::default();
        masker.add([b"hunter22".to_vec()]);
        assert_eq!(masker.push(b"ready\n"), b"ready\n");
        assert_eq!(masker.push(b"a hunter"), b"a ");
        assert_eq!(masker.push(b"s"), b"hunters");
    }

    #[test]
    fn a_long_and_repetitive_secret_costs_no_more_than_its_length() {
        let long = "k".repeat(200_000);
        let text = format!("{long}{long}k end");
        assert_eq!(masked(&[&long], &text, 4096), "******k end");
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
            (
                &["it's \"so\""],
                "+ x='it'\\''s \"so\"' {\"a\":\"it's \\\"so\\\"\"} ?a=it%27s%20%22so%22",
                "+ x='***' {\"a\":\"***\"} ?a=***",
            ),
            (&["a/b+c d\u{fc}"], "a%2fb%2bc+d%c3%bc a/b%2Bc%20d%C3%BC a/b+c d\\u00fc", "*** *** ***"),
            (&["aabaab", "abaabx"], "aabaabaabaabx aabaa", "******x aabaa"),
            (&[], "nothing", "nothing"),
        ];
        for (secrets, text, expected) in cases {
            for chunk in [1, 2, 3, 5, 8, 13, 4096] {
                assert_eq!(masked(secrets, text, chunk), *expected, "chunks of {chunk}");
            }
        }
    }
}
