//! Keyed hashes, and bytes as hexadecimal digits.

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha3::Sha3_512;

/// How a value begins that the service shows in place of a secret.
pub const MASK: &str = "hash:SHA3-512:";

/// What the service shows in place of a secret: a hash that is keyed with the ids of what holds it.
pub fn masked(secret: &str, holder: &[&str]) -> String {
    format!("{MASK}{}", hex(&keyed::<Hmac<Sha3_512>>(holder.join(".").as_bytes(), secret.as_bytes())))
}

/// The keyed hash of a text.
pub fn keyed<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// The SHA-256 of bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex(&sha2::Sha256::digest(bytes))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_masked_secret_is_the_hash_that_openssl_computes() {
        let mut openssl = Command::new("openssl")
            .args(["dgst", "-sha3-512", "-hmac", "pipeline.trigger"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("openssl: `./test.sh` installs it");
        openssl.stdin.take().expect("a pipe").write_all(b"a token").expect("openssl reads");
        let output = String::from_utf8(openssl.wait_with_output().expect("openssl ends").stdout).expect("text");
        let expected = output.trim().rsplit(' ').next().expect("a digest");
        assert_eq!(masked("a token", &["pipeline", "trigger"]), format!("hash:SHA3-512:{expected}"));
    }

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex(&[0, 1, 0xab, 0xff]), "0001abff");
    }
}
