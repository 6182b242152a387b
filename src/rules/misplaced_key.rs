//! `misplaced-key`: a key of one format, task or step stands in the other.

use super::{Context, Finding, Rule, RuleId, Severity};
use super::unknown_key::Level;
use crate::model::Format;
use crate::schema::{Problem, Violation};

pub(super) const RULE: Rule = Rule {
    id: RuleId::MisplacedKey,
    severity: Severity::Warning,
    summary: "a key of one format, task or step stands in the other",
    page: PAGE,
    since: "0.1.0",
    check,
};

const PAGE: &str = r#"## What it does
Finds keys of format 1 in a configuration of format 2 and the reverse, and keys of a task on a step; says what to write
in their place.

## Why is this bad
A key in the wrong place is ignored: `skip: true` on a step of format 2 skips nothing.

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

## When to ignore
While a file is being moved from one format to the other.
"#;

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for violation in context.violations {
        let Problem::UnknownKey { key } = &violation.problem else { continue };
        let Some(advice) = advice(context, violation, key) else { continue };
        let level = Level::of(context, violation);
        let message = format!("`{key}` has no effect on {} of format {}", &level.name()[2..], number(context.model.format));
        findings.push(Finding::new(RuleId::MisplacedKey, context.at(violation.span), message).help(advice));
    }
    sections(context, findings);
}

/// What to write in place of a key that belongs elsewhere; `None` for keys that belong nowhere.
pub(super) fn advice(context: &Context<'_>, violation: &Violation, key: &str) -> Option<&'static str> {
    Some(match (Level::of(context, violation), key) {
        (Level::Step | Level::Task, "abort_on_failure") => "write `onError: continue` on the step for `false`; `true` is the default",
        (Level::Step, "dind") => "write `include: [dind]`",
        (Level::Task, "dind") => "write `include: [dind]` on the task or on the step that needs it",
        (Level::Step | Level::Task, "skip") => "write `when: 'false'`",
        (Level::Step | Level::Task, "image_pull_policy") => "remove it: format 2 has no pull policy",
        (Level::Step, "runAfter") => "steps run in the order of the list: move it to the task, with a list of tasks",
        (Level::Step, "runtimeClassName") => "move it to the task",
        (Level::Step | Level::Task, "env") => "set variables in the script, or with `set_env`",
        (Level::Task, "script" | "image" | "onError") => "move it to a step below `steps`",
        (Level::Step, "from") => "`from` copies whole tasks: move it to the task",
        (Level::Top, "preprocessor_version") => "remove it: it belongs to format 1",
        (Level::Top, _) if is_stage(context, key) => "format 2 has no stages at the top: make it a step of a task below `tasks`",
        (Level::Stage, "onError") => "write `abort_on_failure: false` for `continue`",
        (Level::Stage, "include") => "write `dind: true` if docker is needed",
        (Level::Stage, "when") => "write `skip: true` to leave the stage out, or test in the script",
        (Level::Stage, "from" | "steps" | "timeout" | "displayName") => "it belongs to tasks of format 2, `version: '2'`",
        _ => return None,
    })
}

fn is_stage(context: &Context<'_>, key: &str) -> bool {
    let value = context.document.root().and_then(|root| context.document.get(context.text, root, key));
    let has = |field| value.and_then(|value| context.document.get(context.text, value, field)).is_some();
    has("script") || has("image")
}

/// `tasks` at the top of format 1 would be read as a stage of that name.
fn sections(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(root) = context.document.root().filter(|_| context.model.format == Format::V1) else { return };
    for section in ["tasks", "finally", "steps"] {
        let Some(entry) = context.document.entry(context.text, root, section) else { continue };
        let holds_tasks = context.document.entries(entry.value).iter().any(|task| {
            ["steps", "runAfter", "script"].iter().any(|key| context.document.get(context.text, task.value, key).is_some())
        });
        if holds_tasks || !context.document.items(entry.value).is_empty() {
            let message = format!("`{section}` belongs to format 2; with `version: '1'` nothing below it runs");
            let finding = Finding::new(RuleId::MisplacedKey, context.at(context.document.span(entry.key)), message);
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
