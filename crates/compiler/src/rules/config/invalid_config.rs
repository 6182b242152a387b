//! `invalid-config`: a value has the wrong type, or a key is missing.

use super::keys::is_below_misplaced_section;
use crate::diagnostics::{Edit, Finding, Fix, RuleId, Safety, Severity};
use crate::rules::Context;
use std::collections::BTreeSet;

use crate::config::schema::{Problem, Violation};
use crate::config::{Contract, Detected};
use crate::source::{FileId, Location, Span};
use crate::syntax::shell::Regex;

pub(crate) const PAGE: &str = r#"## What it does
Holds the configuration against the schema of its format (`sidestage schema config-v1`, `config-v2`) and says what
was expected and what was found.

## Why is this bad
The platform refuses the file, or reads the value as something else: `abort_on_failure: stopAndFail` is not `false`.

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

## When to ignore
If the platform has learnt a value that this version does not know.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.document.root().is_none() && context.document.errors().is_empty() {
        let message = "the file is empty: a configuration has a `version` and stages";
        let finding = Finding::new(RuleId::InvalidConfig, context.at(Span::default()), message);
        findings.push(finding.help("begin with `version: '1'`, then one key a stage"));
        return;
    }
    if matches!(context.detected, Detected::Unversioned(_)) {
        let message = "the key `version` is missing: the platform cannot tell the format";
        let finding = Finding::new(RuleId::InvalidConfig, context.at(first_key(context)), message);
        findings.push(finding.help("add `version: '1'` as the first line"));
    }
    for violation in context.violations {
        let Problem::Invalid { message } = &violation.problem else { continue };
        let is_version = violation.path.is_empty() && message.contains("`version`");
        if is_version || is_below_misplaced_section(context, violation) {
            continue;
        }
        findings.push(invalid(context.file, violation, message));
    }
    unquoted_version(context, findings);
    contracts(context, findings);
}

/// What a contract holds is handed to bash: it must be able to take it.
fn contracts(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // Stages may share a contract by an alias.
    let mut seen = BTreeSet::new();
    for (_, stage) in context.model.stages() {
        for variable in stage.contract.iter().flat_map(Contract::declared) {
            let name = &variable.name.name;
            if let Some(pattern) = variable.pattern.as_ref().filter(|pattern| seen.insert(pattern.span))
                && let Err(fault) = Regex::new(&pattern.text)
            {
                let message = format!("the pattern of `{name}` is no regular expression for `[[ =~ ]]`: {}", fault.message);
                findings.push(Finding::new(RuleId::InvalidConfig, context.at(pattern.span), message).maybe_help(fault.help));
            }
            if let Some(default) = variable.default.as_ref().filter(|default| default.text.contains('\0') && seen.insert(default.span)) {
                let message = format!("the default of `{name}` holds a NUL character, which bash cannot hold");
                findings.push(Finding::new(RuleId::InvalidConfig, context.at(default.span), message).help("remove `\\0`"));
            }
        }
    }
}

/// A value that its schema does not allow: which one, and why.
pub(crate) fn invalid(file: FileId, violation: &Violation, message: &str) -> Finding {
    let place = match violation.path.as_slice() {
        [] => String::new(),
        path => format!("`{}`: ", dotted(path)),
    };
    Finding::new(RuleId::InvalidConfig, Location { file, span: violation.span }, format!("{place}{message}"))
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
    let message = format!("the version is the number `{number}`; every documented configuration has it as a text");
    let at = context.at(context.document.span(version));
    let quoted = Edit { at, text: format!("'{whole}'") };
    // Behind an alias the number stands elsewhere.
    let fix = (at.span.slice(context.text) == number).then(|| Fix {
        safety: Safety::Safe,
        description: format!("quote the version: `'{whole}'`"),
        edits: vec![quoted],
    });
    let finding = Finding::new(RuleId::InvalidConfig, at, message).severity(Severity::Warning).maybe_fix(fix);
    findings.push(finding.help(format!("quote it: `version: '{whole}'`")));
}
