//! Templates of triggers.

use super::node::{Node, Report};
use super::set::Set;
use super::{metadata, names, parameters, references, run, usage};

/// All fields of a `PipelineRun` of v1. Nobody validates a template, and what is unknown is lost or refused when an event comes.
const RUN_FIELDS: [&str; 9] =
    ["managedBy", "params", "pipelineRef", "pipelineSpec", "status", "taskRunSpecs", "taskRunTemplate", "timeouts", "workspaces"];

/// The spec of a `TriggerTemplate`, of its own or in a trigger.
pub(super) fn check(spec: &Node<'_>, set: &Set<'_>, report: &mut Report<'_>) {
    let params = spec.list("params");
    names::duplicates(&params, "name", "parameter", report);
    let resources = spec.list("resourcetemplates");
    if resources.is_empty() {
        report.add_field(spec, "resourcetemplates", "the template makes nothing");
    }
    let declared = usage::names(spec, "params");
    for resource in &resources {
        for key in ["apiVersion", "kind"].into_iter().filter(|key| resource.filled(key).is_none()) {
            report.add_field(resource, key, format!("the resource has no {key}"));
        }
        undeclared(resource, &declared, report);
        metadata::check(resource, report);
        if (resource.text("apiVersion"), resource.text("kind")) == (Some("tekton.dev/v1"), Some("PipelineRun")) {
            check_run(resource, &declared, set, report);
        }
    }
}

fn undeclared(resource: &Node<'_>, declared: &[&str], report: &mut Report<'_>) {
    for (place, text) in resource.texts() {
        for name in references::all(text).into_iter().filter_map(parameter).filter(|name| !declared.contains(name)) {
            report.add(&place, format!("`$(tt.params.{name})`: the template has no parameter `{name}`"));
        }
    }
}

fn parameter(inner: &str) -> Option<&str> {
    references::parameter(inner, "tt.params").map(|(name, _)| name)
}

fn check_run(resource: &Node<'_>, declared: &[&str], set: &Set<'_>, report: &mut Report<'_>) {
    let Some(spec) = resource.get("spec") else {
        report.add_field(resource, "spec", "the run has no spec");
        return;
    };
    for (key, field) in spec.fields().into_iter().filter(|(key, _)| !RUN_FIELDS.contains(key)) {
        report.add(&field, format!("a PipelineRun of tekton.dev/v1 has no field `{key}`"));
    }
    run::check(&spec, set, report);
    let unfilled = [resource.get("metadata"), spec.get("params"), spec.get("pipelineRef")];
    for node in unfilled.iter().flatten() {
        meant(node, declared, report);
    }
}

/// `$(params.x)` is not filled in here, so that it can only be a slip where the template has a parameter of that name.
fn meant(node: &Node<'_>, declared: &[&str], report: &mut Report<'_>) {
    for (place, text) in node.texts() {
        for (name, _) in references::all(text).into_iter().filter_map(|inner| references::parameter(inner, "params")) {
            if declared.contains(&name) {
                report.add(&place, format!("`$(params.{name})` is not filled in here: write `$(tt.params.{name})`"));
            }
        }
    }
}

/// Parameters that the template uses, which have no default and which none of the bindings gives.
pub(super) fn check_given(template: &Node<'_>, given: &[&str], place: &Node<'_>, report: &mut Report<'_>) {
    let texts: Vec<_> = template.list("resourcetemplates").into_iter().flat_map(|resource| resource.texts()).collect();
    let used: Vec<_> = texts.iter().flat_map(|(_, text)| references::all(text)).filter_map(parameter).collect();
    for parameter in parameters::declared(template).iter().filter(|parameter| !parameter.has_default && used.contains(&parameter.name)) {
        if !given.contains(&parameter.name) {
            report.add_field(place, "bindings", format!("no binding gives the parameter `{}` of the template", parameter.name));
        }
    }
}
