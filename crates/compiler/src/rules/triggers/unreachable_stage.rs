//! `unreachable-stage`: nothing starts a stage.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use rustc_hash::FxHashSet;

use crate::config::{Format, Runs, Stage, StageId, Target};
use crate::diagnostics::suggest;
use crate::platform;
use crate::rules::trigger_sites::{Reads, may_trigger_unseen, trigger_sites};

pub(crate) const PAGE: &str = r#"## What it does
Finds stages that no pipeline runs by itself, that no script triggers, and that no platform script or computed trigger
can start; in format 2 also steps that a task of the platform does not have.

## Why is this bad
The platform silently ignores them: what they check or deploy never happens.

## How to fix
* Add `trigger-task STAGE` to the script that must start it.
* If a stage or step of the platform was meant, correct the name.
* If nothing needs it any more, remove it.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    ./deploy
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap
```
```sh deploy
echo deploy
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    ./deploy
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap
```
```sh deploy
echo deploy
```

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: deploy
        script: |
          #!/usr/bin/env bash
          ./deploy
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap
```
```sh deploy
echo deploy
```

## When to ignore
Ignore it if another configuration, or a person, triggers the stage.
"#;

/// More pairs of names than this are not compared.
const MAX_COMPARED: usize = 1_000_000;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let triggers = trigger_sites(context);
    // Where runs choose other configurations, they may choose this one too.
    if triggers.iter().any(|trigger| trigger.reads != Reads::Own) {
        return;
    }
    if triggers.iter().any(|trigger| trigger.trigger.unknown.is_some()) || may_trigger_unseen(context, None) {
        return;
    }
    let triggered = triggers.iter().flat_map(|trigger| &trigger.names);
    let mut names: FxHashSet<&str> = triggered.clone().map(|(name, _)| name.as_str()).collect();
    // A misspelt trigger is one mistake, and `missing-stage` has it.
    let misspelt: FxHashSet<&str> = triggered.filter(|(_, target)| *target == Target::Missing).map(|(name, _)| name.as_str()).collect();
    let targets = context.model.target_names();
    if misspelt.len() * targets.len() <= MAX_COMPARED {
        names.extend(misspelt.iter().filter_map(|name| suggest::nearest(name, targets.iter().copied())));
    }
    let is_scan_reached = may_trigger_unseen(context, Some("owasp-zap"));
    let may_be_triggered = |name: &str| names.contains(name) || (is_scan_reached && name.starts_with("owasp-zap"));
    for (id, stage) in context.model.stages() {
        let name = stage.name.name.as_str();
        if stage.runs == Runs::Never {
            continue;
        }
        match context.model.format {
            // A stage that waits for another is meant to run with it; `x-` begins a name that is the user's own.
            Format::V1
                if stage.script.is_some()
                    && stage.run_after.is_empty()
                    && !name.starts_with("x-")
                    && !platform::is_built_in_stage(name)
                    && !may_be_triggered(name) =>
            {
                let names = platform::built_in_stages();
                let help = match suggest::nearest(name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("trigger it with `trigger-task {name}`, or remove it"),
                };
                findings.push(unreachable(
                    context,
                    stage,
                    format!("stage `{name}` never runs"),
                    "no pipeline has a stage of this name, and nothing triggers it",
                    help,
                ));
            }
            Format::V1 => {}
            Format::V2 => check_step(context, id, stage, &may_be_triggered, findings),
        }
    }
}

fn check_step(context: &Context<'_>, id: StageId, stage: &Stage, may_be_triggered: &dyn Fn(&str) -> bool, findings: &mut Vec<Finding>) {
    let Some(task) = stage.task.map(|task| context.model.task(task)) else { return };
    let name = stage.name.name.as_str();
    if context.model.is_async(id) {
        if !may_be_triggered(name) {
            let message = format!("async stage `{name}` never runs");
            findings.push(unreachable(
                context,
                stage,
                message,
                "nothing triggers it",
                format!("trigger it with `trigger-task {name}`, or remove it"),
            ));
        }
        return;
    }
    let Some(base) = platform::base_task(&task.name.name).filter(|base| !base.steps.is_empty() && base.pipeline.is_some()) else { return };
    // A step that is triggered by mistake has a finding of its own.
    // `run-stage` is the platform's in some tasks, and the user's in no other one.
    let is_platform_step = platform::is_platform_step(name) && name != "run-stage";
    if base.steps.contains(&name) || is_platform_step || may_be_triggered(name) {
        return;
    }
    let message = format!("the task `{}` has no step `{name}`", base.name);
    let help = match suggest::nearest(name, base.steps.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its steps are {}", base.steps.iter().map(|step| format!("`{step}`")).collect::<Vec<_>>().join(", ")),
    };
    findings.push(unreachable(context, stage, message, "the platform ignores it", help));
}

fn unreachable(context: &Context<'_>, stage: &Stage, message: String, label: &str, help: String) -> Finding {
    Finding::new(RuleId::UnreachableStage, context.at(stage.name.span), message).label(label).help(help).stage(stage.name.name.clone())
}
