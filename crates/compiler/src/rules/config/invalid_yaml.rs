//! `invalid-yaml`: invalid YAML.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use crate::source::{FileId, Location};
use crate::syntax::yaml::Document;

pub(crate) const PAGE: &str = r#"## What it does
Reports the first syntax error of a YAML file at its cause, and aliases without an anchor. Of the other rules only those
run that do not depend on what is after the error.

## Why is this bad
The platform cannot load the configuration: no stage runs.

## How to fix
Correct the syntax at the mark: close the quote or bracket, indent with spaces, or define the anchor.

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

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: deploy
        script: "echo hello
```

## When to ignore
Never ignore it: nothing after the error can be checked.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(errors(context.document, context.file));
}

/// The errors of a YAML file.
pub(crate) fn errors(document: &Document, file: FileId) -> impl Iterator<Item = Finding> {
    document.errors().iter().map(move |error| {
        let finding = Finding::new(RuleId::InvalidYaml, Location { file, span: error.span }, error.message.clone());
        finding.maybe_label(error.label.clone()).maybe_help(error.help.clone())
    })
}
