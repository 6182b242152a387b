//! The pipeline of a kind: `start`, its stages, and the list of the async runs at its end.

use serde_saphyr::{FlowMap, FlowSeq};

use super::names::Names;
use super::objects::pipeline::{Env, Param, ParamDefault, ParamSpec, PipelineSpec, PipelineTask, Step, TaskSpec, When};
use super::objects::{Object, lines};
use super::order::{Task, tasks};
use super::structure::structure;
use super::task::{Builder, Properties, free_name, own_step, place, stage_step, workspace};
use super::{Set, hours, labels};
use crate::plan::PlannedPipeline;
use crate::platform::tekton::OWN_TASKS;

const CONTINUE: &str = "continue";

/// The pipeline of a kind.
pub(super) fn pipeline(set: &Set<'_>, planned: &PlannedPipeline) -> Object<PipelineSpec> {
    let names = &set.names;
    let planned_tasks = tasks(planned);
    // One that may be skipped does not take over the list.
    let lists =
        |task: &Task<'_>| task.is_finally && !task.steps.iter().any(|step| step.on_failure) && !set.triggered_by(&task.steps).is_empty();
    let is_list_needed = !planned_tasks.iter().any(lists);
    let (at_end, in_order): (Vec<&Task<'_>>, Vec<&Task<'_>>) = planned_tasks.iter().partition(|task| task.is_finally);
    let of_stages = in_order.into_iter().map(|task| stage_task(set, task));
    let mut finally: Vec<PipelineTask> = at_end.into_iter().map(|task| final_task(set, &planned_tasks, task)).collect();
    if is_list_needed {
        finally.push(list(set, names));
    }
    let mut tasks: Vec<PipelineTask> = std::iter::once(start(set, planned)).chain(of_stages).collect();
    let limit = format!("{}h", hours(&planned.stages));
    for task in &mut tasks {
        task.timeout.get_or_insert_with(|| limit.clone());
    }
    Object {
        api_version: "tekton.dev/v1",
        kind: "Pipeline",
        metadata: set
            .metadata(names.pipeline(&planned.pipeline))
            .label(labels::PIPELINE, &planned.pipeline)
            .annotation(labels::STRUCTURE, structure(&planned.stages)),
        spec: PipelineSpec {
            params: lines(params().map(|(param, description)| ParamSpec { description: Some(description), ..param })),
            workspaces: workspace(),
            tasks,
            finally,
        },
    }
}

/// The parameters of a run, with what they mean.
fn params() -> impl Iterator<Item = (ParamSpec, &'static str)> {
    let text = |name, default: Option<&str>| ParamSpec {
        name,
        r#type: "string",
        default: default.map(|default| ParamDefault::Text(default.to_owned())),
        description: None,
    };
    let list = ParamSpec { name: "parameters", r#type: "array", default: Some(ParamDefault::List(Vec::new())), description: None };
    [
        (text("repository", None), "The repository of the application and of this configuration."),
        (text("revision", Some("main")), "A branch, a tag or a commit."),
        (text("repository-path", Some("app")), "Where it is cloned to in the workspace."),
        (list, "What a trigger would set, as NAME=VALUE."),
    ]
    .into_iter()
}

/// The first task: tools, clone, parameters, scripts.
fn start(set: &Set<'_>, planned: &PlannedPipeline) -> PipelineTask {
    let given = |name: &str| if name == "parameters" { format!("$(params.{name}[*])") } else { format!("$(params.{name})") };
    let value = |param: &ParamSpec| match param.r#type {
        "array" => ParamDefault::List(vec![given(param.name)]),
        _ => ParamDefault::Text(given(param.name)),
    };
    let options = ["start", &planned.pipeline, "--config", set.config, "--structure", &structure(&planned.stages), "--"].map(str::to_owned);
    let args = options.into_iter().chain(params().map(|(param, _)| given(param.name)));
    let mut builder = Builder::new(&set.names).properties(Properties::Mounted);
    if !set.git_hosts.is_empty() {
        builder.set("SIDESTAGE_GIT_HOSTS", set.git_hosts.join(" "));
    }
    let spec = builder.step(own_step(OWN_TASKS[0], set.image, args)).build();
    PipelineTask {
        name: OWN_TASKS[0].to_owned(),
        params: lines(params().map(|(param, _)| Param { name: param.name, value: value(&param) })),
        workspaces: workspace(),
        task_spec: TaskSpec { params: lines(params().map(|(param, _)| ParamSpec { default: None, ..param })), ..spec },
        ..PipelineTask::default()
    }
}

/// A task of the configuration.
fn stage_task(set: &Set<'_>, task: &Task<'_>) -> PipelineTask {
    let is_v1 = task.steps.iter().all(|step| step.task.is_none());
    // A task at the end goes on by its step: so it is also where Tekton knows no other way.
    let is_step_asked = !is_v1 || task.is_finally;
    let may_fail = !is_step_asked && task.steps.iter().all(|step| step.may_fail);
    let builder = surroundings(set, task);
    let steps = task.steps.iter().map(|stage| Step {
        on_error: (stage.may_fail && is_step_asked).then_some(CONTINUE),
        ..stage_step(stage, &place(stage), set.base_image)
    });
    PipelineTask {
        name: task.name.to_owned(),
        run_after: (!task.is_finally).then(|| FlowSeq(task.after.clone())),
        on_error: may_fail.then_some(CONTINUE),
        timeout: task.steps.iter().find_map(|step| step.task_timeout.clone()).filter(|_| !is_v1),
        workspaces: workspace(),
        task_spec: steps.fold(builder, Builder::step).build(),
        ..PipelineTask::default()
    }
}

fn surroundings<'a>(set: &'a Set<'a>, task: &Task<'_>) -> Builder<'a> {
    Builder::new(&set.names).properties(Properties::Mounted).docker(&task.steps).triggers(&set.triggered_by(&task.steps))
}

/// A task at the end. Where it triggers, the list of runs is its last step, since tasks at the end run side by side: then the
/// other steps go on in any case, and the last one ends as they did.
fn final_task(set: &Set<'_>, tasks: &[Task<'_>], task: &Task<'_>) -> PipelineTask {
    let mut written = stage_task(set, task);
    // How the stages went is known to parameters of tasks at the end alone.
    let status = ParamSpec { name: "status", r#type: "string", default: None, description: None };
    written.params = lines([Param { name: status.name, value: ParamDefault::Text("$(tasks.status)".to_owned()) }]);
    written.task_spec.params = lines([status]);
    written.task_spec.step_template.env.push(FlowMap(Env::new("SIDESTAGE_STATUS", "$(params.status)")));
    if task.steps.iter().any(|step| step.on_failure) {
        written.when = lines([on_failure(tasks)]);
    }
    if set.triggered_by(&task.steps).is_empty() {
        return written;
    }
    let mut ends: Vec<String> = Vec::new();
    for step in &mut written.task_spec.steps {
        step.args.extend(ends.iter().flat_map(|end| ["--after".to_owned(), end.clone()]));
        if step.on_error.is_none() {
            step.on_error = Some(CONTINUE);
            ends.push(format!("$(steps.step-{}.exitCode.path)", step.name));
        }
    }
    let name = free_name(OWN_TASKS[1], &task.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>());
    let args = std::iter::once("async-runs".to_owned()).chain(ends.into_iter().flat_map(|end| ["--end-as".to_owned(), end]));
    written.task_spec.steps.push(own_step(&name, set.image, args));
    written
}

/// `rollback` runs where the deployment has failed; without one, where anything has.
fn on_failure(tasks: &[Task<'_>]) -> When {
    let deployment = tasks.iter().find(|task| ["deploy", "deployment"].contains(&task.name));
    match deployment {
        Some(task) => When { input: format!("$(tasks.{}.status)", task.name), operator: "in", values: vec!["Failed"] },
        None => When { input: "$(tasks.status)".to_owned(), operator: "in", values: vec!["Failed"] },
    }
}

/// The list of the runs that were started.
fn list(set: &Set<'_>, names: &Names<'_>) -> PipelineTask {
    let step = own_step("list", set.image, ["async-runs".to_owned()]);
    PipelineTask {
        name: OWN_TASKS[1].to_owned(),
        workspaces: workspace(),
        task_spec: Builder::new(names).kube().step(step).build(),
        ..PipelineTask::default()
    }
}

/// The environment of the first step of an async run.
pub(super) fn payload_of_run() -> Env {
    Env::new("SIDESTAGE_PAYLOAD", "$(params.payload)")
}
