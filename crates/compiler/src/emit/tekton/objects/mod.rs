//! What a manifest holds, in the order in which a person expects it.

pub(super) mod access;
pub(super) mod kustomize;
pub(super) mod pipeline;
pub(super) mod run;
pub(super) mod triggers;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_saphyr::FlowMap;

/// A mapping on one line.
pub(super) type Line<T> = FlowMap<T>;

/// Lines of mappings.
pub(super) fn lines<T>(items: impl IntoIterator<Item = T>) -> Vec<Line<T>> {
    items.into_iter().map(FlowMap).collect()
}

/// An object of the cluster with a specification.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object<S> {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) metadata: Metadata,
    pub(super) spec: S,
}

/// What an object is called, and found by.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generate_name: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<&'static str, String>,
}

/// By what all objects of this target are found.
pub(super) const MANAGED: (&str, &str) = ("app.kubernetes.io/managed-by", "sidestage");

impl Metadata {
    /// A name, and the label that all objects of this target have.
    pub(super) fn managed(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }.label(MANAGED.0, MANAGED.1)
    }

    pub(super) fn label(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.labels.insert(name, value.into());
        self
    }

    pub(super) fn annotation(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.annotations.insert(name, value.into());
        self
    }
}

/// A reference by name.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Named {
    pub(super) name: String,
}

/// A name with its value.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NameValue {
    pub(super) name: String,
    pub(super) value: String,
}

impl NameValue {
    pub(super) fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: value.into() }
    }
}

/// `{}`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Empty {}

/// As whom a pod runs.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecurityContext {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) privileged: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run_as_user: Option<u32>,
}

impl SecurityContext {
    pub(super) const PRIVILEGED: Self = Self { privileged: Some(true), run_as_user: None };
    pub(super) const ROOT: Self = Self { privileged: None, run_as_user: Some(0) };
}
