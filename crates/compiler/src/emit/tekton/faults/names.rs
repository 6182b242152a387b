//! The forms of names. A check gives what is wrong with a name, or nothing.

use super::node::{Node, Report};
use super::references;
use std::collections::HashSet;

const LABEL: usize = 63;
const SUBDOMAIN: usize = 253;

/// A name as a label of RFC 1123.
pub(super) fn label(name: &str, limit: usize) -> Option<String> {
    too_long(name, limit).or_else(|| {
        let good = is_label(name);
        (!good).then(|| format!("`{name}` is no name: only a-z, 0-9 and '-' are allowed, with a letter or digit at both ends"))
    })
}

/// A name as a subdomain of RFC 1123: labels with dots between.
pub(super) fn subdomain(name: &str, limit: usize) -> Option<String> {
    too_long(name, limit.min(SUBDOMAIN)).or_else(|| {
        let good = name.split('.').all(is_label);
        (!good).then(|| {
            format!("`{name}` is no name: only a-z, 0-9, '-' and '.' are allowed, with a letter or digit at both ends of each part")
        })
    })
}

/// A name as a part of a path of the API, which is what roles have.
pub(super) fn path_segment(name: &str) -> Option<String> {
    let bad = name.is_empty() || matches!(name, "." | "..") || name.contains(['/', '%']);
    bad.then(|| format!("`{name}` is no name: it must not be '.' or '..' or have '/' or '%'"))
}

/// The key of a label or an annotation.
pub(super) fn label_key(key: &str) -> Option<String> {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if let Some(message) = prefix.and_then(|prefix| subdomain(prefix, SUBDOMAIN)) {
        return Some(format!("the part of the key before '/': {message}"));
    }
    if name.is_empty() {
        return Some("the key has no name".to_owned());
    }
    label_value(name)
}

/// The value of a label.
pub(super) fn label_value(value: &str) -> Option<String> {
    too_long(value, LABEL).or_else(|| {
        let inner = value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let ends = [value.chars().next(), value.chars().next_back()];
        let good = inner && ends.into_iter().flatten().all(|c| c.is_ascii_alphanumeric());
        (!good).then(|| {
            format!("`{value}` is no label: only letters, digits, '-', '_' and '.' are allowed, with a letter or digit at both ends")
        })
    })
}

/// The name of a parameter. The parts of an object are reached by dots, so that an object itself has none.
pub(super) fn parameter(name: &str, is_object: bool) -> Option<String> {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c) || (c == '.' && !is_object));
    (!first || !rest).then(|| {
        let dots = if is_object { "" } else { ", '.'" };
        format!("`{name}` is no name of a parameter: only letters, digits, '-', '_'{dots} are allowed, with a letter or '_' first")
    })
}

/// Items of a list whose names are not all different.
pub(super) fn duplicates(nodes: &[Node<'_>], key: &str, what: &str, report: &mut Report<'_>) {
    let mut seen = HashSet::new();
    for node in nodes {
        if let Some(name) = node.filled(key).filter(|name| !seen.insert(*name)) {
            report.add_field(node, key, format!("there is another {what} `{name}`"));
        }
    }
}

/// Names in a list by a check of their form. A name that is filled in later cannot be judged.
pub(super) fn forms(nodes: &[Node<'_>], key: &str, check: impl Fn(&str) -> Option<String>, report: &mut Report<'_>) {
    for node in nodes {
        if let Some(message) = node.filled(key).filter(|name| !references::is_filled_in(name)).and_then(&check) {
            report.add_field(node, key, message);
        }
    }
}

fn too_long(name: &str, limit: usize) -> Option<String> {
    let length = name.chars().count();
    (length > limit).then(|| format!("the name has {length} characters; {limit} are allowed"))
}

fn is_label(name: &str) -> bool {
    let inner = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    inner && !name.is_empty() && !name.starts_with('-') && !name.ends_with('-')
}
