//! `--format junit`: a test suite for each file with findings, a failed test for each error and warning.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Checked;
use super::located::{Located, located};
use crate::report::escaped;

/// The report, as XML.
pub fn junit(checked: &[Checked<'_>]) -> String {
    let found = located(checked);
    let mut files: BTreeMap<&str, Vec<&Located<'_>>> = BTreeMap::new();
    // A file without a finding is a test that passed.
    for part in checked {
        let first = part.sources.iter().next();
        files.extend(first.map(|source| (source.path(), Vec::new())));
    }
    for one in &found {
        files.entry(one.file).or_default().push(one);
    }
    let failures = |found: &[&Located<'_>]| found.iter().filter(|one| !one.is_note()).count();
    let tests = |found: &[&Located<'_>]| found.len().max(1);
    let (all, failed) = files.values().fold((0, 0), |(all, failed), found| (all + tests(found), failed + failures(found)));
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "<testsuites name=\"sidestage\" tests=\"{all}\" failures=\"{failed}\" errors=\"0\">");
    for (file, found) in &files {
        let (name, tests, failures) = (escaped(file), tests(found), failures(found));
        let _ = writeln!(text, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">");
        if found.is_empty() {
            let _ = writeln!(text, "    <testcase name=\"no findings\" classname=\"{name}\"/>");
        }
        for one in found {
            case(&mut text, &name, one);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(text: &mut String, class: &str, one: &Located<'_>) {
    let rule = one.finding.rule;
    let place = format!("{}:{}:{}", one.file, one.start.line, one.start.column);
    let name = escaped(&format!("{}:{} {}", one.start.line, one.start.column, rule.name()));
    let body = escaped(&format!("{place}: {}\n{}", one.text(), rule.url()));
    let _ = writeln!(text, "    <testcase name=\"{name}\" classname=\"{class}\">");
    // What is only worth knowing fails nothing.
    let _ = if one.is_note() {
        writeln!(text, "      <system-out>{body}</system-out>")
    } else {
        let message = escaped(&one.finding.line());
        writeln!(text, "      <failure type=\"{}\" message=\"{message}\">{body}</failure>", one.finding.severity.name())
    };
    text.push_str("    </testcase>\n");
}
