//! `invalid-yaml`: the file is not YAML.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use crate::source::{FileId, Location};
use crate::syntax::yaml::Document;

pub(crate) const PAGE: &str = r#"## What it does
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

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(errors(context.document, context.file));
}

/// Where a file is not YAML.
pub(crate) fn errors(document: &Document, file: FileId) -> impl Iterator<Item = Finding> {
    document.errors().iter().map(move |error| {
        let finding = Finding::new(RuleId::InvalidYaml, Location { file, span: error.span }, error.message.clone());
        finding.maybe_help(error.help.clone())
    })
}
