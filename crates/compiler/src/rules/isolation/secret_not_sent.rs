//! `secret-not-sent`: the async stage reads a secret that only its parent has.

use crate::diagnostics::{Finding, RuleId, Severity};
use crate::rules::Context;
use crate::rules::reads::effect;
use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::origin::Origin;
use crate::platform::StoreKind;
use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
Finds secrets that a parent sets with `set_secret` and that an async stage reads with `get_secret`. It is a warning
where the read has a default.

## Why is this bad
Secrets of `set_secret` exist only in one run and are never sent: the read fails in every async run.

## How to fix
* Set the secret again in the async stage, before it is read: `set_secret NAME VALUE`.
* If its value is fixed, store it as a secure property of the pipeline: every run has those.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_secret session "$(login)"
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --session "$(get_secret session)"
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_secret session "$(login)"
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    set_secret session "$(login)"
    zap --session "$(get_secret session)"
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
          set_secret session "$(login)"
      - name: dynamic-scan
        script: |
          #!/usr/bin/env bash
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap --session "$(get_secret session)"
```

## When to ignore
Ignore it if the pipeline has a secure property of the same name. It is better to list it under `properties` in
`.sidestage.yaml`.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_read: BTreeMap<(Location, CompactString), Finding> = BTreeMap::new();
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            for secret in run.left_behind().iter().filter(|left| left.kind == StoreKind::Secret) {
                let key = &secret.key;
                // A copy of the property that it is named after changes nothing; a property is there in every run.
                let is_copy = secret.set.secret().is_some_and(|source| source.key == *key);
                if is_copy || matches!(Origin::without_parent(key, context.settings), Origin::Property | Origin::Parameter) {
                    continue;
                }
                let Some(read) = secret.reads.iter().min_by_key(|read| (read.is_soft(), read.place)) else { continue };
                let target = &context.model.stage(run.target).name.name;
                let finding = by_read.entry((read.place, key.clone())).or_insert_with(|| {
                    let effect = effect(read);
                    let message = format!("secret `{key}` is not available in async stage `{target}`");
                    Finding::new(RuleId::SecretNotSent, read.place, message)
                        .label(format!("{effect}, secrets are never sent"))
                        .severity(if read.is_soft() { Severity::Warning } else { Severity::Error })
                        .help(format!("set the secret again in `{target}`, or store it as a secure property `{key}` of the pipeline"))
                        .stage(target.clone())
                        .variable(key.clone())
                });
                for place in secret.set.places.iter() {
                    finding.relate(*place, "set here, in the parent");
                }
                finding.relate(run.trigger.place, format!("`{target}` is triggered here"));
                finding.holds_in(pipeline.kind);
            }
        }
    }
    findings.extend(by_read.into_values());
}
