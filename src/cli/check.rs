//! `sidestage check`.

use super::arguments::{Check, Format};
use super::settings::Severities;
use super::{Exit, Failure, load, print};
use crate::compilation::Options;
use crate::report::{self, Checked, Summary};
use crate::suppression::{self, Part};

pub(super) fn run(arguments: &Check) -> Result<Exit, Failure> {
    let severities = Severities::new(&arguments.levels)?;
    let pipelines = arguments.pipeline.iter().map(|pipeline| (*pipeline).into()).collect();
    let options = Options { pipelines, ..Options::default() };
    let mut loaded = load::load(&arguments.paths, &arguments.stdin_filename, &options);
    let parts = loaded.compilations.iter_mut().map(|compilation| Part {
        sources: &compilation.sources,
        ignores: &compilation.ignores,
        findings: &mut compilation.findings,
    });
    suppression::merge(&mut parts.collect::<Vec<_>>());
    let mut summary = Summary { files: loaded.compilations.len(), ..Summary::default() };
    for compilation in &mut loaded.compilations {
        severities.apply(&mut compilation.findings);
        summary.scripts += compilation.flow.scripts;
        summary.count(&compilation.findings);
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
    let checked: Vec<Checked<'_>> =
        loaded.compilations.iter().map(|compilation| Checked { sources: &compilation.sources, findings: &compilation.findings }).collect();
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
    Ok(match (loaded.failed, summary.errors) {
        (true, _) => Exit::Failed,
        (false, 0) => Exit::Clean,
        (false, _) => Exit::Findings,
    })
}
