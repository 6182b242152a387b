//! The page of every rule is run: its example must bring the finding, and what it says to use instead must not.

use sidestage_compiler::compilation::{Options, SettingsFile, compile, compile_settings};
use sidestage_compiler::config::settings::NAME;
use sidestage_compiler::diagnostics::{Finding, RuleId, Severity};
use sidestage_compiler::rules::page;
use sidestage_compiler::source::MemoryFiles;

use crate::harness::repository::check_title;

const CONFIG: &str = ".pipeline-config.yaml";
const HEADINGS: [&str; 7] =
    ["What it does", "Why is this bad", "How to fix", "Example", "Use instead", "In the other format", "When to ignore"];

#[test]
fn every_page_has_the_same_headings_in_the_same_order() {
    for rule in RuleId::ALL {
        let page = page(*rule);
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, HEADINGS, "{}", rule.name());
        for heading in HEADINGS {
            assert!(!section(page, heading).trim().is_empty(), "{}: nothing under `{heading}`", rule.name());
        }
    }
}

#[test]
fn every_example_brings_a_finding_of_its_rule() {
    for rule in RuleId::ALL {
        for heading in ["Example", "In the other format"] {
            let findings = findings(*rule, heading);
            assert!(findings.iter().any(|finding| finding.rule == *rule), "{}, {heading}: {}", rule.name(), told(&findings));
        }
        let format = |heading| version(section(page(*rule), heading));
        assert_ne!(format("Example"), format("In the other format"), "{}", rule.name());
    }
}

/// The first format that a section shows.
fn version(section: &str) -> Option<&str> {
    section.lines().find(|line| line.starts_with("version:"))
}

#[test]
fn every_title_of_an_example_is_short() {
    for rule in RuleId::ALL {
        for finding in findings(*rule, "Example") {
            check_title(&finding.message);
        }
    }
}

#[test]
fn what_to_use_instead_brings_neither_that_finding_nor_any_error() {
    for rule in RuleId::ALL {
        let findings = findings(*rule, "Use instead");
        let faults: Vec<&Finding> =
            findings.iter().filter(|finding| finding.rule == *rule || finding.severity == Severity::Error).collect();
        assert!(faults.is_empty(), "{}: {}", rule.name(), told(&findings));
    }
}

#[test]
fn every_rule_is_found_by_its_name_and_described_in_one_line() {
    for rule in RuleId::ALL {
        assert_eq!(RuleId::named(rule.name()), Some(*rule));
        let summary = rule.rule().summary;
        assert!(!summary.is_empty() && !summary.contains('\n') && !summary.ends_with('.'), "{}: {summary:?}", rule.name());
    }
    assert_eq!(RuleId::named("unexported_variable"), None, "the name is written with `-`");
}

fn findings(rule: RuleId, heading: &str) -> Vec<Finding> {
    let mut files = blocks(section(page(rule), heading));
    let at = files.iter().position(|(path, _)| *path == CONFIG).unwrap_or_else(|| panic!("{}: no {CONFIG}", rule.name()));
    let (_, config) = files.remove(at);
    let settings = files.iter().find(|(path, _)| *path == NAME).map_or("", |(_, text)| *text);
    let files = MemoryFiles::new(files);
    let SettingsFile { settings, mut findings, .. } = compile_settings(NAME, settings.as_bytes(), &files);
    findings.extend(compile(CONFIG, config.as_bytes(), &files, &Options { settings, ..Options::default() }).findings);
    findings
}

/// The text under a heading.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let from = page.find(&format!("## {heading}\n")).map_or(page.len(), |at| at + heading.len() + 4);
    let text = &page[from..];
    &text[..text.find("\n## ").map_or(text.len(), |at| at + 1)]
}

/// The fenced blocks of a section: path and text.
fn blocks(section: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    let mut rest = section;
    while let Some((_, fence)) = rest.split_once("```") {
        let (info, body) = fence.split_once('\n').expect("a block has lines");
        let (text, after) = body.split_once("```").expect("a block is closed");
        let (_, path) = info.split_once(' ').unwrap_or_else(|| panic!("the block `{info}` names no file"));
        blocks.push((path, text));
        rest = after;
    }
    blocks
}

fn told(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| format!("\n  {}[{}] {}", finding.severity.name(), finding.rule.name(), finding.line()));
    format!("{} finding(s){}", findings.len(), lines.collect::<String>())
}
