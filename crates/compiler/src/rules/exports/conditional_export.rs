//! `conditional-export`: a variable is exported on only some paths to the trigger.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use crate::rules::reads::given;
use std::collections::BTreeMap;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use crate::config::StageId;
use crate::flow::{Certainty, Crossing};
use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
For every trigger, finds variables that the async stage reads and that are exported on some paths through the scripts
and not on others, or in a stage that may run at the same time as the one that triggers. A variable that is always
exported once it is set is not reported.

## Why is this bad
On the other paths the run starts without the variable: sometimes it fails, or uses a default.

## How to fix
* Move `export_env` out of the condition, to a line that always runs before the trigger.
* If the run is useful only with the variable, move the trigger into the same condition.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_env app-url "https://example.com"
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    if [ "$(get_env opt-in-scan "")" = "1" ]; then
      export_env app-url
    fi
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --target "$(get_env app-url)"
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_env app-url "https://example.com"
dynamic-scan:
  script: |
    #!/usr/bin/env bash
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
      - name: deploy
        script: |
          #!/usr/bin/env bash
          set_env app-url "https://example.com"
      - name: dynamic-scan
        script: |
          #!/usr/bin/env bash
          if [ "$(get_env opt-in-scan "")" = "1" ]; then
            export_env app-url
          fi
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap --target "$(get_env app-url)"
```

## When to ignore
Ignore it if the async stage tests the same condition before it reads.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_export: BTreeMap<(Location, CompactString), Finding> = BTreeMap::new();
    // One variable that a target may lack is one finding, at how many triggers ever.
    let mut first: FxHashMap<(StageId, &CompactString), Location> = FxHashMap::default();
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            for crossing in run.crossings.iter().filter(|crossing| is_conditional(crossing)) {
                let Some(exported) = &crossing.exported else { continue };
                let Some(place) = exported.places.first() else { continue };
                let target = &context.model.stage(run.target).name.name;
                let key = &crossing.key;
                let at = *first.entry((run.target, key)).or_insert(*place);
                let finding = by_export.entry((at, key.clone())).or_insert_with(|| {
                    let (message, label) = if exported.is_beside {
                        let label = "this stage may run at the same time as the one that triggers";
                        (format!("`{key}` may be exported after the trigger"), label.to_owned())
                    } else {
                        let label = format!("on the other paths `{target}` starts without it");
                        (format!("`{key}` is exported on only some paths to the trigger"), label)
                    };
                    let help = format!("add `export_env \"{key}\"` on a line that always runs before the trigger");
                    Finding::new(RuleId::ConditionalExport, *place, message)
                        .label(label)
                        .help(help)
                        .stage(target.clone())
                        .variable(key.clone())
                });
                for place in exported.places.iter() {
                    finding.relate(*place, "also exported here");
                }
                for place in crossing.set.iter().flat_map(|set| set.places.iter()) {
                    finding.relate(*place, given(context, run, *place));
                }
                finding.relate(run.trigger.place, format!("`{target}` is triggered here"));
                for read in &crossing.reads {
                    finding.relate(read.place, "read here");
                }
                finding.holds_in(pipeline.kind);
            }
        }
    }
    findings.extend(by_export.into_values());
}

fn is_conditional(crossing: &Crossing) -> bool {
    let Some(exported) = &crossing.exported else { return false };
    if exported.certainty == Certainty::Yes || crossing.is_widened() {
        return false;
    }
    match &crossing.set {
        Some(_) => crossing.is_set_unsent || exported.is_beside,
        // What nothing here sets may be absent for the same reason: only a stage that needs it is reported.
        None => exported.is_beside || crossing.reads.iter().any(|read| !read.is_soft()),
    }
}
