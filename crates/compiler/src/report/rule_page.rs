//! The page of a rule as it is read: what its file says, with what its example brings and how it is configured.

use std::fmt::Write;

use super::Look;
use super::findings::{Checked, full};
use crate::compilation::{Options, SettingsFile, compile, compile_settings};
use crate::config::settings::NAME;
use crate::diagnostics::{RuleId, Safety};
use crate::rules::{area, page};
use crate::source::{MemoryFiles, PathsFrom, Sources};

const CONFIG: &str = ".pipeline-config.yaml";
/// The sections that the finding stands in front of.
const AFTER_EXAMPLE: &str = "\n## Use instead\n";

/// The page in Markdown.
pub fn rule_page(id: RuleId) -> String {
    let rule = id.rule();
    let (name, severity) = (id.name(), rule.severity.name());
    let fixable = match rule.fixable {
        None => "no",
        Some(Safety::Safe) => "with `--fix`",
        Some(Safety::Unsafe) => "with `--fix --unsafe-fixes`",
    };
    let mut text = format!("# {name}\n\n{}\n\n", sentence(rule.summary));
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "| level | group | fixable | since |\n|---|---|---|---|\n| {severity} | {} | {fixable} | {} |\n\n",
        area(id),
        rule.since
    );
    let (before, after) = page(id).split_once(AFTER_EXAMPLE).unwrap_or((page(id), ""));
    let _ = write!(
        text,
        "{}\n\nIt is reported as\n\n```text\n{}\n```\n{AFTER_EXAMPLE}{}\n\n",
        before.trim_end(),
        reported(id),
        after.trim_end()
    );
    let _ = write!(
        text,
        "## Settings\n```yaml .sidestage.yaml\nrules:\n  {name}: off    # error, warning, info or off; {severity} by default\n```\n\
         At one place: `# sidestage: ignore[{name}] reason`. For one run: `--allow {name}`, `--warn {name}`, `--deny {name}`.\n"
    );
    text
}

/// What the example on the page brings, as it looks without colours.
fn reported(id: RuleId) -> String {
    let files = example(id);
    let config = files.iter().find(|(path, _)| *path == CONFIG).map_or("", |(_, text)| *text);
    let settings = files.iter().find(|(path, _)| *path == NAME).map_or("", |(_, text)| *text);
    let others = MemoryFiles::new(files.iter().copied().filter(|(path, _)| *path != CONFIG));
    let SettingsFile { settings, findings: of_settings, sources } = compile_settings(NAME, settings.as_bytes(), &others);
    let compilation = compile(CONFIG, config.as_bytes(), &others, &Options { settings, ..Options::default() });
    let shown = |sources: &Sources, all: &[crate::diagnostics::Finding]| {
        let own: Vec<_> = all.iter().filter(|finding| finding.rule == id).cloned().collect();
        full(&Checked { sources, findings: &own, paths: &PathsFrom::default(), proof: None }, Look::PLAIN)
    };
    let text = shown(&sources, &of_settings) + &shown(&compilation.sources, &compilation.findings);
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// The files of the example: path and text.
fn example(id: RuleId) -> Vec<(&'static str, &'static str)> {
    let section = page(id).split_once("## Example\n").map_or("", |(_, rest)| rest.split("\n## ").next().unwrap_or(rest));
    // Of the pieces between fences every second one is a block: its first line names language and file.
    let blocks = section.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    blocks.filter_map(|(info, text)| Some((info.split_once(' ')?.1, text))).collect()
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => String::new(),
    }
}
