//! `sidestage check`.

use camino::{Utf8Path, Utf8PathBuf};

use super::arguments::{Check, Format};
use super::load::Loaded;
use super::settings::Severities;
use super::{Exit, Failure, baseline, load, print};
use crate::baseline::{Baseline, Known};
use crate::compilation::{Compilation, Options};
use crate::report::{self, Checked, Summary};
use crate::suppression::{self, Part};

pub(super) fn run(arguments: &Check) -> Result<Exit, Failure> {
    let severities = Severities::new(&arguments.levels)?;
    let pipelines = arguments.pipeline.iter().map(|pipeline| (*pipeline).into()).collect();
    let options = Options { pipelines, ..Options::default() };
    let mut known = arguments.baseline.as_deref().map(baseline::read).transpose()?;
    let mut loaded = load::load(&arguments.paths, &arguments.stdin_filename, &options);
    let parts = loaded.compilations.iter_mut().map(|compilation| Part {
        sources: &compilation.sources,
        ignores: &compilation.ignores,
        findings: &mut compilation.findings,
    });
    suppression::merge(&mut parts.collect::<Vec<_>>());
    // Before severities: what is turned off for once is not gone.
    let mut spared = 0;
    if let Some(known) = &mut known {
        let all = known.len();
        for compilation in &mut loaded.compilations {
            known.subtract(&compilation.sources, &mut compilation.findings);
        }
        spared = all - known.len();
    }
    let mut summary = Summary { files: loaded.compilations.len(), ..Summary::default() };
    for compilation in &mut loaded.compilations {
        severities.apply(&mut compilation.findings);
        summary.scripts += compilation.flow.scripts;
    }
    let nothing = loaded.compilations.is_empty() && !loaded.failed && arguments.paths.iter().any(|path| path.is_dir());
    if nothing {
        let places = arguments.paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
        return Err(Failure(format!(
            "no pipeline configuration in {places}: {} YAML file(s) were looked at, and none has `version: '1'` with stages or `version: '2'` with tasks; \
             files that .gitignore names were left out",
            loaded.others
        )));
    }
    if let Some(path) = &arguments.write_baseline {
        if loaded.failed {
            return Err(Failure(format!("the baseline `{path}` is not written: not everything could be read")));
        }
        let mut found = Baseline::default();
        for compilation in &mut loaded.compilations {
            compilation.findings.drain(..).for_each(|finding| found.add(&compilation.sources, &finding));
        }
        baseline::write(path, &found)?;
        spared = found.len();
    }
    for compilation in &loaded.compilations {
        summary.count(&compilation.findings);
    }
    let checked: Vec<Checked<'_>> =
        loaded.compilations.iter().map(|compilation| Checked { sources: &compilation.sources, findings: &compilation.findings }).collect();
    match arguments.format {
        Format::Full => {
            let mut text: String = checked.iter().map(report::full).collect();
            let count = |number: usize, name: &str| format!("{number} {name}{}", if number == 1 { "" } else { "s" });
            let read = format!("{} and {}", count(summary.files, "configuration"), count(summary.scripts, "script"));
            let beside = match spared {
                0 => String::new(),
                number => format!(", beside {number} of the baseline"),
            };
            if summary.errors + summary.warnings + summary.infos == 0 {
                text.push_str(&format!("No findings in {read}{beside}.\n"));
            } else {
                text.push_str(&format!("Found {} in {read}{beside}.\n", report::tally(&summary)));
            }
            print(&text)?;
        }
        Format::Concise => print(&checked.iter().map(report::concise).collect::<String>())?,
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&report::json(&checked, summary))?))?,
    }
    if let (Some(path), Some(known), true) = (&arguments.baseline, &known, arguments.pipeline.is_empty() && !loaded.failed) {
        let gone: Vec<(&Known, usize)> = known.left().filter(|(known, _)| is_looked_at(&arguments.paths, &loaded, &known.file)).collect();
        baseline::tell_gone(path, &gone);
    }
    Ok(match (loaded.failed, summary.errors) {
        (true, _) => Exit::Failed,
        (false, 0) => Exit::Clean,
        (false, _) => Exit::Findings,
    })
}

/// Whether a finding in this file would have been found: it was read, or is below a folder that was searched.
fn is_looked_at(paths: &[Utf8PathBuf], loaded: &Loaded, file: &str) -> bool {
    let is_below = |folder: &Utf8PathBuf| folder.is_dir() && Utf8Path::new(file).starts_with(load::without_dot(folder));
    let is_read = |compilation: &Compilation| compilation.sources.iter().any(|source| source.path() == file);
    paths.iter().any(is_below) || loaded.compilations.iter().any(is_read)
}
