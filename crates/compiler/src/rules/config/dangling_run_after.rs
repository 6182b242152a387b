//! `dangling-run-after`: `runAfter` or `from` names an unknown stage or task, or a task is none that a pipeline has.

use crate::diagnostics::{Finding, Fix, RuleId, Severity};
use crate::rules::Context;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::config::{Format, Named, Runs, Task};
use crate::diagnostics::suggest;
use crate::platform;
use crate::rules::trigger_sites::trigger_sites;

pub(crate) const PAGE: &str = r#"## What it does
Finds `runAfter` and `from` that name a stage or task which is neither in the file nor part of the platform, and, as a
warning, tasks that no pipeline of the platform has and that copy none of its tasks with `from`.

## Why is this bad
A task that waits for something that never runs breaks the run, or waits forever. A task that is neither one of the
platform nor a copy of one is ignored: what it builds or checks never happens.

## How to fix
* Correct the name, or remove the key. If a similar name is known, `sidestage check --fix` writes it.
* For a task that no pipeline has, correct its name, or add `from:` with the task of the platform that it copies.

## Example
```yaml .pipeline-config.yaml
version: '2'
tasks:
  code-build:
    steps:
      - name: build-artifact
        script: ./build
  publish:
    from: code-build
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
    from: code-build
    runAfter: [code-build]
    steps:
      - name: publish
        script: ./publish
```

## In the other format
```yaml .pipeline-config.yaml
version: '1'
containerize:
  script: ./build
publish:
  runAfter: containerise
  script: ./publish
```

## When to ignore
Ignore it if your pipeline has tasks of its own that this version does not know.
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
            without_pipeline(context, findings);
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

/// Tasks that the platform does not have, and that copy none of its own.
fn without_pipeline(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let is_run = |task: &Task| platform::base_task(&task.name.name).is_some() || task.from.is_some() || task.runs == Runs::Never;
    let is_asked = |task: &&Task| !is_run(task) && !task.is_finally && !task.steps.is_empty() && !task.name.name.starts_with("x-");
    let tasks: Vec<&Task> = context.model.tasks.iter().filter(is_asked).collect();
    if tasks.is_empty() {
        return;
    }
    // A task that is triggered is meant as an async stage: `missing-stage` has it.
    let triggers = trigger_sites(context);
    let triggered: FxHashSet<&str> = triggers.iter().flat_map(|site| &site.names).map(|(name, _)| name.as_str()).collect();
    let mut waiting: FxHashMap<&str, Vec<(&Task, &Named)>> = FxHashMap::default();
    for task in &context.model.tasks {
        for after in &task.run_after {
            waiting.entry(&after.name).or_default().push((task, after));
        }
    }
    for task in tasks {
        let name = task.name.name.as_str();
        let steps = task.steps.iter().map(|step| context.model.stage(*step).name.name.as_str());
        if steps.chain([name]).any(|name| triggered.contains(name)) {
            continue;
        }
        let help = match suggest::nearest(name, platform::base_tasks().iter().map(|task| task.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name the task of the platform that it runs beside: `from: code-build`".to_owned(),
        };
        let mut finding = Finding::new(RuleId::DanglingRunAfter, context.at(task.name.span), format!("no pipeline has a task `{name}`"))
            .severity(Severity::Warning)
            .label("the platform ignores it: it is none of its tasks, and copies none")
            .help(help)
            .stage(name);
        for (other, after) in waiting.get(name).into_iter().flatten() {
            finding.relate(context.at(after.span), format!("`{}` waits for it", other.name.name));
        }
        findings.push(finding);
    }
}
