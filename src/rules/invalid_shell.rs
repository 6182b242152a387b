//! `invalid-shell`: a script does not parse.

use super::{Context, Finding, Rule, RuleId, Severity};
use crate::source::Location;

pub(super) const RULE: Rule = Rule {
    id: RuleId::InvalidShell,
    severity: Severity::Warning,
    summary: "a script does not parse",
    page: PAGE,
    since: "0.1.0",
    check,
};

const PAGE: &str = r#"## What it does
Parses every script as bash and reports where it stops being that.

## Why is this bad
The stage fails at that line, after everything before it has run; and what follows cannot be checked.

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
If `bash -n` accepts the script: the parser then misreads it, and we would like to know.
"#;

/// More errors than this in one script follow from the first ones.
const MAX_ERRORS: usize = 3;

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for (file, errors) in &context.flow.syntax_errors {
        for error in errors.iter().take(MAX_ERRORS) {
            let at = Location { file: *file, span: error.span };
            let message = format!("this is not shell: {}", error.message);
            findings.push(Finding::new(RuleId::InvalidShell, at, message).help("`bash -n` on the script shows where bash stops"));
        }
    }
}
