//! `file-not-sent`: the async stage reads a file, result or data that only its parent wrote.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::platform::StoreKind;
use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
Finds what a parent stores with `save_file`, `save_result` or `put_data`, or writes to a file of the workspace, and an
async stage reads without having written it.

## Why is this bad
Files, results and data stay in the run that wrote them. The async run begins with the exported variables and the
registered repos at their commits, and nothing else.

## How to fix
* Send what the stage needs of the file in a variable: `set_env NAME VALUE`, then `export_env NAME`.
* Write the file again in the async stage, or fetch it from a store outside the run.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    save_file deploy-log deploy.log
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    load_file deploy-log > deploy.log
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_env deploy-id 17
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    export_env deploy-id
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    fetch-log "$(get_env deploy-id)" > deploy.log
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
          save_file deploy-log deploy.log
      - name: dynamic-scan
        script: |
          #!/usr/bin/env bash
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          load_file deploy-log > deploy.log
```

## When to ignore
Ignore it if the file is also in the image, or comes from a command that is not followed.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_read: BTreeMap<(Location, CompactString), Finding> = BTreeMap::new();
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            for left in run.left_behind().iter().filter(|left| left.kind != StoreKind::Secret) {
                let Some(read) = left.reads.iter().filter(|read| !read.is_soft()).min_by_key(|read| read.place) else { continue };
                let (key, target) = (&left.key, &context.model.stage(run.target).name.name);
                let finding = by_read.entry((read.place, key.clone())).or_insert_with(|| {
                    let what = match left.kind {
                        StoreKind::Result => "result",
                        StoreKind::Data => "data",
                        _ => "file",
                    };
                    let message = format!("{what} `{key}` is not available in async stage `{target}`");
                    Finding::new(RuleId::FileNotSent, read.place, message)
                        .label("only the parent run has it, files are never sent")
                        .help(format!("send what it needs in a variable (`set_env`, then `export_env`), or write it again in `{target}`"))
                        .stage(target.clone())
                        .variable(key.clone())
                });
                for place in left.set.places.iter() {
                    finding.relate(*place, "written here, in the parent");
                }
                finding.relate(run.trigger.place, format!("`{target}` is triggered here"));
                finding.holds_in(pipeline.kind);
            }
        }
    }
    findings.extend(by_read.into_values());
}
