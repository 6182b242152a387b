//! `cargo xtask`: what is done often on sidestage itself.
#![allow(clippy::print_stdout, clippy::print_stderr)] // it talks to who types it

mod bash;
mod dist;
mod fixture;
mod rule;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What failed, for the one who typed it.
type Error = Box<dyn std::error::Error>;

const USAGE: &str = "\
usage: cargo xtask fixture NAME        runs the test of one folder of fixtures/
       cargo xtask bless [NAME]        accepts what is reported there now, or in all of them
       cargo xtask bless-site          writes the pages of docs/ that are made of what the program says
       cargo xtask dist                builds the static program for releases, and checks it
       cargo xtask new-rule NAME AREA  begins a rule: code, page, catalogue, fixtures
       cargo xtask diff-bash SECONDS [SEED]
                                       holds the shell parser against `bash -n` on broken scripts";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[&str]) -> Result<ExitCode, Error> {
    match arguments {
        ["fixture", name] => fixture::run(name),
        ["bless"] => fixture::bless(""),
        ["bless", name] => fixture::bless(name),
        ["dist"] => dist::dist(),
        ["bless-site"] => fixture::bless_site(),
        ["new-rule", name, area] => rule::begin(&project(), name, area),
        ["diff-bash", seconds] => bash::compare(seconds, &std::process::id().to_string()),
        ["diff-bash", seconds, seed] => bash::compare(seconds, seed),
        _ => Err(USAGE.into()),
    }
}

/// The root of the workspace.
fn project() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
