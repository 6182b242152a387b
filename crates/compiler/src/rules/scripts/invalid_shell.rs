//! `invalid-shell`: shell syntax error.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use crate::source::Location;
use crate::syntax::shell::SyntaxError;

pub(crate) const PAGE: &str = r#"## What it does
Parses every script as bash and reports syntax errors.

## Why is this bad
The stage fails at that line, after everything before it has run, and the rest cannot be checked.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    if [ -n "$CLUSTER" ]; then
      ./deploy
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    if [ -n "$CLUSTER" ]; then
      ./deploy
    fi
```

## When to ignore
If `bash -n` accepts the script: the parser is then wrong, please report it.
"#;

/// More errors than this in one script follow from the first ones.
const MAX_ERRORS: usize = 3;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let cut = cut_short(context);
    for (file, errors) in &context.flow.syntax_errors {
        let is_whole = |error: &&SyntaxError| *file != context.file || cut.is_none_or(|cut| error.span.start < cut);
        for error in errors.iter().filter(is_whole).take(MAX_ERRORS) {
            let at = Location { file: *file, span: error.span };
            let finding = Finding::new(RuleId::InvalidShell, at, "shell syntax error").label(error.message.clone());
            findings.push(finding.help("`bash -n` on the script shows where bash stops"));
        }
    }
}

/// Where the last scalar before an error of YAML begins: a script that begins there may go on after the error.
fn cut_short(context: &Context<'_>) -> Option<u32> {
    let document = context.document;
    let scalars = document.nodes().filter(|(id, node)| document.scalar(*id).is_some() && !node.span.is_empty());
    let last = scalars.map(|(_, node)| node.span.start).max();
    last.filter(|_| !document.errors().is_empty())
}
