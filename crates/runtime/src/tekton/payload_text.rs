//! A payload as the value of a parameter: base64, of gzip where it would not fit otherwise.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sidestage_compiler::platform::tekton::MAX_PAYLOAD_TEXT;

/// How a file of gzip begins.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Nothing that was packed here is larger.
const MOST_UNPACKED: u64 = 64 << 20;

/// The text of a payload; its length where it is too long also when it is packed.
pub(super) fn written(payload: &str) -> Result<String, usize> {
    let plain = STANDARD.encode(payload);
    if plain.len() <= MAX_PAYLOAD_TEXT {
        return Ok(plain);
    }
    let packed = STANDARD.encode(packed(payload.as_bytes()));
    if packed.len() <= MAX_PAYLOAD_TEXT { Ok(packed) } else { Err(packed.len()) }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// The payload of a text.
pub(super) fn read(text: &str) -> Result<String, String> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| "it is not base64".to_owned())?;
    let bytes = if bytes.starts_with(&MAGIC) { unpacked(&bytes)? } else { bytes };
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).take(MOST_UNPACKED).read_to_end(&mut plain).map_err(|error| format!("it cannot be unpacked: {error}"))?;
    Ok(plain)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that panics has failed, as it should
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_packed_only_where_it_would_not_fit() {
        let small = "{\"a\":\"é $(date)\\n\"}";
        assert_eq!(written(small).unwrap(), STANDARD.encode(small));
        let long = "x".repeat(98_289);
        assert_eq!(written(&long).unwrap().len(), 131_052);
        let longer = "x".repeat(98_290);
        assert!(written(&longer).unwrap().len() < 1_000);
        for payload in [small, &long, &longer] {
            assert_eq!(read(&written(payload).unwrap()).unwrap(), payload);
        }
    }

    #[test]
    fn what_does_not_compress_is_too_long() {
        let mut state = 7_u64;
        let noise: String = (0..200_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap_or_default())
            })
            .collect();
        assert!(written(&noise).unwrap_err() > MAX_PAYLOAD_TEXT);
    }

    #[test]
    fn what_is_no_payload_is_said() {
        assert!(read("not base64!").is_err());
        assert!(read(&STANDARD.encode([0x1f, 0x8b, 0, 0])).is_err());
        assert!(read(&STANDARD.encode([0xff, 0xfe])).is_err());
    }
}
