//! Why something failed, in words and as an exit code.

use sidestage_compiler::emit::EXIT_CODES;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The service failed, or cannot be reached.
    Service,
    /// A command, setting or file is missing or wrong.
    Setting,
    /// The token or the rights do not suffice.
    Rights,
    /// Somebody decided otherwise: the trigger is disabled, or of another kind.
    Decision,
    /// A variable or a repository that the stage needs is missing or wrong.
    Data,
    /// The payload is too large.
    Size,
    /// The webhook took the call, and no run is to be seen.
    Unconfirmed,
    /// An async run has not ended in time.
    TimeOut,
}

impl FailureKind {
    /// Those of the set-up, in the order of their exit codes.
    pub const OF_SET_UP: [Self; 4] = [Self::Service, Self::Setting, Self::Rights, Self::Decision];

    /// What the process ends with: the same as the emitted scripts.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Service => 1,
            Self::Setting => 2,
            Self::Data => 3,
            Self::Rights => 4,
            Self::Decision => 5,
            Self::Size => 6,
            Self::Unconfirmed => 7,
            Self::TimeOut => 8,
        }
    }

    /// The kind in words, as help and documentation say it.
    pub fn meaning(self) -> &'static str {
        EXIT_CODES.iter().find(|known| known.code == self.exit_code()).map_or("", |known| known.meaning)
    }
}

/// What is wrong, why it matters, what to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of thing went wrong.
    pub kind: FailureKind,
    message: String,
    reason: String,
    help: String,
}

impl Failure {
    /// A failure with its message.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
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

impl std::fmt::Display for Failure {
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

impl std::error::Error for Failure {}
