//! The `sidestage` binary: parses the command line and calls.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    match sidestage::pipelinectl::call(&arguments) {
        Some(arguments) => sidestage::pipelinectl::main(arguments),
        None => sidestage::cli::main(),
    }
}
