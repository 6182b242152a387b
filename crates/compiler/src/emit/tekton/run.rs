//! A run of a pipeline to start by hand: no object of the set.

use minijinja::Error;
use serde_saphyr::{FlowMap, FlowSeq};

use super::objects::pipeline::{Param, ParamDefault};
use super::objects::run::{
    ClaimSpec, ClaimTemplate, PodTemplate, Requests, Resources, RunSpec, TaskRunSpec, TaskRunTemplate, Timeouts, Workspace, WorkspaceSource,
};
use super::objects::{Metadata, Named, Object, SecurityContext, lines};
use super::order::tasks;
use super::task::WORKSPACE;
use super::yaml::File;
use super::{Set, hours};
use crate::plan::PlannedPipeline;

pub(super) fn run(set: &Set<'_>, planned: &PlannedPipeline) -> Result<File, Error> {
    let kind = &planned.pipeline;
    let hours = hours(&planned.stages);
    let pipeline = set.names.pipeline(kind);
    let parameter = |name, value: &str| Param { name, value: ParamDefault::Text(value.to_owned()) };
    let parameters = Param { name: "parameters", value: ParamDefault::List(Vec::new()) };
    let object = Object {
        api_version: "tekton.dev/v1",
        kind: "PipelineRun",
        metadata: Metadata { generate_name: Some(format!("{pipeline}-")), ..Metadata::default() },
        spec: RunSpec {
            pipeline_ref: FlowMap(Named { name: pipeline }),
            params: lines([
                parameter("repository", "https://git.example.com/OWNER/REPOSITORY.git"),
                parameter("revision", "main"),
                parameters,
            ]),
            task_run_template: TaskRunTemplate {
                service_account_name: set.names.run(),
                pod_template: FlowMap(PodTemplate { security_context: Some(SecurityContext::ROOT), runtime_class_name: None }),
            },
            task_run_specs: lines(classes(set, planned)),
            workspaces: vec![Workspace {
                name: WORKSPACE,
                source: WorkspaceSource::VolumeClaimTemplate(ClaimTemplate {
                    spec: ClaimSpec {
                        access_modes: FlowSeq(vec!["ReadWriteOnce"]),
                        resources: FlowMap(Resources { requests: Requests { storage: "1Gi" } }),
                    },
                }),
            }],
            timeouts: FlowMap(Timeouts {
                pipeline: format!("{}h", hours + 1),
                tasks: Some(format!("{hours}h")),
                // Also where the others have used up their time.
                finally: Some("1h".to_owned()),
            }),
        },
    };
    let known = match set.parameters {
        [] => String::new(),
        names => format!("\nWhat a trigger would set stands in `parameters` as NAME=VALUE: {}.", names.join(", ")),
    };
    let words = format!(
        "Written by `sidestage build --target tekton` from {}: a run to start, and no object of the set. Put your repository into a\ncopy of it, then type: kubectl create -f {kind}.yaml --namespace {}{known}\nAll stages share the workspace, so they run as one user; OpenShift gives one by itself: remove `podTemplate` there.",
        set.config, set.namespace
    );
    File::new(&format!("runs/{kind}.yaml"), &words).add(&object)
}

/// The classes of tasks, as the settings map them.
fn classes(set: &Set<'_>, planned: &PlannedPipeline) -> Vec<TaskRunSpec> {
    let of_task = |task: &super::order::Task<'_>| {
        let class = task.steps.iter().find_map(|stage| set.runtime_class(stage))?;
        Some(TaskRunSpec {
            pipeline_task_name: task.name.to_owned(),
            pod_template: PodTemplate { security_context: None, runtime_class_name: Some(class.to_owned()) },
        })
    };
    tasks(planned).iter().filter_map(of_task).collect()
}
