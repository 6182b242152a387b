//! `dangling-run-after`: `runAfter` or `from` names an unknown stage or task.

use crate::diagnostics::{Finding, Fix, RuleId};
use crate::rules::Context;
use rustc_hash::FxHashSet;

use crate::config::{Format, Named};
use crate::diagnostics::suggest;
use crate::platform;

pub(crate) const PAGE: &str = r#"## What it does
Finds `runAfter` and `from` that name a stage or task which is neither in the file nor part of the platform.

## Why is this bad
A task that waits for something that never runs breaks the run, or waits forever.

## Example
```yaml .pipeline-config.yaml
version: '2'
tasks:
  code-build:
    steps:
      - name: build-artifact
        script: ./build
  publish:
    runAfter: [code-biuld]
    steps:
      - name: publish
        script: ./publish
```

## Use instead
```yaml .pipeline-config.yaml
version: '2'
tasks:
  code-build:
    steps:
      - name: build-artifact
        script: ./build
  publish:
    runAfter: [code-build]
    steps:
      - name: publish
        script: ./publish
```

## When to ignore
If your pipeline has tasks of its own that this version does not know.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let model = context.model;
    match model.format {
        Format::V1 => {
            let names: Vec<&str> = model.stages.iter().map(|stage| stage.name.name.as_str()).collect();
            let known: FxHashSet<&str> = names.iter().copied().collect();
            for stage in &model.stages {
                for after in &stage.run_after {
                    let exists = known.contains(after.name.as_str()) || platform::is_built_in_stage(&after.name);
                    if !exists {
                        findings.push(dangling(context, after, "runAfter", "stage", &stage.name.name, &names));
                    }
                }
            }
        }
        Format::V2 => {
            let own = model.tasks.iter().map(|task| task.name.name.as_str());
            let names: Vec<&str> = own.chain(platform::base_tasks().iter().map(|task| task.name)).collect();
            let known: FxHashSet<&str> = names.iter().copied().collect();
            for task in &model.tasks {
                let references = task.run_after.iter().map(|after| (after, "runAfter")).chain(task.from.iter().map(|from| (from, "from")));
                for (reference, key) in references {
                    if !known.contains(reference.name.as_str()) {
                        findings.push(dangling(context, reference, key, "task", &task.name.name, &names));
                    }
                }
            }
        }
    }
}

fn dangling(context: &Context<'_>, reference: &Named, key: &str, kind: &str, owner: &str, names: &[&str]) -> Finding {
    let what = if key == "from" { "copies" } else { "waits for" };
    let message = format!("`{key}` names an unknown {kind} `{}`", reference.name);
    let near = suggest::nearest(&reference.name, names.iter().copied());
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("name a {kind} of this file, or remove `{key}`"),
    };
    let at = context.at(reference.span);
    let fix = near.and_then(|near| Fix::rename(context.sources, at, &reference.name, near));
    Finding::new(RuleId::DanglingRunAfter, at, message).label(format!("`{owner}` {what} it")).help(help).maybe_fix(fix).stage(owner)
}
