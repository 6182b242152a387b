//! `payload-too-large`: the known part of a payload exceeds a limit of the platform.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use std::collections::BTreeMap;

use crate::platform::{self, MAX_PAYLOAD, MAX_PROPERTY};
use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
Adds up the known values of all variables that are exported at a trigger, and compares them with the limit of a webhook
call, 512 KB. Compares the value of a variable that is also a property of the pipeline with the limit of a property,
4,096 characters. On a cluster with Tekton, where the settings have `tekton`, the limit is 96 KB of what gets no smaller
when it is packed.

## Why is this bad
The webhook rejects the call: the stage never starts. A longer property is rejected when it is stored.

## How to fix
* Store the data outside the run, and export only its address.
* Export only the part that the async stage reads.
* If only the limit of a property is exceeded, shorten the value, or give the variable a name that no property has.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    line="0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    page="$line$line$line$line$line$line$line$line"
    chapter="$page$page$page$page$page$page$page$page"
    part="$chapter$chapter$chapter$chapter$chapter$chapter$chapter$chapter"
    volume="$part$part$part$part$part$part$part$part"
    set_env report "$volume$volume$volume"
    export_env report
    trigger-task publish
publish:
  script: |
    #!/usr/bin/env bash
    get_env report
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    set_env report-url "https://example.com/report"
    export_env report-url
    trigger-task publish
publish:
  script: |
    #!/usr/bin/env bash
    curl "$(get_env report-url)"
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
          line="0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
          page="$line$line$line$line$line$line$line$line"
          chapter="$page$page$page$page$page$page$page$page"
          part="$chapter$chapter$chapter$chapter$chapter$chapter$chapter$chapter"
          volume="$part$part$part$part$part$part$part$part"
          set_env report "$volume$volume$volume"
          export_env report
          trigger-task publish
  async-stage:
    steps:
      - name: publish
        script: |
          #!/usr/bin/env bash
          get_env report
```

## When to ignore
Ignore it if the value is shortened by a command that is not followed.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut by_place: BTreeMap<(Location, bool), Finding> = BTreeMap::new();
    let limit = if context.for_tekton { platform::tekton::MAX_PAYLOAD } else { MAX_PAYLOAD };
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            let target = &context.model.stage(run.target).name.name;
            if run.known_bytes as usize > limit {
                let finding = by_place.entry((run.trigger.place, false)).or_insert_with(|| {
                    let message = format!("the payload of `{target}` exceeds the limit of {} KB", limit / 1024);
                    let unless = if context.for_tekton { "; a cluster takes it only if it gets smaller when it is packed" } else { "" };
                    Finding::new(RuleId::PayloadTooLarge, run.trigger.place, message)
                        .label(format!("at least {} KB of known values{unless}", run.known_bytes / 1024))
                        .help("export less, or put the data where the stage can fetch it")
                        .stage(target.clone())
                });
                finding.holds_in(pipeline.kind);
            }
            for crossing in run.crossings.iter().filter(|crossing| context.settings.has_property(&crossing.key)) {
                let length = crossing.set.as_ref().and_then(crate::flow::Fact::known_length).unwrap_or_default();
                let Some(place) = crossing.exported.as_ref().and_then(|exported| exported.places.first()) else { continue };
                if length <= MAX_PROPERTY {
                    continue;
                }
                let finding = by_place.entry((*place, true)).or_insert_with(|| {
                    let key = &crossing.key;
                    Finding::new(RuleId::PayloadTooLarge, *place, format!("`{key}` is too long for a property of the pipeline"))
                        .label(format!("{length} characters, the limit is {MAX_PROPERTY}"))
                        .help("shorten the value, or give the variable a name that no property has")
                        .stage(target.clone())
                        .variable(key.clone())
                });
                for place in crossing.set.iter().flat_map(|set| set.places.iter()) {
                    finding.relate(*place, "set here");
                }
                finding.holds_in(pipeline.kind);
            }
        }
    }
    findings.extend(by_place.into_values());
}
