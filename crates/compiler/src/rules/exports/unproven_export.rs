//! `unproven-export`: only code that cannot be followed could have exported a variable.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use crate::config::StageId;
use crate::diagnostics::{Finding, RuleId};
use crate::flow::Crossing;
use crate::origin::Origin;
use crate::rules::Context;
use crate::rules::reads::given;

pub(crate) const PAGE: &str = r#"## What it does
Finds variables that the parent sets, that the async stage reads, and that nothing is known to export, where code that
cannot be followed runs before the trigger and may export them. The finding names the first such line.

## Why is this bad
If that code does not export the variable, the async run has none. Without this code it would be `unexported-variable`.

## How to fix
* Add `export_env NAME` before the trigger. A second export is harmless.
* Write the code so that it can be followed: source a file of the repository in place of `eval`.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_env app-url "https://$(kubectl get ingress app --output name)"
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    eval "$(curl -s "$SETTINGS_URL")"
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
    set_env app-url "https://$(kubectl get ingress app --output name)"
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    eval "$(curl -s "$SETTINGS_URL")"
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
          set_env app-url "https://$(kubectl get ingress app --output name)"
      - name: dynamic-scan
        script: |
          #!/usr/bin/env bash
          eval "$(curl -s "$SETTINGS_URL")"
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap --target "$(get_env app-url)"
```

## When to ignore
Ignore it if that code exports the variable. Exporting it again before the trigger is harmless, and proves it.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_variable: BTreeMap<(StageId, CompactString), Finding> = BTreeMap::new();
    // Where another trigger surely does not send the variable, one finding says enough.
    let mut unsent: BTreeSet<(StageId, CompactString)> = BTreeSet::new();
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            for crossing in &run.crossings {
                match Origin::of(crossing, context.settings) {
                    Origin::Unexported => {
                        unsent.insert((run.target, crossing.key.clone()));
                        continue;
                    }
                    Origin::Unproven => {}
                    _ => continue,
                }
                let (Some(set), Some(first)) = (&crossing.set, crossing.unfollowed.first()) else { continue };
                let target = &context.model.stage(run.target).name.name;
                let finding = by_variable.entry((run.target, crossing.key.clone())).or_insert_with(|| unproven(crossing, target));
                finding.relate(first.place, format!("cannot be followed: {}", first.why));
                for place in set.places.iter() {
                    finding.relate(*place, given(context, run, *place));
                }
                finding.relate(run.trigger.place, format!("`{target}` is triggered here"));
                finding.holds_in(pipeline.kind);
            }
        }
    }
    findings.extend(by_variable.into_iter().filter(|(variable, _)| !unsent.contains(variable)).map(|(_, finding)| finding));
}

fn unproven(crossing: &Crossing, target: &CompactString) -> Finding {
    let key = &crossing.key;
    Finding::new(RuleId::UnprovenExport, crossing.hardest_read().place, format!("`{key}` may not be exported to async stage `{target}`"))
        .label("nothing is known to export it, only code that cannot be followed could")
        .help(format!("if that code does not export it, add `export_env \"{key}\"` before the trigger"))
        .stage(target.clone())
        .variable(key.clone())
}
