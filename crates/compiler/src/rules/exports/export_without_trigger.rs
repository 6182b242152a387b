//! `export-without-trigger`: variables are exported, and nothing is triggered.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use std::collections::BTreeMap;

use crate::rules::trigger_sites::{may_trigger_unseen, trigger_sites};

pub(crate) const PAGE: &str = r#"## What it does
Finds exports in configurations in which no script triggers an async stage.

## Why is this bad
An export has no effect without a trigger: either the trigger is missing, or the export is left over.

## How to fix
* Add `trigger-task STAGE` after the export.
* If no async stage needs the variable any more, remove the export.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_env app-url https://example.com
    export_env app-url
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_env app-url https://example.com
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
          set_env app-url https://example.com
          export_env app-url
```

## When to ignore
Ignore it if a script outside the repository triggers the stage.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if !trigger_sites(context).is_empty() || may_trigger_unseen(context, None) {
        return;
    }
    let mut by_key: BTreeMap<&str, Finding> = BTreeMap::new();
    for (id, stage) in context.model.stages() {
        for export in context.flow.stage(id).exports() {
            let Some(key) = &export.key else { continue };
            let finding = by_key.entry(key).or_insert_with(|| {
                let message = format!("`{key}` is exported, but nothing is triggered");
                Finding::new(RuleId::ExportWithoutTrigger, export.place, message)
                    .label("no script triggers an async stage")
                    .help("add `trigger-task STAGE` after it, or remove the export")
                    .stage(stage.name.name.clone())
                    .variable(key.clone())
            });
            finding.relate(export.place, "also exported here");
        }
    }
    findings.extend(by_key.into_values());
}
