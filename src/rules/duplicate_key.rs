//! `duplicate-key`: a mapping repeats a key.

use super::{Context, Finding, Rule, RuleId, Severity};

pub(super) const RULE: Rule = Rule {
    id: RuleId::DuplicateKey,
    severity: Severity::Error,
    summary: "a mapping repeats a key",
    page: PAGE,
    since: "0.1.0",
    check,
};

const PAGE: &str = r#"## What it does
Finds keys that stand twice in the same mapping, and shows both places.

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

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for duplicate in context.document.duplicates() {
        let key = context.document.text(context.text, duplicate.again).unwrap_or_default();
        let at = context.at(context.document.span(duplicate.again));
        let message = format!("the key `{key}` stands twice in this mapping; the platform silently drops the first");
        let mut finding = Finding::new(RuleId::DuplicateKey, at, message).help("remove one of them, or join what they say");
        finding.relate(context.at(context.document.span(duplicate.first)), "first here");
        findings.push(finding);
    }
}
