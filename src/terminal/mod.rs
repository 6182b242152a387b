//! What the program says: results on standard output, everything else on standard error.

use std::borrow::Cow;
use std::io::Write;

use miette::Diagnostic;
use sidestage_compiler::report;

/// Writes to standard output. A reader that has gone (`| head`) is not a failure.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut out = anstream::stdout();
    // The stream would write what stands between two colours that it takes out by itself.
    let is_plain = out.current_choice() == anstream::ColorChoice::Never;
    let text = if is_plain { Cow::Owned(anstream::adapter::strip_str(text).to_string()) } else { Cow::Borrowed(text) };
    match out.write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Says on standard error what could not be done.
pub(crate) fn print_error(reason: &str) {
    print_line(&format!("error: {reason}"));
}

/// Says it with its place and what to do about it, where they are known.
pub(crate) fn print_diagnostic(error: &dyn Diagnostic) {
    print_line(&report::diagnostic(error));
}

/// Says something on standard error.
pub(crate) fn print_line(text: &str) {
    // Where standard error is gone too, nobody is left to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// `1 finding`, `2 findings`.
pub(crate) fn count(number: usize, name: &str) -> String {
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}
