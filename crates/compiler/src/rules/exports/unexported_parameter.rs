//! `unexported-parameter`: a parameter of the trigger is read in the async stage and not exported.

use crate::diagnostics::{Finding, RuleId, Severity};
use crate::rules::Context;
use crate::rules::reads::effect;
use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::origin::Origin;
use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
Finds the parameters, listed under `trigger-parameters` in `.sidestage.yaml`, that an async stage reads although its
parent does not export them. It is a warning where the read has a default.

## Why is this bad
Parameters belong to the trigger that started the parent. The async run has its own trigger and does not get them.

## How to fix
* Add `export_env NAME` before the trigger. The parameter does not have to be set first.
* If it is not a parameter, remove it from `trigger-parameters` in `.sidestage.yaml`.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --level "$(get_env scan-level)"
```
```yaml .sidestage.yaml
trigger-parameters: [scan-level]
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    export_env scan-level
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --level "$(get_env scan-level)"
```
```yaml .sidestage.yaml
trigger-parameters: [scan-level]
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
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap --level "$(get_env scan-level)"
```
```yaml .sidestage.yaml
trigger-parameters: [scan-level]
```

## When to ignore
Ignore it if the pipeline has a property of the same name, and that is the one that is meant. It is better to list it
under `properties` too.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_read: BTreeMap<(Location, CompactString), Finding> = BTreeMap::new();
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            for crossing in &run.crossings {
                let key = &crossing.key;
                if Origin::of(crossing, context.settings) != Origin::UnexportedParameter {
                    continue;
                }
                let read = crossing.hardest_read();
                let target = &context.model.stage(run.target).name.name;
                let finding = by_read.entry((read.place, key.clone())).or_insert_with(|| {
                    let effect = effect(read);
                    let message = format!("parameter `{key}` is not exported to async stage `{target}`");
                    Finding::new(RuleId::UnexportedParameter, read.place, message)
                        .label(format!("{effect}, only the parent's trigger has the parameter"))
                        .severity(if read.is_soft() { Severity::Warning } else { Severity::Error })
                        .help(format!("add `export_env \"{key}\"` before the trigger"))
                        .stage(target.clone())
                        .variable(key.clone())
                });
                finding.relate(run.trigger.place, format!("`{target}` is triggered here, without it"));
                for other in &crossing.reads {
                    finding.relate(other.place, "also read here");
                }
                finding.holds_in(pipeline.kind);
            }
        }
    }
    findings.extend(by_read.into_values());
}
