//! The tests of fixtures, by the names of their folders.

use std::process::{Command, ExitCode};

use crate::{Error, project};

/// Runs the test of one fixture.
pub(crate) fn run(name: &str) -> Result<ExitCode, Error> {
    known(name)?;
    test(name, &[])
}

/// The test of the manifests for a cluster, whose expected files are written in the same way.
const MANIFESTS: &str = "tekton::sets::the_bytes_are_those_of_before";

/// Writes what is reported now as what is expected, for one fixture or, without a name, for all, with their manifests.
pub(crate) fn bless(name: &str) -> Result<ExitCode, Error> {
    if !name.is_empty() {
        known(name)?;
    }
    test(name, &[("SNAPSHOTS", "overwrite".to_owned())])
}

/// Writes the generated pages of the site.
pub(crate) fn bless_site() -> Result<ExitCode, Error> {
    let arguments = ["test", "--quiet", "--test", "it", "--", "site::generated_pages"];
    cargo(&arguments, &[("SNAPSHOTS", "overwrite".to_owned())])
}

/// A misspelt name would run no test, and pass.
fn known(name: &str) -> Result<(), Error> {
    let is_known = project().join("fixtures").join(name).is_dir();
    if is_known { Ok(()) } else { Err(format!("there is no folder `fixtures/{name}`").into()) }
}

/// Runs the test of one fixture, or of all.
fn test(name: &str, variables: &[(&str, String)]) -> Result<ExitCode, Error> {
    let (filter, exact) = filter(name);
    let arguments = ["test", "--quiet", "--test", "it", "--", &filter];
    let manifests = name.is_empty().then_some(MANIFESTS);
    cargo(&arguments.into_iter().chain(exact).chain(manifests).collect::<Vec<_>>(), variables)
}

/// The name of the test: all of it, or what the names of all begin with.
fn filter(name: &str) -> (String, Option<&'static str>) {
    (format!("fixtures::fixture::{}", name.replace('-', "_")), (!name.is_empty()).then_some("--exact"))
}

/// Calls cargo in the project.
pub(crate) fn cargo(arguments: &[&str], variables: &[(&str, String)]) -> Result<ExitCode, Error> {
    let status = Command::new(env!("CARGO")).args(arguments).envs(variables.iter().cloned()).current_dir(project()).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::{filter, known};

    #[test]
    fn one_fixture_is_one_test_and_no_name_is_all() {
        assert_eq!(filter("zap-v2"), ("fixtures::fixture::zap_v2".to_owned(), Some("--exact")));
        assert_eq!(filter(""), ("fixtures::fixture::".to_owned(), None));
    }

    #[test]
    fn a_misspelt_fixture_is_refused() {
        assert!(known("zap").is_ok());
        assert!(known("zapp").is_err_and(|error| error.to_string() == "there is no folder `fixtures/zapp`"));
    }
}
