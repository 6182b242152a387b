//! `duplicate-key`: a mapping repeats a key.

use crate::config::schema::{Problem, Violation};
use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use crate::source::{FileId, Location};
use crate::syntax::yaml::Document;

pub(crate) const PAGE: &str = r#"## What it does
Finds keys that stand twice in the same mapping, and items that stand twice in a list of names; shows both places.

## Why is this bad
The platform keeps the last one and drops the others without a word: a stage that was written never runs.

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

## When to ignore
Never: one of the two has no effect and can go.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(keys(context.document, context.text, context.file, "the platform silently drops the first"));
    findings.extend(items(context.violations, context.file));
}

/// Keys that a mapping repeats, and what becomes of that.
pub(crate) fn keys<'a>(document: &'a Document, text: &'a str, file: FileId, outcome: &'a str) -> impl Iterator<Item = Finding> + 'a {
    let at = move |node| Location { file, span: document.span(node) };
    document.duplicates().iter().map(move |duplicate| {
        let key = document.text(text, duplicate.again).unwrap_or_default();
        let message = format!("the key `{key}` stands twice in this mapping; {outcome}");
        let mut finding = Finding::new(RuleId::DuplicateKey, at(duplicate.again), message);
        finding.relate(at(duplicate.first), "first here");
        finding.help("remove one of them, or join what they say")
    })
}

/// Items that a list repeats.
pub(crate) fn items(violations: &[Violation], file: FileId) -> impl Iterator<Item = Finding> {
    violations.iter().filter_map(move |violation| {
        let Problem::RepeatedItem { item, first } = &violation.problem else { return None };
        let at = |span| Location { file, span };
        let mut finding = Finding::new(RuleId::DuplicateKey, at(violation.span), format!("`{item}` stands twice in this list"));
        finding.relate(at(*first), "first here");
        Some(finding.help("remove one of them"))
    })
}
