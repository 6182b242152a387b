//! The token of the webhook: never printed, known to others by a keyed hash only.

use secrecy::{ExposeSecret, SecretString};

use super::error::{ErrorKind, SetupError};
use crate::hash;

/// A secret text. It cannot be printed, and is wiped from memory when it goes.
#[derive(Debug, Clone)]
pub struct Token(SecretString);

impl Token {
    /// Takes a secret text.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// 64 random hexadecimal digits.
    pub(super) fn random() -> Result<Self, SetupError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| SetupError::new(ErrorKind::Setting, format!("this machine gives no random bytes: {error}")))?;
        Ok(Self::new(hash::hex(&bytes)))
    }

    pub(super) fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the service shows in place of the secret.
    pub(super) fn masked(&self, holder: &[&str]) -> String {
        hash::masked(self.expose_secret(), holder)
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn a_token_cannot_be_printed() {
        let shown = format!("{:?}", Token::new("very-secret".to_owned()));
        assert!(!shown.contains("very-secret"), "{shown}");
    }
}
