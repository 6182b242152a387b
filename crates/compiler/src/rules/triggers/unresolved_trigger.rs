//! `unresolved-trigger`: the name of a triggered stage cannot be computed.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use crate::rules::trigger_sites::trigger_sites;

pub(crate) const PAGE: &str = r#"## What it does
Says where a trigger's stage depends on a value that is not in the repository, and which value that is.

## Why is this bad
It is not: but what such a trigger needs cannot be checked.

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

## When to ignore
Whenever the choice is meant to be made outside of the repository.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for trigger in trigger_sites(context) {
        let Some(cause) = &trigger.trigger.unknown else { continue };
        let also = match trigger.names.as_slice() {
            [] => String::new(),
            names => {
                let names: Vec<String> = names.iter().map(|(name, _)| format!("`{name}`")).collect();
                format!(" It can be {}.", names.join(", "))
            }
        };
        let message = format!("the stage that this triggers is not known: it depends on {}.{also}", cause.describe());
        let mut finding = Finding::new(RuleId::UnresolvedTrigger, trigger.trigger.name_place, message);
        finding = finding.help("write the name out, or loop over a list of names, to have the trigger checked");
        finding.stage = Some(trigger.stage.clone());
        finding.pipelines.clone_from(&trigger.pipelines);
        findings.push(finding);
    }
}
