//! Event listeners and triggers.

use super::node::{Node, Report};
use super::set::Set;
use super::{bindings, interceptors, names, template, usage};

/// Ways to say which triggers a listener has.
const TRIGGERS: [&str; 4] = ["triggers", "triggerGroups", "labelSelector", "namespaceSelector"];

/// Fields of the listener's pod that Triggers keeps for itself.
const POD_FIELDS: [&str; 22] = [
    "activeDeadlineSeconds",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "initContainers",
    "nodeName",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
];

/// The same for its container.
const CONTAINER_FIELDS: [&str; 9] =
    ["args", "command", "envFrom", "image", "imagePullPolicy", "lifecycle", "name", "ports", "volumeMounts"];

/// The spec of an `EventListener`.
pub(super) fn check(spec: &Node<'_>, set: &Set<'_>, report: &mut Report<'_>) {
    let triggers = spec.list("triggers");
    let is_empty = |key: &str| spec.get(key).is_none_or(|node| node.items().is_empty() && node.fields().is_empty());
    if TRIGGERS.into_iter().all(is_empty) {
        report.add_field(spec, "triggers", "the listener has no triggers");
    }
    set.refer("ServiceAccount", spec, "serviceAccountName", report);
    names::duplicates(&triggers, "name", "trigger", report);
    names::forms(&triggers, "name", names::label_value, report);
    for trigger in &triggers {
        match trigger.filled("triggerRef") {
            Some(_) => reference(trigger, set, report),
            None => check_trigger(trigger, set, report),
        }
    }
    pod(spec, report);
}

fn reference(trigger: &Node<'_>, set: &Set<'_>, report: &mut Report<'_>) {
    set.refer("Trigger", trigger, "triggerRef", report);
    for key in ["template", "bindings", "interceptors"].into_iter().filter(|key| trigger.has(key)) {
        report.add_field(trigger, key, format!("{key} cannot stand beside triggerRef"));
    }
}

/// A trigger of a listener, or the spec of a `Trigger`.
pub(super) fn check_trigger(trigger: &Node<'_>, set: &Set<'_>, report: &mut Report<'_>) {
    for binding in trigger.list("bindings") {
        check_binding(&binding, set, report);
    }
    for interceptor in trigger.list("interceptors") {
        interceptors::check(&interceptor, set, report);
    }
    let Some(template) = trigger.get("template") else {
        report.add_field(trigger, "template", "the trigger has no template");
        return;
    };
    if template.has("spec") == template.filled("ref").is_some() {
        report.add(&template, "exactly one of ref and spec is needed");
    }
    set.refer("TriggerTemplate", &template, "ref", report);
    if let Some(spec) = template.get("spec") {
        template::check(&spec, set, report);
    }
    let found = || set.find("TriggerTemplate", template.text("ref")?)?.get("spec");
    let Some(given) = given(trigger, set) else { return };
    if let Some(name) = repeated(&given) {
        report.add_field(trigger, "bindings", format!("two bindings give the parameter `{name}`"));
    }
    if let Some(spec) = template.get("spec").or_else(found) {
        template::check_given(&spec, &given, trigger, report);
    }
}

fn check_binding(binding: &Node<'_>, set: &Set<'_>, report: &mut Report<'_>) {
    match (binding.filled("ref"), binding.filled("name")) {
        (Some(_), Some(_)) => report.add_field(binding, "name", "a binding has a ref or a name, not both"),
        (None, None) => report.add(binding, "the binding has neither a ref nor a name with a value"),
        (None, Some(_)) if !binding.has("value") => report.add_field(binding, "value", "the parameter has no value"),
        _ => bindings::check_value(binding, report),
    }
    if is_of_namespace(binding) {
        set.refer("TriggerBinding", binding, "ref", report);
    }
}

fn is_of_namespace(binding: &Node<'_>) -> bool {
    binding.filled("kind").is_none_or(|kind| kind == "TriggerBinding")
}

/// The names of all parameters that the bindings give, where all bindings are known.
fn given<'a>(trigger: &Node<'a>, set: &Set<'a>) -> Option<Vec<&'a str>> {
    let mut names = Vec::new();
    for binding in trigger.list("bindings") {
        let Some(name) = binding.filled("ref") else {
            names.extend(binding.filled("name"));
            continue;
        };
        let known = is_of_namespace(&binding).then(|| set.find("TriggerBinding", name)).flatten()?;
        names.extend(usage::names(&known.get("spec")?, "params"));
    }
    Some(names)
}

/// No event makes a run where a parameter comes from two bindings.
fn repeated<'a>(names: &[&'a str]) -> Option<&'a str> {
    names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)).map(|(_, name)| *name)
}

fn pod(spec: &Node<'_>, report: &mut Report<'_>) {
    let pod = || spec.get("resources")?.get("kubernetesResource")?.get("spec")?.get("template")?.get("spec");
    let Some(pod) = pod() else { return };
    refused(&pod, &POD_FIELDS, report);
    let containers = pod.list("containers");
    if containers.len() > 1 {
        report.add_field(&pod, "containers", "the listener has one container");
    }
    for container in &containers {
        refused(container, &CONTAINER_FIELDS, report);
    }
}

/// A field with Go's zero value counts as absent; those of other names than `host..` are pointers, where `false` is a value.
fn refused(node: &Node<'_>, keys: &[&str], report: &mut Report<'_>) {
    for key in keys {
        let plain = key.starts_with("host");
        let zero = |node: &Node<'_>| (plain && node.value.as_bool() == Some(false)) || node.value.as_str() == Some("");
        if let Some(field) = node.get(key).filter(|field| !zero(field)) {
            report.add(&field, format!("{key} cannot be set for a listener"));
        }
    }
}
