//! `missing-script`: a script that is not in the repository is run or sourced.

use crate::config::{Order, StageId};
use crate::diagnostics::{Finding, RuleId};
use crate::flow::{PipelineFlow, is_made};
use crate::rules::Context;
use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

pub(crate) const PAGE: &str = r#"## What it does
Follows every path of a script that must be in the repository, and finds those without a file. Paths to other
repositories, to the image, and to files that the stage creates itself are ignored.

## Why is this bad
The command fails, and what the script would set, export or trigger cannot be checked.

## How to fix
* Correct the path: scripts of the configuration start in the root of the repository.
* Add the file to the repository.
* If nothing needs the script any more, remove the command.

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

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: deploy
        script: |
          #!/usr/bin/env bash
          source scripts/deploy-app
```

## When to ignore
Ignore it if the file is generated, or comes from a repository that is cloned by a command which is not followed.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // What one stage clones, all stages after it find in the workspace.
    let made: FxHashSet<&str> = context.flow.stages.iter().flat_map(|flow| flow.made()).collect();
    let makers: Vec<Makers<'_>> = context.flow.pipelines.iter().map(Makers::of).collect();
    let mut seen = BTreeSet::new();
    for (id, stage) in context.model.stages() {
        let missing = context.flow.stage(id).missing();
        if missing.is_empty() {
            continue;
        }
        // What stages before bring may be it; what this one does after the call comes too late.
        let may_be_brought = |is_in_folder: bool| makers.iter().any(|makers| makers.may_run_before(id, is_in_folder));
        let (in_folder, elsewhere) = (may_be_brought(true), may_be_brought(false));
        for missing in missing {
            let others_make = if missing.is_in_folder { in_folder } else { elsewhere };
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

/// The stages of a pipeline that may make files of any name. An async stage is none of them: its workspace is its own.
struct Makers<'a> {
    order: &'a Order,
    /// Where each stage stands in the order.
    index: FxHashMap<StageId, usize>,
    /// Those that bring files, and those that only build them in folders of their own, by their places in the order.
    bringers: Vec<usize>,
    builders: Vec<usize>,
}

impl<'a> Makers<'a> {
    fn of(pipeline: &'a PipelineFlow) -> Self {
        let order = &pipeline.order;
        let index: FxHashMap<StageId, usize> = order.stages.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let makers = |in_own_folders: bool| -> Vec<usize> {
            let makers = pipeline.stages.iter().filter(|(_, flow)| flow.makes_anything(in_own_folders));
            makers.filter_map(|(id, _)| index.get(id).copied()).collect()
        };
        Self { order, bringers: makers(false), builders: makers(true), index }
    }

    /// Whether one of them may run before a stage; for a path whose folder the repository has, builders do not count.
    fn may_run_before(&self, id: StageId, is_in_folder: bool) -> bool {
        let Some(at) = self.index.get(&id) else { return false };
        let makers = if is_in_folder { &self.bringers } else { &self.builders };
        makers.iter().any(|maker| maker != at && !self.order.is_before(*at, *maker))
    }
}
