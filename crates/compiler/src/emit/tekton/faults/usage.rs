//! References in the texts of a task's spec.

use super::node::{Node, Report, texts_of};
use super::parameters::{self, Parameter};
use super::references;

/// What the texts of a task may refer to.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) params: Vec<Parameter<'a>>,
    pub(super) workspaces: Vec<&'a str>,
    pub(super) results: Vec<&'a str>,
    pub(super) steps: Vec<String>,
}

/// Fields of a spec whose texts the user reads, or which declare.
const DECLARATIONS: [&str; 4] = ["description", "displayName", "params", "results"];

/// All references of a task's spec.
pub(super) fn check(spec: &Node<'_>, known: &Known<'_>, report: &mut Report<'_>) {
    for (_, node) in spec.fields().into_iter().filter(|(key, _)| !DECLARATIONS.contains(key)) {
        parameters::check_references(&node, &known.params, report);
        for (place, text) in node.texts() {
            for inner in references::all(text) {
                report.add_some(&place, fault(inner, known).map(|message| format!("`$({inner})`: {message}")));
            }
        }
    }
}

fn fault(inner: &str, known: &Known<'_>) -> Option<String> {
    result(inner, known).or_else(|| workspace(inner, known)).or_else(|| exit_code(inner, known))
}

fn result(inner: &str, known: &Known<'_>) -> Option<String> {
    let (name, _) = references::member(inner, "results").filter(|(_, rest)| *rest == "path")?;
    (!known.results.contains(&name)).then(|| format!("the task has no result `{name}`"))
}

fn workspace(inner: &str, known: &Known<'_>) -> Option<String> {
    let (name, _) = references::member(inner, "workspaces").filter(|(_, rest)| matches!(*rest, "path" | "bound" | "claim" | "volume"))?;
    (!known.workspaces.contains(&name)).then(|| format!("the task has no workspace `{name}`"))
}

/// Steps are named as their containers here.
fn exit_code(inner: &str, known: &Known<'_>) -> Option<String> {
    let (name, _) = references::member(inner, "steps").filter(|(_, rest)| *rest == "exitCode.path")?;
    (!known.steps.iter().any(|step| step == name)).then(|| format!("there is no step `{name}`: write `step-` and the name of a step"))
}

/// The names of the containers of steps.
pub(super) fn containers(steps: &[Node<'_>]) -> Vec<String> {
    let name = |(index, step): (usize, &Node<'_>)| {
        step.filled("name").map_or_else(|| format!("step-unnamed-{index}"), |name| format!("step-{name}"))
    };
    steps.iter().enumerate().map(name).collect()
}

/// Declared names of a list.
pub(super) fn names<'a>(spec: &Node<'a>, key: &str) -> Vec<&'a str> {
    texts_of(&spec.list(key), "name")
}

/// Whether the place of a text is one where a list can be put in: arguments, values of parameters, values to compare with.
pub(super) fn takes_lists(path: &str) -> bool {
    let list = without_index(path);
    let arguments = [".args", ".command", ".values"].iter().any(|end| list.ends_with(end));
    let parameter = list.strip_suffix(".value").is_some_and(|owner| without_index(owner).ends_with(".params"));
    arguments || parameter
}

fn without_index(path: &str) -> &str {
    path.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')).map_or(path, |(list, _)| list)
}
