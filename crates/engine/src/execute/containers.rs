//! A stage in the image that it names, by podman or docker.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Command;

use sidestage_compiler::plan::PlannedStage;

use super::active::ActiveRun;
use super::tools;
use crate::processes::children;

/// What a container has in the places where the platform mounts it.
const PLACES: &[(&str, &str)] = &[("workspace", "/workspace"), ("config", "/config"), ("secrets", "/config/secure-properties")];

/// The name of the container of a stage.
fn name(run: &ActiveRun, stage: &PlannedStage) -> String {
    let id: String = stage.id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("sidestage-{}-{id}", run.record.short())
}

/// The command that runs the script in its image. The folder of the run is at the same path as here, so that every path of
/// the environment holds; beside it the workspace and the properties are where scripts that name them expect them.
pub(super) fn command(
    engine: &str,
    run: &ActiveRun,
    stage: &PlannedStage,
    script: &Path,
    environment: &BTreeMap<String, String>,
) -> io::Result<Vec<OsString>> {
    let Some(image) = &stage.image else {
        return Err(io::Error::other("it names no image, and the platform's own is not known here; leave out --containers, or skip it"));
    };
    if image.starts_with('-') {
        return Err(io::Error::other(format!("`{image}` is no image")));
    }
    let mut words: Vec<OsString> =
        [engine, "run", "--rm", "--init", "--network", "host", "--name", &name(run, stage)].into_iter().map(OsString::from).collect();
    let mut mount = |from: &Path, to: &str| {
        let mut volume = from.as_os_str().to_owned();
        volume.push(":");
        volume.push(to);
        words.push("--volume".into());
        words.push(volume);
    };
    let folder = run.folder.path();
    mount(folder, &folder.to_string_lossy());
    for (from, to) in PLACES {
        mount(&folder.join(from), to);
    }
    // Commands of the run are links to this program, which must be static, or find its libraries in the image.
    let own = std::env::current_exe()?;
    mount(&own, &format!("{}:ro", own.to_string_lossy()));
    if stage.image_pull_policy.as_deref() == Some("Always") {
        words.push("--pull=always".into());
    }
    if stage.include.iter().any(|include| include == "docker-socket") {
        words.extend(["--volume", "/var/run/docker.sock:/var/run/docker.sock"].map(OsString::from));
    }
    // Others see the arguments of a process: values go by a file that is the run's own.
    let file = folder.join("scripts").join(format!("{}.env", script.file_name().unwrap_or_default().to_string_lossy()));
    let mut lines = String::new();
    for (name, value) in environment.iter().filter(|(name, _)| *name != "PATH") {
        if value.contains(['\n', '\r']) {
            return Err(io::Error::other(format!(
                "the variable {name} has several lines, which no container takes; give it as a property"
            )));
        }
        lines.push_str(&format!("{name}={value}\n"));
    }
    tools::write(&file, &lines, 0o600)?;
    words.push("--env-file".into());
    words.push(file.into());
    // The image's own search path is not known: its shell puts the commands of the run before it.
    let bin = folder.join("bin");
    words.extend(["--workdir".into(), run.repository().into_os_string(), "--entrypoint".into(), "/bin/sh".into(), image.into()]);
    words.extend(["-c", "PATH=\"$1:$PATH\"; export PATH; exec \"$2\"", "sh"].map(OsString::from));
    words.extend([bin.into_os_string(), script.as_os_str().to_owned()]);
    Ok(words)
}

/// What removes the container of a stage: it is no child of ours.
pub(super) fn removal(engine: &str, run: &ActiveRun, stage: &PlannedStage) -> Vec<String> {
    [engine, "rm", "--force", &name(run, stage)].map(str::to_owned).to_vec()
}

/// Whether a container engine answers.
///
/// # Errors
/// What it says, or why it cannot be started.
pub fn check(engine: &str) -> Result<(), String> {
    let output = children::output(Command::new(engine).arg("version")).map_err(|error| format!("`{engine}` cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`{engine} version` fails: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// The first container engine of this machine.
pub fn find() -> Option<&'static str> {
    let path = std::env::var_os("PATH")?;
    ["podman", "docker"].into_iter().find(|name| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}
