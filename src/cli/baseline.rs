//! `check --baseline` and `--write-baseline`: the file of known findings.

use std::fs;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use miette::NamedSource;
use sidestage_compiler::filter::baseline::{Base, Baseline, BaselineError, Fingerprint};

use super::error::{CliError, InvalidFile, json_place};
use crate::terminal::{count, print_note};
use crate::workspace::{absolute, read_file, working_folder};

/// So many of the findings that are gone are named.
const MAX_NAMED: usize = 10;

/// A baseline, and the folder that its paths start from.
pub(super) struct Known {
    pub(super) baseline: Baseline,
    pub(super) folder: Utf8PathBuf,
}

/// Reads the file. One of version 1 is told of: its paths start from the working folder.
pub(super) fn read(path: &Utf8Path) -> Result<Known, CliError> {
    let renew = format!("`sidestage check --write-baseline {path}` writes one");
    let unreadable = |reason: String| CliError::Baseline { path: path.to_owned(), what: "read", reason, help: Some(renew.clone()) };
    let bytes = read_file(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let baseline = Baseline::read(&text).map_err(|error| InvalidFile {
        path: path.to_owned(),
        kind: "baseline",
        reason: error.to_string(),
        place: if let BaselineError::Json(error) = &error { json_place(&text, error) } else { None },
        text: NamedSource::new(path, text.clone()),
        help: renew.clone(),
    })?;
    let folder = match baseline.base() {
        Base::OwnFolder => folder_of(path),
        Base::Unknown => working_folder().and_then(|working| counted_from(path, &baseline, working)),
    };
    Ok(Known { baseline, folder: folder.map_err(|error| unreadable(error.to_string()))? })
}

/// The folder that the paths of a baseline of version 1 start from: the working folder, or that of the file where what
/// it names is not here but there.
fn counted_from(path: &Utf8Path, baseline: &Baseline, working: Utf8PathBuf) -> std::io::Result<Utf8PathBuf> {
    let own = folder_of(path)?;
    let holds = |folder: &Utf8Path| baseline.stale().any(|known| folder.join(&known.file).exists());
    let (folder, name) = if !holds(&working) && holds(&own) { (own, "its own folder") } else { (working, "the working folder") };
    print_note(&format!("the baseline `{path}` has version 1, so its paths start from {name}; `--write-baseline {path}` updates it"));
    Ok(folder)
}

/// The folder that the paths of a baseline at this path start from.
pub(super) fn folder_of(path: &Utf8Path) -> std::io::Result<Utf8PathBuf> {
    let path = absolute(path)?;
    Ok(path.parent().unwrap_or(Utf8Path::new("/")).to_owned())
}

/// Writes the file completely or not at all: beside its place, then renamed.
pub(super) fn write(path: &Utf8Path, baseline: &Baseline) -> Result<(), CliError> {
    let fault = |error: std::io::Error| CliError::Baseline {
        path: path.to_owned(),
        what: "written",
        reason: format!("{error}; nothing was changed"),
        help: None,
    };
    let text = baseline.write()?;
    let name = path.file_name().ok_or_else(|| fault(std::io::Error::other("it does not name a file")))?;
    if path.is_dir() {
        return Err(fault(std::io::Error::other("it is a folder")));
    }
    let fresh = path.with_file_name(format!(".{name}.new-{}", std::process::id()));
    let fill = || {
        let mut file = fs::File::create(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    fill().map_err(|error| {
        let _ = fs::remove_file(&fresh);
        fault(error)
    })
}

/// Says which findings are known and gone.
pub(super) fn warn_stale(path: &Utf8Path, stale: &[&Fingerprint]) {
    if stale.is_empty() {
        return;
    }
    let occur = if stale.len() == 1 { "occurs" } else { "occur" };
    let findings = count(stale.len(), "finding");
    let mut text = format!("{findings} in the baseline `{path}` no longer {occur}; `--write-baseline {path}` updates it");
    for known in stale.iter().take(MAX_NAMED) {
        text.push_str(&format!("\n  {}: [{}] {}", known.file, known.rule, known.source));
    }
    if stale.len() > MAX_NAMED {
        text.push_str(&format!("\n  and {} more", stale.len() - MAX_NAMED));
    }
    print_note(&text);
}
