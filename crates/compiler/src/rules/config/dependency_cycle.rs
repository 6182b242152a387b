//! `dependency-cycle`: stages or tasks wait for each other.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use rustc_hash::FxHashMap;

use crate::config::Named;
use crate::graph::cycles;

pub(crate) const PAGE: &str = r#"## What it does
Finds every cycle of `runAfter`, the shortest first, and shows each link of it.

## Why is this bad
What is in a cycle never starts: the run waits until it times out.

## How to fix
Remove one `runAfter` of the cycle: the one of the stage or task that must start first.

## Example
```yaml .pipeline-config.yaml
version: '2'
tasks:
  publish:
    runAfter: [announce]
    steps:
      - name: publish
        script: ./publish
  announce:
    runAfter: [publish]
    steps:
      - name: announce
        script: ./announce
```

## Use instead
```yaml .pipeline-config.yaml
version: '2'
tasks:
  publish:
    steps:
      - name: publish
        script: ./publish
  announce:
    runAfter: [publish]
    steps:
      - name: announce
        script: ./announce
```

## In the other format
```yaml .pipeline-config.yaml
version: '1'
publish:
  runAfter: announce
  script: ./publish
announce:
  runAfter: publish
  script: ./announce
```

## When to ignore
Never ignore it: the run cannot succeed.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let waits = context.model.waits();
    let by_name: FxHashMap<&str, &[Named]> = waits.iter().map(|wait| (wait.name, wait.after)).collect();
    let links = waits.iter().flat_map(|wait| wait.after.iter().map(|after| (wait.name, after.name.as_str())));
    for cycle in cycles(links) {
        let link = |from: &str, to: &str| {
            let after = by_name.get(from).into_iter().flat_map(|after| after.iter());
            after.filter(|after| after.name == to).map(|after| after.span).next_back().unwrap_or_default()
        };
        let next = |index: usize| cycle[(index + 1) % cycle.len()];
        let path = cycle.iter().chain(cycle.first()).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" -> ");
        let label = match cycle.as_slice() {
            [only] => format!("`{only}` waits for itself and never starts"),
            _ => format!("{path}, so none of them starts"),
        };
        let at = context.at(link(cycle[0], next(0)));
        let mut finding = Finding::new(RuleId::DependencyCycle, at, "dependency cycle")
            .label(label)
            .help("remove one of the `runAfter`s")
            .stage(cycle[0]);
        for (index, name) in cycle.iter().enumerate().skip(1) {
            finding.relate(context.at(link(name, next(index))), format!("`{name}` waits for `{}`", next(index)));
        }
        findings.push(finding);
    }
}
