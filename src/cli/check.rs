//! `sidestage check`.

use camino::Utf8Path;
use std::collections::HashSet;

use super::arguments::{Check, Format};
use super::load::{Loaded, Search};
use super::settings::Severities;
use super::{Exit, Failure, baseline, fix, load, print};
use sidestage_compiler::compilation::Options;
use sidestage_compiler::diagnostics::Safety;
use sidestage_compiler::filter::baseline::{Baseline, Known};
use sidestage_compiler::report::findings::{self, Checked, Summary};

pub(super) fn run(arguments: &Check) -> Result<Exit, Failure> {
    let severities = Severities::new(&arguments.levels)?;
    let way = way(arguments)?;
    let pipelines = arguments.pipeline.iter().map(|pipeline| (*pipeline).into()).collect();
    let options = Options { pipelines, ..Options::default() };
    let mut known = arguments.baseline.as_deref().map(baseline::read).transpose()?;
    let mut search = load::load(&arguments.paths, &arguments.stdin_filename, &arguments.settings, &options)?;
    refuse_nothing(arguments, &search)?;
    if let Some(way) = way {
        let allowed = if arguments.fixes.with_unsafe { Safety::Unsafe } else { Safety::Safe };
        fix::run(&mut search, way, allowed, &severities)?;
    }
    search.merge_ignores();
    // Before severities: what is turned off for once is not gone.
    let mut spared = 0;
    if let Some(known) = &mut known {
        let all = known.len();
        search.each(|sources, findings| known.subtract(sources, findings));
        spared = all - known.len();
    }
    search.judge(&severities);
    tell_once(&mut search);
    if let Some(path) = &arguments.write_baseline {
        if search.failed {
            return Err(Failure(format!("the baseline `{path}` is not written: not everything could be read")));
        }
        let mut found = Baseline::default();
        search.each(|sources, findings| findings.drain(..).for_each(|finding| found.add(sources, &finding)));
        baseline::write(path, &found)?;
        spared = found.len();
    }
    let summary = summary(&search);
    // A difference is all that is printed.
    if way != Some(fix::Way::Show) {
        report(arguments.format, &search.checked(), summary, spared, way.is_none())?;
    }
    if let (Some(path), Some(known), true) = (&arguments.baseline, &known, arguments.pipeline.is_empty() && !search.failed) {
        let gone: Vec<(&Known, usize)> = known.left().filter(|(known, _)| is_looked_at(arguments, &search, &known.file)).collect();
        baseline::tell_gone(path, &gone);
    }
    Ok(match (search.failed, summary.errors) {
        (true, _) => Exit::Failed,
        (false, 0) => Exit::Clean,
        (false, _) => Exit::Findings,
    })
}

/// What is to be done with fixes.
fn way(arguments: &Check) -> Result<Option<fix::Way>, Failure> {
    Ok(match (arguments.fixes.fix, arguments.fixes.diff) {
        (true, _) if arguments.paths.iter().any(|path| path == "-") => {
            return Err(Failure("standard input cannot be fixed: name the file, or use `--diff`".to_owned()));
        }
        (true, _) => Some(fix::Way::Write),
        (_, true) => Some(fix::Way::Show),
        _ => None,
    })
}

fn refuse_nothing(arguments: &Check, search: &Search) -> Result<(), Failure> {
    if !search.configurations.is_empty() || search.failed || !arguments.paths.iter().any(|path| path.is_dir()) {
        return Ok(());
    }
    let places = arguments.paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    Err(Failure(format!(
        "no pipeline configuration in {places}: {}, and none has `version: '1'` with stages or `version: '2'` with tasks; \
         files that .gitignore names were left out",
        search.looked_at()
    )))
}

/// Findings in scripts that several configurations share are reported once.
fn tell_once(search: &mut Search) {
    if search.configurations.len() < 2 {
        return;
    }
    let mut told = HashSet::new();
    search.each(|sources, findings| {
        findings.retain(|finding| {
            let path = sources.get(finding.at.file).path().to_owned();
            told.insert((path, finding.at.span, finding.rule, finding.line()))
        });
    });
}

fn summary(search: &Search) -> Summary {
    let scripts = search.configurations.iter().map(|loaded| loaded.compilation.flow.scripts).sum();
    let mut summary = Summary { files: search.configurations.len(), scripts, ..Summary::default() };
    for checked in search.checked() {
        summary.count(checked.findings);
    }
    summary
}

fn report(format: Format, checked: &[Checked<'_>], summary: Summary, spared: usize, offers_fixes: bool) -> Result<(), Failure> {
    match format {
        Format::Full => {
            let mut text: String = checked.iter().map(findings::full).collect();
            let count = |number: usize, name: &str| format!("{number} {name}{}", if number == 1 { "" } else { "s" });
            let read = format!("{} and {}", count(summary.files, "configuration"), count(summary.scripts, "script"));
            let known = match spared {
                0 => String::new(),
                number => format!(" ({number} known in the baseline)"),
            };
            if summary.errors + summary.warnings + summary.infos == 0 {
                text.push_str(&format!("No findings in {read}{known}.\n"));
            } else {
                text.push_str(&format!("Found {} in {read}{known}.\n", findings::tally(&summary)));
            }
            if offers_fixes {
                text.push_str(&findings::fixable(checked));
            }
            print(&text)
        }
        Format::Concise => print(&checked.iter().map(findings::concise).collect::<String>()),
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&findings::json(checked, summary))?)),
    }
}

/// Whether a finding in this file would have been found: it was read, or is below a folder that was searched.
fn is_looked_at(arguments: &Check, search: &Search, file: &str) -> bool {
    let mut folders = arguments.paths.iter().filter(|path| path.is_dir());
    let is_read = |loaded: &Loaded| loaded.compilation.sources.iter().any(|source| source.path() == file);
    folders.any(|folder| Utf8Path::new(file).starts_with(load::without_dot(folder))) || search.configurations.iter().any(is_read)
}
