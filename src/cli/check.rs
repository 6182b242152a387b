//! `sidestage check`.

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;
use sidestage_compiler::compilation::Options;
use sidestage_compiler::diagnostics::Safety;
use sidestage_compiler::filter::baseline::Fingerprint;
use sidestage_compiler::report::Look;
use sidestage_compiler::report::findings::{self, Checked, Summary};

use super::arguments::{Check, Format};
use super::baseline::Known;
use super::error::CliError;
use super::fix::{self, FixMode};
use super::levels::levels;
use super::{Exit, baseline, inspect, print, print_or_write, print_remarks, statistics};
use crate::terminal::{count, error_look, is_quiet, is_verbose, look, print_line, print_note};
use crate::workspace::{Needs, PARALLEL_FROM, Request, SettingsSource, Unreadable, Workspace, absolute, open, surrounding};

/// The path that standard input stands for, where none is given.
const STDIN_FILENAME: &str = ".pipeline-config.yaml";

pub(super) fn run(arguments: &Check) -> Result<Exit, CliError> {
    let levels = levels(&arguments.levels)?;
    let paths = paths(arguments)?;
    let mode = fix_mode(arguments, &paths)?;
    let pipelines = arguments.pipeline.iter().map(|pipeline| (*pipeline).into()).collect();
    let options = Options { pipelines, ..Options::default() };
    let mut known = arguments.baseline.as_deref().map(baseline::read).transpose()?;
    let request = Request {
        paths: &paths,
        stdin_filename: arguments.stdin_filename.as_deref().unwrap_or(Utf8Path::new(STDIN_FILENAME)),
        settings: &SettingsSource::from(&arguments.settings),
        options: &options,
        allow_missing: arguments.allow_missing,
        needs: if mode.is_some() || is_verbose() { Needs::Everything } else { Needs::Findings },
    };
    let mut workspace = open(&request)?;
    print_remarks(&workspace);
    refuse_nothing(arguments, &paths, &workspace)?;
    let mut has_failed = workspace.has_failed();
    let mut has_difference = false;
    if arguments.instead.show_files || arguments.instead.show_settings {
        let text: String =
            workspace.configurations.iter().map(if arguments.instead.show_files { inspect::files } else { inspect::settings }).collect();
        print(&text)?;
        return Ok(if has_failed { Exit::Failed } else { Exit::Clean });
    }
    if is_verbose() {
        workspace.configurations.iter().for_each(|configuration| print_note(&inspect::told(configuration)));
    }
    if let Some(mode) = mode {
        let allowed = if arguments.fixes.with_unsafe { Safety::Unsafe } else { Safety::Safe };
        let fixed = fix::run(&mut workspace, mode, allowed, &levels)?;
        has_failed |= !fixed.is_whole;
        has_difference = mode == FixMode::Show && fixed.files > 0;
    }
    let mut suppressed = workspace.filter(known.as_mut().map(|known| (&mut known.baseline, known.folder.as_path())), &levels);
    if let Some(path) = &arguments.write_baseline {
        suppressed = write_baseline(path, &mut workspace, has_failed)?;
    }
    let summary = workspace.summary();
    // A difference is all that is printed.
    if mode != Some(FixMode::Show) {
        let Report { text, aside } = report(arguments, &workspace.checked(), &Counted { summary, suppressed, has_failed })?;
        print_or_write(arguments.output_file.as_deref(), &text)?;
        if !aside.is_empty() {
            print_line(aside.trim_end());
        }
    }
    if let (Some(path), Some(known), true) = (&arguments.baseline, &known, arguments.pipeline.is_empty() && !has_failed) {
        baseline::warn_stale(path, &stale(&paths, &workspace, known));
    }
    // The program ends here: to take apart what was compiled is work for nobody.
    std::mem::forget(workspace);
    Ok(exit(arguments, has_failed, has_difference || summary.errors > 0))
}

fn exit(arguments: &Check, has_failed: bool, has_found: bool) -> Exit {
    match (has_failed, has_found && !arguments.exit_zero) {
        (true, _) => Exit::Failed,
        (false, true) => Exit::Findings,
        (false, false) => Exit::Clean,
    }
}

/// What is named; without anything, standard input where it has a name, else the repository around the working folder.
fn paths(arguments: &Check) -> Result<Vec<Utf8PathBuf>, CliError> {
    if !arguments.paths.is_empty() {
        return Ok(arguments.paths.clone());
    }
    if arguments.stdin_filename.is_some() {
        return Ok(vec!["-".into()]);
    }
    let surrounding = surrounding().map_err(|error| Unreadable { path: ".".into(), reason: error.to_string() })?;
    Ok(vec![surrounding])
}

/// What is to be done with fixes.
fn fix_mode(arguments: &Check, paths: &[Utf8PathBuf]) -> Result<Option<FixMode>, CliError> {
    match (arguments.fixes.fix, arguments.fixes.diff) {
        (true, _) if paths.iter().any(|path| path == "-") => Err(CliError::StdinFix),
        (true, _) => Ok(Some(FixMode::Write)),
        (_, true) => Ok(Some(FixMode::Show)),
        _ => Ok(None),
    }
}

fn refuse_nothing(arguments: &Check, paths: &[Utf8PathBuf], workspace: &Workspace) -> Result<(), CliError> {
    if !workspace.configurations.is_empty() || workspace.has_failed() || !paths.iter().any(|path| path.is_dir()) {
        return Ok(());
    }
    let places = paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    if arguments.allow_missing {
        print_note(&format!("no pipeline configuration in {places}, so nothing is checked"));
        return Ok(());
    }
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

/// What stands in the last line.
struct Counted {
    summary: Summary,
    suppressed: usize,
    has_failed: bool,
}

/// What is printed, and what is said on standard error after it.
struct Report {
    text: String,
    aside: String,
}

fn report(arguments: &Check, checked: &[Checked<'_>], counted: &Counted) -> Result<Report, CliError> {
    let format = arguments.format.unwrap_or_else(default_format);
    let look = if arguments.output_file.is_some() { Look::PLAIN } else { look() };
    let mut aside = String::new();
    let text = match format {
        _ if arguments.instead.statistics => statistics::report(format, checked)?,
        Format::Full => {
            let text = one_by_one(checked, |checked| findings::full(checked, look)).concat();
            // While fixes are made, nobody needs to be told of them.
            let fixes = if arguments.fixes.fix { String::new() } else { findings::fixable(checked) };
            text + &last_lines(counted, &fixes, checked, look)
        }
        Format::Narrated => {
            let text: String = checked.iter().map(findings::narrated).collect();
            text + &last_lines(counted, "", checked, look)
        }
        Format::Concise => {
            // Standard output has one line a finding, for other programs.
            aside = last_lines(counted, "", checked, error_look());
            checked.iter().map(|checked| findings::concise(checked, look)).collect()
        }
        Format::Json => format!("{}\n", serde_json::to_string_pretty(&findings::json(checked, counted.summary))?),
        Format::Sarif => format!("{}\n", serde_json::to_string_pretty(&findings::sarif(checked))?),
        Format::Github => findings::github(checked, &counted.summary),
        Format::Gitlab => format!("{}\n", serde_json::to_string_pretty(&findings::gitlab(checked))?),
        Format::Junit => findings::junit(checked),
    };
    Ok(Report { text, aside })
}

/// What is said of each configuration, in order; of many at the same time.
fn one_by_one(checked: &[Checked<'_>], of: impl Fn(&Checked<'_>) -> String + Sync + Send) -> Vec<String> {
    if checked.len() < PARALLEL_FROM { checked.iter().map(of).collect() } else { checked.par_iter().map(of).collect() }
}

/// Frames are no help to who asks for no graphics.
fn default_format() -> Format {
    if std::env::var_os("NO_GRAPHICS").is_some_and(|value| !value.is_empty()) { Format::Narrated } else { Format::Full }
}

/// How much was found, what can be fixed, and how much is proven.
fn last_lines(counted: &Counted, fixes: &str, checked: &[Checked<'_>], look: Look) -> String {
    // Where nothing could be read, nothing was found sound either.
    let is_nothing = counted.has_failed && checked.is_empty();
    if is_quiet() || is_nothing {
        return String::new();
    }
    let lines = summary_line(counted) + fixes + &findings::proof(checked);
    lines.lines().map(|line| look.indented(line, "", "  ") + "\n").collect()
}

fn summary_line(Counted { summary, suppressed, .. }: &Counted) -> String {
    let read = format!("{} and {}", count(summary.files, "configuration"), count(summary.scripts, "script"));
    let known = match suppressed {
        0 => String::new(),
        number => format!(" ({number} known in the baseline)"),
    };
    if summary.errors + summary.warnings + summary.infos == 0 {
        format!("No findings in {read}{known}.\n")
    } else {
        format!("Found {} in {read}{known}.\n", findings::tally(summary))
    }
}
