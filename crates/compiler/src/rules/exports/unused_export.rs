//! `unused-export`: no async stage reads an exported variable.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use rustc_hash::FxHashSet;

use crate::config::Target;
use crate::diagnostics::suggest;
use crate::flow::PipelineFlow;
use crate::rules::trigger_sites::{may_trigger_unseen, trigger_sites};

pub(crate) const PAGE: &str = r#"## What it does
Finds exports of variables that no async stage reads, where all scripts of those stages can be read.

## Why is this bad
It is harmless, but the payload is visible, and a name that is never read is often misspelt.

## How to fix
* Remove the export.
* If the async stage reads another name by mistake, correct the read or the export.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    set_env app-url https://example.com
    set_env app-version 7
    export_env app-url
    export_env app-version
    trigger-task owasp-zap
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
      - name: dynamic-scan
        script: |
          #!/usr/bin/env bash
          set_env app-url https://example.com
          set_env app-version 7
          export_env app-url
          export_env app-version
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap --target "$(get_env app-url)"
```

## When to ignore
Ignore it if the stage runs a program that reads the store itself.
"#;

/// After so many findings no similar names are searched.
const MAX_SUGGESTED: usize = 100;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let triggers = trigger_sites(context);
    let is_known = |trigger: &crate::rules::trigger_sites::TriggerSite| {
        trigger.trigger.unknown.is_none() && trigger.names.iter().all(|(_, target)| matches!(target, Target::Stage(_)))
    };
    // Without a trigger it belongs to `export-without-trigger`; where a triggered stage cannot be read, nothing is known.
    if triggers.is_empty() || !triggers.iter().all(is_known) || may_trigger_unseen(context, None) || reads_anything(context) {
        return;
    }
    let mut read: FxHashSet<&str> = FxHashSet::default();
    for (_, flow) in context.flow.pipelines.iter().flat_map(|pipeline| &pipeline.targets) {
        read.extend(flow.reads().filter_map(|read| read.key.as_deref()));
    }
    let mut seen = FxHashSet::default();
    for pipeline in &context.flow.pipelines {
        for (stage, flow) in pipeline.flows() {
            for export in flow.exports() {
                let Some(key) = export.key.as_deref().filter(|key| !read.contains(key)) else { continue };
                if !seen.insert(export.place) {
                    continue;
                }
                let message = format!("no async stage reads `{key}`");
                let near = if seen.len() <= MAX_SUGGESTED { suggest::nearest(key, read.iter().copied()) } else { None };
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "remove this export: the payload is visible to everyone who can see the run".to_owned(),
                };
                let finding = Finding::new(RuleId::UnusedExport, export.place, message).help(help);
                findings.push(finding.stage(context.model.stage(stage).name.name.clone()).variable(key));
            }
        }
    }
}

/// Whether an async stage may read keys that its scripts do not show.
fn reads_anything(context: &Context<'_>) -> bool {
    let targets = |pipeline: &PipelineFlow| {
        pipeline.targets.iter().any(|(id, flow)| {
            context.model.stage(*id).script.is_none()
                || flow.opaque().next().is_some()
                || flow.programs().next().is_some()
                || flow.reads().any(|read| read.key.is_none())
        })
    };
    context.flow.pipelines.iter().any(targets)
}
