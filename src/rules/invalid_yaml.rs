//! `invalid-yaml`: the file is not YAML.

use super::{Context, Finding, Rule, RuleId, Severity};
use crate::source::{FileId, Location};
use crate::yaml::Document;

pub(super) const RULE: Rule = Rule {
    id: RuleId::InvalidYaml,
    severity: Severity::Error,
    summary: "the file is not YAML",
    page: PAGE,
    since: "0.1.0",
    check,
};

const PAGE: &str = r#"## What it does
Reports the first place where the file stops being YAML, and references that lead nowhere.

## Why is this bad
The platform cannot load the configuration: no stage runs at all.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: "echo hello
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: "echo hello"
```

## When to ignore
Never: nothing else can be checked behind the error.
"#;

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(errors(context.document, context.file));
}

/// Where a file is not YAML.
pub(super) fn errors(document: &Document, file: FileId) -> impl Iterator<Item = Finding> {
    document.errors().iter().map(move |error| {
        let finding = Finding::new(RuleId::InvalidYaml, Location { file, span: error.span }, error.message.clone());
        finding.maybe_help(error.help.clone())
    })
}
