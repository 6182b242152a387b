//! Standard input and output: values go in and out byte for byte.

use std::io::{IsTerminal, Read, Write};

use super::error::StoreError;
use super::name::shown;

/// A value from standard input: shell variables and JSON hold no NUL, so neither does a value.
pub(super) fn value_from_input(name: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut input = std::io::stdin().lock();
    if input.is_terminal() {
        return Err(StoreError::usage(format!("`{}` has no value, and standard input is a terminal", shown(name))));
    }
    let mut value = Vec::new();
    input.read_to_end(&mut value).map_err(|error| StoreError::Failed(format!("standard input cannot be read: {error}")))?;
    if value.contains(&0) {
        return Err(StoreError::refused(format!(
            "the value of `{}` holds a NUL byte; variables are text: keep binary data with save_file",
            shown(name)
        )));
    }
    Ok(value)
}

/// Prints bytes as they are.
pub(super) fn print(bytes: &[u8]) -> Result<(), StoreError> {
    let mut output = std::io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| StoreError::Failed(format!("standard output cannot be written: {error}"))),
    }
}

/// Prints a value as it is; only a terminal gets a line end after it.
pub(super) fn print_value(value: &[u8]) -> Result<(), StoreError> {
    print(value)?;
    if std::io::stdout().is_terminal() && !value.ends_with(b"\n") { print(b"\n") } else { Ok(()) }
}

/// Prints names, a line each.
pub(super) fn print_lines(names: &[Vec<u8>]) -> Result<(), StoreError> {
    let mut text = Vec::new();
    for name in names {
        text.extend_from_slice(name);
        text.push(b'\n');
    }
    print(&text)
}
