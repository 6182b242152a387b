//! `duplicate-key`: a mapping repeats a key.

use crate::config::schema::{Violation, ViolationKind};
use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use crate::source::{FileId, Location};
use crate::syntax::yaml::Document;

pub(crate) const PAGE: &str = r#"## What it does
Finds keys that a mapping repeats and items that a list of names repeats, and shows both places.

## Why is this bad
The platform uses the last one and silently drops the others: a stage in the file never runs.

## How to fix
* Merge the two values under one key, and remove the other.
* If both are needed, give one of them another name.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: ./deploy-blue
deploy:
  script: ./deploy-green
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    ./deploy-blue
    ./deploy-green
```

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: deploy
        script: ./deploy-blue
  deploy-checks:
    steps:
      - name: deploy
        script: ./deploy-green
```

## When to ignore
Never ignore it: one of the two has no effect and can be removed.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(keys(context.document, context.text, context.file, "the platform uses the last one"));
    findings.extend(items(context.violations, context.file));
}

/// Keys that a mapping repeats, and which of them counts.
pub(crate) fn keys<'a>(document: &'a Document, text: &'a str, file: FileId, outcome: &'a str) -> impl Iterator<Item = Finding> + 'a {
    let at = move |node| Location { file, span: document.span(node) };
    document.duplicates().iter().map(move |duplicate| {
        let key = document.text(text, duplicate.again).unwrap_or_default();
        let mut finding = Finding::new(RuleId::DuplicateKey, at(duplicate.again), format!("duplicate key `{key}`")).label(outcome);
        finding.relate(at(duplicate.first), "first used here");
        finding.help("remove one of them, or merge them")
    })
}

/// Items that a list repeats.
pub(crate) fn items(violations: &[Violation], file: FileId) -> impl Iterator<Item = Finding> {
    violations.iter().filter_map(move |violation| {
        let ViolationKind::RepeatedItem { item, first } = &violation.kind else { return None };
        let at = |span| Location { file, span };
        let mut finding = Finding::new(RuleId::DuplicateKey, at(violation.span), format!("duplicate item `{item}`"));
        finding.relate(at(*first), "first used here");
        Some(finding.help("remove one of them"))
    })
}
