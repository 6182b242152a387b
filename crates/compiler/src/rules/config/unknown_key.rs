//! `unknown-key`: a key that the platform ignores.

use super::keys::{Level, advice, is_in_misplaced_section};
use crate::config::schema::ViolationKind;
use crate::diagnostics::suggest;
use crate::diagnostics::{Finding, Fix, RuleId, Severity};
use crate::rules::Context;

pub(crate) const PAGE: &str = r#"## What it does
Finds keys that the platform does not know, and names the key that was probably meant. Keys that begin with `x-` are
yours.

## Why is this bad
An unknown key is silently ignored: the stage runs with the default in its place. For some keys of published
configurations, such as `sources`, it is not known whether the platform reads them: those are reported as an info.

## How to fix
* Correct the name of the key. If a similar key is known, `sidestage check --fix` writes it.
* If another tool reads the key, begin its name with `x-`.
* If nothing reads it, remove it.

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

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: deploy
        on-error: continue
        script: ./deploy
```

## When to ignore
Ignore it if another tool of yours reads the key. The prefix `x-` is better.
"#;

/// Keys that published configurations have, some of them written by machines: what the platform does with them is not known.
const PUBLISHED: &[&str] = &["env", "securityContext", "sources"];

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for violation in context.violations {
        let ViolationKind::UnknownKey { key } = &violation.kind else { continue };
        if advice(context, violation, key).is_some() || is_in_misplaced_section(context, violation) {
            continue;
        }
        let level = Level::of(context, violation);
        let is_contract = matches!(level, Level::Contract | Level::Variable);
        let ignored = if is_contract { "" } else { "the platform ignores it, " };
        let label = format!("{ignored}a {} has no such key", level.name());
        if !is_contract && PUBLISHED.contains(&key.as_str()) {
            let at = context.at(violation.span);
            let finding = Finding::new(RuleId::UnknownKey, at, format!("undocumented key `{key}`")).severity(Severity::Info);
            let label = format!("published configurations have it, no list of the keys of a {} does", level.name());
            findings.push(finding.label(label).help("see in a run whether the platform reads it"));
            continue;
        }
        let near = suggest::nearest(key, level.keys().iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if is_contract => format!("remove it, or use one of `{}`", level.keys().join("`, `")),
            None => format!("remove it, or name it `x-{key}` if it is meant for another tool"),
        };
        let at = context.at(violation.span);
        let fix = near.and_then(|near| Fix::rename(context.sources, at, key, near));
        findings.push(Finding::new(RuleId::UnknownKey, at, format!("unknown key `{key}`")).label(label).help(help).maybe_fix(fix));
    }
}
