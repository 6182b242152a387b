//! `sidestage build`: checks, then writes the whole set of files, or nothing.

use std::fs;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};

use super::arguments::{Build, PartName, TransportName};
use super::error::CliError;
use super::levels::levels;
use super::one::one;
use super::{Exit, print, print_line};
use sidestage_compiler::emit::{Emitted, Part, Target, Transport, emit};
use sidestage_compiler::plan;
use sidestage_compiler::report::findings;

/// Names what an earlier build wrote, so that the next one can replace it and nothing else.
const LIST: &str = ".sidestage-files";

pub(super) fn run(arguments: &Build) -> Result<Exit, CliError> {
    let levels = levels(&arguments.levels)?;
    let (configuration, mut summary) = one(arguments.file.as_deref(), &arguments.pipeline, &arguments.settings, &levels)?;
    summary.count(&configuration.compilation.findings);
    if !configuration.compilation.findings.is_empty() {
        print_line(findings::full(&configuration.checked()).trim_end());
    }
    if summary.errors > 0 {
        print_line(&format!("\nNothing was written: {}.", findings::tally(&summary)));
        return Ok(Exit::Findings);
    }
    let plan = plan::plan(&configuration.compilation, configuration.settings());
    let transport = match arguments.transport {
        TransportName::Webhook => Transport::Webhook,
        TransportName::Platform => Transport::Platform,
    };
    let part = |name: &PartName| match name {
        PartName::Scripts => Part::Scripts,
        PartName::Terraform => Part::Terraform,
    };
    let mut target = Target { parts: arguments.emit.iter().map(part).collect(), transport, ..Target::default() };
    if let Some(listener) = &configuration.settings().event_listener {
        target.event_listener.clone_from(listener);
    }
    target.git_hosts.clone_from(&configuration.settings().git_hosts);
    let files = emit(&plan, &target).map_err(|error| CliError::Bug(error.to_string()))?;
    if plan.triggers.is_empty() {
        print_line("note: nothing in this configuration triggers an async stage, so there is no trigger script");
    }
    write_set(&arguments.out, &files)?;
    let mut text = format!("Wrote {} files to {}:\n", files.len(), arguments.out);
    for file in &files {
        text.push_str(&format!("  {}\n", file.path));
    }
    print(&text)?;
    Ok(Exit::Clean)
}

/// Replaces what an earlier build wrote by the new files: all of them, or none.
fn write_set(out: &Utf8Path, files: &[Emitted]) -> Result<(), CliError> {
    let fault = |what: &'static str, path: &Utf8Path| {
        let path = path.to_owned();
        move |error: std::io::Error| CliError::Write { path, what, reason: error.to_string() }
    };
    if out.exists() && !out.is_dir() {
        return Err(CliError::NotAFolder { path: out.to_owned() });
    }
    let earlier = earlier_files(out)?;
    let parent = match out.parent() {
        Some(parent) if parent != "" => parent,
        _ => Utf8Path::new("."),
    };
    fs::create_dir_all(parent).map_err(fault("made", parent))?;
    // The new folder is made beside the old one and takes its place by renaming.
    let name = out.file_name().ok_or_else(|| CliError::Nameless { path: out.to_owned() })?;
    let fresh = parent.join(format!(".{name}.new-{}", std::process::id()));
    let old = parent.join(format!(".{name}.old-{}", std::process::id()));
    let _ = fs::remove_dir_all(&fresh);
    let result = fill(&fresh, files).map_err(fault("written", &fresh)).and_then(|()| {
        keep_others(out, &fresh, &earlier, files).map_err(fault("copied", out))?;
        if out.exists() {
            fs::rename(out, &old).map_err(fault("replaced", out))?;
        }
        fs::rename(&fresh, out).map_err(|error| {
            // Put back what was there.
            let _ = fs::rename(&old, out);
            fault("replaced", out)(error)
        })
    });
    let _ = fs::remove_dir_all(&fresh);
    if result.is_ok() {
        let _ = fs::remove_dir_all(&old);
    }
    result
}

fn fill(folder: &Utf8Path, files: &[Emitted]) -> std::io::Result<()> {
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut out = fs::File::create(&path)?;
        out.write_all(file.text.as_bytes())?;
        out.sync_all()?;
        set_mode(&path, file.is_executable)?;
    }
    let list: String = files.iter().map(|file| format!("{}\n", file.path)).collect();
    fs::write(folder.join(LIST), list)
}

#[cfg(unix)]
fn set_mode(path: &Utf8Path, is_executable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(if is_executable { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn set_mode(_: &Utf8Path, _: bool) -> std::io::Result<()> {
    Ok(())
}

/// What the last build wrote into the folder. A folder that holds anything else only is refused: a build
/// must not end up in the middle of somebody's sources.
fn earlier_files(out: &Utf8Path) -> Result<Vec<Utf8PathBuf>, CliError> {
    if !out.is_dir() {
        return Ok(Vec::new());
    }
    match fs::read_to_string(out.join(LIST)) {
        Ok(list) => Ok(list.lines().map(Utf8PathBuf::from).chain([Utf8PathBuf::from(LIST)]).collect()),
        Err(_) => {
            let is_empty = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
            if is_empty {
                return Ok(Vec::new());
            }
            Err(CliError::ForeignFolder { path: out.to_owned() })
        }
    }
}

/// Copies what is not ours from the old folder to the new one.
fn keep_others(out: &Utf8Path, fresh: &Utf8Path, earlier: &[Utf8PathBuf], files: &[Emitted]) -> std::io::Result<()> {
    if !out.is_dir() {
        return Ok(());
    }
    let mut folders = vec![Utf8PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in out.join(&folder).read_dir_utf8()? {
            let entry = entry?;
            let relative = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(relative);
            } else if !earlier.contains(&relative) && files.iter().all(|file| relative != file.path) {
                let to = fresh.join(&relative);
                if let Some(parent) = to.parent() {
                    fs::create_dir_all(parent)?;
                }
                fs::copy(entry.path(), to)?;
            }
        }
    }
    Ok(())
}
