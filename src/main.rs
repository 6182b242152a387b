//! The `sidestage` binary: parses the command line and calls.

mod cli;
mod terminal;
mod workspace;

use std::process::ExitCode;

#[cfg(feature = "fast-alloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    match sidestage_runtime::pipelinectl::call(&arguments) {
        Some(arguments) => sidestage_runtime::pipelinectl::main(arguments),
        None => cli::main(),
    }
}
