//! The spec of a pipeline.

use super::node::{Node, Report, texts_of};
use super::parameters::{self, Parameter};
use super::set::Set;
use super::{graph, names, pipeline_task, references, usage};

const LABEL: usize = 63;

/// What a run gives to a pipeline that is embedded in it.
#[derive(Debug, Default)]
pub(super) struct Given<'a> {
    pub(super) params: Vec<Parameter<'a>>,
    pub(super) workspaces: Vec<&'a str>,
    pub(super) volumes: Vec<&'a str>,
}

/// What the tasks of a pipeline may refer to.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) params: Vec<Parameter<'a>>,
    /// The workspaces of the pipeline, and those of the run around it.
    pub(super) workspaces: Vec<&'a str>,
    pub(super) volumes: Vec<&'a str>,
    /// The tasks before `finally`.
    pub(super) tasks: Vec<Node<'a>>,
}

/// The spec of a pipeline, of its own or embedded in a run.
pub(super) fn check<'a>(spec: &Node<'a>, given: &Given<'a>, set: &Set<'_>, report: &mut Report<'_>) {
    let (scope, finally) = (scope(spec, given), spec.list("finally"));
    let known = texts_of(&scope.tasks, "name");
    let all: Vec<_> = scope.tasks.iter().chain(&finally).cloned().collect();
    if scope.tasks.is_empty() && !finally.is_empty() {
        report.add_field(spec, "tasks", "there is `finally`, but no task before it");
    }
    parameters::check_declarations(spec, report);
    names::duplicates(&spec.list("workspaces"), "name", "workspace", report);
    names::duplicates(&all, "name", "task", report);
    names::forms(&all, "name", |name| names::label(name, LABEL), report);
    for task in &scope.tasks {
        pipeline_task::check(task, &scope, set, report);
        pipeline_task::check_status(task, None, report);
    }
    for task in &finally {
        pipeline_task::check(task, &scope, set, report);
        pipeline_task::check_status(task, Some(&known), report);
        if !task.list("runAfter").is_empty() {
            report.add_field(task, "runAfter", "a task of `finally` cannot wait for others");
        }
    }
    order(spec, &scope.tasks, report);
    results(spec, &scope, report);
}

fn scope<'a>(spec: &Node<'a>, given: &Given<'a>) -> Scope<'a> {
    let workspaces = usage::names(spec, "workspaces").into_iter().chain(given.workspaces.iter().copied()).collect();
    let params = parameters::declared(spec).into_iter().chain(given.params.iter().copied()).collect();
    Scope { params, workspaces, volumes: given.volumes.clone(), tasks: spec.list("tasks") }
}

/// Who waits for whom, by `runAfter` and by the use of results.
fn order(spec: &Node<'_>, tasks: &[Node<'_>], report: &mut Report<'_>) {
    let known = texts_of(tasks, "name");
    let mut edges = Vec::new();
    for task in tasks {
        let Some(name) = task.text("name") else { continue };
        for after in task.list("runAfter") {
            match after.value.as_str() {
                Some(before) if known.contains(&before) => edges.push((name, before)),
                Some(before) => report.add(&after, format!("there is no task `{before}`")),
                None => {}
            }
        }
        let texts = task.texts().into_iter().flat_map(|(_, text)| references::all(text));
        edges.extend(texts.filter_map(references::task_result).map(|(before, _)| (name, before)));
    }
    let circle: Vec<_> = graph::circle(&edges).into_iter().collect();
    if !circle.is_empty() {
        report.add_field(spec, "tasks", format!("tasks wait for each other: {}", circle.join(", ")));
    }
}

fn results(spec: &Node<'_>, scope: &Scope<'_>, report: &mut Report<'_>) {
    let results = spec.list("results");
    names::duplicates(&results, "name", "result", report);
    for result in &results {
        if let Some(value) = result.get("value") {
            pipeline_task::check_results(&value, &scope.tasks, report);
        }
    }
}
