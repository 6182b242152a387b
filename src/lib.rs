//! The program `sidestage`: parses the command line and calls. It is a library so that it is built beside the compiler,
//! of which a program needs the end and a library the beginning.
#![cfg_attr(not(feature = "http"), allow(dead_code))] // what only the commands with HTTP read

mod cli;
#[cfg(feature = "http")]
mod page;
mod terminal;
mod workspace;

use std::process::ExitCode;

/// Runs the command that the arguments of this process name.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    #[cfg(feature = "http")]
    if let Some(code) = sidestage_engine::execute::supervise(&arguments) {
        return code;
    }
    match sidestage_runtime::pipelinectl::call(&arguments) {
        Some(arguments) => sidestage_runtime::pipelinectl::main(arguments),
        None => cli::main(),
    }
}
