//! Interceptors of triggers. Nobody looks at their parameters before an event comes.

use super::cel::{self, Type};
use super::node::{Node, Report};
use super::set::Set;

/// The interceptors that come with Triggers.
const CORE: [&str; 5] = ["bitbucket", "cel", "github", "gitlab", "slack"];

/// An interceptor of a trigger.
pub(super) fn check(interceptor: &Node<'_>, set: &Set<'_>, report: &mut Report<'_>) {
    if interceptor.has("webhook") {
        return;
    }
    let reference = interceptor.get("ref").filter(|reference| reference.filled("name").is_some());
    let Some(reference) = reference else {
        report.add_field(interceptor, "ref", "the interceptor has no ref with a name");
        return;
    };
    let name = reference.text("name").unwrap_or_default();
    let kind = reference.filled("kind").unwrap_or("ClusterInterceptor");
    match kind {
        "ClusterInterceptor" if CORE.contains(&name) => {}
        "ClusterInterceptor" => set.need("ClusterInterceptor", &reference, "name", report),
        _ => set.refer("Interceptor", &reference, "name", report),
    }
    if (kind, name) == ("ClusterInterceptor", "cel") {
        check_cel(interceptor, report);
    }
}

fn check_cel(interceptor: &Node<'_>, report: &mut Report<'_>) {
    for param in interceptor.list("params") {
        let name = param.text("name").unwrap_or_default();
        match (name, param.get("value")) {
            ("filter", Some(value)) => filter(&value, report),
            ("overlays", Some(value)) => overlays(&value, report),
            ("filter" | "overlays", None) => report.add_field(&param, "value", "the parameter has no value"),
            _ => report.add_field(&param, "name", format!("the interceptor `cel` has no parameter `{name}`, only filter and overlays")),
        }
    }
}

fn filter(value: &Node<'_>, report: &mut Report<'_>) {
    let Some(text) = value.value.as_str() else {
        report.add(value, "the filter is not text");
        return;
    };
    // An empty filter lets all pass.
    if text.is_empty() {
        return;
    }
    match cel::check(text) {
        Err(message) => report.add(value, format!("the filter is no CEL that works: {message}")),
        Ok(Type::Bool | Type::Any) => {}
        Ok(other) => report.add(value, format!("the filter gives {}, not true or false", other.word())),
    }
}

fn overlays(value: &Node<'_>, report: &mut Report<'_>) {
    if !value.value.is_array() {
        report.add(value, "the overlays are not a list");
    }
    for overlay in value.items() {
        if overlay.filled("key").is_none() {
            report.add_field(&overlay, "key", "the overlay has no key");
        }
        let Some(text) = overlay.filled("expression") else {
            report.add_field(&overlay, "expression", "the overlay has no expression");
            continue;
        };
        if let Err(message) = cel::check(text) {
            report.add_field(&overlay, "expression", format!("the expression is no CEL that works: {message}"));
        }
    }
}
