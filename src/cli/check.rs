//! `sidestage check`.

use super::arguments::{Check, Format};
use super::settings::Severities;
use super::{Exit, Failure, fix, load, print};
use crate::compilation::Options;
use crate::report::{self, Checked, Summary};
use crate::rules::Safety;

pub(super) fn run(arguments: &Check) -> Result<Exit, Failure> {
    let severities = Severities::new(&arguments.levels)?;
    let pipelines = arguments.pipeline.iter().map(|pipeline| (*pipeline).into()).collect();
    let options = Options { pipelines, ..Options::default() };
    let way = match (arguments.fixes.fix, arguments.fixes.diff) {
        (true, _) => Some(fix::Way::Write),
        (_, true) => Some(fix::Way::Show),
        _ => None,
    };
    if way == Some(fix::Way::Write) && arguments.paths.iter().any(|path| path == "-") {
        return Err(Failure("standard input cannot be fixed: name the file, or take `--diff`".to_owned()));
    }
    let mut loaded = load::load(&arguments.paths, &arguments.stdin_filename, &options);
    let nothing = loaded.compilations.is_empty() && !loaded.failed && arguments.paths.iter().any(|path| path.is_dir());
    if nothing {
        let places = arguments.paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
        return Err(Failure(format!(
            "no pipeline configuration in {places}: {} YAML file(s) were looked at, and none has `version: '1'` with stages or `version: '2'` with tasks; \
             files that .gitignore names were left out",
            loaded.others
        )));
    }
    if let Some(way) = way {
        let allowed = if arguments.fixes.with_unsafe { Safety::Unsafe } else { Safety::Safe };
        fix::run(&mut loaded, way, allowed, &options, &|findings| severities.apply(findings))?;
    }
    let mut summary = Summary { files: loaded.compilations.len(), ..Summary::default() };
    for compilation in &mut loaded.compilations {
        severities.apply(&mut compilation.findings);
        summary.scripts += compilation.flow.scripts;
        summary.count(&compilation.findings);
    }
    let checked: Vec<Checked<'_>> =
        loaded.compilations.iter().map(|compilation| Checked { sources: &compilation.sources, findings: &compilation.findings }).collect();
    match arguments.format {
        // The difference is all that is printed.
        _ if way == Some(fix::Way::Show) => {}
        Format::Full => {
            let mut text: String = checked.iter().map(report::full).collect();
            let count = |number: usize, name: &str| format!("{number} {name}{}", if number == 1 { "" } else { "s" });
            let read = format!("{} and {}", count(summary.files, "configuration"), count(summary.scripts, "script"));
            if summary.errors + summary.warnings + summary.infos == 0 {
                text.push_str(&format!("No findings in {read}.\n"));
            } else {
                text.push_str(&format!("Found {} in {read}.\n", report::tally(&summary)));
            }
            if way.is_none() {
                text.push_str(&report::fixable(&checked));
            }
            print(&text)?;
        }
        Format::Concise => print(&checked.iter().map(report::concise).collect::<String>())?,
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&report::json(&checked, summary))?))?,
    }
    Ok(match (loaded.failed, summary.errors) {
        (true, _) => Exit::Failed,
        (false, 0) => Exit::Clean,
        (false, _) => Exit::Findings,
    })
}
