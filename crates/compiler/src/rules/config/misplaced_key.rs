//! `misplaced-key`: a key that has no effect in this format, task or step.

use super::keys::{Level, advice};
use crate::config::schema::ViolationKind;
use crate::config::{Detected, Format};
use crate::diagnostics::{Finding, RuleId, Severity};
use crate::platform::{self, ASYNC_TASK};
use crate::rules::Context;
use crate::syntax::yaml::NodeId;

pub(crate) const PAGE: &str = r#"## What it does
Finds keys of format 1 in a configuration of format 2 and the reverse, and keys of a task on a step; says what to write
instead.

## Why is this bad
A key in the wrong place is ignored: `skip: true` on a step of format 2 skips nothing.

## How to fix
* Write the key of this format that the help names, for example `onError: continue` for `abort_on_failure: false`.
* If the key belongs to a task, move it from the step to the task.
* If most keys are of the other format, change `version`.

## Example
```yaml .pipeline-config.yaml
version: '2'
tasks:
  code-build:
    steps:
      - name: build-artifact
        abort_on_failure: false
        script: ./build
```

## Use instead
```yaml .pipeline-config.yaml
version: '2'
tasks:
  code-build:
    steps:
      - name: build-artifact
        onError: continue
        script: ./build
```

## In the other format
```yaml .pipeline-config.yaml
version: '1'
containerize:
  onError: continue
  script: ./build
```

## When to ignore
Ignore it while a file is being converted from one format to the other.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // Of a file that is no configuration another rule says so.
    if matches!(context.detected, Detected::Other(_)) {
        return;
    }
    let first = findings.len();
    misplaced(context, findings);
    // A configuration of one format with the version of the other: the pipeline would do nothing at all.
    if !runs_anything(context) {
        findings[first..].iter_mut().for_each(|finding| finding.severity = Severity::Error);
    }
}

/// Whether anything is where its format looks for it.
fn runs_anything(context: &Context<'_>) -> bool {
    let is_section = |name: &str| SECTIONS.contains(&name);
    match context.model.format {
        Format::V1 => context.model.stages.iter().any(|stage| !is_section(&stage.name.name)),
        Format::V2 => !context.model.tasks.is_empty(),
    }
}

fn misplaced(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for violation in context.violations {
        let ViolationKind::UnknownKey { key } = &violation.kind else { continue };
        let Some(advice) = advice(context, violation, key) else { continue };
        let level = Level::of(context, violation);
        let message = format!("`{key}` has no effect in a v{} {}", number(context.model.format), level.name());
        findings.push(Finding::new(RuleId::MisplacedKey, context.at(violation.span), message).help(advice));
    }
    sections(context, findings);
    contracts(context, findings);
}

/// A contract has an effect only on an async stage: a step of `async-stage`.
fn contracts(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut misplaced = |node: NodeId, message: String, label: String, help: String| {
        if let Some(entry) = context.document.entry(context.text, node, "x-async") {
            let finding = Finding::new(RuleId::MisplacedKey, context.at(context.document.span(entry.key)), message);
            findings.push(finding.label(label).help(help));
        }
    };
    for task in &context.model.tasks {
        let help = if task.name.name == ASYNC_TASK {
            "move it to the step that it describes".to_owned()
        } else {
            format!("move it to a step of the task `{ASYNC_TASK}`")
        };
        misplaced(task.node, "`x-async` has no effect on a task".to_owned(), "contracts belong on steps".to_owned(), help);
        for step in task.steps.iter().map(|step| context.model.stage(*step)) {
            let name = &step.name.name;
            if task.name.name != ASYNC_TASK {
                let message = format!("`x-async` has no effect on a step outside `{ASYNC_TASK}`");
                let label = format!("only steps of the task `{ASYNC_TASK}` can be triggered");
                misplaced(step.node, message, label, format!("move the step to `tasks.{ASYNC_TASK}.steps`, or remove its contract"));
            } else if platform::is_platform_step(name) {
                let message = format!("`x-async` has no effect on the platform's step `{name}`");
                misplaced(
                    step.node,
                    message,
                    "this step cannot be triggered".to_owned(),
                    "remove it, or move it to the step that it describes".to_owned(),
                );
            }
        }
    }
}

/// What format 2 has at the top, or in its tasks.
const SECTIONS: [&str; 3] = ["tasks", "finally", "steps"];

/// `tasks` at the top of format 1 would be read as a stage of that name.
fn sections(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(root) = context.document.root().filter(|_| context.model.format == Format::V1) else { return };
    for section in SECTIONS {
        let Some(entry) = context.document.entry(context.text, root, section) else { continue };
        let holds_tasks =
            context.document.entries(entry.value).iter().any(|task| {
                ["steps", "runAfter", "script"].iter().any(|key| context.document.get(context.text, task.value, key).is_some())
            });
        if holds_tasks || !context.document.items(entry.value).is_empty() {
            let message = format!("`{section}` has no effect in a v1 configuration");
            let finding = Finding::new(RuleId::MisplacedKey, context.at(context.document.span(entry.key)), message);
            let finding = finding.label("with `version: '1'` nothing under it runs");
            findings.push(finding.help("write `version: '2'`, or move the steps to stages at the top"));
        }
    }
}

fn number(format: Format) -> char {
    match format {
        Format::V1 => '1',
        Format::V2 => '2',
    }
}
