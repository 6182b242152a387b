//! The script files and their commands.

pub(super) mod invalid_shell;
pub(super) mod missing_script;
pub(super) mod suspicious_command;
