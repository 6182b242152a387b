//! A pipeline with its tasks, steps and volumes.

use serde::{Serialize, Serializer};
use serde_saphyr::{FlowMap, FlowSeq};

use super::{Empty, Line, NameValue, Named, SecurityContext};

#[derive(Debug, Serialize)]
pub(in super::super) struct PipelineSpec {
    pub(in super::super) params: Vec<Line<ParamSpec>>,
    pub(in super::super) workspaces: Vec<Line<Named>>,
    pub(in super::super) tasks: Vec<PipelineTask>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) finally: Vec<PipelineTask>,
}

/// A parameter as it is declared.
#[derive(Debug, Clone, Serialize)]
pub(in super::super) struct ParamSpec {
    pub(in super::super) name: &'static str,
    pub(in super::super) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) default: Option<ParamDefault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) description: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(in super::super) enum ParamDefault {
    Text(String),
    List(Vec<String>),
}

/// The value of a parameter.
#[derive(Debug, Serialize)]
pub(in super::super) struct Param {
    pub(in super::super) name: &'static str,
    pub(in super::super) value: ParamDefault,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PipelineTask {
    pub(in super::super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) run_after: Option<FlowSeq<Vec<String>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) when: Vec<Line<When>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) on_error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) timeout: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) params: Vec<Line<Param>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) workspaces: Vec<Line<Named>>,
    pub(in super::super) task_spec: TaskSpec,
}

/// A condition on what an expression gives.
#[derive(Debug, Serialize)]
pub(in super::super) struct When {
    pub(in super::super) input: String,
    pub(in super::super) operator: &'static str,
    pub(in super::super) values: Vec<&'static str>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct TaskSpec {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) params: Vec<Line<ParamSpec>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) workspaces: Vec<Line<WorkspaceMount>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) sidecars: Vec<Sidecar>,
    pub(in super::super) step_template: StepTemplate,
    pub(in super::super) steps: Vec<Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) volumes: Vec<Volume>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WorkspaceMount {
    pub(in super::super) name: &'static str,
    pub(in super::super) mount_path: &'static str,
}

/// What all steps of a task have.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct StepTemplate {
    pub(in super::super) env: Vec<Line<Env>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) volume_mounts: Vec<Line<VolumeMount>>,
}

/// A variable of the environment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Env {
    pub(in super::super) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) value_from: Option<ValueFrom>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ValueFrom {
    field_ref: FieldRef,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldRef {
    field_path: &'static str,
}

impl Env {
    pub(in super::super) fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: Some(value.into()), value_from: None }
    }

    /// What the pod itself is told.
    pub(in super::super) fn of_pod(name: &'static str, field_path: &'static str) -> Self {
        Self { name, value: None, value_from: Some(ValueFrom { field_ref: FieldRef { field_path } }) }
    }
}

/// All variables of a config map or secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) enum EnvFrom {
    ConfigMapRef(Named),
    SecretRef(Named),
}

/// A condition as an expression.
#[derive(Debug, Serialize)]
pub(in super::super) struct Cel {
    pub(in super::super) cel: String,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Step {
    pub(in super::super) name: String,
    pub(in super::super) image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) image_pull_policy: Option<String>,
    /// Refused as a cluster is set up: so it is never left out in silence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) when: Vec<Line<Cel>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) on_error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) timeout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) security_context: Option<FlowMap<SecurityContext>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) env: Vec<Line<Env>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) env_from: Vec<Line<EnvFrom>>,
    #[serde(serialize_with = "on_one_line")]
    pub(in super::super) command: Vec<String>,
    #[serde(serialize_with = "on_one_line")]
    pub(in super::super) args: Vec<String>,
}

fn on_one_line<S: Serializer>(list: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    FlowSeq(list).serialize(serializer)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Sidecar {
    pub(in super::super) name: &'static str,
    pub(in super::super) image: String,
    pub(in super::super) security_context: FlowMap<SecurityContext>,
    pub(in super::super) env: Vec<Line<NameValue>>,
    pub(in super::super) volume_mounts: Vec<Line<VolumeMount>>,
    pub(in super::super) readiness_probe: Probe,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Probe {
    pub(in super::super) exec: FlowMap<Exec>,
    pub(in super::super) period_seconds: u32,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Exec {
    pub(in super::super) command: Vec<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct VolumeMount {
    pub(in super::super) name: &'static str,
    pub(in super::super) mount_path: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(in super::super) read_only: bool,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Volume {
    pub(in super::super) name: &'static str,
    #[serde(flatten)]
    pub(in super::super) source: VolumeSource,
}

/// Where a volume comes from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) enum VolumeSource {
    EmptyDir(Empty),
    ConfigMap(FlowMap<OptionalConfigMap>),
    Secret(FlowMap<OptionalSecret>),
    Projected(Projected),
}

#[derive(Debug, Serialize)]
pub(in super::super) struct OptionalConfigMap {
    pub(in super::super) name: String,
    pub(in super::super) optional: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct OptionalSecret {
    pub(in super::super) secret_name: String,
    pub(in super::super) optional: bool,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Projected {
    pub(in super::super) sources: Vec<Line<Projection>>,
}

/// A part of a projected volume.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) enum Projection {
    #[serde(rename_all = "camelCase")]
    ServiceAccountToken {
        path: &'static str,
        expiration_seconds: u32,
    },
    ConfigMap {
        name: &'static str,
        items: Vec<KeyPath>,
    },
}

#[derive(Debug, Serialize)]
pub(in super::super) struct KeyPath {
    pub(in super::super) key: &'static str,
    pub(in super::super) path: &'static str,
}
