//! A stage in its image: its surroundings, then its script in the place of this process.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::pod::{Pod, variable};
use super::start::broken_store;
use super::workspace::Workspace;
use crate::failure::{Failure, FailureKind};
use crate::pipelinectl::RunData;

/// The search path of an image that names none.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// `0` where all stages have succeeded, else `1`.
const STATUS: &str = "one-pipeline-status";
/// A longer first line names no interpreter.
const LONGEST_LINE: u64 = 4096;

/// Why the script has not begun.
#[derive(Debug)]
pub enum Entered {
    /// A step before it has failed.
    NotReached {
        /// With this exit code.
        code: String,
    },
}

/// Runs the script of a stage: `place` is what `start` or `receive` has called it. It does not come back where the script runs.
///
/// # Errors
/// Where there is no such script, or the image lacks its interpreter.
pub fn enter(pod: &Pod, place: &str, after: &[String]) -> Result<Entered, Failure> {
    for file in after {
        let code = fs::read_to_string(file).unwrap_or_default().trim().to_owned();
        if !matches!(code.as_str(), "" | "0") {
            return Ok(Entered::NotReached { code });
        }
    }
    run(pod, place).map(|never| match never {})
}

fn run(pod: &Pod, place: &str) -> Result<Infallible, Failure> {
    let workspace = Workspace::new(&pod.workspace);
    let facts = workspace.facts()?;
    let script = workspace.script(place);
    if place.contains('/') || !script.is_file() {
        return Err(Failure::new(FailureKind::Setting, format!("there is no script of the stage `{place}`"))
            .reason("The first step of a run unpacks the scripts that the configuration has at the run's commit.")
            .help("Apply the manifests of this commit: sidestage build --target tekton --out DIR && kubectl apply -k DIR"));
    }
    tell_status(pod)?;
    let words = interpreter(&script)?;
    let (program, arguments) = words.split_first().ok_or_else(|| unusable(&script, "its first line names no program"))?;
    let mut command = Command::new(program);
    command.args(arguments).arg(&script).current_dir(pod.workspace.join(&facts.repository));
    for (name, value) in environment(pod, &workspace, place, &facts.repository, &facts.config) {
        command.env(name, value);
    }
    let error = command.exec();
    let image = "Choose an image that has it, or another first line of the script.";
    Err(Failure::new(FailureKind::Setting, format!("the stage `{place}` cannot be run by {}: {error}", words.join(" "))).help(image))
}

/// What scripts at the end ask for: whether a stage has failed.
fn tell_status(pod: &Pod) -> Result<(), Failure> {
    let status = variable("SIDESTAGE_STATUS");
    if status.is_empty() || pod.config.join(STATUS).exists() {
        return Ok(());
    }
    let value = if status == "Failed" { "1" } else { "0" };
    RunData::at(&pod.workspace.join(".pipelinectl")).set(STATUS, value).map_err(broken_store)
}

fn environment(pod: &Pod, workspace: &Workspace, place: &str, repository: &str, config: &str) -> Vec<(&'static str, OsString)> {
    let mut path = workspace.bin().into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").filter(|path| !path.is_empty()).unwrap_or_else(|| PATH.into()));
    let stage = place.rsplit_once('.').map_or(place, |(_, step)| step);
    let mut environment: Vec<(&'static str, OsString)> = vec![
        ("PATH", path),
        ("ONE_PIPELINE_PATH", workspace.one_pipeline().into()),
        ("PIPELINE_CONFIG_REPO_PATH", repository.into()),
        ("PIPELINE_CONFIG_PATH", config.into()),
        ("STAGE", stage.into()),
        ("PIPELINE_RUN_NAME", pod.run.clone().into()),
    ];
    if variable("COMMONS_PATH").is_empty() {
        environment.push(("COMMONS_PATH", workspace.commons().into()));
    }
    if variable("PIPELINE_NAME").is_empty() {
        environment.push(("PIPELINE_NAME", pod.pipeline.clone().into()));
    }
    if workspace.payload().is_file() {
        environment.push(("TRIGGER_PAYLOAD_PATH", workspace.payload().into()));
    }
    environment
}

/// The words before the script: of its first line, which may end as on Windows; without one, a shell that stops at errors.
fn interpreter(script: &Path) -> Result<Vec<String>, Failure> {
    let mut line = Vec::new();
    let file = fs::File::open(script).map_err(|error| unusable(script, &error.to_string()))?;
    BufReader::new(file.take(LONGEST_LINE)).read_until(b'\n', &mut line).map_err(|error| unusable(script, &error.to_string()))?;
    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
    let Some(words) = line.strip_prefix("#!") else { return Ok(vec!["sh".to_owned(), "-e".to_owned()]) };
    // The kernel gives all that follows the program as one argument.
    let (program, rest) = words.trim().split_once([' ', '\t']).unwrap_or((words.trim(), ""));
    Ok([program, rest.trim()].into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

fn unusable(script: &Path, reason: &str) -> Failure {
    Failure::new(FailureKind::Setting, format!("the script {} cannot be run: {reason}", script.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that panics has failed, as it should
mod tests {
    use super::interpreter;

    #[test]
    fn the_first_line_says_what_runs_a_script() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        for (text, expected) in [
            ("#!/usr/bin/env bash\necho", vec!["/usr/bin/env", "bash"]),
            ("#!/bin/bash -eu\r\necho\r\n", vec!["/bin/bash", "-eu"]),
            ("#! /usr/bin/env  -S node --x\n", vec!["/usr/bin/env", "-S node --x"]),
            ("echo\n", vec!["sh", "-e"]),
            ("", vec!["sh", "-e"]),
            ("#!\n", vec![]),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(interpreter(&path).unwrap(), expected, "{text:?}");
        }
    }
}
