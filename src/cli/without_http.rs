//! The commands that need HTTP, in a build that has none.

use super::{CliError, Exit};

macro_rules! without_http {
    ($($name:ident $arguments:ident),*) => {$(
        pub(super) mod $name {
            pub(in super::super) fn run(_: &super::super::arguments::$arguments) -> Result<super::Exit, super::CliError> {
                super::refuse()
            }
        }
    )*};
}

without_http!(apply Apply, async_runs AsyncRuns, serve Serve);

/// `sidestage tekton`.
pub(super) mod tekton {
    use std::ffi::OsString;

    pub(in super::super) fn run(_: &super::super::arguments::Tekton) -> Result<super::Exit, super::CliError> {
        super::refuse()
    }

    pub(in super::super) fn answer_git(_: &[OsString]) -> Option<super::Exit> {
        None
    }
}

/// `sidestage trigger`, also by the name `trigger-task`.
pub(super) mod trigger {
    use std::ffi::OsString;
    use std::path::Path;

    pub(in super::super) fn run(_: &super::super::arguments::Trigger) -> Result<super::Exit, super::CliError> {
        super::refuse()
    }

    pub(in super::super) fn by_name(arguments: &[OsString]) -> Result<Option<Vec<OsString>>, String> {
        let own = arguments.first().and_then(|own| Path::new(own).file_name());
        let is_named = own.is_some_and(|own| own == "trigger-task");
        if is_named { Err(format!("trigger-task: {}", super::CliError::NoHttp)) } else { Ok(None) }
    }
}

/// `sidestage run` and what belongs to it.
pub(super) mod run {
    use super::super::arguments::{Logs, Rerun, Run, Runs};
    use super::{CliError, Exit, refuse};

    pub(in super::super) fn run(_: &Run) -> Result<Exit, CliError> {
        refuse()
    }

    pub(in super::super) fn runs(_: &Runs) -> Result<Exit, CliError> {
        refuse()
    }

    pub(in super::super) fn logs(_: &Logs) -> Result<Exit, CliError> {
        refuse()
    }

    pub(in super::super) fn rerun(_: &Rerun) -> Result<Exit, CliError> {
        refuse()
    }
}

fn refuse() -> Result<Exit, CliError> {
    Err(CliError::NoHttp)
}
