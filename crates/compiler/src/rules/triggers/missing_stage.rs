//! `missing-stage`: a trigger names a stage that does not exist.

use crate::config::{Format, Target};
use crate::diagnostics::suggest;
use crate::diagnostics::{Finding, Fix, RuleId};
use crate::platform::ASYNC_TASK;
use crate::rules::Context;
use crate::rules::trigger_sites::{Reads, TriggerSite, trigger_sites};

pub(crate) const PAGE: &str = r#"## What it does
Follows every `trigger-task` to the stage that it names: in format 1 a stage of the file, in format 2 a step of the task
`async-stage`.

## Why is this bad
The command fails when it runs, often late in the pipeline; only stages of the configuration can be triggered.

## How to fix
* Correct the name in `trigger-task`. If a similar name is known, `sidestage check --fix` writes it.
* Add the stage: in format 1 at the top of the file, in format 2 as a step of the task `async-stage`.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task "owasp-zpa"
owasp-zap:
  script: ./scan
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task "owasp-zap"
owasp-zap:
  script: ./scan
```

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: dynamic-scan
        script: |
          #!/usr/bin/env bash
          trigger-task "owasp-zpa"
  async-stage:
    steps:
      - name: owasp-zap
        script: ./scan
```

## When to ignore
Ignore it if the configuration is generated, and the stage is added later. Where the run sets `one-pipeline-config`
before the trigger, the stage is looked for in that configuration.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let names = context.model.target_names();
    for trigger in trigger_sites(context) {
        if trigger.reads != Reads::Own {
            missing_elsewhere(context, trigger, findings);
            continue;
        }
        for (name, target) in &trigger.names {
            let mut fix = None;
            let (message, label, help) = match target {
                Target::Stage(_) => continue,
                Target::IsTask(task) => {
                    let steps = &context.model.task(*task).steps;
                    let step = steps.first().map_or("its step", |step| context.model.stage(*step).name.name.as_str());
                    let help = format!("move `{step}` to `tasks.{ASYNC_TASK}.steps` as a step named `{name}`, and remove the task");
                    (format!("`{name}` is a task and cannot be triggered"), only_async_steps(), help)
                }
                Target::StepElsewhere(step) => {
                    let owner = context.model.stage(*step).task.map(|task| context.model.task(task).name.name.as_str()).unwrap_or_default();
                    let message = format!("`{name}` is a step of the task `{owner}`");
                    match owner {
                        ASYNC_TASK => {
                            let help = "trigger the step that has your script, or remove the trigger".to_owned();
                            (message, "this step is the platform's and cannot be triggered".to_owned(), help)
                        }
                        _ => (message, only_async_steps(), format!("move the step to `tasks.{ASYNC_TASK}.steps`")),
                    }
                }
                Target::Missing => {
                    let message = match context.model.format {
                        Format::V1 => format!("the configuration has no stage `{name}`"),
                        Format::V2 => format!("the task `{ASYNC_TASK}` has no step `{name}`"),
                    };
                    let help = match suggest::nearest(name, names.iter().copied()) {
                        Some(near) => {
                            fix = Fix::rename(context.sources, trigger.trigger.name_place, name, near);
                            format!("did you mean `{near}`?")
                        }
                        None if context.model.format == Format::V1 => {
                            format!("add the stage `{name}:` to the configuration, or remove the trigger")
                        }
                        None => format!("add a step with `name: {name}` to `tasks.{ASYNC_TASK}.steps`, or remove the trigger"),
                    };
                    (message, "this trigger fails".to_owned(), help)
                }
            };
            let mut finding =
                Finding::new(RuleId::MissingStage, trigger.trigger.name_place, message).label(label).help(help).maybe_fix(fix);
            finding.stage = Some(trigger.stage.clone());
            finding.pipelines.clone_from(&trigger.pipelines);
            match target {
                Target::IsTask(task) => finding.relate(context.at(context.model.task(*task).name.span), "the task is here"),
                Target::StepElsewhere(step) => finding.relate(context.at(context.model.stage(*step).name.span), "the step is here"),
                Target::Stage(_) | Target::Missing => {}
            }
            findings.push(finding);
        }
    }
}

/// The run reads another configuration: the stage must be there. Where that one is not known, nothing is.
fn missing_elsewhere(context: &Context<'_>, trigger: &TriggerSite, findings: &mut Vec<Finding>) {
    let Reads::Other(path) = &trigger.reads else { return };
    let Some(other) = context.others.get(path) else { return };
    for (name, _) in trigger.names.iter().filter(|(name, _)| !matches!(other.target(name), Target::Stage(_))) {
        let help = match suggest::nearest(name, other.target_names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add the stage `{name}` to `{path}`, or choose another configuration"),
        };
        let message = format!("the chosen configuration has no stage `{name}`");
        let mut finding = Finding::new(RuleId::MissingStage, trigger.trigger.name_place, message)
            .label(format!("this trigger fails, `one-pipeline-config` is `{path}` here"))
            .help(help)
            .stage(trigger.stage.clone());
        finding.pipelines.clone_from(&trigger.pipelines);
        findings.push(finding);
    }
}

fn only_async_steps() -> String {
    format!("`trigger-task` starts only steps of the task `{ASYNC_TASK}`")
}
