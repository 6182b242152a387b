//! `sidestage check`.

use super::arguments::{Check, Format};
use super::load::Loaded;
use super::settings::Severities;
use super::{Exit, Failure, load, print};
use crate::compilation::Options;
use crate::report::{self, Checked, Summary};

pub(super) fn run(arguments: &Check) -> Result<Exit, Failure> {
    let severities = Severities::new(&arguments.levels)?;
    let pipelines = arguments.pipeline.iter().map(|pipeline| (*pipeline).into()).collect();
    let options = Options { pipelines, ..Options::default() };
    let mut search = load::load(&arguments.paths, &arguments.stdin_filename, &arguments.settings, &options)?;
    let mut summary = Summary { files: search.configurations.len(), ..Summary::default() };
    search.judge(&severities, &mut summary);
    for loaded in &mut search.configurations {
        loaded.judge(&severities);
        summary.scripts += loaded.compilation.flow.scripts;
        summary.count(&loaded.compilation.findings);
    }
    let nothing = search.configurations.is_empty() && !search.failed && arguments.paths.iter().any(|path| path.is_dir());
    if nothing {
        let places = arguments.paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
        return Err(Failure(format!(
            "no pipeline configuration in {places}: {}, and none has `version: '1'` with stages or `version: '2'` with tasks; \
             files that .gitignore names were left out",
            search.looked_at()
        )));
    }
    let checked: Vec<Checked<'_>> = search.settings().chain(search.configurations.iter().map(Loaded::checked)).collect();
    match arguments.format {
        Format::Full => {
            let mut text: String = checked.iter().map(report::full).collect();
            let count = |number: usize, name: &str| format!("{number} {name}{}", if number == 1 { "" } else { "s" });
            let read = format!("{} and {}", count(summary.files, "configuration"), count(summary.scripts, "script"));
            if summary.errors + summary.warnings + summary.infos == 0 {
                text.push_str(&format!("No findings in {read}.\n"));
            } else {
                text.push_str(&format!("Found {} in {read}.\n", report::tally(&summary)));
            }
            print(&text)?;
        }
        Format::Concise => print(&checked.iter().map(report::concise).collect::<String>())?,
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&report::json(&checked, summary))?))?,
    }
    Ok(match (search.failed, summary.errors) {
        (true, _) => Exit::Failed,
        (false, 0) => Exit::Clean,
        (false, _) => Exit::Findings,
    })
}
