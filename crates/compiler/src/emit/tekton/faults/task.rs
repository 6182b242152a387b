//! The spec of a task.

use super::node::{Node, Report};
use super::parameters::{self, Parameter};
use super::usage::{self, Known};
use super::{steps, volumes};

/// What an embedded spec may use of the pipeline around it, without declaring it.
#[derive(Debug, Clone, Default)]
pub(super) struct Outer<'a> {
    pub(super) params: Vec<Parameter<'a>>,
    pub(super) workspaces: Vec<&'a str>,
    pub(super) volumes: Vec<&'a str>,
}

/// The spec of a task, of its own or embedded in a pipeline.
pub(super) fn check(spec: &Node<'_>, outer: &Outer<'_>, report: &mut Report<'_>) {
    let declared = spec.list("volumes");
    let names: Vec<_> = usage::names(spec, "volumes").into_iter().chain(outer.volumes.iter().copied()).collect();
    parameters::check_declarations(spec, report);
    steps::check(spec, &names, report);
    steps::check_sidecars(spec, &names, report);
    volumes::check(&declared, report);
    volumes::check_workspaces(spec, report);
    usage::check(spec, &known(spec, outer), report);
    step_workspaces(spec, report);
}

fn known<'a>(spec: &Node<'a>, outer: &Outer<'a>) -> Known<'a> {
    let params = parameters::declared(spec).into_iter().chain(outer.params.iter().copied());
    let workspaces = usage::names(spec, "workspaces").into_iter().chain(outer.workspaces.iter().copied());
    Known {
        params: params.collect(),
        workspaces: workspaces.collect(),
        results: usage::names(spec, "results"),
        steps: usage::containers(&spec.list("steps")),
    }
}

/// A step or sidecar can only have workspaces that its task declares.
fn step_workspaces(spec: &Node<'_>, report: &mut Report<'_>) {
    let declared = usage::names(spec, "workspaces");
    for container in spec.list("steps").into_iter().chain(spec.list("sidecars")) {
        for workspace in container.list("workspaces") {
            if let Some(name) = workspace.text("name").filter(|name| !declared.contains(name)) {
                report.add_field(&workspace, "name", format!("the task has no workspace `{name}`"));
            }
        }
    }
}
