//! The spec of a run.

use super::durations;
use super::node::{Node, Report, texts_of};
use super::pipeline::{self, Given};
use super::set::Set;
use super::{names, parameters, references, usage};
use crate::platform::duration::{Duration, HOUR};

/// What can be bound to a workspace.
const SOURCES: [&str; 7] = ["persistentVolumeClaim", "volumeClaimTemplate", "emptyDir", "configMap", "secret", "projected", "csi"];

/// The spec of a `PipelineRun`.
pub(super) fn check(spec: &Node<'_>, set: &Set<'_>, report: &mut Report<'_>) {
    let (reference, embedded) = (spec.get("pipelineRef"), spec.get("pipelineSpec"));
    if reference.is_some() == embedded.is_some() {
        report.add(spec, "exactly one of pipelineRef and pipelineSpec is needed");
    }
    let named = reference.filter(|reference| !reference.has("resolver"));
    if let Some(reference) = &named {
        set.refer("Pipeline", reference, "name", report);
    }
    workspaces(spec, report);
    timeouts(spec, report);
    accounts(spec, set, report);
    no_results(spec, report);
    if let Some(pipeline) = &embedded {
        pipeline::check(pipeline, &given(spec), set, report);
    }
    let found = || set.find("Pipeline", named?.text("name")?)?.get("spec");
    match embedded.or_else(found) {
        Some(pipeline) => against(spec, &pipeline, report),
        None => parameters::check_values(&spec.list("params"), &[], report),
    }
}

fn given<'a>(spec: &Node<'a>) -> Given<'a> {
    let template = spec.get("taskRunTemplate").and_then(|template| template.get("podTemplate"));
    let volumes = template.map(|template| usage::names(&template, "volumes")).unwrap_or_default();
    Given { params: parameters::given(&spec.list("params")), workspaces: usage::names(spec, "workspaces"), volumes }
}

/// What the run gives against what its pipeline needs.
fn against(spec: &Node<'_>, pipeline: &Node<'_>, report: &mut Report<'_>) {
    let (declared, values) = (parameters::declared(pipeline), spec.list("params"));
    parameters::check_values(&values, &declared, report);
    for name in parameters::missing(&declared, &values) {
        report.add_field(spec, "params", format!("there is no value for the parameter `{name}` of the pipeline"));
    }
    let bound = usage::names(spec, "workspaces");
    for workspace in pipeline.list("workspaces").iter().filter(|workspace| workspace.value.get("optional") != Some(&true.into())) {
        if let Some(name) = workspace.filled("name").filter(|name| !bound.contains(name)) {
            report.add_field(spec, "workspaces", format!("nothing is bound to the workspace `{name}` of the pipeline"));
        }
    }
    let tasks: Vec<_> = pipeline.list("tasks").into_iter().chain(pipeline.list("finally")).collect();
    let known = texts_of(&tasks, "name");
    for task in spec.list("taskRunSpecs") {
        if let Some(name) = task.filled("pipelineTaskName").filter(|name| !known.contains(name) && !references::is_filled_in(name)) {
            report.add_field(&task, "pipelineTaskName", format!("the pipeline has no task `{name}`"));
        }
    }
}

fn workspaces(spec: &Node<'_>, report: &mut Report<'_>) {
    let workspaces = spec.list("workspaces");
    names::duplicates(&workspaces, "name", "workspace", report);
    for workspace in &workspaces {
        let count = SOURCES.iter().filter(|source| workspace.has(source)).count();
        if count != 1 {
            report.add(workspace, format!("the workspace has {count} sources; exactly one is needed"));
        }
    }
}

/// The parts of a run must fit into the whole, which is an hour where nothing is said. Zero is no limit.
fn timeouts(spec: &Node<'_>, report: &mut Report<'_>) {
    let Some(timeouts) = spec.get("timeouts") else {
        for task in spec.list("taskRunSpecs") {
            durations::check(&task, "timeout", report);
        }
        return;
    };
    let whole = if timeouts.has("pipeline") { durations::check(&timeouts, "pipeline", report) } else { Some(HOUR) };
    let tasks = within(&timeouts, "tasks", whole, report);
    let finally = within(&timeouts, "finally", whole, report);
    if let (Some(tasks), Some(finally), Some(whole)) = (tasks, finally, whole)
        && tasks + finally > whole
        && tasks.max(finally) <= whole
    {
        report.add(&timeouts, "tasks and finally together are longer than pipeline");
    }
    let limit = if timeouts.has("tasks") { tasks } else { whole };
    for task in spec.list("taskRunSpecs") {
        let duration = durations::check(&task, "timeout", report);
        if matches!((duration, limit), (Some(duration), Some(limit)) if duration > limit && limit != 0) {
            report.add_field(&task, "timeout", "the timeout is longer than that of all tasks");
        }
    }
}

fn within(timeouts: &Node<'_>, key: &str, whole: Option<Duration>, report: &mut Report<'_>) -> Option<Duration> {
    let duration = durations::check(timeouts, key, report)?;
    if whole.is_some_and(|whole| whole != 0 && (duration > whole || duration == 0)) {
        report.add_field(timeouts, key, format!("{key} is longer than pipeline, which is 1h if it is not set"));
    }
    Some(duration)
}

fn accounts(spec: &Node<'_>, set: &Set<'_>, report: &mut Report<'_>) {
    for template in spec.get("taskRunTemplate").into_iter().chain(spec.list("taskRunSpecs")) {
        set.refer("ServiceAccount", &template, "serviceAccountName", report);
    }
}

/// A run starts before there are results.
fn no_results(spec: &Node<'_>, report: &mut Report<'_>) {
    for (place, text) in spec.list("params").iter().filter_map(|param| param.get("value")).flat_map(|value| value.texts()) {
        if references::all(text).into_iter().any(|inner| references::task_result(inner).is_some()) {
            report.add(&place, "the value of a run's parameter cannot be a result");
        }
    }
}
