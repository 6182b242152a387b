//! `sidestage check --statistics`: how often each rule fired.

use std::collections::BTreeMap;

use serde::Serialize;
use sidestage_compiler::diagnostics::{RuleId, Severity};
use sidestage_compiler::report::findings::Checked;

use super::arguments::Format;
use super::error::CliError;

#[derive(Serialize)]
struct Fired {
    rule: &'static str,
    severity: &'static str,
    count: usize,
    /// How many of them bring a fix.
    fixable: usize,
}

/// The rules that fired, the most frequent first.
pub(super) fn report(format: Format, checked: &[Checked<'_>]) -> Result<String, CliError> {
    if !matches!(format, Format::Full | Format::Concise | Format::Narrated | Format::Json) {
        return Err(CliError::Statistics { format: format!("{format:?}").to_lowercase() });
    }
    let mut counts: BTreeMap<(RuleId, Severity), (usize, usize)> = BTreeMap::new();
    for finding in checked.iter().flat_map(|checked| checked.findings) {
        let (count, fixable) = counts.entry((finding.rule, finding.severity)).or_default();
        *count += 1;
        *fixable += usize::from(finding.fix.is_some());
    }
    let count = |((rule, severity), (count, fixable)): ((RuleId, Severity), _)| Fired {
        rule: rule.name(),
        severity: severity.name(),
        count,
        fixable,
    };
    let mut all: Vec<Fired> = counts.into_iter().map(count).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.count));
    if format == Format::Json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&all)?));
    }
    let digits = all.iter().map(|one| one.count.to_string().len()).max().unwrap_or(1);
    let line = |one: &Fired| {
        let fixable = if one.fixable > 0 { format!("  ({} fixable)", one.fixable) } else { String::new() };
        format!("{:digits$}  {:7}  {}{fixable}\n", one.count, one.severity, one.rule)
    };
    Ok(all.iter().map(line).collect())
}
