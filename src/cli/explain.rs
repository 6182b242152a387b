//! `sidestage rules` and `sidestage explain`.

use sidestage_compiler::diagnostics::RuleId;
use sidestage_compiler::rules::page;

use super::error::CliError;
use super::levels::rule;
use super::{Exit, print};

pub(super) fn rules() -> Result<Exit, CliError> {
    let width = RuleId::ALL.iter().map(|id| id.name().len()).max().unwrap_or_default();
    let lines = RuleId::ALL.iter().map(|id| {
        let rule = id.rule();
        format!("{:width$}  {:7}  {}\n", id.name(), rule.severity.name(), rule.summary)
    });
    print(&lines.collect::<String>())?;
    Ok(Exit::Clean)
}

pub(super) fn explain(name: &str) -> Result<Exit, CliError> {
    let id = rule(name)?;
    let rule = id.rule();
    let severity = rule.severity.name();
    print(&format!("# {name}\n\n{} ({severity} by default, since {})\n\n{}", sentence(rule.summary), rule.since, page(id)))?;
    Ok(Exit::Clean)
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => String::new(),
    }
}
