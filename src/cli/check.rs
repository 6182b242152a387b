//! `sidestage check`.

use camino::{Utf8Path, Utf8PathBuf};
use sidestage_compiler::compilation::Options;
use sidestage_compiler::diagnostics::Safety;
use sidestage_compiler::filter::baseline::Fingerprint;
use sidestage_compiler::report::findings::{self, Checked, Summary};

use super::arguments::{Check, Format};
use super::baseline::Known;
use super::error::CliError;
use super::fix::{self, FixMode};
use super::levels::levels;
use super::{Exit, baseline, print_or_write, print_remarks};
use crate::terminal::count;
use crate::workspace::{Request, SettingsSource, Unreadable, Workspace, absolute, open, surrounding};

pub(super) fn run(arguments: &Check) -> Result<Exit, CliError> {
    let levels = levels(&arguments.levels)?;
    let mode = fix_mode(arguments)?;
    let surrounding = arguments.paths.is_empty().then(surrounding).transpose();
    let surrounding = surrounding.map_err(|error| Unreadable { path: ".".into(), reason: error.to_string() })?;
    let paths = surrounding.as_ref().map_or(arguments.paths.as_slice(), std::slice::from_ref);
    let pipelines = arguments.pipeline.iter().map(|pipeline| (*pipeline).into()).collect();
    let options = Options { pipelines, ..Options::default() };
    let mut known = arguments.baseline.as_deref().map(baseline::read).transpose()?;
    let request = Request {
        paths,
        stdin_filename: &arguments.stdin_filename,
        settings: &SettingsSource::from(&arguments.settings),
        options: &options,
    };
    let mut workspace = open(&request)?;
    print_remarks(&workspace);
    refuse_nothing(paths, &workspace)?;
    let mut has_failed = workspace.has_failed();
    if let Some(mode) = mode {
        let allowed = if arguments.fixes.with_unsafe { Safety::Unsafe } else { Safety::Safe };
        has_failed |= !fix::run(&mut workspace, mode, allowed, &levels)?;
    }
    let mut suppressed = workspace.filter(known.as_mut().map(|known| (&mut known.baseline, known.folder.as_path())), &levels);
    if let Some(path) = &arguments.write_baseline {
        suppressed = write_baseline(path, &mut workspace, has_failed)?;
    }
    let summary = workspace.summary();
    // A difference is all that is printed.
    if mode != Some(FixMode::Show) {
        let text = report(arguments.format, &workspace.checked(), summary, suppressed, mode.is_none())?;
        print_or_write(arguments.output_file.as_deref(), &text)?;
    }
    if let (Some(path), Some(known), true) = (&arguments.baseline, &known, arguments.pipeline.is_empty() && !has_failed) {
        baseline::warn_stale(path, &stale(paths, &workspace, known));
    }
    Ok(match (has_failed, summary.errors) {
        (true, _) => Exit::Failed,
        (false, 0) => Exit::Clean,
        (false, _) => Exit::Findings,
    })
}

/// What is to be done with fixes.
fn fix_mode(arguments: &Check) -> Result<Option<FixMode>, CliError> {
    match (arguments.fixes.fix, arguments.fixes.diff) {
        (true, _) if arguments.paths.iter().any(|path| path == "-") => Err(CliError::StdinFix),
        (true, _) => Ok(Some(FixMode::Write)),
        (_, true) => Ok(Some(FixMode::Show)),
        _ => Ok(None),
    }
}

fn refuse_nothing(paths: &[Utf8PathBuf], workspace: &Workspace) -> Result<(), CliError> {
    if !workspace.configurations.is_empty() || workspace.has_failed() || !paths.iter().any(|path| path.is_dir()) {
        return Ok(());
    }
    let places = paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    Err(CliError::NoConfiguration { places, looked_at: workspace.looked_at() })
}

/// Writes down what is found, and takes it as known; returns how much that is.
fn write_baseline(path: &Utf8Path, workspace: &mut Workspace, has_failed: bool) -> Result<usize, CliError> {
    let fault = |reason: String| CliError::Baseline { path: path.to_owned(), what: "written", reason, help: None };
    if has_failed {
        return Err(fault("not everything could be read".to_owned()));
    }
    let folder = baseline::folder_of(path).map_err(|error| fault(error.to_string()))?;
    let mut found = workspace.baseline(&folder);
    baseline::write(path, &found)?;
    Ok(workspace.filter(Some((&mut found, &folder)), &sidestage_compiler::filter::Levels::default()))
}

/// What the baseline knows and was looked for in vain: its file was read, or is in a folder that was searched.
fn stale<'a>(paths: &[Utf8PathBuf], workspace: &Workspace, known: &'a Known) -> Vec<&'a Fingerprint> {
    let folders: Vec<_> = paths.iter().filter(|path| path.is_dir()).filter_map(|path| absolute(path).ok()).collect();
    let is_looked_at = |file: &str| {
        let path = absolute(&known.folder.join(file)).unwrap_or_default();
        folders.iter().any(|folder| path.starts_with(folder)) || workspace.has_read(file, &known.folder)
    };
    known.baseline.stale().filter(|fingerprint| is_looked_at(&fingerprint.file)).collect()
}

fn report(format: Format, checked: &[Checked<'_>], summary: Summary, suppressed: usize, offers_fixes: bool) -> Result<String, CliError> {
    Ok(match format {
        Format::Full => {
            let text: String = checked.iter().map(findings::full).collect();
            let fixes = if offers_fixes { findings::fixable(checked) } else { String::new() };
            text + &summary_line(summary, suppressed) + &fixes + &findings::proof(checked)
        }
        Format::Narrated => {
            let text: String = checked.iter().map(findings::narrated).collect();
            text + &summary_line(summary, suppressed) + &findings::proof(checked)
        }
        Format::Concise => checked.iter().map(findings::concise).collect(),
        Format::Json => format!("{}\n", serde_json::to_string_pretty(&findings::json(checked, summary))?),
        Format::Sarif => format!("{}\n", serde_json::to_string_pretty(&findings::sarif(checked))?),
        Format::Github => findings::github(checked, &summary),
        Format::Gitlab => format!("{}\n", serde_json::to_string_pretty(&findings::gitlab(checked))?),
        Format::Junit => findings::junit(checked),
    })
}

fn summary_line(summary: Summary, suppressed: usize) -> String {
    let read = format!("{} and {}", count(summary.files, "configuration"), count(summary.scripts, "script"));
    let known = match suppressed {
        0 => String::new(),
        number => format!(" ({number} known in the baseline)"),
    };
    if summary.errors + summary.warnings + summary.infos == 0 {
        format!("No findings in {read}{known}.\n")
    } else {
        format!("Found {} in {read}{known}.\n", findings::tally(&summary))
    }
}
