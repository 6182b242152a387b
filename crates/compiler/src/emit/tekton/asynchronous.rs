//! The pipeline of an async stage: one task in one pod, which receives, then runs the stage.

use super::objects::pipeline::{Param, ParamDefault, ParamSpec, PipelineSpec, PipelineTask, TaskSpec};
use super::objects::{Object, lines};
use super::pipeline::payload_of_run;
use super::structure::structure;
use super::task::{Builder, Properties, free_name, own_step, stage_step, workspace};
use super::{Set, hours, labels};
use crate::plan::PlannedStage;
use crate::platform::tekton::OWN_TASKS;

/// The name of the one task of an async run.
pub(super) const TASK: &str = "stage";

/// The pipeline of an async stage.
pub(super) fn pipeline(set: &Set<'_>, stage: &PlannedStage) -> Object<PipelineSpec> {
    let payload = ParamSpec { name: "payload", r#type: "string", default: None, description: None };
    let given = Param { name: "payload", value: ParamDefault::Text("$(params.payload)".to_owned()) };
    let hash = structure([stage]);
    let args = ["receive", &stage.name, "--structure", &hash].map(str::to_owned);
    let name = free_name(OWN_TASKS[0], &[&stage.name]);
    let mut receive = own_step(&name, set.image, args);
    receive.env = lines([payload_of_run()]);
    let mut builder = Builder::new(&set.names).properties(Properties::Received).docker(&[stage]).triggers(&set.triggered_by(&[stage]));
    if !set.git_hosts.is_empty() {
        builder.set("SIDESTAGE_GIT_HOSTS", set.git_hosts.join(" "));
    }
    // A run whose stage has failed has failed: `onError` would make it a success.
    let spec = builder.step(receive).step(stage_step(stage, &stage.name, set.base_image)).build();
    Object {
        api_version: "tekton.dev/v1",
        kind: "Pipeline",
        metadata: set.metadata(set.names.async_pipeline(&stage.name)).label(labels::STAGE, &stage.name).annotation(labels::STRUCTURE, hash),
        spec: PipelineSpec {
            params: lines([payload.clone()]),
            workspaces: workspace(),
            tasks: vec![PipelineTask {
                name: TASK.to_owned(),
                timeout: stage.task_timeout.clone().or_else(|| Some(format!("{}h", hours([stage])))),
                params: lines([given]),
                workspaces: workspace(),
                task_spec: TaskSpec { params: lines([payload]), ..spec },
                ..PipelineTask::default()
            }],
            finally: Vec::new(),
        },
    }
}
