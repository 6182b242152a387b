//! Size, place and company of files.

use super::modules::{Files, is_rust};

/// More lines than this are two files.
pub(super) const MOST_LINES: usize = 600;

/// A folder of `fixtures/`.
pub(super) struct Fixture {
    /// The texts of its YAML files.
    pub(super) configs: Vec<String>,
    /// What is reported there.
    pub(super) expected: String,
}

/// Files that are too long, and exceptions that are none any more.
pub(super) fn lengths(files: &Files, exceptions: &[(&str, &str)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| is_rust(path)) {
        let (lines, is_exception) = (text.lines().count(), exceptions.iter().any(|(exception, _)| exception == path));
        match (lines > MOST_LINES, is_exception) {
            (true, false) => faults.push(format!("{path} has {lines} lines, and {MOST_LINES} are allowed")),
            (false, true) => faults.push(format!("{path} has {lines} lines: it is no exception any more")),
            _ => {}
        }
    }
    let gone = exceptions.iter().filter(|(exception, _)| !files.contains_key(*exception));
    faults.extend(gone.map(|(exception, _)| format!("{exception} is an exception, and is not there")));
    faults
}

/// Rules that have not one file of their own, and pages of no rule.
pub(super) fn rule_files(rules: &[&str], files: &Files) -> Vec<String> {
    const FOLDER: &str = "crates/compiler/src/rules/";
    let area_and_name = |path: &str| {
        let (area, name) = path.strip_prefix(FOLDER)?.strip_suffix(".rs")?.split_once('/')?;
        (!name.contains('/')).then(|| (area.to_owned(), name.replace('_', "-")))
    };
    let pages: Vec<(String, String)> =
        files.iter().filter(|(_, text)| text.contains("const PAGE: &str")).filter_map(|(path, _)| area_and_name(path)).collect();
    let mut faults = Vec::new();
    for rule in rules {
        match pages.iter().filter(|(_, name)| name == rule).count() {
            1 => {}
            0 => faults.push(format!("`{rule}` has no file in an area of its own name")),
            _ => faults.push(format!("`{rule}` has a file in more than one area")),
        }
    }
    let of_no_rule = pages.iter().filter(|(_, name)| !rules.contains(&name.as_str()));
    faults.extend(of_no_rule.map(|(area, name)| format!("{area}/{name} has a page, and is no rule")));
    faults
}

/// Rules that no fixture of one of the two formats shows.
pub(super) fn formats_without_fixture(rules: &[&str], fixtures: &[Fixture]) -> Vec<String> {
    let mut faults = Vec::new();
    for rule in rules {
        for format in ["1", "2"] {
            let title = format!("[{rule}]:");
            if !fixtures.iter().any(|fixture| is_of_format(fixture, format) && fixture.expected.contains(&title)) {
                faults.push(format!("no fixture of format {format} shows `{rule}`"));
            }
        }
    }
    faults
}

/// Whether the configurations of a fixture are of one format, and of this one.
fn is_of_format(fixture: &Fixture, format: &str) -> bool {
    let versions = fixture.configs.iter().flat_map(|config| config.lines()).filter_map(|line| line.strip_prefix("version:"));
    let mut names = versions.map(|version| version.trim().trim_matches(['\'', '"'])).peekable();
    names.peek().is_some() && names.all(|name| name == format)
}

/// Manifests whose crates have lints of their own, or none.
pub(super) fn without_lints(manifests: &Files) -> Vec<String> {
    let inherits = |text: &str| {
        let mut lines = text.lines().skip_while(|line| line.trim() != "[lints]").skip(1);
        lines.next().is_some_and(|line| line.trim() == "workspace = true")
    };
    manifests.iter().filter(|(_, text)| !inherits(text)).map(|(path, _)| format!("{path} does not inherit the lints")).collect()
}

/// Whether a plain `cargo build` builds a crate which only those need who work on the project.
pub(super) fn is_default_member(manifest: &str, member: &str) -> bool {
    let list = manifest.split_once("default-members").and_then(|(_, rest)| rest.split_once(']'));
    list.is_some_and(|(list, _)| list.contains(&format!("\"{member}\"")))
}

/// Places where a text names what only one machine has.
pub(super) fn words_of_one_machine(files: &Files, words: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in files {
        for (number, line) in text.lines().enumerate() {
            let held = words.iter().filter(|word| line.contains(**word));
            faults.extend(held.map(|word| format!("{path}:{}: `{word}`", number + 1)));
        }
    }
    faults
}

/// Files at the top that are not named there, and links that lead out of the project: of `git ls-files -s`, which has
/// mode, hash, stage and path.
pub(super) fn left_behind(listed: &str, top: &[&str]) -> Vec<String> {
    let entries = listed.lines().filter_map(|line| line.split_once('\t').map(|(facts, path)| (facts.starts_with("120000"), path)));
    let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    let is_fault = |(is_link, path): &(bool, &str)| *is_link && !path.starts_with("fixtures/") || !top.contains(&first(path).as_str());
    entries.filter(is_fault).map(|(_, path)| format!("{path} is no part of the project")).collect()
}
