//! Why a command failed.

use std::io::Write;

/// What is wrong, and how bad that is.
#[derive(Debug)]
pub(super) enum StoreError {
    /// The arguments are wrong.
    Usage(String),
    /// What is asked for is not there, or not allowed.
    Refused(String),
    /// The store, or a file, cannot be read or written.
    Failed(String),
}

impl StoreError {
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }

    pub(super) fn io(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Failed(format!("{} cannot be {what}: {error}", path.display()))
    }

    /// Wrong arguments are answered with the right ones.
    pub(super) fn of_command(self, name: &str, synopsis: &str) -> Self {
        match self {
            Self::Usage(text) => Self::Usage(format!("{text}\nType: {name} {synopsis}")),
            other => other,
        }
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Refused(_) => 1,
            Self::Failed(_) => 2,
        }
    }

    /// Says on standard error which command failed, and why.
    pub(super) fn print_error(&self, command: Option<&[u8]>) {
        let command = String::from_utf8_lossy(command.unwrap_or(b"pipelinectl"));
        let (Self::Usage(text) | Self::Refused(text) | Self::Failed(text)) = self;
        // Where standard error is closed too, the exit code must do.
        let _ = writeln!(std::io::stderr(), "{command}: {text}");
    }
}
