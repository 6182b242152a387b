//! `late-export`: a variable is exported only after the trigger.

use super::before_trigger::{Exports, TriggerLines};
use crate::diagnostics::{Finding, RuleId, Safety, Severity};
use crate::rules::Context;
use crate::rules::reads::given;
use std::collections::BTreeMap;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use crate::config::StageId;
use crate::flow::PipelineFlow;
use crate::origin::Origin;
use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
Finds variables that an async stage reads and that the parent exports, but only after the trigger, or in a later stage.

## Why is this bad
What a run gets is fixed when it is triggered: a later export has no effect on that run. A key that no script sets may
be a property of the pipeline, which the async run has all the same: then it is a warning.

## How to fix
* Move `export_env` before the trigger, or the trigger after the export.
* Run `sidestage check --fix --unsafe-fixes`: it adds the export before the trigger, and leaves the late one.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    set_env app-url "https://$(kubectl get ingress app --output name)"
    trigger-task owasp-zap
    export_env app-url
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --target "$(get_env app-url)"
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    set_env app-url "https://$(kubectl get ingress app --output name)"
    export_env app-url
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --target "$(get_env app-url)"
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
          set_env app-url "https://$(kubectl get ingress app --output name)"
          trigger-task owasp-zap
          export_env app-url
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap --target "$(get_env app-url)"
```

## When to ignore
Ignore it if a later trigger of the same stage is the one that counts.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_export: BTreeMap<(Location, CompactString), (Finding, Exports)> = BTreeMap::new();
    // One variable that a target lacks is one finding, at how many triggers ever.
    let mut first: FxHashMap<(StageId, &CompactString), Location> = FxHashMap::default();
    let mut lines = TriggerLines::new(context);
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            for crossing in &run.crossings {
                let is_late = Origin::of(crossing, context.settings) == Origin::Late;
                let Some(late) = crossing.exported_late.as_ref().filter(|_| is_late) else {
                    continue;
                };
                let target = &context.model.stage(run.target).name.name;
                let key = &crossing.key;
                let place = *first.entry((run.target, key)).or_insert(*late);
                let (finding, exports) = by_export.entry((place, key.clone())).or_insert_with(|| {
                    let message = format!("`{key}` is exported after async stage `{target}` is triggered");
                    let is_set_late = crossing.set.is_none() && is_set_anywhere(pipeline, key);
                    let help = if is_set_late {
                        format!("set and export `{key}` before the trigger, or trigger `{target}` after the export")
                    } else {
                        format!("move `export_env \"{key}\"` before the trigger")
                    };
                    // What no script sets may be a property of the pipeline: then the async run has it too.
                    let (severity, label) = if crossing.set.is_some() || is_set_late {
                        (Severity::Error, "too late, the async run does not get it")
                    } else {
                        (Severity::Warning, "too late, the async run does not get it, unless it is a property of the pipeline")
                    };
                    let finding = Finding::new(RuleId::LateExport, *late, message)
                        .severity(severity)
                        .label(label)
                        .help(help)
                        .stage(target.clone())
                        .variable(key.clone());
                    (finding, Exports::none())
                });
                // A key that is not set by then has nothing to export.
                if let Some(set) = &crossing.set {
                    exports.add(lines.export(key, run.trigger.place, &set.places));
                }
                finding.relate(*late, "exported here, too late");
                finding.relate(run.trigger.place, format!("`{target}` is triggered here"));
                for read in &crossing.reads {
                    finding.relate(read.place, "read here");
                }
                for place in crossing.set.iter().flat_map(|set| set.places.iter()) {
                    finding.relate(*place, given(context, run, *place));
                }
                finding.holds_in(pipeline.kind);
            }
        }
    }
    findings.extend(by_export.into_iter().map(|((_, key), (finding, exports))| {
        // The late export stays: another trigger may need it.
        finding.maybe_fix(exports.fix(&key, Safety::Unsafe))
    }));
}

/// Whether a stage of the pipeline sets a key: where it is not set before the trigger, it has no value to export there.
fn is_set_anywhere(pipeline: &PipelineFlow, key: &str) -> bool {
    pipeline.flows().flat_map(|(_, flow)| flow.sets()).any(|set| set.key.as_deref() == Some(key))
}
