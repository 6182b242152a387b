//! The token of the webhook: never printed, known to others by a keyed hash only.

use hmac::Hmac;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::failure::{Failure, FailureKind};
use crate::hash;

/// A secret with fewer characters may be guessed.
const MIN_LENGTH: usize = 32;

/// Bytes that nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| Failure::new(FailureKind::Setting, format!("this machine gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// A secret text. It cannot be printed, and is wiped from memory when it goes.
#[derive(Debug, Clone)]
pub struct Token(SecretString);

impl Token {
    /// Takes a secret text.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// 64 random hexadecimal digits.
    pub(crate) fn random() -> Result<Self, Failure> {
        Ok(Self::new(hash::hex(&random_bytes::<32>()?)))
    }

    /// The token that every parent with this API key makes for a trigger: HMAC-SHA-256 under the key, in hexadecimal
    /// digits. Nothing where the key is so short that the token could be guessed.
    pub(crate) fn derived(api_key: &Self, pipeline: &str, trigger: &str) -> Option<Self> {
        let text = format!("sidestage webhook token 1\n{pipeline}\n{trigger}\n");
        let digest = || hash::keyed::<Hmac<Sha256>>(api_key.expose_secret().as_bytes(), text.as_bytes());
        (!api_key.is_short()).then(|| Self::new(hash::hex(&digest())))
    }

    /// Whether anyone may guess it.
    pub(crate) fn is_short(&self) -> bool {
        self.expose_secret().chars().count() < MIN_LENGTH
    }

    pub(crate) fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the service shows in place of the secret.
    pub(crate) fn masked(&self, holder: &[&str]) -> String {
        hash::masked(self.expose_secret(), holder)
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.expose_secret() == other.expose_secret()
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::Token;

    /// What openssl computes under the key.
    fn by_openssl(key: &str, text: &str) -> String {
        let mut openssl = Command::new("openssl")
            .args(["dgst", "-sha256", "-mac", "HMAC", "-macopt"])
            .arg(format!("hexkey:{}", crate::hash::hex(key.as_bytes())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("openssl: `./test.sh` installs it");
        openssl.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("openssl reads");
        let output = String::from_utf8(openssl.wait_with_output().expect("openssl ends").stdout).expect("text");
        output.trim().rsplit(' ').next().expect("a digest").to_owned()
    }

    #[test]
    fn a_derived_token_is_the_hmac_that_openssl_computes() {
        let (short, exact, longer, other) = ("k".repeat(31), "k".repeat(32), "0123456789".repeat(13), "ключ-к-службе-".repeat(4));
        let derived = |key: &str| Token::derived(&Token::new(key.to_owned()), "1-2-3", "Subpipeline Webhook Trigger");
        for key in [&exact, &"k".repeat(64), &"k".repeat(65), &longer, &other] {
            let expected = by_openssl(key, "sidestage webhook token 1\n1-2-3\nSubpipeline Webhook Trigger\n");
            assert_eq!(derived(key).map(|token| token.expose_secret().to_owned()), Some(expected), "{key}");
        }
        // Characters count, not bytes.
        for key in [short, "ключ".repeat(7)] {
            assert!(derived(&key).is_none(), "{key}");
        }
    }

    #[test]
    fn a_token_cannot_be_printed() {
        let shown = format!("{:?}", Token::new("very-secret".to_owned()));
        assert!(!shown.contains("very-secret"), "{shown}");
    }
}
