//! `missing-script`: a script that is not in the repository is run or sourced.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use std::collections::BTreeSet;

use compact_str::CompactString;
use rustc_hash::FxHashSet;

pub(crate) const PAGE: &str = r#"## What it does
Follows every path of a script that surely leads into the repository, and finds those where no file is. Paths into other
repositories, into the image, and files that the stage makes itself are left alone.

## Why is this bad
The stage stops there; and what the script would set, export or trigger cannot be checked.

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
    let made: FxHashSet<&str> = context.flow.stages.iter().flat_map(|flow| &flow.created).map(CompactString::as_str).collect();
    let mut seen = BTreeSet::new();
    for (id, stage) in context.model.stages() {
        for missing in &context.flow.stages[id.0 as usize].missing {
            let path = missing.path.as_str();
            let is_brought =
                !missing.leaves && [path.split('/').next(), path.rsplit('/').next()].into_iter().flatten().any(|name| made.contains(name));
            if is_brought || !seen.insert(missing.place) {
                continue;
            }
            let (message, help) = if missing.leaves {
                (format!("the path `{}` leads out of the repository: it is not read", missing.path), "name a file inside the repository")
            } else {
                (
                    format!("the repository has no file `{}`, so the stage stops here", missing.path),
                    "paths are relative to the root of the repository, and to the folder of the last `cd`",
                )
            };
            findings.push(Finding::new(RuleId::MissingScript, missing.place, message).help(help).stage(stage.name.name.clone()));
        }
    }
}
