//! `exported-secret`: a secret is exported: the payload is visible.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
Follows the output of `get_secret` through variables, substitutions and `base64`, and finds exported keys that contain
it. Secure parameters of the platform count too.

## Why is this bad
Exported values are in the payload of the webhook: everyone who can see the run can read them. Secrets never have to be
sent: an async run has the same secure properties.

## How to fix
* Remove the export, and read the secret in the async stage: `$(get_secret NAME)`.
* If the parent sets the secret itself, set it again in the async stage with `set_secret`, or store it as a secure
  property of the pipeline.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    set_env token "$(get_secret api-token)"
    export_env token
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --token "$(get_env token)"
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --token "$(get_secret api-token)"
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
          set_env token "$(get_secret api-token)"
          export_env token
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap --token "$(get_env token)"
```

## When to ignore
Ignore it if the value is not a secret any more, for example a public key. It is better to set it without reading a
secret.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_export: BTreeMap<(Location, CompactString), Finding> = BTreeMap::new();
    for pipeline in &context.flow.pipelines {
        for leak in &pipeline.leaks {
            let Some(place) = leak.exported.places.last() else { continue };
            let key = &leak.key;
            let finding = by_export.entry((*place, key.clone())).or_insert_with(|| {
                let (message, source) = match &leak.secret {
                    Some(secret) => (format!("`{key}` is derived from the secret `{}` and exported", secret.key), secret.key.as_str()),
                    None => (format!("the secure parameter `{key}` is exported"), key.as_str()),
                };
                Finding::new(RuleId::ExportedSecret, *place, message)
                    .label("visible to everyone who can see the async run")
                    .help(format!(
                        "remove this export, and use `get_secret \"{source}\"` in the async stage: it has the same secure properties"
                    ))
                    .stage(context.model.stage(leak.stage).name.name.clone())
                    .variable(key.clone())
            });
            if let Some(secret) = &leak.secret {
                finding.relate(secret.place, "the secret is read here");
            }
            for place in leak.set.iter().flat_map(|set| set.places.iter()) {
                finding.relate(*place, "set here");
            }
            if let Some(trigger) = leak.trigger {
                finding.relate(trigger, "sent from here");
            }
            finding.holds_in(pipeline.kind);
        }
    }
    findings.extend(by_export.into_values());
}
