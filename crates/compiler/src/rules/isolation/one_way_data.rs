//! `one-way-data`: the parent reads what only the async stage sets.

use crate::diagnostics::{Finding, RuleId, Severity};
use crate::rules::Context;
use std::collections::BTreeMap;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::flow::{Opaque, PipelineFlow, Run};
use crate::origin::{is_given, is_trigger_parameter};
use crate::platform::{self, StoreKind};
use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
Finds keys that only an async stage sets and that its parent reads after it has triggered that stage. It is a warning
where the read has a default.

## Why is this bad
Nothing comes back from an async run: it has its own copy of the data. The parent never gets the value, however long it
waits.

## How to fix
* Move the code that uses the value to the async stage.
* Set the value in the parent, before it is read.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task owasp-zap
acceptance-test:
  script: |
    #!/usr/bin/env bash
    echo "findings: $(get_env zap-findings)"
owasp-zap:
  script: |
    #!/usr/bin/env bash
    set_env zap-findings "$(zap --count)"
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    set_env zap-findings "$(zap --count)"
    echo "findings: $(get_env zap-findings)"
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
      - name: acceptance-test
        script: |
          #!/usr/bin/env bash
          echo "findings: $(get_env zap-findings)"
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          set_env zap-findings "$(zap --count)"
```

## When to ignore
Ignore it if the pipeline has a property of the same name. It is better to list it under `properties` in
`.sidestage.yaml`.
"#;

type Key<'a> = (StoreKind, &'a CompactString);

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_read: BTreeMap<(Location, CompactString), Finding> = BTreeMap::new();
    for pipeline in &context.flow.pipelines {
        // Where something in the parent cannot be read, it may set anything.
        let is_known =
            pipeline.stages.iter().all(|(_, flow)| flow.opaque().all(Opaque::is_platform) && flow.sets().all(|set| set.key.is_some()));
        if is_known && !pipeline.runs.is_empty() {
            check_pipeline(context, pipeline, &mut by_read);
        }
    }
    findings.extend(by_read.into_values());
}

fn check_pipeline(context: &Context<'_>, pipeline: &PipelineFlow, by_read: &mut BTreeMap<(Location, CompactString), Finding>) {
    let set_by_parents: FxHashSet<Key<'_>> =
        pipeline.stages.iter().flat_map(|(_, flow)| flow.sets()).filter_map(|set| Some((set.kind, set.key.as_ref()?))).collect();
    let mut set_by_targets: FxHashMap<Key<'_>, (&Run, Location)> = FxHashMap::default();
    for run in pipeline.runs.iter().filter(|run| !run.from_async) {
        let Some((_, flow)) = pipeline.targets.iter().find(|(id, _)| *id == run.target) else { continue };
        for set in flow.sets() {
            if let Some(key) = &set.key
                && is_followed(context, set.kind, key)
                && !set_by_parents.contains(&(set.kind, key))
            {
                set_by_targets.entry((set.kind, key)).or_insert((run, set.place));
            }
        }
    }
    if set_by_targets.is_empty() {
        return;
    }
    let index = |stage| pipeline.order.stages.iter().position(|id| *id == stage);
    for (stage, flow) in &pipeline.stages {
        for read in flow.reads() {
            let Some(key) = &read.key else { continue };
            let Some((run, set)) = set_by_targets.get(&(read.kind, key)) else { continue };
            let is_after = if run.from == *stage {
                read.order > run.trigger.order
            } else {
                matches!((index(*stage), index(run.from)), (Some(stage), Some(from)) if !pipeline.order.is_before(stage, from))
            };
            if !is_after {
                continue;
            }
            let target = &context.model.stage(run.target).name.name;
            let finding = by_read.entry((read.place, key.clone())).or_insert_with(|| {
                let effect = if read.is_soft() { "the default is always used" } else { "fails here" };
                let what = match read.kind {
                    StoreKind::Result => format!("result `{key}` is written"),
                    StoreKind::File => format!("file `{key}` is written"),
                    StoreKind::Data => format!("data `{key}` is written"),
                    _ => format!("`{key}` is set"),
                };
                let message = format!("{what} only in async stage `{target}`");
                Finding::new(RuleId::OneWayData, read.place, message)
                    .label(format!("{effect}, nothing comes back from an async run"))
                    .severity(if read.is_soft() { Severity::Warning } else { Severity::Error })
                    .help(format!("use the value in `{target}` itself, or set it in the parent"))
                    .stage(context.model.stage(*stage).name.name.clone())
                    .variable(key.clone())
            });
            finding.relate(run.trigger.place, format!("`{target}` is triggered here"));
            finding.relate(*set, format!("set here, by `{target}`"));
            finding.holds_in(pipeline.kind);
        }
    }
}

/// Whether only scripts can bring a key: nothing outside the repository is known to.
fn is_followed(context: &Context<'_>, kind: StoreKind, key: &str) -> bool {
    match kind {
        StoreKind::Workspace => false,
        StoreKind::Repo => !platform::is_registered_repo(key),
        _ => !is_given(key, context.settings) && !is_trigger_parameter(key, context.settings),
    }
}
