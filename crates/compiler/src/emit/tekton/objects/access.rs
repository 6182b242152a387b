//! Accounts, and what they may do.

use serde::Serialize;
use serde_saphyr::FlowMap;

use super::{Line, Metadata};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ServiceAccount {
    pub(in super::super) api_version: &'static str,
    pub(in super::super) kind: &'static str,
    pub(in super::super) metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) automount_service_account_token: Option<bool>,
}

/// A `Role` or `ClusterRole`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Role {
    pub(in super::super) api_version: &'static str,
    pub(in super::super) kind: &'static str,
    pub(in super::super) metadata: Metadata,
    pub(in super::super) rules: Vec<Line<PolicyRule>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PolicyRule {
    pub(in super::super) api_groups: Vec<&'static str>,
    pub(in super::super) resources: Vec<&'static str>,
    pub(in super::super) verbs: Vec<&'static str>,
}

/// A `RoleBinding` or `ClusterRoleBinding`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Binding {
    pub(in super::super) api_version: &'static str,
    pub(in super::super) kind: &'static str,
    pub(in super::super) metadata: Metadata,
    pub(in super::super) role_ref: FlowMap<RoleRef>,
    pub(in super::super) subjects: Vec<Line<Subject>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct RoleRef {
    pub(in super::super) api_group: &'static str,
    pub(in super::super) kind: &'static str,
    pub(in super::super) name: String,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Subject {
    pub(in super::super) kind: &'static str,
    pub(in super::super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) namespace: Option<&'static str>,
}
