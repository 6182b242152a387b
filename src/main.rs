//! The `sidestage` binary: parses the command line and calls.

use std::process::ExitCode;

fn main() -> ExitCode {
    sidestage::cli::main()
}
