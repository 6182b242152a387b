//! The token of the webhook: never printed, known to others by a keyed hash only.

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha3::Sha3_512;

use super::fault::{Fault, Kind};

/// A secret text. It cannot be printed, and is wiped from memory when it goes.
#[derive(Debug, Clone)]
pub struct Token(SecretString);

impl Token {
    /// Takes a secret text.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// 64 random hexadecimal digits.
    pub(super) fn random() -> Result<Self, Fault> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| Fault::new(Kind::Setting, format!("this machine gives no random bytes: {error}")))?;
        Ok(Self::new(hexadecimal(&bytes)))
    }

    pub(super) fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the service shows in place of the secret, under this key.
    pub(super) fn hash(&self, key: &str) -> String {
        let mut mac =
            <Hmac<Sha3_512> as Mac>::new_from_slice(key.as_bytes()).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(self.reveal().as_bytes());
        format!("{HASH}{}", hexadecimal(&mac.finalize().into_bytes()))
    }
}

/// How a value that the service keeps to itself begins.
pub(super) const HASH: &str = "hash:SHA3-512:";

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use super::Token;

    #[test]
    fn a_token_cannot_be_printed() {
        let shown = format!("{:?}", Token::new("very-secret".to_owned()));
        assert!(!shown.contains("very-secret"), "{shown}");
    }

    #[test]
    fn its_hash_is_what_openssl_gives() {
        use std::io::Write;
        use std::process::{Command, Stdio};
        let mut openssl = Command::new("openssl")
            .args(["dgst", "-sha3-512", "-hmac", "pipeline.trigger"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("openssl: `./test.sh` installs it");
        openssl.stdin.take().expect("a pipe").write_all(b"a token").expect("openssl reads");
        let output = String::from_utf8(openssl.wait_with_output().expect("openssl ends").stdout).expect("text");
        let expected = output.trim().rsplit(' ').next().expect("a digest");
        assert_eq!(Token::new("a token".to_owned()).hash("pipeline.trigger"), format!("hash:SHA3-512:{expected}"));
    }
}
