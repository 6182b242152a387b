//! What the program says: results on standard output, everything else on standard error.

pub(crate) mod markdown;

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU8, Ordering};

use miette::Diagnostic;
use sidestage_compiler::report::{self, Look};

/// Less is no room for a frame, more is hard to read.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=140;

/// The room on standard output.
pub(crate) fn look() -> Look {
    look_of(&std::io::stdout(), anstream::stdout().current_choice())
}

/// The room on standard error.
pub(crate) fn error_look() -> Look {
    look_of(&std::io::stderr(), anstream::stderr().current_choice())
}

fn look_of(stream: &(impl IsTerminal + AsFd), choice: anstream::ColorChoice) -> Look {
    let colours = choice != anstream::ColorChoice::Never;
    if !stream.is_terminal() {
        return Look { colours, ..Look::PLAIN };
    }
    let columns = terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0).clamp(*WIDTHS.start(), *WIDTHS.end()));
    // A terminal that has no colours has no links either.
    Look { columns, links: colours, colours }
}

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
    print_line(&error_look().indented(&format!("error: {reason}"), "", "       "));
}

/// Says it with its place and what to do about it, where they are known.
pub(crate) fn print_diagnostic(error: &dyn Diagnostic) {
    print_line(&report::diagnostic(error, error_look()));
}

/// How much is said beside results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Only results and errors.
    Quiet,
    Usual,
    /// Also what was read.
    Verbose,
}

static VOICE: AtomicU8 = AtomicU8::new(Voice::Usual as u8);

impl Voice {
    /// From now on this much is said.
    pub(crate) fn write_global(self) {
        VOICE.store(self as u8, Ordering::Relaxed);
    }
}

/// Whether only results and errors are said.
pub(crate) fn is_quiet() -> bool {
    VOICE.load(Ordering::Relaxed) == Voice::Quiet as u8
}

/// Whether what was read is said too.
pub(crate) fn is_verbose() -> bool {
    VOICE.load(Ordering::Relaxed) == Voice::Verbose as u8
}

/// Says on standard error what is worth knowing.
pub(crate) fn print_note(text: &str) {
    if is_quiet() {
        return;
    }
    // What follows in lines of its own is a list.
    let (first, list) = text.split_once('\n').unwrap_or((text, ""));
    print_line(&error_look().indented(&format!("note: {first}"), "", "      "));
    if !list.is_empty() {
        print_line(list);
    }
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
