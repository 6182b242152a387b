//! `invalid-config`: a value has the wrong type, or a key is missing.

use super::keys::is_in_misplaced_section;
use crate::diagnostics::{Edit, Finding, Fix, RuleId, Safety, Severity};
use crate::rules::Context;
use std::collections::BTreeSet;

use crate::config::schema::{Violation, ViolationKind};
use crate::config::{Contract, Detected, Pattern, Unlike};
use crate::source::{FileId, Location, Sources, Span};

pub(crate) const PAGE: &str = r#"## What it does
Validates the configuration against the schema of its format (`sidestage schema config-v1`, `config-v2`) and says
what was expected and what was found.

## Why is this bad
The platform rejects the file, or reads the value as something else: `abort_on_failure: stopAndFail` is not `false`.

## How to fix
* Write a value of the type that the finding expects, or add the missing key.
* Quote the version: `version: '1'`. `sidestage check --fix` quotes it.

## Example
```yaml .pipeline-config.yaml
version: '1'
deploy:
  abort_on_failure: stopAndFail
  script: ./deploy
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
deploy:
  abort_on_failure: true
  script: ./deploy
```

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: deploy
        onError: false
        script: ./deploy
```

## When to ignore
Ignore it if the platform has a new value that this version does not know.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.document.root().is_none() && context.document.errors().is_empty() {
        let finding = Finding::new(RuleId::InvalidConfig, context.at(Span::default()), "the configuration is empty");
        let finding = finding.label("a configuration has a `version` and stages");
        findings.push(finding.help("begin with `version: '1'`, then one key for each stage"));
        return;
    }
    if let Detected::Other(unlike) = context.detected {
        // Where something could not be read, that is what is wrong.
        findings.extend(context.document.errors().is_empty().then(|| no_configuration(context, unlike)));
        return;
    }
    if matches!(context.detected, Detected::Unversioned(_)) {
        let finding = Finding::new(RuleId::InvalidConfig, context.at(first_key(context)), "the key `version` is missing");
        let finding = finding.label("without it the platform cannot tell the format");
        findings.push(finding.help("add `version: '1'` as the first line"));
    }
    for violation in context.violations {
        let is_version = matches!(&violation.kind, ViolationKind::MissingKey { key } if key == "version" && violation.path.is_empty());
        if !is_version && !is_in_misplaced_section(context, violation) {
            findings.extend(invalid(context.sources, context.file, violation));
        }
    }
    unquoted_version(context, findings);
    contracts(context, findings);
}

/// A file that was to be checked, and is no configuration.
fn no_configuration(context: &Context<'_>, unlike: Unlike) -> Finding {
    const FORMATS: &str = "begin with `version: '1'` and one key for each stage, or with `version: '2'` and `tasks`";
    let place = |node| context.at(context.document.span(node));
    let new = |at, title: &str| Finding::new(RuleId::InvalidConfig, at, title);
    let version = || context.document.root().and_then(|root| context.document.get(context.text, root, "version"));
    match unlike {
        Unlike::Empty | Unlike::NotAMapping => {
            let root = context.document.root().map_or(Span::default(), |root| context.document.span(root));
            // A long list is marked at its beginning.
            let root = Span { end: root.end.min(root.start + 1), ..root };
            new(context.at(root), "this is not a pipeline configuration")
                .label("expected a mapping with a `version` and stages")
                .help(FORMATS)
        }
        Unlike::WrongVersion(version) => {
            let found = context.document.text(context.text, version).unwrap_or_default();
            let label = format!("expected `'1'` or `'2'`, found `{found}`");
            new(place(version), "unknown `version` of the configuration")
                .label(label)
                .help("write `version: '1'` for stages, or `version: '2'` for tasks")
        }
        Unlike::OtherVersion => {
            let at = version().map_or(context.at(first_key(context)), place);
            new(at, "this is not a pipeline configuration")
                .label("the `version` is neither '1' nor '2', and there are no stages")
                .help(FORMATS)
        }
        Unlike::MisspeltVersion(key) => {
            let found = context.document.text(context.text, key).unwrap_or_default();
            new(place(key), &format!("unknown key `{found}`")).label("the configuration has no `version`").help("did you mean `version`?")
        }
        Unlike::NoVersion => {
            let label = "the file has no `version`, and its keys are not those of stages";
            new(context.at(first_key(context)), "this is not a pipeline configuration").label(label).help(FORMATS)
        }
        Unlike::NothingRuns => {
            let at = version().map_or(context.at(first_key(context)), place);
            new(at, "the configuration runs nothing").label("there are neither stages nor tasks with steps").help(FORMATS)
        }
        Unlike::Nested(stages) => {
            let root = context.document.root();
            let entry = root.and_then(|root| context.document.entries(root).iter().find(|entry| entry.value == stages));
            let at = entry.map_or(place(stages), |entry| place(entry.key));
            new(at, "stages are under the key `stages`")
                .label("the platform looks for stages at the top level")
                .help("remove `stages:`, and move what is under it to the left; begin with `version: '1'`")
        }
    }
}

/// The values of a contract are passed to bash, which must be able to read them.
fn contracts(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // Stages may share a contract by an alias.
    let mut seen = BTreeSet::new();
    for (_, stage) in context.model.stages() {
        for variable in stage.contract.iter().flat_map(Contract::declared) {
            let name = &variable.name.name;
            if let Some(pattern) = variable.pattern.as_ref().filter(|pattern| seen.insert(pattern.span))
                && let Err(error) = Pattern::new(&pattern.text)
            {
                let message = format!("the pattern of `{name}` is not a valid regular expression");
                let finding = Finding::new(RuleId::InvalidConfig, context.at(pattern.span), message);
                findings.push(finding.label(error.message).maybe_help(error.help.map(str::to_owned)));
            }
            if let Some(default) = variable.default.as_ref().filter(|default| default.text.contains('\0') && seen.insert(default.span)) {
                let message = format!("the default of `{name}` contains a NUL character");
                let finding = Finding::new(RuleId::InvalidConfig, context.at(default.span), message);
                findings.push(finding.label("bash values cannot contain it").help("remove `\\0`"));
            }
        }
    }
}

/// More characters of the keys that lead to a value do not fit a title: the last ones say most.
const MAX_PATH: usize = 48;

/// A value that its schema does not allow: which one, and why. Other rules report unknown keys and repeated items.
pub(crate) fn invalid(sources: &Sources, file: FileId, violation: &Violation) -> Option<Finding> {
    let (message, label) = match (&violation.kind, violation.path.as_slice()) {
        (ViolationKind::MissingKey { key }, []) => (format!("the key `{key}` is missing"), None),
        (ViolationKind::MissingKey { key }, path) => (format!("the key `{key}` is missing"), Some(format!("`{}` needs it", dotted(path)))),
        (ViolationKind::Invalid { message, .. }, []) => ("invalid top level of the file".to_owned(), Some(message.clone())),
        (ViolationKind::Invalid { message, .. }, path) => (format!("invalid value of `{}`", shortened(path)), Some(message.clone())),
        (ViolationKind::UnknownKey { .. } | ViolationKind::RepeatedItem { .. }, _) => return None,
    };
    let finding = Finding::new(RuleId::InvalidConfig, Location { file, span: violation.span }, message).maybe_label(label);
    Some(match &violation.kind {
        ViolationKind::Invalid { repair: Some(better), .. } => repaired(sources, finding, violation, better),
        _ => finding,
    })
}

/// With the line to type, and the fix that types it: a value that is the same in another form.
fn repaired(sources: &Sources, finding: Finding, violation: &Violation, better: &str) -> Finding {
    let at = finding.at;
    let standing = sources.get(at.file).slice(at.span);
    // An item of a list has no key of its own.
    let key = violation.path.last().filter(|segment| !segment.bytes().all(|byte| byte.is_ascii_digit()));
    let line = key.map_or(better.to_owned(), |key| format!("{key}: {better}"));
    // The mark of a value is all of it, unless it goes on in the next line.
    let is_whole = !standing.is_empty() && !standing.contains('\n');
    let fix = is_whole.then(|| Fix {
        safety: Safety::Safe,
        description: format!("write `{line}`"),
        edits: vec![Edit { at, text: better.to_owned() }],
    });
    finding.help(format!("write `{line}`")).maybe_fix(fix)
}

/// A path without its first keys, where it is long.
fn shortened(path: &[String]) -> String {
    let shortest = (0..path.len()).map(|from| dotted(&path[from..])).find(|dotted| dotted.chars().count() <= MAX_PATH);
    shortest.unwrap_or_else(|| dotted(&path[path.len().saturating_sub(1)..]))
}

fn dotted(path: &[String]) -> String {
    let mut dotted = String::new();
    for segment in path {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            dotted.push('[');
            dotted.push_str(segment);
            dotted.push(']');
        } else {
            if !dotted.is_empty() {
                dotted.push('.');
            }
            dotted.push_str(segment);
        }
    }
    dotted
}

fn first_key(context: &Context<'_>) -> Span {
    let root = context.document.root();
    let first = root.and_then(|root| context.document.entries(root).first());
    first.map_or(Span::default(), |entry| context.document.span(entry.key))
}

fn unquoted_version(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(root) = context.document.root() else { return };
    let Some(version) = context.document.get(context.text, root, "version") else { return };
    if !matches!(context.detected, Detected::Config(_)) || context.document.string(context.text, version).is_some() {
        return;
    }
    let number = context.document.text(context.text, version).unwrap_or_default();
    let whole = number.split('.').next().unwrap_or_default();
    let message = format!("`version` is the number `{number}`");
    let at = context.at(context.document.span(version));
    let quoted = Edit { at, text: format!("'{whole}'") };
    // The number of an alias is elsewhere.
    let fix = (at.span.slice(context.text) == number).then(|| Fix {
        safety: Safety::Safe,
        description: format!("quote the version: `'{whole}'`"),
        edits: vec![quoted],
    });
    let finding = Finding::new(RuleId::InvalidConfig, at, message).severity(Severity::Warning).maybe_fix(fix);
    let finding = finding.label("every documented configuration has it as a string");
    findings.push(finding.help(format!("quote it: `version: '{whole}'`")));
}
