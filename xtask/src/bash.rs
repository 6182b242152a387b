//! The shell parser against `bash -n`, on broken scripts.

use std::process::ExitCode;

use crate::Error;
use crate::fixture::cargo;

/// The test that compares; without these variables it takes a number of scripts, not a time.
const TEST: &str = "shell_syntax::what_bash_takes_is_taken_also_where_it_was_broken";

/// Compares for so many seconds, and prints what differs. A seed repeats its scripts.
pub(crate) fn compare(seconds: &str, seed: &str) -> Result<ExitCode, Error> {
    let numbers: (u64, u64) = (seconds.parse()?, seed.parse()?);
    let variables = [("SIDESTAGE_DIFF_SECONDS", numbers.0.to_string()), ("SIDESTAGE_DIFF_SEED", numbers.1.to_string())];
    cargo(&["test", "--quiet", "--test", "it", "--", TEST, "--exact", "--nocapture"], &variables)
}
