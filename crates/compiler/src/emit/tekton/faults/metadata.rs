//! Names and labels of objects.

use super::node::{Node, Report};
use super::{names, references};

/// Tekton's own limit for the names of its objects.
const TEKTON_NAME: usize = 63;
/// The service of a listener is named `el-` and the name.
const LISTENER_NAME: usize = 60;
/// That of Kubernetes for most others.
const OTHER_NAME: usize = 253;

/// The metadata of a document.
pub(super) fn check(root: &Node<'_>, report: &mut Report<'_>) {
    let Some(metadata) = root.get("metadata") else {
        report.add_field(root, "metadata", "the object has no name");
        return;
    };
    let form = |name: &str| form(root, name);
    match (metadata.filled("name"), metadata.filled("generateName")) {
        (Some(name), _) if !references::is_filled_in(name) => {
            if let Some(message) = form(name) {
                report.add_field(&metadata, "name", message);
            }
        }
        (None, Some(start)) if !references::is_filled_in(start) => generated(&metadata, start, form, report),
        (None, None) => report.add_field(&metadata, "name", "the object has no name"),
        _ => {}
    }
    labels(&metadata, report);
}

fn form(root: &Node<'_>, name: &str) -> Option<String> {
    let version = root.text("apiVersion").unwrap_or_default();
    match root.text("kind").unwrap_or_default() {
        "EventListener" => names::label(name, LISTENER_NAME),
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => names::path_segment(name),
        _ if version.starts_with("tekton.dev/") || version.starts_with("triggers.tekton.dev/") => names::subdomain(name, TEKTON_NAME),
        _ => names::subdomain(name, OTHER_NAME),
    }
}

/// The start of a name: five characters will follow it, and Kubernetes cuts it to what then fits.
fn generated(metadata: &Node<'_>, start: &str, form: impl Fn(&str) -> Option<String>, report: &mut Report<'_>) {
    let short: String = start.chars().take(LISTENER_NAME - 5).collect();
    if let Some(message) = form(&format!("{short}a")) {
        report.add_field(metadata, "generateName", message);
    }
}

fn labels(metadata: &Node<'_>, report: &mut Report<'_>) {
    let labels = metadata.get("labels").map(|node| node.fields()).unwrap_or_default();
    for (_, value) in &labels {
        let text = value.value.as_str().filter(|text| !references::is_filled_in(text));
        report.add_some(value, text.and_then(names::label_value));
    }
    let annotations = metadata.get("annotations").map(|node| node.fields()).unwrap_or_default();
    for (key, value) in labels.into_iter().chain(annotations) {
        report.add_some(&value, Some(key).filter(|key| !references::is_filled_in(key)).and_then(names::label_key));
    }
}
