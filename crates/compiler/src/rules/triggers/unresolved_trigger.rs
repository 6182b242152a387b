//! `unresolved-trigger`: cannot tell which stage a trigger starts.

use crate::diagnostics::{Finding, RuleId};
use crate::flow::Cause;
use crate::rules::Context;
use crate::rules::trigger_sites::trigger_sites;

pub(crate) const PAGE: &str = r#"## What it does
Reports triggers whose stage depends on a value that is not in the repository, and names that value.

## Why is this bad
The trigger may be right, but what it needs cannot be checked.

## How to fix
* Write the name of the stage in `trigger-task`.
* If there are several, loop over a literal list: `for stage in one two; do trigger-task "$stage"; done`.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task "$(get_env scanner)"
owasp-zap:
  script: ./scan
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    for scanner in owasp-zap; do
      trigger-task "$scanner"
    done
owasp-zap:
  script: ./scan
```

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: dynamic-scan
        script: |
          #!/usr/bin/env bash
          trigger-task "$(get_env scanner)"
  async-stage:
    steps:
      - name: owasp-zap
        script: ./scan
```

## When to ignore
Ignore it if the stage is chosen outside the repository on purpose.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for trigger in trigger_sites(context) {
        let Some(cause) = &trigger.trigger.unknown else { continue };
        // A default that the environment may replace is what nearly always counts.
        if !trigger.names.is_empty() && matches!(cause, Cause::Variable(_)) {
            continue;
        }
        let also = match trigger.names.as_slice() {
            [] => String::new(),
            names => {
                let names: Vec<String> = names.iter().map(|(name, _)| format!("`{name}`")).collect();
                format!("; it can be {}", names.join(", "))
            }
        };
        let title = "cannot tell which stage this triggers";
        let mut finding = Finding::new(RuleId::UnresolvedTrigger, trigger.trigger.name_place, title);
        finding = finding.label(format!("it depends on {}{also}", cause.describe()));
        finding = finding.help("use a literal name or a literal list to have the trigger checked");
        finding.stage = Some(trigger.stage.clone());
        finding.pipelines.clone_from(&trigger.pipelines);
        findings.push(finding);
    }
}
