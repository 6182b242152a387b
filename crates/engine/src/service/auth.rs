//! Who may do what: API keys with their roles.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::error::StartError;

/// What a caller may do; each may do what those before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Reads.
    Viewer,
    /// Starts, cancels and repeats runs.
    Operator,
    /// Changes the pipeline.
    Editor,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Operator => "Operator",
            Self::Editor => "Editor",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator, Self::Editor].into_iter().find(|role| role.name().eq_ignore_ascii_case(name))
    }
}

/// A key with fewer characters may be guessed.
const MIN_KEY_LENGTH: usize = 32;

/// The API keys that are known. They cannot be printed.
#[derive(Debug)]
pub struct ApiKeys {
    roles: Vec<(SecretString, Role)>,
}

impl ApiKeys {
    /// Reads a file of keys: one a line, after a blank its role (`editor`, `operator`, `viewer`; without one `editor`).
    /// Empty lines and lines that begin with `#` are left out.
    ///
    /// # Errors
    /// A line with an unknown role, by its number; no key at all.
    pub fn read(text: &str) -> Result<Self, StartError> {
        let mut roles = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let mut words = line.split_whitespace();
            let Some(key) = words.next().filter(|key| !key.starts_with('#')) else { continue };
            let role = words.next().unwrap_or("editor");
            let role = Role::from_name(role)
                .ok_or_else(|| StartError(format!("line {}: there is no role `{role}`; write editor, operator or viewer", index + 1)))?;
            roles.insert(key.to_owned(), role);
        }
        if roles.is_empty() {
            return Err(StartError("it holds no API key; write one a line".to_owned()));
        }
        Ok(Self { roles: roles.into_iter().map(|(key, role)| (SecretString::from(key), role)).collect() })
    }

    /// One more key, with its role.
    pub(crate) fn and(mut self, key: SecretString, role: Role) -> Self {
        self.roles.push((key, role));
        self
    }

    /// One key alone, that may change everything.
    pub(crate) fn editor(key: SecretString) -> Self {
        Self { roles: vec![(key, Role::Editor)] }
    }

    /// Whether a key has fewer than 32 characters, so that it may be guessed.
    pub fn has_short(&self) -> bool {
        self.roles.iter().any(|(key, _)| key.expose_secret().chars().count() < MIN_KEY_LENGTH)
    }

    pub(crate) fn role_of(&self, key: &str) -> Option<Role> {
        self.role_where(|known| is_same(known.as_bytes(), key.as_bytes()))
    }

    /// The role of the key that is meant.
    pub(crate) fn role_where(&self, is_meant: impl Fn(&str) -> bool) -> Option<Role> {
        let known = self.roles.iter().find(|(known, _)| is_meant(known.expose_secret()));
        known.map(|(_, role)| *role)
    }
}

/// Compares secrets in constant time.
pub(crate) fn is_same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}
