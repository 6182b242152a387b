//! `check --baseline` and `--write-baseline`: the file of known findings.

use std::fs;
use std::io::Write;

use camino::Utf8Path;

use super::{Failure, disk, note};
use sidestage_compiler::filter::baseline::{Baseline, Known};

/// So many of the findings that are gone are named.
const MAX_NAMED: usize = 10;

pub(super) fn read(path: &Utf8Path) -> Result<Baseline, Failure> {
    let renew = format!("`sidestage check --write-baseline {path}` writes one");
    let bytes = disk::read_file(path).map_err(|error| Failure(format!("the baseline `{path}` cannot be read: {error}; {renew}")))?;
    let text = String::from_utf8(bytes).map_err(|_| Failure(format!("the baseline `{path}` is broken: it is not UTF-8; {renew}")))?;
    Baseline::read(&text).map_err(|reason| Failure(format!("the baseline `{path}` is broken: {reason}; {renew}")))
}

/// Writes the file as a whole or not at all: beside its place, then renamed.
pub(super) fn write(path: &Utf8Path, baseline: &Baseline) -> Result<(), Failure> {
    let fault = |error: std::io::Error| Failure(format!("the baseline `{path}` cannot be written: {error}; nothing was changed"));
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
pub(super) fn tell_gone(path: &Utf8Path, gone: &[(&Known, usize)]) {
    let number: usize = gone.iter().map(|(_, count)| count).sum();
    if number == 0 {
        return;
    }
    let (findings, occur) = if number == 1 { ("finding", "occurs") } else { ("findings", "occur") };
    let mut text = format!("note: {number} {findings} in the baseline `{path}` no longer {occur}; `--write-baseline {path}` updates it");
    for (known, count) in gone.iter().take(MAX_NAMED) {
        let times = if *count == 1 { String::new() } else { format!(" ({count} times)") };
        text.push_str(&format!("\n  {}: [{}] {}{times}", known.file, known.rule, known.message));
    }
    if gone.len() > MAX_NAMED {
        text.push_str(&format!("\n  and {} more", gone.len() - MAX_NAMED));
    }
    note(&text);
}
