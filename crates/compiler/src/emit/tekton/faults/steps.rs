//! Steps and sidecars of a task.

use super::node::{Node, Report};
use super::{durations, names, references, volumes, when};

const LABEL: usize = 63;

/// Linux takes 128 KiB for one argument or variable of a program, with the zero byte behind it.
const ARGUMENT_BYTES: usize = 131_071;

/// What Tekton writes around each script at least.
const SCRIPT_FRAME: usize = 100;

/// The steps of a task.
pub(super) fn check(spec: &Node<'_>, volumes: &[&str], report: &mut Report<'_>) {
    let (steps, template) = (spec.list("steps"), spec.get("stepTemplate"));
    if steps.is_empty() {
        report.add_field(spec, "steps", "the task has no steps");
    }
    names::duplicates(&steps, "name", "step", report);
    names::forms(&steps, "name", |name| names::label(name, LABEL), report);
    for step in &steps {
        check_step(step, template.as_ref(), report);
        volumes::check_reserved(step, report);
    }
    if let Some(template) = &template {
        volumes::check_reserved(template, report);
    }
    for container in steps.iter().chain(&template) {
        check_container(container, volumes, report);
    }
    scripts(spec, &steps, report);
}

/// The sidecars of a task.
pub(super) fn check_sidecars(spec: &Node<'_>, volumes: &[&str], report: &mut Report<'_>) {
    let sidecars = spec.list("sidecars");
    names::duplicates(&sidecars, "name", "sidecar", report);
    names::forms(&sidecars, "name", |name| names::label(name, LABEL), report);
    for sidecar in &sidecars {
        if sidecar.filled("image").is_none() {
            report.add_field(sidecar, "image", "the sidecar has no image");
        }
        check_script(sidecar, report);
        check_container(sidecar, volumes, report);
    }
}

fn check_step(step: &Node<'_>, template: Option<&Node<'_>>, report: &mut Report<'_>) {
    let either = |key: &str| step.has(key) || template.is_some_and(|template| template.has(key));
    if step.filled("image").or_else(|| template?.filled("image")).is_none() && !step.has("ref") {
        report.add_field(step, "image", "the step has no image");
    }
    if step.filled("script").is_some() && either("command") {
        report.add_field(step, "script", "a script cannot stand beside a command");
    }
    durations::check(step, "timeout", report);
    check_on_error(step, report);
    when::check(step, report);
    check_script(step, report);
}

/// What follows an error of a task or a step.
pub(super) fn check_on_error(node: &Node<'_>, report: &mut Report<'_>) {
    let value = node.filled("onError").filter(|value| !references::is_filled_in(value));
    if let Some(value) = value.filter(|value| !matches!(*value, "continue" | "stopAndFail")) {
        report.add_field(node, "onError", format!("`{value}` is not allowed: continue and stopAndFail are"));
    }
}

/// A `\r` becomes a part of the interpreter's name or of a command's last word.
fn check_script(node: &Node<'_>, report: &mut Report<'_>) {
    if node.text("script").is_some_and(|script| script.contains("\r\n")) {
        report.add_field(node, "script", "the script has line ends of Windows");
    }
}

fn check_container(container: &Node<'_>, volumes: &[&str], report: &mut Report<'_>) {
    let policy = container.filled("imagePullPolicy").filter(|policy| !references::is_filled_in(policy));
    if let Some(policy) = policy.filter(|policy| !matches!(*policy, "Always" | "IfNotPresent" | "Never")) {
        report.add_field(container, "imagePullPolicy", format!("`{policy}` is not allowed: Always, IfNotPresent and Never are"));
    }
    volumes::check_mounts(container, volumes, report);
    let sources = container.list("envFrom");
    let named = sources.iter().flat_map(|source| ["configMapRef", "secretRef"].iter().filter_map(|key| source.get(key)));
    names::forms(&named.collect::<Vec<_>>(), "name", |name| names::subdomain(name, 253), report);
    for argument in container.list("command").into_iter().chain(container.list("args")) {
        length(&argument, argument.value.as_str().map_or(0, str::len), report);
    }
    for variable in container.list("env") {
        let bytes = [variable.text("name"), variable.text("value")].into_iter().flatten().map(str::len).sum::<usize>();
        length(&variable, bytes + 1, report);
    }
}

fn length(node: &Node<'_>, bytes: usize, report: &mut Report<'_>) {
    if bytes > ARGUMENT_BYTES {
        report.add(node, format!("an argument or variable has {bytes} bytes; {ARGUMENT_BYTES} are allowed"));
    }
}

/// All scripts of a task are, as base64, one argument of the container that places them.
fn scripts(spec: &Node<'_>, steps: &[Node<'_>], report: &mut Report<'_>) {
    let sidecars = spec.list("sidecars");
    let scripts = steps.iter().chain(&sidecars).filter_map(|node| node.filled("script"));
    let bytes = scripts.map(|script| script.len().div_ceil(3) * 4 + SCRIPT_FRAME).sum::<usize>();
    if bytes > ARGUMENT_BYTES {
        report.add_field(spec, "steps", format!("the scripts of the task have {bytes} bytes as base64; {ARGUMENT_BYTES} are allowed"));
    }
}
