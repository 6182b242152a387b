//! `sidestage rules` and `sidestage explain`.

use serde::Serialize;
use sidestage_compiler::diagnostics::{RuleId, Safety};
use sidestage_compiler::report::rule_page;
use sidestage_compiler::rules::area;

use super::arguments::{ListFormat, Rules};
use super::error::CliError;
use super::levels::rule;
use super::{Exit, print};
use crate::terminal::{look, markdown};

/// `schemas/rules.schema.json`.
#[derive(Serialize)]
struct List {
    version: u32,
    rules: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    severity: &'static str,
    group: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixable: Option<&'static str>,
    since: &'static str,
    summary: &'static str,
    url: String,
}

pub(super) fn rules(arguments: &Rules) -> Result<Exit, CliError> {
    let all: Vec<Listed> = RuleId::ALL.iter().map(|id| listed(*id)).collect();
    print(&match arguments.format {
        ListFormat::Text => table(&all),
        ListFormat::Json => format!("{}\n", serde_json::to_string_pretty(&List { version: 1, rules: all })?),
    })?;
    Ok(Exit::Clean)
}

fn listed(id: RuleId) -> Listed {
    let rule = id.rule();
    let (name, severity, group) = (id.name(), rule.severity.name(), area(id));
    Listed { name, severity, group, fixable: rule.fixable.map(Safety::name), since: rule.since, summary: rule.summary, url: id.url() }
}

/// The rules by their groups.
fn table(all: &[Listed]) -> String {
    let look = look();
    let width = all.iter().map(|rule| rule.name.len()).max().unwrap_or_default();
    let mut text = format!("{:width$}  {:7}  {:3}  {}\n", "rule", "level", "fix", "when it fires");
    let mut groups: Vec<&str> = all.iter().map(|rule| rule.group).collect();
    groups.dedup();
    let mut seen = Vec::new();
    for group in groups {
        if seen.contains(&group) {
            continue;
        }
        seen.push(group);
        text.push_str(&format!("\n{group}\n"));
        for rule in all.iter().filter(|rule| rule.group == group) {
            let mark = match rule.fixable {
                None => "",
                Some("safe") => "yes",
                Some(_) => "*",
            };
            let start = format!("{:width$}  {:7}  {mark:3}  ", rule.name, rule.severity);
            text.push_str(&look.indented(rule.summary, &start, &" ".repeat(start.len())));
            text.push('\n');
        }
    }
    let legend = "fix: yes with `--fix`, * with `--fix --unsafe-fixes`. `sidestage explain RULE` has the page of one.";
    format!("{text}\n{}\n", look.indented(legend, "", ""))
}

pub(super) fn explain(name: &str) -> Result<Exit, CliError> {
    print(&markdown::shown(&rule_page(rule(name)?), look()))?;
    Ok(Exit::Clean)
}
