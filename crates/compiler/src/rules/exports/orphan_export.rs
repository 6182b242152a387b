//! `orphan-export`: an exported variable is never set, but a similar one is.

use crate::diagnostics::{Finding, RuleId};
use crate::flow::PipelineFlow;
use crate::rules::Context;
use std::collections::BTreeSet;

use compact_str::CompactString;
use rustc_hash::FxHashSet;

use crate::diagnostics::suggest;
use crate::origin::is_documented;
use crate::platform::{self, StoreKind};

pub(crate) const PAGE: &str = r#"## What it does
Finds exports of keys that no script sets and that are not the name of a documented parameter or property, while a
similar name is known.

## Why is this bad
The export is most likely misspelt: the variable that was meant is not sent.

## How to fix
* Write in `export_env` the name that `set_env` has.
* If the name is right, set it first: `set_env NAME VALUE`.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    set_env app-url https://example.com
    export_env app-ulr
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --target "$(get_env app-url https://localhost)"
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    set_env app-url https://example.com
    export_env app-url
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --target "$(get_env app-url https://localhost)"
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
          set_env app-url https://example.com
          export_env app-ulr
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap --target "$(get_env app-url https://localhost)"
```

## When to ignore
Ignore it if the name is a parameter of the trigger or a property of the pipeline. It is better to list it under
`trigger-parameters` or `properties` in `.sidestage.yaml`.
"#;

/// More pairs of names than this are not compared.
const MAX_COMPARED: usize = 1_000_000;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let composed = context.flow.pipelines.iter().flat_map(PipelineFlow::flows).map(|(_, flow)| flow);
    let flows: Vec<_> = context.flow.stages.iter().map(|flow| &**flow).chain(composed).collect();
    let may_set_anything = flows.iter().any(|flow| {
        flow.opaque().any(|opaque| !opaque.is_platform()) || flow.sets().any(|set| set.kind == StoreKind::Env && set.key.is_none())
    });
    if may_set_anything {
        return;
    }
    let mut known: BTreeSet<&str> =
        context.settings.properties.iter().chain(&context.settings.trigger_parameters).map(CompactString::as_str).collect();
    known.extend(flows.iter().flat_map(|flow| flow.sets()).filter(|set| set.kind == StoreKind::Env).filter_map(|set| set.key.as_deref()));
    let mut seen = FxHashSet::default();
    let mut compared = 0;
    for (id, stage) in context.model.stages() {
        for export in context.flow.stage(id).exports() {
            let Some(key) = export.key.as_deref().filter(|key| !known.contains(key) && !is_right(key)) else { continue };
            compared += known.len();
            if compared > MAX_COMPARED {
                return;
            }
            let Some(near) = suggest::nearest(key, known.iter().copied()) else { continue };
            if !seen.insert(export.place) {
                continue;
            }
            let message = format!("`{key}` is exported but never set");
            let finding = Finding::new(RuleId::OrphanExport, export.place, message);
            let finding = finding.label("no parameter of this name is known either").help(format!("did you mean `{near}`?"));
            findings.push(finding.stage(stage.name.name.clone()).variable(key));
        }
    }
}

/// Whether a name is right although no script sets it. `app_repo` is what the templates call the parameter.
fn is_right(key: &str) -> bool {
    is_documented(key) || platform::is_read_by_platform_scripts(key) || key == "app_repo"
}
