//! The command line: one file a command. Everything that touches the machine is below this folder.

mod arguments;
mod baseline;
mod build;
mod check;
mod disk;
mod explain;
mod fix;
mod load;
mod plan;
mod project;
mod schema;
mod settings;

// What needs HTTP; without it both commands stay, and say why they cannot work.
#[cfg(feature = "http")]
mod apply;
#[cfg(feature = "http")]
mod serve;
#[cfg(not(feature = "http"))]
mod without_http;
#[cfg(not(feature = "http"))]
use without_http::{apply, serve};

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Nothing at error level.
    Clean,
    /// Findings at error level.
    Findings,
    /// The command could not do its work.
    Failed,
    /// The webhook could not be set up; the exit code says why.
    SetUp(u8),
}

/// Why a command could not do its work: what, and what to do about it.
#[derive(Debug)]
struct Failure(String);

impl<T: std::fmt::Display> From<T> for Failure {
    fn from(reason: T) -> Self {
        Self(reason.to_string())
    }
}

/// Scripts may be nested deeply; the analysis follows them on the stack.
const STACK: usize = 256 << 20;

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Command::Pipelinectl { arguments } = arguments.command {
        return sidestage_runtime::pipelinectl::main(arguments);
    }
    arguments.color.write_global();
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || run(arguments.command));
    let exit = match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(exit))) => exit,
        Ok(Ok(Err(Failure(reason)))) => {
            complain(&reason);
            Exit::Failed
        }
        Ok(Err(_)) => {
            complain("this is a bug in sidestage; please report it with the message above and the file that brings it about");
            Exit::Failed
        }
        Err(reason) => {
            complain(&format!("no thread could be started: {reason}"));
            Exit::Failed
        }
    };
    ExitCode::from(match exit {
        Exit::Clean => 0,
        Exit::Findings => 1,
        Exit::Failed => 2,
        Exit::SetUp(code) => code,
    })
}

fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        // It was answered before: it needs no deep stack, and has exit codes of its own.
        Command::Pipelinectl { .. } => Ok(Exit::Clean),
        Command::Apply(arguments) => apply::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Plan(arguments) => plan::plan(&arguments),
        Command::Graph(arguments) => plan::graph(&arguments),
        Command::Rules => explain::rules(),
        Command::Explain { rule } => explain::explain(&rule),
        Command::Schema { name } => schema::run(name.as_deref()),
    }
}

/// Writes to standard output. A reader that has gone (`| head`) is no failure.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure(format!("standard output cannot be written: {error}"))),
    }
}

/// Says on standard error what could not be done.
fn complain(reason: &str) {
    note(&format!("error: {reason}"));
}

/// Says something on standard error.
fn note(text: &str) {
    use std::io::Write;
    // Where standard error is gone too, nobody is left to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
}
