//! `shell-variable-not-sent`: an async stage counts on a variable of its parent's shell.

use compact_str::CompactString;
use rustc_hash::FxHashSet;

use crate::diagnostics::{Finding, RuleId};
use crate::flow::{Event, PipelineFlow, Run, ShellExport, ShellRead, StageFlow};
use crate::origin::Origin;
use crate::rules::Context;

pub(crate) const PAGE: &str = r#"## What it does
Finds what an async stage reads, with `get_env` or as `$X`, although the parent has it only as a variable of its shell
(`export X=..`). Finds also `$X` in an async stage for what was exported with `export_env X`.

## Why is this bad
Variables of the shell end with the script that sets them: an async run never has them. What `export_env` sends is in
the store there, and only `get_env` reads it.

## How to fix
* In the parent, write `set_env x VALUE` and `export_env x` in place of `export X=VALUE`.
* In the async stage, write `$(get_env x)` in place of `$X`.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    export SCAN_TARGET="https://example.com"
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --target "$(get_env scan-target)"
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    set_env scan-target "https://example.com"
    export_env scan-target
    trigger-task owasp-zap
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --target "$(get_env scan-target)"
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
          export SCAN_TARGET="https://example.com"
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        script: |
          #!/usr/bin/env bash
          zap --target "$(get_env scan-target)"
```

## When to ignore
Ignore it if the image of the async stage has a variable of that name.
"#;

/// What every shell has, whoever sets it.
const OF_EVERY_SHELL: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "PWD", "OLDPWD", "SHELL", "TERM", "LANG", "LANGUAGE", "TMPDIR", "HOSTNAME", "IFS", "WORKSPACE"];

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut found: Vec<Finding> = Vec::new();
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            let Some(parent) = pipeline.flow(run.from) else { continue };
            for crossing in &run.crossings {
                if crossing.is_widened() || Origin::of(crossing, context.settings) != Origin::Unknown {
                    continue;
                }
                let key = crossing.key.as_str();
                for export in exports_before(parent, run).filter(|export| !export.is_from_store && is_same(export, key)) {
                    let target = &context.model.stage(run.target).name.name;
                    let new = Finding::new(RuleId::ShellVariableNotSent, export.place, title(&export.name))
                        .label(format!("it sets a shell variable, but `{target}` reads `{key}` with `get_env`"))
                        .help(format!("write `set_env {key} \"..\"`, then `export_env {key}`"))
                        .stage(target.clone())
                        .variable(key);
                    let finding = merged(&mut found, new);
                    finding.relate(run.trigger.place, format!("`{target}` is triggered here"));
                    finding.relate(crossing.hardest_read().place, "read here");
                    finding.holds_in(pipeline.kind);
                }
            }
            shell_reads(context, pipeline, run, parent, &mut found);
        }
    }
    findings.append(&mut found);
}

/// `$X` in the async stage, where the parent has `export X=..` or `export_env X`.
fn shell_reads(context: &Context<'_>, pipeline: &PipelineFlow, run: &Run, parent: &StageFlow, found: &mut Vec<Finding>) {
    let Some(target_flow) = pipeline.flow(run.target) else { return };
    let target = &context.model.stage(run.target).name.name;
    let sent: FxHashSet<&CompactString> =
        pipeline.stages.iter().flat_map(|(_, flow)| flow.exports()).filter_map(|export| export.key.as_ref()).collect();
    for read in target_flow.shell_reads().filter(|read| !OF_EVERY_SHELL.contains(&read.name.as_str())) {
        let setting = exports_before(parent, run).find(|export| export.name == read.name);
        let Some((label, help)) = told(read, sent.contains(&read.name), setting.is_some()) else { continue };
        let new = Finding::new(RuleId::ShellVariableNotSent, read.place, title(&read.name)).label(label).help(help);
        let finding = merged(found, new.stage(target.clone()).variable(read.name.clone()));
        if let Some(setting) = setting {
            finding.relate(setting.place, "set here, in the parent's shell");
        }
        finding.relate(run.trigger.place, format!("`{target}` is triggered here"));
        finding.holds_in(pipeline.kind);
    }
}

/// Label and help.
fn told(read: &ShellRead, is_sent: bool, is_in_shell: bool) -> Option<(String, String)> {
    let name = &read.name;
    if is_sent {
        let label = format!("`export_env {name}` puts it into the store, not into the shell");
        return Some((label, format!("write `\"$(get_env {name})\"`")));
    }
    let help = format!("write `set_env {name} \"..\"` and `export_env {name}` in the parent, and `get_env {name}` here");
    is_in_shell.then(|| ("empty here, only the parent's shell has it".to_owned(), help))
}

fn title(name: &str) -> String {
    format!("shell variable `{name}` does not reach async runs")
}

/// The finding at a place, which several triggers and pipelines share.
fn merged(found: &mut Vec<Finding>, new: Finding) -> &mut Finding {
    let known = found.iter().position(|finding| finding.at == new.at && finding.variable == new.variable);
    let index = known.unwrap_or_else(|| {
        found.push(new);
        found.len() - 1
    });
    &mut found[index]
}

/// `export X=..` before the trigger.
fn exports_before<'a>(parent: &'a StageFlow, run: &Run) -> impl Iterator<Item = &'a ShellExport> {
    parent.events.iter().take(run.trigger.order as usize).filter_map(|event| match event {
        Event::ShellExport(export) => Some(export),
        _ => None,
    })
}

/// A shell variable cannot have a `-` in its name.
fn is_same(export: &ShellExport, key: &str) -> bool {
    export.name == key || export.name.to_lowercase() == key.to_lowercase().replace(['-', '.'], "_")
}
