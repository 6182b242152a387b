//! `trigger-cycle`: async stages trigger each other in an endless loop.

use crate::diagnostics::{Finding, RuleId, Severity};
use crate::rules::Context;
use std::collections::BTreeMap;

use crate::config::StageId;
use crate::flow::Run;
use crate::graph::cycles;

pub(crate) const PAGE: &str = r#"## What it does
Finds every loop of async stages that trigger each other. It is a warning where a condition may end the loop.

## Why is this bad
Each run starts the next one: they never end and occupy the workers of all pipelines.

## How to fix
* Remove one `trigger-task` of the loop.
* If a stage must run again, call its commands in a shell loop with a limit, in one run.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task scan
scan:
  script: |
    #!/usr/bin/env bash
    ./scan
    trigger-task report
report:
  script: |
    #!/usr/bin/env bash
    ./report
    trigger-task scan
```
```sh scan
echo scan
```
```sh report
echo report
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task scan
scan:
  script: |
    #!/usr/bin/env bash
    ./scan
    trigger-task report
report:
  script: |
    #!/usr/bin/env bash
    ./report
```
```sh scan
echo scan
```
```sh report
echo report
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
          trigger-task scan
  async-stage:
    steps:
      - name: scan
        script: |
          #!/usr/bin/env bash
          ./scan
          trigger-task report
      - name: report
        script: |
          #!/usr/bin/env bash
          ./report
          trigger-task scan
```
```sh scan
echo scan
```
```sh report
echo report
```

## When to ignore
Ignore it if something outside the repository ends the loop.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let name = |stage: StageId| context.model.stage(stage).name.name.as_str();
    let mut by_cycle: BTreeMap<Vec<String>, Finding> = BTreeMap::new();
    for pipeline in &context.flow.pipelines {
        let mut links: BTreeMap<(&str, &str), &Run> = BTreeMap::new();
        for run in pipeline.runs.iter().filter(|run| run.from_async) {
            let link = links.entry((name(run.from), name(run.target))).or_insert(run);
            if run.certain {
                *link = run;
            }
        }
        for cycle in cycles(links.keys().copied()) {
            let steps = (0..cycle.len()).filter_map(|at| links.get(&(cycle[at], cycle[(at + 1) % cycle.len()])).copied());
            let steps: Vec<&Run> = steps.collect();
            let Some(first) = steps.first() else { continue };
            let key = cycle.iter().map(|name| (*name).to_owned()).collect();
            let finding = by_cycle.entry(key).or_insert_with(|| {
                let is_endless = steps.iter().all(|run| run.certain);
                let path = cycle.iter().chain(cycle.first()).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" -> ");
                let (title, label) =
                    if is_endless { ("endless trigger loop", path) } else { ("trigger loop that only a condition ends", path) };
                let mut finding = Finding::new(RuleId::TriggerCycle, first.trigger.place, title)
                    .label(label)
                    .severity(if is_endless { Severity::Error } else { Severity::Warning })
                    .help("remove one of the triggers")
                    .stage(cycle[0]);
                for run in &steps[1..] {
                    finding.relate(run.trigger.place, format!("`{}` triggers `{}`", name(run.from), name(run.target)));
                }
                finding
            });
            finding.holds_in(pipeline.kind);
        }
    }
    findings.extend(by_cycle.into_values());
}
