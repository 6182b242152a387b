//! Who may do what. Nobody of them may read secrets through the API.

use minijinja::Error;
use serde_saphyr::FlowMap;

use super::Set;
use super::objects::access::{Binding, PolicyRule, Role, RoleRef, ServiceAccount, Subject};
use super::objects::lines;
use super::yaml::File;

const RBAC: &str = "rbac.authorization.k8s.io";
const API_VERSION: &str = "rbac.authorization.k8s.io/v1";

/// kustomize puts the namespace of the set in place of this one, and of no other.
const ANY_NAMESPACE: &str = "default";

pub(super) fn access(set: &Set<'_>) -> Result<File, Error> {
    let names = &set.names;
    let see_runs = PolicyRule { api_groups: vec!["tekton.dev"], resources: vec!["pipelineruns"], verbs: vec!["get", "list"] };
    let mut file = File::new("access.yaml", &format!("{}\n{WORDS}", set.head)).add(&account(set, names.run(), Some(false)))?;
    if set.has_listener() {
        file = file.add(&account(set, names.asynchronous(), Some(false)))?.add(&account(set, names.listener(), None))?;
    }
    file = file.add(&role(set, "Role", names.run(), vec![see_runs]))?.add(&binding(
        set,
        "RoleBinding",
        names.run(),
        "Role",
        names.run(),
        names.run(),
    ))?;
    if set.is_chained() {
        file = file.add(&binding(set, "RoleBinding", names.asynchronous(), "Role", names.run(), names.asynchronous()))?;
    }
    if !set.has_listener() {
        return Ok(file);
    }
    let of_cluster = || names.of_cluster(set.namespace);
    file.add(&role(set, "Role", names.listener(), of_listener()))?
        .add(&binding(set, "RoleBinding", names.listener(), "Role", names.listener(), names.listener()))?
        .add(&role(set, "ClusterRole", of_cluster(), vec![see_interceptors()]))?
        .add(&binding(set, "ClusterRoleBinding", of_cluster(), "ClusterRole", of_cluster(), names.listener()))
}

const WORDS: &str = "
Who may do what. Nobody here may read secrets through the API; the token of the listener is read by Tekton's own
interceptors. Stages that trigger, and the list of runs, may look at runs: that is all that their accounts may do. Tekton's
own roles for listeners would also give all secrets of the cluster, so the listener has roles of its own; the cluster-wide
one is for the interceptor `cel`, which is an object of the cluster. kustomize puts the namespace in place of `default`.";

fn of_listener() -> Vec<PolicyRule> {
    let kinds = vec!["eventlisteners", "triggers", "triggerbindings", "triggertemplates", "interceptors"];
    vec![
        PolicyRule { api_groups: vec!["triggers.tekton.dev"], resources: kinds, verbs: vec!["get", "list", "watch"] },
        PolicyRule { api_groups: vec!["tekton.dev"], resources: vec!["pipelineruns"], verbs: vec!["create"] },
    ]
}

fn see_interceptors() -> PolicyRule {
    PolicyRule {
        api_groups: vec!["triggers.tekton.dev"],
        resources: vec!["clusterinterceptors", "clustertriggerbindings"],
        verbs: vec!["get", "list", "watch"],
    }
}

fn account(set: &Set<'_>, name: String, automount: Option<bool>) -> ServiceAccount {
    let metadata = set.metadata(name);
    ServiceAccount { api_version: "v1", kind: "ServiceAccount", metadata, automount_service_account_token: automount }
}

fn role(set: &Set<'_>, kind: &'static str, name: String, rules: Vec<PolicyRule>) -> Role {
    Role { api_version: API_VERSION, kind, metadata: set.metadata(name), rules: lines(rules) }
}

fn binding(set: &Set<'_>, kind: &'static str, name: String, role: &'static str, of: String, account: String) -> Binding {
    let namespace = (kind == "ClusterRoleBinding").then_some(ANY_NAMESPACE);
    Binding {
        api_version: API_VERSION,
        kind,
        metadata: set.metadata(name),
        role_ref: FlowMap(RoleRef { api_group: RBAC, kind: role, name: of }),
        subjects: lines([Subject { kind: "ServiceAccount", name: account, namespace }]),
    }
}
