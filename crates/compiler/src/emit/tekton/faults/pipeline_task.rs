//! A task of a pipeline, around its spec.

use super::node::{Node, Report, texts_of};
use super::parameters;
use super::pipeline::Scope;
use super::set::Set;
use super::task::Outer;
use super::{durations, names, references, steps, task, usage, when};

/// Ways to say what a task does.
const BODIES: [&str; 4] = ["taskRef", "taskSpec", "pipelineRef", "pipelineSpec"];

/// What a reference in the value of a parameter begins with.
const ROOTS: [&str; 6] = ["params", "tasks", "finally", "context", "workspaces", "results"];

/// A task of `tasks` or `finally`.
pub(super) fn check(task: &Node<'_>, scope: &Scope<'_>, set: &Set<'_>, report: &mut Report<'_>) {
    if task.filled("name").is_none() {
        report.add_field(task, "name", "the task has no name");
    }
    body(task, set, report);
    durations::check(task, "timeout", report);
    errors(task, report);
    when::check(task, report);
    values(task, report);
    let fields = ["params", "when", "workspaces"].into_iter().filter_map(|key| task.get(key));
    for node in fields.chain(matrix(task)) {
        parameters::check_references(&node, &scope.params, report);
    }
    workspaces(task, scope, report);
    check_results(task, &scope.tasks, report);
    if let Some(spec) = embedded(task) {
        check_embedded(task, &spec, scope, report);
    }
}

/// The spec of a task that Tekton itself runs; a custom task is another controller's.
fn embedded<'a>(task: &Node<'a>) -> Option<Node<'a>> {
    task.get("taskSpec").filter(|spec| spec.value.is_object() && !spec.has("apiVersion") && !spec.has("kind"))
}

fn body(task: &Node<'_>, set: &Set<'_>, report: &mut Report<'_>) {
    let count = BODIES.iter().filter(|key| task.has(key)).count();
    if count != 1 {
        report.add(task, format!("{count} of taskRef and taskSpec are there; exactly one is needed"));
    }
    let reference = task.get("taskRef").filter(|node| !node.has("resolver") && !node.has("apiVersion"));
    if let Some(reference) = reference.filter(|node| matches!(node.text("kind"), None | Some("" | "Task"))) {
        if reference.filled("name").is_none() {
            report.add_field(&reference, "name", "the reference has no name");
        }
        set.need("Task", &reference, "name", report);
    }
}

fn errors(task: &Node<'_>, report: &mut Report<'_>) {
    let retries = task.get("retries").and_then(|node| node.value.as_i64()).unwrap_or(0);
    if retries < 0 {
        report.add_field(task, "retries", format!("the number of retries is negative: {retries}"));
    }
    if retries > 0 && task.text("onError") == Some("continue") {
        report.add_field(task, "onError", "`continue` cannot stand beside retries");
    }
    steps::check_on_error(task, report);
}

/// `$(date)` in a value is refused here, other than in a script.
fn values(task: &Node<'_>, report: &mut Report<'_>) {
    for (place, text) in task.list("params").iter().filter_map(|param| param.get("value")).flat_map(|value| value.texts()) {
        for inner in references::all(text) {
            let is_filled_before = inner.starts_with("tt.params.") && place.path.contains("resourcetemplates");
            let root = inner.split(['.', '[']).next().unwrap_or_default();
            if !is_filled_before && !ROOTS.contains(&root) {
                report.add(&place, format!("`$({inner})` is no reference: it must begin with one of {}", ROOTS.join(", ")));
            }
        }
    }
}

fn workspaces(task: &Node<'_>, scope: &Scope<'_>, report: &mut Report<'_>) {
    let bindings = task.list("workspaces");
    names::duplicates(&bindings, "name", "binding of the workspace", report);
    for binding in &bindings {
        let key = if binding.filled("workspace").is_some() { "workspace" } else { "name" };
        if let Some(name) = binding.filled(key).filter(|name| !scope.workspaces.contains(name)) {
            report.add_field(binding, key, format!("the pipeline has no workspace `{name}`"));
        }
    }
}

/// `$(tasks.a.results.b)` in any text: the task must be there, and its result where its spec is.
pub(super) fn check_results(node: &Node<'_>, tasks: &[Node<'_>], report: &mut Report<'_>) {
    for (place, text) in node.texts() {
        for (name, result) in references::all(text).into_iter().filter_map(references::task_result) {
            let message = match tasks.iter().find(|task| task.text("name") == Some(name)) {
                None => Some(format!("there is no task `{name}` before `finally`")),
                Some(task) => lacks(task, result).then(|| format!("the task `{name}` has no result `{result}`")),
            };
            report.add_some(&place, message);
        }
    }
}

fn lacks(task: &Node<'_>, result: &str) -> bool {
    embedded(task).is_some_and(|spec| !usage::names(&spec, "results").contains(&result))
}

/// How tasks ended is only known in `finally`, which gives their names.
pub(super) fn check_status(task: &Node<'_>, known: Option<&[&str]>, report: &mut Report<'_>) {
    let fields = ["params", "when"].into_iter().filter_map(|key| task.get(key));
    for (place, text) in fields.flat_map(|node| node.texts()) {
        for inner in references::all(text) {
            report.add_some(&place, status(inner, known));
        }
    }
}

fn status(inner: &str, known: Option<&[&str]>) -> Option<String> {
    let task = references::member(inner, "tasks").filter(|(_, rest)| *rest == "status").map(|(task, _)| task);
    match (task, known) {
        (Some(task), Some(known)) => (!known.contains(&task)).then(|| format!("there is no task `{task}` before `finally`")),
        (None, None) if inner != "tasks.status" => None,
        (_, None) => Some(format!("`$({inner})` is only known in `finally`")),
        (None, Some(_)) => None,
    }
}

fn check_embedded(task: &Node<'_>, spec: &Node<'_>, scope: &Scope<'_>, report: &mut Report<'_>) {
    let declared = parameters::declared(spec);
    let values = task.list("params");
    parameters::check_values(&values, &declared, report);
    let given: Vec<_> = values.iter().cloned().chain(matrix(task)).collect();
    // A parameter of the pipeline reaches an embedded spec by its name alone.
    let outer = |name: &&str| scope.params.iter().any(|parameter| parameter.name == *name);
    for name in parameters::missing(&declared, &given).into_iter().filter(|name| !outer(name)) {
        report.add_field(task, "params", format!("there is no value for the parameter `{name}`"));
    }
    unbound(task, spec, scope, report);
    let params = scope.params.iter().copied().chain(parameters::given(&given)).collect();
    task::check(spec, &Outer { params, workspaces: scope.workspaces.clone(), volumes: scope.volumes.clone() }, report);
}

/// The parameters of a matrix, which stand at two places.
fn matrix<'a>(task: &Node<'a>) -> Vec<Node<'a>> {
    let Some(matrix) = task.get("matrix") else { return Vec::new() };
    let include = matrix.list("include").into_iter().flat_map(|item| item.list("params"));
    matrix.list("params").into_iter().chain(include).collect()
}

fn unbound(task: &Node<'_>, spec: &Node<'_>, scope: &Scope<'_>, report: &mut Report<'_>) {
    let bindings = task.list("workspaces");
    let bound = texts_of(&bindings, "name");
    for workspace in spec.list("workspaces").iter().filter(|workspace| workspace.value.get("optional") != Some(&true.into())) {
        let name = workspace.filled("name").filter(|name| !bound.contains(name) && !scope.workspaces.contains(name));
        if let Some(name) = name {
            report.add_field(task, "workspaces", format!("nothing is bound to the workspace `{name}` of the task"));
        }
    }
}
