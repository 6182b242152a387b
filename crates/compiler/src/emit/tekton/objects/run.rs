//! A run of a pipeline.

use serde::Serialize;
use serde_saphyr::{FlowMap, FlowSeq};

use super::pipeline::Param;
use super::{Empty, Line, Named, Object, SecurityContext};

pub(in super::super) type PipelineRun = Object<RunSpec>;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct RunSpec {
    pub(in super::super) pipeline_ref: FlowMap<Named>,
    pub(in super::super) params: Vec<Line<Param>>,
    pub(in super::super) task_run_template: TaskRunTemplate,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) task_run_specs: Vec<Line<TaskRunSpec>>,
    pub(in super::super) workspaces: Vec<Workspace>,
    pub(in super::super) timeouts: FlowMap<Timeouts>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct TaskRunTemplate {
    pub(in super::super) service_account_name: String,
    pub(in super::super) pod_template: FlowMap<PodTemplate>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PodTemplate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) security_context: Option<SecurityContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) runtime_class_name: Option<String>,
}

/// What one task of the run has of its own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct TaskRunSpec {
    pub(in super::super) pipeline_task_name: String,
    pub(in super::super) pod_template: PodTemplate,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Timeouts {
    pub(in super::super) pipeline: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) tasks: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) finally: Option<String>,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Workspace {
    pub(in super::super) name: &'static str,
    #[serde(flatten)]
    pub(in super::super) source: WorkspaceSource,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) enum WorkspaceSource {
    EmptyDir(Empty),
    VolumeClaimTemplate(ClaimTemplate),
}

#[derive(Debug, Serialize)]
pub(in super::super) struct ClaimTemplate {
    pub(in super::super) spec: ClaimSpec,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ClaimSpec {
    pub(in super::super) access_modes: FlowSeq<Vec<&'static str>>,
    pub(in super::super) resources: FlowMap<Resources>,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Resources {
    pub(in super::super) requests: Requests,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Requests {
    pub(in super::super) storage: &'static str,
}
