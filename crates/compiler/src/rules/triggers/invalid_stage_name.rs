//! `invalid-stage-name`: a triggered name cannot be the name of an async run.

use crate::config::Target;
use crate::diagnostics::{Finding, RuleId};
use crate::platform::{self, ASYNC_TASK};
use crate::rules::Context;
use crate::rules::trigger_sites::trigger_sites;
use crate::source::Span;
use rustc_hash::FxHashMap;

pub(crate) const PAGE: &str = r#"## What it does
Checks the name of every triggered stage against RFC 1123: at most 63 characters of `a-z`, `0-9` and `-`, the first and
last a letter or digit. In format 2, finds steps of `async-stage` that share a name.

## Why is this bad
The name becomes a Kubernetes name: the async run is rejected, but only when it is triggered.

## How to fix
* Rename the stage and its triggers: lower-case letters, digits and `-`, at most 63 characters.
* In format 2, give each step of `async-stage` a name of its own.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task "OWASP_zap"
OWASP_zap:
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
          trigger-task "OWASP_zap"
  async-stage:
    steps:
      - name: OWASP_zap
        script: ./scan
```

## When to ignore
Never ignore it: the async run cannot start.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    repeated_steps(context, findings);
    for trigger in trigger_sites(context) {
        for (name, target) in &trigger.names {
            let Some(fault) = platform::stage_name_fault(name) else { continue };
            // An unknown name belongs to `missing-stage`, unless it can never be valid.
            let label = format!("`{name}`: {fault}");
            let help = match repaired(name) {
                Some(name) => format!("name the stage `{name}`, here and in the configuration"),
                None => "use at most 63 of `a-z`, `0-9` and `-`".to_owned(),
            };
            let mut finding = Finding::new(RuleId::InvalidStageName, trigger.trigger.name_place, "invalid name of an async stage")
                .label(label)
                .help(help);
            finding.stage = Some(trigger.stage.clone());
            finding.pipelines.clone_from(&trigger.pipelines);
            if let Target::Stage(stage) = target {
                finding.relate(context.at(context.model.stage(*stage).name.span), "the stage is here");
            }
            findings.push(finding);
        }
    }
}

/// Steps of `async-stage` that share a name: a trigger cannot tell them apart.
fn repeated_steps(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut first: FxHashMap<&str, Span> = FxHashMap::default();
    let tasks = context.model.tasks.iter().filter(|task| task.name.name == ASYNC_TASK);
    for step in tasks.flat_map(|task| &task.steps).map(|step| &context.model.stage(*step).name) {
        let Some(known) = first.get(step.name.as_str()) else {
            first.insert(&step.name, step.span);
            continue;
        };
        let mut finding = Finding::new(RuleId::InvalidStageName, context.at(step.span), format!("two async stages named `{}`", step.name))
            .label("a trigger of this name cannot tell them apart")
            .help("give each step a name of its own")
            .stage(step.name.clone());
        finding.relate(context.at(*known), "first used here");
        findings.push(finding);
    }
}

fn repaired(name: &str) -> Option<String> {
    let name: String = name.to_lowercase().chars().map(|c| if matches!(c, '_' | '.' | ' ' | '/') { '-' } else { c }).collect();
    let name = name.trim_matches('-').to_owned();
    platform::stage_name_fault(&name).is_none().then_some(name)
}
