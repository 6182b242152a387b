//! Keyed hashes: of secrets, which are never shown, and of webhook calls that are signed.

use hmac::digest::{FixedOutput, KeyInit, Update};
use hmac::{Hmac, Mac, SimpleHmac};
use sha3::Sha3_512;

/// What the service shows in place of a secret: keyed with the ids of what holds it.
pub(super) fn shown(secret: &str, holder: &[&str]) -> String {
    format!("hash:SHA3-512:{}", keyed::<Hmac<Sha3_512>>(holder.join(".").as_bytes(), secret.as_bytes()))
}

/// The signature of a body by one of the API's algorithms.
pub(super) fn signature(algorithm: &str, secret: &str, body: &[u8]) -> Option<String> {
    let sign = match algorithm {
        "md4" => keyed::<SimpleHmac<md4::Md4>>,
        "md5" => keyed::<SimpleHmac<md5::Md5>>,
        "sha1" => keyed::<SimpleHmac<sha1::Sha1>>,
        "sha256" => keyed::<SimpleHmac<sha2::Sha256>>,
        "sha384" => keyed::<SimpleHmac<sha2::Sha384>>,
        "sha512" => keyed::<SimpleHmac<sha2::Sha512>>,
        "sha512_224" => keyed::<SimpleHmac<sha2::Sha512_224>>,
        "sha512_256" => keyed::<SimpleHmac<sha2::Sha512_256>>,
        "ripemd160" => keyed::<SimpleHmac<ripemd::Ripemd160>>,
        _ => return None,
    };
    Some(sign(secret.as_bytes(), body))
}

/// HMAC-SHA256, for tokens.
pub(super) fn sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac =
        <SimpleHmac<sha2::Sha256> as KeyInit>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    Update::update(&mut mac, text);
    mac.finalize_fixed().to_vec()
}

fn keyed<M: Mac + KeyInit + FixedOutput>(key: &[u8], text: &[u8]) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    Mac::update(&mut mac, text);
    mac.finalize_fixed().iter().map(|byte| format!("{byte:02x}")).collect()
}
