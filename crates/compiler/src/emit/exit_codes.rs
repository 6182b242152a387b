//! The exit codes of the emitted scripts and of the commands that do the same: one table for all, and for the page.

use serde::Serialize;

/// How a script can end.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ExitCode {
    /// The code.
    pub code: u8,
    /// What it means.
    pub meaning: &'static str,
}

/// All of them.
pub const EXIT_CODES: &[ExitCode] = &[
    ExitCode { code: 0, meaning: "it is done: all is set up, the run was accepted, the list is complete" },
    ExitCode { code: 1, meaning: "the service failed, cannot be reached, or refused the run" },
    ExitCode { code: 2, meaning: "a command, setting, stage or file is missing or wrong" },
    ExitCode { code: 3, meaning: "a variable or repository that the stage needs is missing or wrong, or its payload is" },
    ExitCode { code: 4, meaning: "the token, the key or the rights do not suffice; a repository cannot be cloned" },
    ExitCode { code: 5, meaning: "the trigger is disabled, or is of another kind: that is for people to decide" },
    ExitCode { code: 6, meaning: "the payload is too large" },
    ExitCode { code: 7, meaning: "the webhook took the call, but no run is to be seen" },
    ExitCode { code: 8, meaning: "with --wait: the time is over, and a run has not ended" },
];
