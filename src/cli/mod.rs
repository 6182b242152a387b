//! The command line: one file a command.

mod arguments;
mod baseline;
mod build;
mod check;
mod error;
mod explain;
mod fix;
mod graph;
mod init;
mod inspect;
mod levels;
mod manual;
mod one;
mod plan;
mod schema;
mod statistics;

// What needs HTTP; without it these commands stay, and say why they cannot work.
#[cfg(feature = "http")]
mod apply;
#[cfg(feature = "http")]
mod async_runs;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
mod run;
#[cfg(feature = "http")]
mod serve;
#[cfg(feature = "http")]
mod tekton;
#[cfg(feature = "http")]
mod trigger;
#[cfg(not(feature = "http"))]
mod without_http;
#[cfg(not(feature = "http"))]
use without_http::{apply, async_runs, run, serve, tekton, trigger};

use std::process::ExitCode;

use camino::Utf8Path;
use sidestage_compiler::report::findings::{self, Checked};

use crate::terminal::{Voice, error_look, print, print_diagnostic, print_error, print_line, print_note};
use crate::workspace::{Remark, STACK, Workspace};
use arguments::{Arguments, Command};
use error::CliError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Nothing at error level.
    Clean,
    /// Findings at error level.
    Findings,
    /// The command could not do its work.
    Failed,
    /// What talks to the pipeline failed; the exit code says why.
    Failure(u8),
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Failed => 2,
            Self::Failure(code) => code,
        }
    }
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let command_line: Vec<_> = std::env::args_os().collect();
    if let Some(exit) = tekton::answer_git(&command_line) {
        return ExitCode::from(exit.code());
    }
    let command_line = match trigger::by_name(&command_line) {
        Ok(command) => command.unwrap_or(command_line),
        Err(reason) => {
            print_error(&reason);
            return ExitCode::from(Exit::Failed.code());
        }
    };
    // All of it on one thread, whose heap is then the only one.
    let work = move || {
        let arguments = manual::parse(command_line);
        if let Command::Pipelinectl { arguments } = arguments.command {
            return sidestage_runtime::pipelinectl::main(arguments);
        }
        let code = answer(arguments);
        // From here: to give back what a large file took, thread and all, is work for nobody.
        std::process::exit(code.into())
    };
    match std::thread::Builder::new().stack_size(STACK).spawn(work).map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => return code,
        Ok(Err(_)) => print_error("this is a bug in sidestage; please report it with the message above and the file that causes it"),
        Err(reason) => print_error(&format!("no thread could be started: {reason}")),
    }
    ExitCode::from(Exit::Failed.code())
}

/// Does what is asked; returns the exit code.
fn answer(arguments: Arguments) -> u8 {
    arguments.color.write_global();
    match (arguments.voice.quiet, arguments.voice.verbose) {
        (true, _) => Voice::Quiet.write_global(),
        (_, true) => Voice::Verbose.write_global(),
        _ => {}
    }
    let exit = run(arguments.command).unwrap_or_else(|error| {
        print_diagnostic(&error);
        Exit::Failed
    });
    exit.code()
}

fn run(command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        // It was answered before: it needs no deep stack, and has exit codes of its own.
        Command::Pipelinectl { .. } => Ok(Exit::Clean),
        Command::Apply(arguments) => apply::run(&arguments),
        Command::Trigger(arguments) => trigger::run(&arguments),
        Command::AsyncRuns(arguments) => async_runs::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Runs(arguments) => run::runs(&arguments),
        Command::Logs(arguments) => run::logs(&arguments),
        Command::Rerun(arguments) => run::rerun(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Tekton(command) => tekton::run(&command),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Rules(arguments) => explain::rules(&arguments),
        Command::Explain { rule } => explain::explain(&rule),
        Command::Init(arguments) => init::run(&arguments),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { out } => manual::man(out.as_deref()),
        Command::Schema { name } => schema::run(name.as_deref()),
    }
}

/// Shows findings on standard error: of a command whose result is something else.
fn print_findings(checked: &Checked<'_>) {
    print_line(findings::full(checked, error_look()).trim_end());
}

/// Prints a result, or writes it to the file that is named, without colours.
fn print_or_write(path: Option<&Utf8Path>, text: &str) -> Result<(), CliError> {
    let Some(path) = path else { return Ok(print(text)?) };
    let plain = anstream::adapter::strip_str(text).to_string();
    std::fs::write(path, plain).map_err(|error| CliError::Write { path: path.to_owned(), what: "written", reason: error.to_string() })
}

/// Says what opening the workspace had to say.
fn print_remarks(workspace: &Workspace) {
    for remark in &workspace.remarks {
        match remark {
            Remark::Note(text) => print_note(text),
            Remark::Failure(reason) => print_error(reason),
        }
    }
}
