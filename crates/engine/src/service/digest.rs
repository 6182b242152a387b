//! Keyed hashes: signatures of webhook calls, and tokens.

use hmac::SimpleHmac;
use sidestage_runtime::hash::{hex, keyed};

/// The signature of a body by one of the algorithms that are emulated.
pub(super) fn signature(algorithm: &str, secret: &str, body: &[u8]) -> Option<String> {
    let sign = match algorithm {
        "md5" => keyed::<SimpleHmac<md5::Md5>>,
        "sha1" => keyed::<SimpleHmac<sha1::Sha1>>,
        "sha256" => keyed::<SimpleHmac<sha2::Sha256>>,
        "sha384" => keyed::<SimpleHmac<sha2::Sha384>>,
        "sha512" => keyed::<SimpleHmac<sha2::Sha512>>,
        "sha512_224" => keyed::<SimpleHmac<sha2::Sha512_224>>,
        "sha512_256" => keyed::<SimpleHmac<sha2::Sha512_256>>,
        _ => return None,
    };
    Some(hex(&sign(secret.as_bytes(), body)))
}

/// HMAC-SHA256, for tokens.
pub(super) fn sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    keyed::<SimpleHmac<sha2::Sha256>>(key, text)
}
