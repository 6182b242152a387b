//! `suspicious-command`: a command does not do what it seems to do.

use super::invalid_shell::first_errors;
use crate::diagnostics::{Finding, RuleId};
use compact_str::CompactString;

use crate::config::Target;
use crate::rules::Context;
use std::collections::BTreeSet;

use crate::flow::SuspiciousKind;
use crate::source::Location;

pub(crate) const PAGE: &str = r#"## What it does
Finds misspelt commands of the store, `set_env key=value` in one word, `export_env` of values, `trigger-task` without a
stage or with several, here-documents that are never closed, `source` of a folder, and the platform's
`tools/trigger-task` sourced after the emitted one, which it replaces.

## Why is this bad
Each of them runs without an error, or with a confusing one: `set_env a=b` waits for standard input, and the rest of
the script becomes the text of an open here-document.

## How to fix
* Write the command in the form that the help shows: `set_env KEY VALUE`, `export_env KEY`, `trigger-task STAGE`.
* End a here-document with its word alone, at the start of a line of the script.
* Name a file after `source`. After the emitted `tools/trigger-task`, remove the line that sources the platform's.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_env app-url="https://example.com"
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_env app-url "https://example.com"
```

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: deploy
        script: |
          #!/usr/bin/env bash
          set_env app-url="https://example.com"
```

## When to ignore
Ignore it if it is intended: `set_env "a=b" ""` sets a key of that name.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    // A here-document that makes the script invalid is told of there.
    let broken: Vec<Location> = first_errors(context).map(|(at, _)| at).collect();
    for (id, stage) in context.model.stages() {
        for suspicious in context.flow.stage(id).suspicious() {
            if broken.contains(&suspicious.place) || !seen.insert(suspicious.place) {
                continue;
            }
            let Some((message, label, help)) = told(context, &suspicious.kind) else { continue };
            let finding = Finding::new(RuleId::SuspiciousCommand, suspicious.place, message).label(label).help(help);
            findings.push(finding.stage(stage.name.name.clone()));
        }
    }
}

/// Title, label and help; nothing for what is right in this configuration.
fn told(context: &Context<'_>, kind: &SuspiciousKind) -> Option<(String, String, String)> {
    Some(match kind {
        SuspiciousKind::PairInOneWord { command, key, value } => (
            format!("`{command}` expects KEY VALUE"),
            format!("this waits on stdin for a key named `{key}={value}`"),
            format!("write `{command} {key} \"{value}\"`"),
        ),
        SuspiciousKind::SpacedPair { command, key, value } => {
            (format!("`{command}` expects KEY VALUE"), format!("this sets `{key}` to `=`"), format!("write `{command} {key} \"{value}\"`"))
        }
        SuspiciousKind::ExportShape(words) => export_shape(context, words)?,
        SuspiciousKind::TriggerWithoutName => (
            "`trigger-task` expects a stage".to_owned(),
            "this command fails".to_owned(),
            "name the stage: `trigger-task STAGE`".to_owned(),
        ),
        SuspiciousKind::TriggerOfSeveral(more) => {
            let other = more.iter().find(|name| matches!(context.model.target(name), Target::Stage(_)))?;
            (
                "`trigger-task` starts one stage".to_owned(),
                format!("`{other}` is only a label here, and does not start"),
                format!("write `trigger-task {other}` on a line of its own"),
            )
        }
        SuspiciousKind::MisspeltCommand { written, meant } => {
            (format!("no command `{written}`"), "this command fails".to_owned(), format!("did you mean `{meant}`?"))
        }
        SuspiciousKind::SourcesFolder(path) => {
            ("`source` of a folder".to_owned(), format!("`{path}` is a folder, so nothing is read"), "name a file".to_owned())
        }
        SuspiciousKind::ReplacesEmitted => (
            "the platform's `trigger-task` takes the place of the emitted one".to_owned(),
            "from here, stages are started by the platform's function".to_owned(),
            "delete this line: the emitted `tools/trigger-task` was sourced before".to_owned(),
        ),
        SuspiciousKind::OpenHereDocument(delimiter) => (
            "here-document is never closed".to_owned(),
            "the rest of the script becomes its text".to_owned(),
            format!("put `{delimiter}` alone on a line, without indentation"),
        ),
    })
}

/// `export_env key=value`; `export_env key value` where the value is no key.
fn export_shape(context: &Context<'_>, words: &[CompactString]) -> Option<(String, String, String)> {
    let is_key = |word: &str| {
        let is_set = context.flow.stages.iter().flat_map(|flow| flow.sets()).any(|set| set.key.as_deref() == Some(word));
        is_set || crate::origin::is_given(word, context.settings)
    };
    if let Some((key, value)) = words.iter().find_map(|word| word.split_once('=')) {
        return Some((
            "`export_env` expects keys".to_owned(),
            format!("this exports a key named `{key}={value}`"),
            format!("write `set_env {key} \"{value}\"`, then `export_env {key}`"),
        ));
    }
    let [key, value] = words else { return None };
    (is_key(key) && !is_key(value) && words.len() == 2).then(|| {
        (
            "`export_env` expects keys".to_owned(),
            format!("`{value}` is taken for a key, and nothing sets it"),
            format!("write `set_env {key} \"{value}\"`, then `export_env {key}`"),
        )
    })
}
