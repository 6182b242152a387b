//! Whether fixes did what they should, and nothing else.
//!
//! Outside of the edits every byte is the same, since only edits are applied. What that means is looked at here: the
//! configuration has the same tree, each script the same lines, and no finding is there that was not.

use std::collections::{BTreeMap, BTreeSet};

use super::edits::Edits;
use crate::compilation::Compilation;
use crate::diagnostics::{Edit, Finding, RuleId, Safety, Severity};
use crate::rules::area;
use crate::source::{Span, line_start};
use crate::syntax::yaml::{Document, NodeKind, ScalarStyle};

/// Holds a configuration with fixes against what it was without; the reason why they must not be applied.
pub(super) fn verify(before: &Compilation, after: &Compilation, edits: &Edits, fixed: &[&Finding]) -> Result<(), String> {
    if let Some(error) = after.document.errors().first() {
        return Err(format!("the configuration would no longer be YAML: {}", error.message));
    }
    if before.detected != after.detected {
        return Err("the file would no longer be the same kind of configuration".to_owned());
    }
    same_tree(before, after, edits.of(before.file))?;
    let broken = |compilation: &Compilation| compilation.flow.syntax_errors.iter().map(|(_, errors)| errors.len()).sum::<usize>();
    if broken(after) > broken(before) {
        return Err("a script would no longer be valid shell".to_owned());
    }
    no_more_errors(before, after, fixed)?;
    findings_are_gone(before, after, edits, fixed)
}

/// Errors must not become more. Of no rule either, beside those that were fixed, unless a trigger is led to a stage: what
/// is wrong between the two only shows then, and is nothing of the configuration's form.
fn no_more_errors(before: &Compilation, after: &Compilation, fixed: &[&Finding]) -> Result<(), String> {
    let errors = |compilation: &Compilation, counts: &dyn Fn(&Finding) -> bool| {
        let mut by_rule: BTreeMap<RuleId, usize> = BTreeMap::new();
        for finding in compilation.findings.iter().filter(|finding| finding.severity == Severity::Error && counts(finding)) {
            *by_rule.entry(finding.rule).or_default() += 1;
        }
        by_rule
    };
    let total = |errors: &BTreeMap<RuleId, usize>| errors.values().sum::<usize>();
    let (mut were, are) = (errors(before, &|_| true), errors(after, &|_| true));
    let is_more = total(&are) > total(&were);
    for finding in fixed.iter().filter(|finding| finding.severity == Severity::Error) {
        were.entry(finding.rule).and_modify(|count| *count = count.saturating_sub(1));
    }
    // An error that the next round takes away is none.
    let lasting = if is_more { are } else { errors(after, &|finding| finding.fix.as_ref().is_none_or(|fix| fix.safety != Safety::Safe)) };
    let leads_on = fixed.iter().any(|finding| finding.rule == RuleId::MissingStage);
    let more = lasting.iter().find(|(rule, count)| **count > were.get(rule).copied().unwrap_or_default());
    match more {
        Some((rule, _)) if !leads_on || area(*rule) == "config" || is_more => {
            Err(format!("there would be another error instead: [{}] {}", rule.name(), example(before, after, *rule)))
        }
        _ => Ok(()),
    }
}

/// The message of an error of a rule that was not there before.
fn example(before: &Compilation, after: &Compilation, rule: RuleId) -> String {
    let known: BTreeSet<String> = before.findings.iter().map(Finding::line).collect();
    let of_rule = || after.findings.iter().filter(|finding| finding.rule == rule && finding.severity == Severity::Error);
    let new = of_rule().find(|finding| !known.contains(&finding.line()));
    new.or_else(|| of_rule().next()).map(Finding::line).unwrap_or_default()
}

fn findings_are_gone(before: &Compilation, after: &Compilation, edits: &Edits, fixed: &[&Finding]) -> Result<(), String> {
    let there: BTreeSet<_> = after
        .findings
        .iter()
        .map(|finding| (finding.rule, after.sources.get(finding.at.file).path(), finding.at.span.start, &finding.variable))
        .collect();
    for finding in fixed {
        let (file, start) = (finding.at.file, finding.at.span.start);
        let key = (finding.rule, before.sources.get(file).path(), edits.moved(file, start), &finding.variable);
        if there.contains(&key) {
            return Err("the finding would still be there".to_owned());
        }
    }
    Ok(())
}

/// Same keys, same values, same comments, except in the scalars that are edited.
fn same_tree(before: &Compilation, after: &Compilation, edits: &[Edit]) -> Result<(), String> {
    if edits.is_empty() {
        return Ok(());
    }
    let changed = || Err("something else in the configuration would change".to_owned());
    let (old_text, new_text): (&str, &str) = (before.sources.get(before.file).text(), after.sources.get(after.file).text());
    let (old, new) = (&before.document, &after.document);
    let comments = |document: &Document, text: &str| document.comments().iter().map(|span| span.slice(text).to_owned()).collect::<Vec<_>>();
    if comments(old, old_text) != comments(new, new_text) {
        return changed();
    }
    let (mut pairs, mut partner) = (Vec::from_iter(old.root().zip(new.root())), BTreeMap::new());
    let mut aliases = Vec::new();
    while let Some((old_id, new_id)) = pairs.pop() {
        // Merged keys are shared: each value is looked at once.
        if partner.insert(old_id, new_id) == Some(new_id) {
            continue;
        }
        let (old_node, new_node) = (old.node(old_id), new.node(new_id));
        match (&old_node.kind, &new_node.kind) {
            (NodeKind::Sequence(old), NodeKind::Sequence(new)) if old.len() == new.len() => {
                pairs.extend(old.iter().copied().zip(new.iter().copied()));
            }
            (NodeKind::Mapping(old), NodeKind::Mapping(new)) if old.len() == new.len() => {
                pairs.extend(old.iter().zip(new).flat_map(|(old, new)| [(old.key, new.key), (old.value, new.value)]));
            }
            (NodeKind::Alias(old), NodeKind::Alias(new)) => aliases.push((*old, *new)),
            (NodeKind::Scalar(old_scalar), NodeKind::Scalar(new_scalar)) => {
                let (was, is) = (old.text(old_text, old_id).unwrap_or_default(), new.text(new_text, new_id).unwrap_or_default());
                let is_same = match inside(edits, old_node.span, old_scalar.style, old_text) {
                    [] => old_scalar.kind == new_scalar.kind && was == is,
                    edits => is_edited(&was, &is, edits),
                };
                if !is_same {
                    return changed();
                }
            }
            // A value that became a list of itself.
            (NodeKind::Scalar(_), NodeKind::Sequence(list)) => {
                let was = old.text(old_text, old_id).unwrap_or_default();
                let is_meant = edits.iter().any(|edit| edit.at.span == old_node.span);
                if !is_meant || list.len() != 1 || new.text(new_text, list[0]).is_none_or(|is| is != was) {
                    return changed();
                }
            }
            _ => return changed(),
        }
    }
    if aliases.iter().any(|(old, new)| partner.get(old) != Some(new)) {
        return changed();
    }
    Ok(())
}

/// The edits inside a scalar.
fn inside<'a>(edits: &'a [Edit], node: Span, style: ScalarStyle, text: &str) -> &'a [Edit] {
    // A block begins with its first character, an insertion before it at the beginning of the line. It ends after the
    // line break; another scalar ends where something can still be added to it.
    let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    let start = if style == ScalarStyle::Literal { line_start(text.as_bytes(), node.start as usize) as u32 } else { node.start };
    let end = if is_block { node.end } else { node.end + 1 };
    let first = edits.partition_point(|edit| edit.at.span.start < start);
    let after = edits.partition_point(|edit| edit.at.span.start < end);
    edits.get(first..after).unwrap_or_default()
}

/// Whether a text is another one with lines inserted, commands inserted in lines, and as many lines changed as edits
/// replace something.
fn is_edited(was: &str, is: &str, edits: &[Edit]) -> bool {
    let (inserted, replaced): (Vec<&Edit>, Vec<&Edit>) = edits.iter().partition(|edit| edit.at.span.is_empty());
    let (lines, parts): (Vec<&Edit>, Vec<&Edit>) = inserted.iter().partition(|edit| edit.text.ends_with(['\n', '\r']));
    let mut lines: Vec<&str> = lines.iter().map(|edit| edit.text.trim()).collect();
    let mut parts: Vec<&str> = parts.iter().map(|edit| edit.text.as_str()).collect();
    let names: Vec<&str> = replaced.iter().map(|edit| edit.text.trim_matches(['\'', '"'])).collect();
    let mut changed = 0;
    let mut old = was.lines().peekable();
    for line in is.lines() {
        if old.peek() == Some(&line) {
            old.next();
        } else if let Some(at) = lines.iter().position(|text| *text == line.trim()) {
            lines.swap_remove(at);
        } else if let Some(was) = old.next() {
            let rest = without(line, &mut parts);
            if rest == was {
                continue;
            }
            if !names.iter().any(|name| rest.contains(name)) {
                return false;
            }
            changed += 1;
        } else {
            return false;
        }
    }
    // Several names of one line may be replaced.
    old.next().is_none() && lines.is_empty() && parts.is_empty() && changed <= names.len()
}

/// A line without what was inserted into it.
fn without(line: &str, parts: &mut Vec<&str>) -> String {
    let mut rest = line.to_owned();
    parts.retain(|part| {
        let found = rest.rfind(part);
        if let Some(at) = found {
            rest.replace_range(at..at + part.len(), "");
        }
        found.is_none()
    });
    rest
}
