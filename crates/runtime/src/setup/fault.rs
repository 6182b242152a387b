//! Why a set-up could not be done.

/// What kind of thing went wrong; the exit codes are those of `setup-webhook.sh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The service failed, or cannot be reached.
    Service,
    /// A command, setting or file is missing or wrong.
    Setting,
    /// The token or the rights do not suffice.
    Rights,
    /// Somebody decided otherwise: the trigger is disabled, or of another kind.
    Decision,
}

impl Kind {
    /// What the process ends with.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Service => 1,
            Self::Setting => 2,
            Self::Rights => 4,
            Self::Decision => 5,
        }
    }
}

/// What is wrong, why it matters, what to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of thing went wrong.
    pub kind: Kind,
    what: String,
    why: String,
    remedy: String,
}

impl Fault {
    pub(super) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), why: String::new(), remedy: String::new() }
    }

    /// A fault that says all in its first lines.
    pub fn refused(kind: Kind, what: String) -> Self {
        Self::new(kind, what)
    }

    pub(super) fn because(self, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..self }
    }

    pub(super) fn so(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.what)?;
        for line in [&self.why, &self.remedy] {
            if !line.is_empty() {
                write!(formatter, "\n  {line}")?;
            }
        }
        Ok(())
    }
}
