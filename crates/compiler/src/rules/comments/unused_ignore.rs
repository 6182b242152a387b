//! `unused-ignore`: a comment suppresses nothing.

use crate::diagnostics::Finding;
use crate::rules::Context;

pub(crate) const PAGE: &str = r#"## What it does
Finds each name in the list of a `# sidestage: ignore[..]` or `# sidestage: ignore-file[..]` that suppresses no finding:
the problem is fixed, it is on another line, or no rule has this name. `ignore` suppresses findings on its own line or,
alone on a line, on the next line; of a command of several lines, in all of them. `ignore-file`, in the comments at the
top, suppresses in the whole file. A rule that is turned off does not make its ignores unused.

## Why is this bad
The comment claims a problem where there is none, and would suppress the next one on that line.

## How to fix
* Remove the name from the list, or the whole comment if no other name is left.
* If the name is misspelt, correct it: `sidestage rules` lists all names.
* If the problem is on another line, move the comment there.

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

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: dynamic-scan
        # sidestage: ignore[missing-stage] it will be added with the next release
        script: trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: zap-full-scan.py
```

## When to ignore
Ignore it if a problem comes and goes, for example with a file that is only sometimes generated: name `unused-ignore` in
the same list.
"#;

/// What is suppressed is known only after all rules have run: `suppression` makes the findings.
pub(crate) fn check(_: &Context<'_>, _: &mut Vec<Finding>) {}
