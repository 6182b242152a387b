//! `repo-without-commit`: the async stage uses a repo that is registered without url or commit.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
Finds repos that a parent registers with `save_repo`, without a `url` or a `commit`, and that an async stage uses.

## Why is this bad
An async run clones each registered repo from its url at its commit. Without them it cannot, or gets another state of
the repo than the parent had.

## How to fix
Add the missing properties to `save_repo`: `"url=https://.."` and `"commit=$(git -C PATH rev-parse HEAD)"`.

## Example
```yaml .pipeline-config.yaml
version: '1'
setup:
  script: |
    #!/usr/bin/env bash
    save_repo tools "path=tools" "branch=main"
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    cd "$(load_repo tools path)"
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
setup:
  script: |
    #!/usr/bin/env bash
    save_repo tools "path=tools" "url=https://example.com/tools.git" "commit=$(git -C tools rev-parse HEAD)"
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    cd "$(load_repo tools path)"
```

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  code-build:
    steps:
      - name: setup
        script: |
          #!/usr/bin/env bash
          save_repo tools "path=tools" "branch=main"
  deploy-checks:
    steps:
      - name: dynamic-scan
        script: |
          #!/usr/bin/env bash
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          cd "$(load_repo tools path)"
```

## When to ignore
Ignore it if the async stage needs only the properties of the repo, and not its files.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_place: BTreeMap<(Location, CompactString), Finding> = BTreeMap::new();
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            for repo in run.repos() {
                let Some(place) = repo.set.places.first() else { continue };
                let (name, target) = (&repo.name, &context.model.stage(run.target).name.name);
                let finding = by_place.entry((*place, name.clone())).or_insert_with(|| {
                    let lacks = repo.lacks.join(" and ");
                    let message = format!("the repo `{name}` is registered without {lacks}");
                    let pairs: Vec<String> = repo.lacks.iter().map(|property| format!("\"{property}=..\"")).collect();
                    Finding::new(RuleId::RepoWithoutCommit, *place, message)
                        .label(format!("the async run of `{target}` cannot clone it in this state"))
                        .help(format!("add {} to `save_repo {name}`", pairs.join(" ")))
                        .stage(target.clone())
                });
                for read in &repo.reads {
                    finding.relate(read.place, format!("`{target}` uses it here"));
                }
                finding.relate(run.trigger.place, format!("`{target}` is triggered here"));
                finding.holds_in(pipeline.kind);
            }
        }
    }
    findings.extend(by_place.into_values());
}
