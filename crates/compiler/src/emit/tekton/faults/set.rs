//! What the documents of a set say of each other.

use super::Document;
use super::node::{Node, Report};
use super::references;
use serde_json::Value;

/// Cluster roles that come with Kubernetes and Triggers.
const BUILT_IN_ROLES: [&str; 6] =
    ["admin", "cluster-admin", "edit", "tekton-triggers-eventlistener-clusterroles", "tekton-triggers-eventlistener-roles", "view"];

/// The documents of the kinds that are looked at.
#[derive(Debug)]
pub(super) struct Set<'a> {
    documents: Vec<(usize, &'a Value)>,
}

/// Whether a document is of a kind that is looked at; others, such as a kustomization, have other rules.
pub(super) fn is_known(value: &Value) -> bool {
    let version = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    match version.split_once('/') {
        Some(("tekton.dev" | "triggers.tekton.dev" | "rbac.authorization.k8s.io", _)) => true,
        None => version == "v1" && value.get("kind").and_then(Value::as_str) == Some("ServiceAccount"),
        Some(_) => false,
    }
}

impl<'a> Set<'a> {
    pub(super) fn new(documents: &[Document<'a>]) -> Self {
        let known = documents.iter().map(|document| document.value).enumerate().filter(|(_, value)| is_known(value));
        Self { documents: known.collect() }
    }

    /// A document by kind and name.
    pub(super) fn find(&self, kind: &str, name: &str) -> Option<Node<'a>> {
        let mut documents = self.documents.iter().map(|(_, value)| *value);
        documents.find(|value| is(value, kind) && self::name(value) == Some(name)).map(Node::root)
    }

    /// A reference by name: it must lead to a document, unless the set is a single document whose others stand elsewhere.
    pub(super) fn refer(&self, kind: &str, node: &Node<'_>, key: &str, report: &mut Report<'_>) {
        // Each namespace has an account of this name.
        let is_made = kind == "ServiceAccount" && node.text(key) == Some("default");
        if self.documents.len() > 1 && !is_made {
            self.need(kind, node, key, report);
        }
    }

    /// A reference by name that must lead to a document of the set in any case.
    pub(super) fn need(&self, kind: &str, node: &Node<'_>, key: &str, report: &mut Report<'_>) {
        let name = node.filled(key).filter(|name| !references::is_filled_in(name));
        if let Some(name) = name.filter(|name| self.find(kind, name).is_none()) {
            report.add_field(node, key, format!("there is no {kind} `{name}` in the set"));
        }
    }

    /// The parts of a document that every kind has, against the other documents.
    pub(super) fn check(&self, index: usize, root: &Node<'_>, report: &mut Report<'_>) {
        self.unique(index, root, report);
        if let Some(role) = root.get("roleRef") {
            let built_in = role.text("kind") == Some("ClusterRole") && role.text("name").is_some_and(|name| BUILT_IN_ROLES.contains(&name));
            if let Some(kind) = role.text("kind").filter(|_| !built_in) {
                self.refer(kind, &role, "name", report);
            }
        }
        for subject in root.list("subjects") {
            if subject.text("kind") == Some("ServiceAccount") {
                self.refer("ServiceAccount", &subject, "name", report);
            }
        }
    }

    fn unique(&self, index: usize, root: &Node<'_>, report: &mut Report<'_>) {
        let (Some(name), Some(kind)) = (name(root.value), root.text("kind")) else { return };
        let before = self.documents.iter().take_while(|(other, _)| *other < index);
        let twin = before
            .map(|(_, value)| *value)
            .any(|value| is(value, kind) && self::name(value) == Some(name) && same_place(value, root.value));
        if let (true, Some(metadata)) = (twin, root.get("metadata")) {
            report.add_field(&metadata, "name", format!("there is another {kind} `{name}`"));
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    value.get("kind").and_then(Value::as_str) == Some(kind)
}

fn name(value: &Value) -> Option<&str> {
    value.get("metadata")?.get("name")?.as_str()
}

fn same_place(a: &Value, b: &Value) -> bool {
    let namespace = |value: &Value| value.get("metadata").and_then(|metadata| metadata.get("namespace")).cloned();
    namespace(a) == namespace(b)
}
