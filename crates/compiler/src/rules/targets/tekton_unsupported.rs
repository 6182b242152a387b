//! `tekton-unsupported`: what has no place on a cluster with Tekton.

use rustc_hash::FxHashSet;

use super::{Subject, at, at_name, is_sound, items, subjects, value};
use crate::config::{Stage, Task};
use crate::diagnostics::{Finding, RuleId};
use crate::platform::{self, tekton};
use crate::rules::Context;
use crate::syntax::yaml::NodeId;

pub(crate) const PAGE: &str = r#"## What it does
Where the settings have `tekton`, and in `sidestage build --target tekton`, finds what a cluster with Tekton cannot run: a
stage without an image, a condition in CEL, a config map or secret whose name is a property, a word of `include` that
nothing there stands for, two steps of one name, a task with a name that the target needs.

## Why is this bad
The cluster refuses the pipeline, or takes it and fails when it runs.

## How to fix
Write what the finding says: name an image, or the one of all stages that name none as `base-image` in the settings; decide
in the script what a condition decides.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    echo deployed
```
```yaml .sidestage.yaml
tekton:
  name: web
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  image: example/pipeline-base:1
  script: |
    #!/usr/bin/env bash
    echo deployed
```
```yaml .sidestage.yaml
tekton:
  name: web
```

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: deploy
        image: example/pipeline-base:1
        when: "'main' == 'main'"
        script: |
          #!/usr/bin/env bash
          echo deployed
```
```yaml .sidestage.yaml
tekton:
  name: web
```

## When to ignore
Never ignore it: `sidestage build --target tekton` writes nothing that a cluster would refuse.
"#;

const RULE: RuleId = RuleId::TektonUnsupported;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if !context.for_tekton {
        return;
    }
    let mut tasks: FxHashSet<NodeId> = FxHashSet::default();
    for subject in subjects(context) {
        // What has no script is left out: `tekton-difference` says so.
        if subject.stage.script.is_none() {
            continue;
        }
        name(context, &subject, findings);
        image(context, &subject, findings);
        conditions_and_times(context, &subject, subject.stage.node, findings);
        includes(context, &subject, subject.stage.node, findings);
        values_of_environment(context, &subject, findings);
        if let Some(task) = subject.task.filter(|task| tasks.insert(task.node)) {
            self::task(context, &subject, task, findings);
        }
    }
}

fn task(context: &Context<'_>, subject: &Subject<'_>, task: &Task, findings: &mut Vec<Finding>) {
    conditions_and_times(context, subject, task.node, findings);
    includes(context, subject, task.node, findings);
    let own = &task.name.name;
    let at_task = |message: &str| Finding::new(RULE, context.at(task.name.span), message).stage(subject.stage.name.name.clone());
    if tekton::OWN_TASKS.contains(&own.as_str()) && task.name.name != platform::ASYNC_TASK {
        findings.push(
            at_task("a task has a name that this target needs")
                .label("each pipeline on the cluster has a task of this name of its own")
                .help("give the task another name"),
        );
    }
    if let Some(fault) = platform::stage_name_fault(own) {
        findings.push(
            at_task("the name of a task is no name on a cluster")
                .label(format!("`{own}`: {fault}"))
                .help("use at most 63 of `a-z`, `0-9` and `-`"),
        );
    }
    let mut names = FxHashSet::default();
    let steps: Vec<&Stage> = task.steps.iter().map(|step| context.model.stage(*step)).collect();
    for step in steps.iter().filter(|step| !names.insert(step.name.name.as_str())) {
        findings.push(
            Finding::new(RULE, context.at(step.name.span), format!("two steps of a task are named `{}`", step.name.name))
                .label("a cluster refuses the task")
                .help("give each step a name of its own")
                .stage(step.name.name.clone()),
        );
    }
}

fn name(context: &Context<'_>, subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    // What is triggered is told by `invalid-stage-name`.
    let name = &subject.stage.name.name;
    let is_told = subject.is_async || !is_sound(context, subject.stage.name.span);
    if let Some(fault) = platform::stage_name_fault(name).filter(|_| !is_told) {
        let finding = at_name(context, RULE, subject, "the name of a step is no name on a cluster");
        findings.push(finding.label(format!("`{name}`: {fault}")).help("use at most 63 of `a-z`, `0-9` and `-`"));
    }
}

fn image(context: &Context<'_>, subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let node = subject.stage.node;
    let has_base = context.settings.tekton.as_ref().is_some_and(|tekton| tekton.base_image.is_some());
    let replaced = context.model.replaced_by(subject.id).map(|id| context.model.stage(id).node);
    let has_image = |node: NodeId| context.document.get(context.text, node, "image").is_some();
    if !has_base && !has_image(node) && !replaced.is_some_and(has_image) {
        let finding = at_name(context, RULE, subject, format!("no image for `{}` on a cluster", subject.stage.name.name));
        findings.push(
            finding
                .label("the platform's base image is not there")
                .help("add `image: NAME` to it, or `tekton: {base-image: NAME}` to .sidestage.yaml"),
        );
    }
    if let Some((at_value, image)) = value(context, node, "image")
        && let Some(fault) = tekton::image_fault(&image)
    {
        let finding = at(context, RULE, at_value, subject, "no name of an image on a cluster");
        findings.push(
            finding
                .label(format!("`{image}`: {fault}, so its pod cannot start"))
                .help("write it as `HOST/NAME:TAG` or `NAME@sha256:DIGEST`"),
        );
    }
    if let Some((at_value, policy)) = value(context, node, "image_pull_policy")
        && !tekton::PULL_POLICIES.contains(&policy.as_str())
    {
        let finding = at(context, RULE, at_value, subject, "no pull policy of a cluster");
        findings
            .push(finding.label(format!("`{policy}` is accepted, and then the pod cannot start")).help("write `Always` or `IfNotPresent`"));
    }
}

fn conditions_and_times(context: &Context<'_>, subject: &Subject<'_>, node: NodeId, findings: &mut Vec<Finding>) {
    if let Some((at_value, when)) = value(context, node, "when").filter(|_| subject.task.is_some())
        && !matches!(when.as_str(), "true" | "false")
    {
        let finding = at(context, RULE, at_value, subject, "a condition in CEL is refused by a cluster as it is set up");
        findings.push(
            finding
                .label("needs the alpha flag `enable-cel-in-whenexpression`")
                .help("decide in the script, by `get_env`; or write `when: 'true'` or `'false'`"),
        );
    }
    if let Some((at_value, timeout)) = value(context, node, "timeout").filter(|_| subject.task.is_some())
        && let Some(fault) = tekton::duration_fault(&timeout)
    {
        let finding = at(context, RULE, at_value, subject, "a cluster cannot read this duration");
        findings.push(finding.label(format!("`{timeout}`: {fault}")).help("write a number and a unit: `90s`, `10m`, `1h30m`"));
    }
}

fn includes(context: &Context<'_>, subject: &Subject<'_>, node: NodeId, findings: &mut Vec<Finding>) {
    for (item, word) in items(context, node, "include") {
        if tekton::Include::named(&word).is_none() {
            let finding = at(context, RULE, item, subject, format!("nothing on a cluster stands for `{word}`"));
            findings.push(
                finding
                    .label("known are dind, docker, docker-socket, podman and rootful-podman")
                    .help("remove it, or run the stage from an image that has what it needs"),
            );
        }
    }
}

/// `configmap` and `secret` become variables of the environment.
fn values_of_environment(context: &Context<'_>, subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for key in ["configmap", "secret"] {
        let Some((at_value, name)) = value(context, subject.stage.node, key).filter(|_| subject.task.is_none()) else { continue };
        let is_name = !name.is_empty() && name.split('.').all(|part| platform::stage_name_fault(part).is_none());
        if name.starts_with('$') {
            let finding = at(context, RULE, at_value, subject, format!("the name of a {key} cannot be a property on a cluster"));
            findings.push(
                finding
                    .label("what the pipeline's property holds is known only when it runs")
                    .help(format!("write the name of the {key} itself")),
            );
        } else if !is_name {
            let finding = at(context, RULE, at_value, subject, format!("no name of a {key} on a cluster"));
            findings.push(finding.label(format!("`{name}` is not of `a-z`, `0-9`, `-` and `.`")).help("correct the name"));
        }
    }
}
