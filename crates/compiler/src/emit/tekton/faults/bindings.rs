//! Bindings of triggers: what an event gives to a template.

use super::names;
use super::node::{Node, Report};

/// What a value can take from an event.
const ROOTS: [&str; 4] = ["body", "header", "extensions", "context"];

/// The spec of a `TriggerBinding`.
pub(super) fn check(spec: &Node<'_>, report: &mut Report<'_>) {
    let params = spec.list("params");
    names::duplicates(&params, "name", "parameter", report);
    for param in &params {
        if param.filled("name").is_none() {
            report.add_field(param, "name", "the parameter has no name");
        }
        check_value(param, report);
    }
}

/// The value of a binding's parameter.
pub(super) fn check_value(param: &Node<'_>, report: &mut Report<'_>) {
    if let Some(value) = param.get("value") {
        report.add_some(&value, value.value.as_str().and_then(fault));
    }
}

/// The first fault of a value's `$(...)`.
fn fault(text: &str) -> Option<String> {
    text.match_indices("$(").find_map(|(at, _)| match inner(&text[at + 2..]) {
        None => Some("`$(` is not closed".to_owned()),
        Some(inner) => expression(inner),
    })
}

/// The text up to the parenthesis that closes; filters have parentheses too.
fn inner(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(&text[..at]),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn expression(inner: &str) -> Option<String> {
    let bare = inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(inner);
    let path = bare.strip_prefix('.').unwrap_or(bare);
    let root = path.split(['.', '[']).next().unwrap_or_default();
    if !ROOTS.contains(&root) {
        return Some(format!("`$({inner})`: an event has no `{root}`, only {}", ROOTS.join(", ")));
    }
    let good = !path.contains(['{', '}']) && !path.ends_with('.') && has_closed_brackets(path);
    (!good).then(|| format!("`$({inner})` is no path"))
}

/// Whether each `[` is closed and has something in it. Brackets in quotes do not count.
fn has_closed_brackets(path: &str) -> bool {
    let (mut open, mut quote) = (0_usize, None);
    for c in path.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (_, Some(end)) if c == end => quote = None,
            ('[', None) => open += 1,
            (']', None) if open == 0 => return false,
            (']', None) => open -= 1,
            _ => {}
        }
    }
    open == 0 && quote.is_none() && !path.contains("[]")
}
