//! Bytes to text: invalid UTF-8 is reported at its exact byte.

use memchr::memchr;

use super::{Document, YamlError, read};
use crate::source::Span;

/// Reads bytes: their text, and the tree in it. Where the bytes are not text, the tree holds only the reason.
pub fn read_bytes(bytes: Vec<u8>) -> (String, Document) {
    let (text, encoding_error) = decode(bytes);
    let document = match encoding_error {
        Some(error) => Document::unreadable(error),
        None => read(&text),
    };
    (text, document)
}

/// Bytes to text. What is not UTF-8 becomes `?`, byte for byte, so that positions stay exact.
fn decode(bytes: Vec<u8>) -> (String, Option<YamlError>) {
    let error = |at: usize, width: usize, message: &str, label: String, help: &str| {
        let span = Span::new(at, at + width);
        Some(YamlError { span, message: message.to_owned(), label: Some(label), help: Some(help.to_owned()) })
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let text = "?".repeat(bytes.len());
        return (text, error(0, 2, "the file is UTF-16", "the platform reads only UTF-8".to_owned(), "save the file as UTF-8"));
    }
    if let Some(at) = memchr(0, &bytes) {
        let text = bytes[..at].iter().map(|byte| if byte.is_ascii() { *byte as char } else { '?' }).collect();
        return (text, error(at, 0, "the file is binary", "a NUL byte is here".to_owned(), "name a YAML file"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(invalid) => {
            let at = invalid.utf8_error().valid_up_to();
            let bytes = invalid.as_bytes();
            let label = format!("unexpected byte 0x{:02x}", bytes[at]);
            let mut text = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                text.push_str(chunk.valid());
                text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
            }
            (text, error(at, 1, "invalid UTF-8", label, "save the file as UTF-8"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn bytes_that_are_not_text_are_reported_at_their_place() {
        let fault = |bytes: &[u8]| decode(bytes.into()).1.map(|error| (error.span.start, error.label));
        assert_eq!(fault("grüße".as_bytes()), None);
        assert_eq!(fault(b"a: gr\xfc\xdfe"), Some((5, Some("unexpected byte 0xfc".to_owned()))));
        assert_eq!(fault(b"ab\0c").map(|fault| fault.0), Some(2));
        assert_eq!(fault(&[0xff, 0xfe, b'a', 0]).map(|fault| fault.0), Some(0));
        assert_eq!(decode(b"a\xfcb".into()).0, "a?b", "positions stay exact");
    }
}
