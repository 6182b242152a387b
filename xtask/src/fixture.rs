//! The tests of fixtures, by the names of their folders.

use std::process::{Command, ExitCode};

use crate::{Error, project};

/// Runs the test of one fixture.
pub(crate) fn run(name: &str) -> Result<ExitCode, Error> {
    known(name)?;
    cargo(&arguments(name), None)
}

/// Writes what is reported now as what is expected, for one fixture or, without a name, for all.
pub(crate) fn bless(name: &str) -> Result<ExitCode, Error> {
    if !name.is_empty() {
        known(name)?;
    }
    cargo(&arguments(name), Some(("SNAPSHOTS", "overwrite")))
}

/// A misspelt name would run no test, and pass.
fn known(name: &str) -> Result<(), Error> {
    let is_known = project().join("fixtures").join(name).is_dir();
    if is_known { Ok(()) } else { Err(format!("there is no folder `fixtures/{name}`").into()) }
}

/// What cargo is called with.
fn arguments(name: &str) -> Vec<String> {
    let mut arguments: Vec<String> = ["test", "--quiet", "--test", "it", "--"].map(str::to_owned).into();
    arguments.push(format!("fixtures::fixture::{}", name.replace('-', "_")));
    if !name.is_empty() {
        arguments.push("--exact".to_owned());
    }
    arguments
}

fn cargo(arguments: &[String], variable: Option<(&str, &str)>) -> Result<ExitCode, Error> {
    let status = Command::new(env!("CARGO")).args(arguments).envs(variable).current_dir(project()).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::{arguments, known};

    #[test]
    fn one_fixture_is_one_test_and_no_name_is_all() {
        assert_eq!(arguments("zap-v2")[5..], ["fixtures::fixture::zap_v2", "--exact"]);
        assert_eq!(arguments("")[5..], ["fixtures::fixture::"]);
    }

    #[test]
    fn a_misspelt_fixture_is_refused() {
        assert!(known("zap").is_ok());
        assert!(known("zapp").is_err_and(|error| error.to_string() == "there is no folder `fixtures/zapp`"));
    }
}
