//! `unknown-key`: a key that the platform ignores.

use super::{Context, Finding, Rule, RuleId, Severity};
use super::{misplaced_key, suggest};
use crate::model::Format;
use crate::schema::{Problem, Violation};

pub(super) const RULE: Rule = Rule {
    id: RuleId::UnknownKey,
    severity: Severity::Warning,
    summary: "a key that the platform ignores",
    page: PAGE,
    since: "0.1.0",
    check,
};

const PAGE: &str = r#"## What it does
Finds keys that the platform does not know, and names the key that was probably meant. Keys that begin with `x-` are
yours.

## Why is this bad
An unknown key is ignored without a word: the stage runs with the default in its place.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  imagePullPolicy: Always
  script: ./deploy
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  image_pull_policy: Always
  script: ./deploy
```

## When to ignore
If another tool of yours reads the key: better give it the prefix `x-`.
"#;

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for violation in context.violations {
        let Problem::UnknownKey { key } = &violation.problem else { continue };
        if misplaced_key::advice(context, violation, key).is_some() {
            continue;
        }
        let level = Level::of(context, violation);
        let message = format!("the platform ignores the key `{key}`: {} has no such key", level.name());
        let help = match suggest::nearest(key, level.keys().iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("remove it, or name it `x-{key}` if it is meant for another tool"),
        };
        findings.push(Finding::new(RuleId::UnknownKey, context.at(violation.span), message).help(help));
    }
}

/// Where in a configuration a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Top,
    Stage,
    Task,
    Step,
    Contract,
}

impl Level {
    pub(super) fn of(context: &Context<'_>, violation: &Violation) -> Self {
        let path: Vec<&str> = violation.path.iter().map(String::as_str).collect();
        match (context.model.format, path.as_slice()) {
            (_, path) if path.contains(&"x-async") => Self::Contract,
            (_, []) => Self::Top,
            (Format::V1, _) => Self::Stage,
            (Format::V2, [_, _]) => Self::Task,
            (Format::V2, _) => Self::Step,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Top => "a configuration",
            Self::Stage => "a stage",
            Self::Task => "a task",
            Self::Step => "a step",
            Self::Contract => "a contract",
        }
    }

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Top => &["version", "tasks", "finally"],
            Self::Stage => &[
                "script", "image", "abort_on_failure", "dind", "skip", "image_pull_policy", "runAfter", "configmap", "secret",
                "runtimeClassName", "x-async",
            ],
            Self::Task => &["steps", "runAfter", "displayName", "runtimeClassName", "when", "from", "timeout", "include"],
            Self::Step => &["name", "script", "image", "onError", "when", "timeout", "include", "displayName", "x-async"],
            Self::Contract => &["description", "triggered-by", "reads", "required", "default", "pattern"],
        }
    }
}
