//! `missing-script`: a script that is not in the repository is run or sourced.

use crate::config::StageId;
use crate::diagnostics::{Finding, RuleId};
use crate::flow::is_made;
use crate::rules::Context;
use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

pub(crate) const PAGE: &str = r#"## What it does
Follows every path of a script that is certainly in the repository, and finds those without a file. Paths to other
repositories, to the image, and to files that the stage creates itself are ignored.

## Why is this bad
The command fails, and what the script would set, export or trigger cannot be checked.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    source scripts/deploy-app
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    source scripts/deploy
```
```sh scripts/deploy
set_env app-url "https://example.com"
```

## When to ignore
If the file is generated, or comes from a repository that is cloned by a command which is not followed.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // What one stage clones, all stages after it find in the workspace.
    let made: FxHashSet<&str> = context.flow.stages.iter().flat_map(|flow| flow.made()).collect();
    let makers =
        |in_own_folders: bool| -> Vec<bool> { context.flow.stages.iter().map(|flow| flow.makes_anything(in_own_folders)).collect() };
    let (bringers, builders) = (makers(false), makers(true));
    let mut seen = BTreeSet::new();
    for (id, stage) in context.model.stages() {
        for missing in context.flow.stages[id.0 as usize].missing() {
            // What other stages bring may be it; what this one does behind the call comes too late.
            let makers = if missing.is_in_folder { &bringers } else { &builders };
            let others_make = makers.iter().enumerate().any(|(other, makes)| *makes && may_run_before(context, StageId(other as u32), id));
            let is_brought = !missing.leaves && (others_make || is_made(&missing.path, |name| made.contains(name)));
            if is_brought || !seen.insert(missing.place) {
                continue;
            }
            let (message, label, help) = if missing.leaves {
                (format!("script outside the repository: `{}`", missing.path), "it is not read", "name a file in the repository")
            } else {
                (
                    format!("script not found: `{}`", missing.path),
                    "this command fails",
                    "paths are relative to the root of the repository, and to the folder of the last `cd`",
                )
            };
            findings
                .push(Finding::new(RuleId::MissingScript, missing.place, message).label(label).help(help).stage(stage.name.name.clone()));
        }
    }
}

/// Whether a pipeline may run a stage before another one. An async stage has a workspace of its own.
fn may_run_before(context: &Context<'_>, other: StageId, id: StageId) -> bool {
    context.flow.pipelines.iter().any(|pipeline| {
        let index = |stage| pipeline.order.stages.iter().position(|own| *own == stage);
        matches!((index(other), index(id)), (Some(other), Some(id)) if other != id && !pipeline.order.is_before(id, other))
    })
}
