//! The commands that need HTTP, in a build that has none.

use super::{CliError, Exit};

const MESSAGE: &str = "this build of sidestage has no HTTP: install it with its default features\nType: cargo install --path .";

/// `sidestage apply`.
pub(super) mod apply {
    use super::super::arguments::Apply;

    pub(in super::super) fn run(_: &Apply) -> Result<super::Exit, super::CliError> {
        super::refuse()
    }
}

/// `sidestage serve`.
pub(super) mod serve {
    use super::super::arguments::Serve;

    pub(in super::super) fn run(_: &Serve) -> Result<super::Exit, super::CliError> {
        super::refuse()
    }
}

fn refuse() -> Result<Exit, CliError> {
    Err(CliError(MESSAGE.to_owned()))
}
