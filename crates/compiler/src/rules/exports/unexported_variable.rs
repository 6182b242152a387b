//! `unexported-variable`: a variable that the parent sets and the async stage reads is not exported.

use super::before_trigger::{Exports, TriggerLines};
use crate::diagnostics::{Finding, RuleId, Safety, Severity};
use crate::rules::Context;
use crate::rules::reads::given;
use std::collections::BTreeMap;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use crate::config::StageId;
use crate::flow::{Crossing, WithoutKey};
use crate::origin::Origin;
use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
For every trigger, compares what the async stage reads with `get_env` with what the parent run has set by then, and
finds what was never exported with `export_env`. It is a warning where the read has a default that is not empty.

## Why is this bad
An async run gets only what was exported for it. The read fails there, half an hour later; with a default it does not
even fail, and the stage uses the wrong data.

## How to fix
* Add `export_env NAME` before the trigger. `sidestage check --fix` adds it.
* If the variable contains a secret, do not export it: read it with `get_secret` in the async stage.

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
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap --target "$(get_env app-url)"
```

## When to ignore
Ignore it if the pipeline has a property of the same name, and the async stage is meant to read that one. Listing it
under `properties` in `.sidestage.yaml` makes the finding a warning.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_read: BTreeMap<(Location, CompactString), (Finding, Exports)> = BTreeMap::new();
    let mut first_read: FxHashMap<(StageId, &CompactString), Location> = FxHashMap::default();
    let mut lines = TriggerLines::new(context);
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            for crossing in &run.crossings {
                let Some(set) = crossing.set.as_ref().filter(|_| Origin::of(crossing, context.settings) == Origin::Unexported) else {
                    continue;
                };
                let target = &context.model.stage(run.target).name.name;
                // A pipeline can make another read the hardest: it is the same variable that is missing.
                let place = first_read.entry((run.target, &crossing.key)).or_insert(crossing.hardest_read().place);
                let (finding, exports) = by_read
                    .entry((*place, crossing.key.clone()))
                    .or_insert_with(|| (unexported(context, crossing, target), Exports::none()));
                if set.secret().is_none() {
                    exports.add(lines.export(&crossing.key, run.trigger.place, &set.places));
                }
                for place in set.places.iter() {
                    finding.relate(*place, given(context, run, *place));
                }
                finding.relate(run.trigger.place, format!("`{target}` is triggered here, without it"));
                finding.holds_in(pipeline.kind);
            }
        }
    }
    findings.extend(by_read.into_iter().map(|((_, key), (finding, exports))| {
        // Where the pipeline has a property of that name, it may be the one that is meant.
        let safety = if context.settings.has_property(&key) { Safety::Unsafe } else { Safety::Safe };
        finding.maybe_fix(exports.fix(&key, safety))
    }));
}

fn unexported(context: &Context<'_>, crossing: &Crossing, target: &CompactString) -> Finding {
    let (key, read) = (&crossing.key, crossing.hardest_read());
    let is_property = context.settings.has_property(key);
    let is_soft = read.is_soft() || is_property;
    let label = if is_property {
        "the pipeline's property of this name is read instead".to_owned()
    } else if is_soft {
        "the default is always used".to_owned()
    } else if read.without == WithoutKey::GoesOnEmpty {
        format!("the default is empty, so the async run goes on without `{key}`")
    } else {
        format!("fails here, the async run has no `{key}`")
    };
    let message = format!("`{key}` is not exported to async stage `{target}`");
    let help = match crossing.set.as_ref().and_then(|set| set.secret()) {
        Some(secret) => format!("do not export it, it is derived from the secret `{}`: use `get_secret \"{0}\"` in `{target}`", secret.key),
        None => format!("add `export_env \"{key}\"` before the trigger"),
    };
    let mut finding = Finding::new(RuleId::UnexportedVariable, read.place, message)
        .label(label)
        .severity(if is_soft { Severity::Warning } else { Severity::Error })
        .help(help)
        .stage(target.clone())
        .variable(key.clone());
    for other in &crossing.reads {
        finding.relate(other.place, "also read here");
    }
    finding
}
