//! `tekton-difference`: what is left out on a cluster with Tekton, or does something else there.

use super::{Subject, at, at_name, subjects, value};
use crate::config::settings::Tekton;
use crate::diagnostics::{Finding, RuleId};
use crate::flow::StageFlow;
use crate::rules::Context;
use crate::source::Location;
use rustc_hash::{FxHashMap, FxHashSet};

pub(crate) const PAGE: &str = r#"## What it does
Where the settings have `tekton`, and in `sidestage build --target tekton`, says what a cluster with Tekton runs otherwise
than the platform: stages without a script, whose implementation is the platform's; scripts of the platform; a
`runtimeClassName` that the settings do not map; a time limit of a step that may fail; an async step that may fail.

## Why is this bad
What the platform would have done does not happen; a script that is not there ends the stage that calls it.

## How to fix
* Give the stage a script and an image, or write `skip: true`, in format 2 `when: 'false'`.
* Name the class of the cluster in the settings: `tekton: {runtime-classes: {large: NAME}}`.
* Do without scripts of the platform, or put them where they are looked for: into the image, or by a volume of an overlay.

## Example
```yaml .pipeline-config.yaml
version: '1'
detect-secrets:
  abort_on_failure: false
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

## Use instead
```yaml .pipeline-config.yaml
version: '1'
detect-secrets:
  skip: true
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
    runtimeClassName: large
    steps:
      - name: deploy
        image: example/pipeline-base:1
        script: |
          #!/usr/bin/env bash
          echo deployed
```
```yaml .sidestage.yaml
tekton:
  name: web
```

## When to ignore
Ignore it where the difference is meant.
"#;

const RULE: RuleId = RuleId::TektonDifference;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if !context.for_tekton {
        return;
    }
    let mut classes = FxHashMap::default();
    let mut places = FxHashSet::default();
    let mut scripts = FxHashSet::default();
    let subjects = subjects(context);
    shared_class(context, &subjects, findings);
    for subject in subjects {
        if subject.stage.script.is_none() {
            findings.push(
                at_name(context, RULE, &subject, format!("`{}` is left out on a cluster", subject.stage.name.name))
                    .label("it has no script, and the platform's is not there")
                    .help(format!(
                        "give it a script and an image, or write `{}`",
                        if subject.task.is_some() { "when: 'false'" } else { "skip: true" }
                    )),
            );
            continue;
        }
        runtime_class(context, &subject, &mut classes, &mut places);
        failures(context, &subject, findings);
        platform_scripts(context, &subject, &mut scripts, findings);
    }
    findings.extend(classes.into_values());
}

/// A class is told where it stands first; the other places belong to it.
fn runtime_class(context: &Context<'_>, subject: &Subject<'_>, told: &mut FxHashMap<String, Finding>, places: &mut FxHashSet<u32>) {
    let node = subject.task.map_or(subject.stage.node, |task| task.node);
    let Some((node, class)) = value(context, node, "runtimeClassName") else { return };
    let is_mapped = |tekton: &Tekton| tekton.runtime_classes.iter().any(|(from, _)| *from == class);
    let span = context.document.span(node);
    if context.settings.tekton.as_ref().is_some_and(is_mapped) || !places.insert(span.start) {
        return;
    }
    if let Some(finding) = told.get_mut(&class) {
        finding.relate(context.at(span), "and here");
        return;
    }
    let finding = at(context, RULE, node, subject, format!("`{class}` is left out on a cluster"))
        .label("a class of this name may not be there, and then no pod would start")
        .help(format!("name the class of the cluster in .sidestage.yaml: `tekton: {{runtime-classes: {{{class}: NAME}}}}`"));
    told.insert(class, finding);
}

/// One template makes the runs of all async stages, so a class holds for all of them or for none.
fn shared_class(context: &Context<'_>, subjects: &[Subject<'_>], findings: &mut Vec<Finding>) {
    let Some(tekton) = &context.settings.tekton else { return };
    let mapped = |subject: &Subject<'_>| {
        let (node, class) = value(context, subject.stage.node, "runtimeClassName")?;
        Some((node, &tekton.runtime_classes.iter().find(|(from, _)| *from == class)?.1))
    };
    let asynchronous: Vec<_> = subjects.iter().filter(|subject| subject.is_async && subject.stage.script.is_some()).collect();
    let classes: Vec<_> = asynchronous.iter().map(|subject| mapped(subject)).collect();
    let of_first = classes.first().and_then(|first| first.map(|(_, class)| class));
    if classes.iter().all(|class| class.map(|(_, class)| class) == of_first) {
        return;
    }
    for (subject, (node, class)) in asynchronous.iter().zip(&classes).filter_map(|(subject, class)| Some((subject, (*class)?))) {
        findings.push(
            at(context, RULE, node, subject, format!("`{class}` is left out for async stages on a cluster"))
                .label("all of them are run by one template, and others have another class")
                .help("give all async stages the same class, or none"),
        );
    }
}

fn failures(context: &Context<'_>, subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if !subject.stage.may_fail {
        return;
    }
    let node = subject.stage.node;
    if subject.is_async
        && let Some((at_value, _)) = value(context, node, "onError").or_else(|| value(context, node, "abort_on_failure"))
    {
        findings.push(
            at(context, RULE, at_value, subject, "an async run fails on a cluster where its stage fails")
                .label("otherwise the list would call it succeeded")
                .help("to have it fail there, remove this; to have it succeed, end the script with 0"),
        );
    } else if let Some((at_value, time)) = value(context, node, "timeout").filter(|_| subject.task.is_some()) {
        findings.push(
            at(context, RULE, at_value, subject, "on a cluster the task fails when this time is over")
                .label("`onError: continue` does not count for a time limit there")
                .help(format!("limit the time in the script: `timeout {time} COMMAND || true`")),
        );
    }
}

fn platform_scripts(context: &Context<'_>, subject: &Subject<'_>, told: &mut FxHashSet<Location>, findings: &mut Vec<Finding>) {
    let flows = context.flow.pipelines.iter().filter_map(|pipeline| pipeline.flow(subject.id));
    for opaque in flows.chain([context.flow.stage(subject.id)]).flat_map(StageFlow::opaque) {
        let Some(script) = opaque.platform_script.as_ref().filter(|_| told.insert(opaque.place)) else { continue };
        let finding = Finding::new(RULE, opaque.place, "a script of the platform is not on a cluster")
            .label(format!("{script} is not there, so the command fails"))
            .help("do without it, or put the file there: into the image, or by a volume of an overlay");
        findings.push(super::about(finding, subject));
    }
}
