//! `invalid-shell`: shell syntax error.

use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use crate::source::Location;
use crate::syntax::shell::SyntaxError;

pub(crate) const PAGE: &str = r#"## What it does
Parses every script whose first line names `sh`, `bash`, `dash` or `ash`, or no program, and reports the first syntax
error of each.

## Why is this bad
The stage fails at that line, after everything before it has run, and the rest cannot be checked.

## How to fix
* Correct the syntax at the mark, for example add the missing `fi`, `done`, quote or bracket.
* If the script is not written for a shell, name its program in the first line, for example `#!/usr/bin/env python3`.

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

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: deploy
        script: |
          #!/usr/bin/env bash
          if [ -n "$CLUSTER" ]; then
            ./deploy
```

## When to ignore
Ignore it if `bash -n` accepts the script: the parser is then wrong. Report it.
"#;

/// The programs that this is the syntax of.
const JUDGED: &[&str] = &["sh", "bash", "dash", "ash"];

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for (at, error) in first_errors(context) {
        let finding = Finding::new(RuleId::InvalidShell, at, "shell syntax error").label(error.message.clone());
        findings.push(finding.help("`bash -n` on the script shows where bash stops"));
    }
}

/// The first error of each script: those after it often follow from it.
pub(super) fn first_errors<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (Location, &'a SyntaxError)> {
    let cut = cut_short(context);
    context.flow.syntax_errors.iter().filter_map(move |(file, errors)| {
        let is_whole = |error: &&SyntaxError| *file != context.file || cut.is_none_or(|cut| error.span.start < cut);
        let error = errors.iter().find(is_whole)?;
        let at = Location { file: *file, span: error.span };
        is_judged(&first_line(context, at)?).then_some((at, error))
    })
}

/// The first line of the script that a place is in.
fn first_line(context: &Context<'_>, at: Location) -> Option<String> {
    let first = |text: &str| text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default().to_owned();
    if at.file != context.file {
        return Some(first(context.sources.get(at.file).text()));
    }
    let document = context.document;
    let scripts = context.model.stages.iter().filter_map(|stage| stage.script);
    let around = scripts.filter(|script| {
        let span = document.span(*script);
        span.start <= at.span.start && at.span.start <= span.end
    });
    // An escaped script stands at its node as a whole, the innermost is the one.
    let script = around.min_by_key(|script| document.span(*script).len())?;
    Some(first(&document.script(context.text, script)?.0))
}

/// Whether sh or bash reads a script with this first line: other shells have words of their own.
fn is_judged(first_line: &str) -> bool {
    let Some(line) = first_line.strip_prefix("#!") else { return true };
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let program = match words.next() {
        Some("env") => words.find(|word| !word.starts_with('-') && !word.contains('=')),
        program => program,
    };
    program.is_none_or(|program| JUDGED.contains(&program))
}

/// Where the last scalar before an error of YAML begins: a script that begins there may go on after the error.
fn cut_short(context: &Context<'_>) -> Option<u32> {
    let document = context.document;
    let scalars = document.nodes().filter(|(id, node)| document.scalar(*id).is_some() && !node.span.is_empty());
    let last = scalars.map(|(_, node)| node.span.start).max();
    last.filter(|_| !document.errors().is_empty())
}

#[cfg(test)]
mod tests {
    use super::is_judged;

    #[test]
    fn only_scripts_of_sh_and_bash_are_judged() {
        for judged in ["", "echo", "#!/bin/sh", "#!/usr/bin/env bash", "#!/usr/bin/env -S bash -e", "#! /bin/dash -e", "#!"] {
            assert!(is_judged(judged), "{judged}");
        }
        for other in ["#!/bin/zsh", "#!/usr/bin/env ksh", "#!/bin/busybox sh"] {
            assert!(!is_judged(other), "{other}");
        }
    }
}
