//! `unused-ignore`: a comment hides nothing.

use crate::diagnostics::Finding;
use crate::rules::Context;

pub(crate) const PAGE: &str = r#"## What it does
Finds each name in the list of a `# sidestage: ignore[..]` or `# sidestage: ignore-file[..]` that hides no finding: the
fault is gone, it stands in another line, or the name is not that of a rule. `ignore` hides what is found in its own
line, or, alone in a line, in the line directly below; `ignore-file`, in the comments at the top, in the whole file. A rule
that is turned off does not make its ignores unused.

## Why is this bad
The comment says that something is wrong where nothing is, and would hide the next fault in that line unseen.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  # sidestage: ignore[missing-stage] it will be added with the next release
  script: trigger-task owasp-zap
owasp-zap:
  script: zap-full-scan.py
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    trigger-task owasp-zap
    trigger-task load-test # sidestage: ignore[missing-stage] it will be added with the next release
owasp-zap:
  script: zap-full-scan.py
```

## When to ignore
If a fault comes and goes, for example with a file that is made only at times: name `unused-ignore` in the same list.
"#;

/// What is hidden is known only when all rules have run: `suppression` makes the findings.
pub(crate) fn check(_: &Context<'_>, _: &mut Vec<Finding>) {}
