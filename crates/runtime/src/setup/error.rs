//! Why a set-up failed.

use sidestage_compiler::emit::EXIT_CODES;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The service failed, or cannot be reached.
    Service,
    /// A command, setting or file is missing or wrong.
    Setting,
    /// The token or the rights do not suffice.
    Rights,
    /// Somebody decided otherwise: the trigger is disabled, or of another kind.
    Decision,
}

impl ErrorKind {
    /// All kinds, in the order of their exit codes.
    pub const ALL: [Self; 4] = [Self::Service, Self::Setting, Self::Rights, Self::Decision];

    /// What the process ends with: the same as `setup-webhook.sh`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Service => 1,
            Self::Setting => 2,
            Self::Rights => 4,
            Self::Decision => 5,
        }
    }

    /// The kind in words, as help and documentation say it.
    pub fn meaning(self) -> &'static str {
        EXIT_CODES.iter().find(|known| known.code == self.exit_code()).map_or("", |known| known.meaning)
    }
}

/// What is wrong, why it matters, what to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupError {
    /// What kind of thing went wrong.
    pub kind: ErrorKind,
    message: String,
    reason: String,
    help: String,
}

impl SetupError {
    /// An error with its message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), reason: String::new(), help: String::new() }
    }

    /// Says why it matters.
    #[must_use]
    pub fn reason(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }
}

impl std::fmt::Display for SetupError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)?;
        for line in [&self.reason, &self.help] {
            if !line.is_empty() {
                write!(formatter, "\n  {line}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for SetupError {}
