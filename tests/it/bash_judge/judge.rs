//! Compares what the analysis says with what bash does. Bash is right.

use std::collections::BTreeSet;

use super::analysis::{Analysis, Run};
use super::run::{Outcome, Triggered};
use super::tree::{Asks, Repository};

/// Something that the analysis says and bash contradicts.
#[derive(Debug, Clone)]
pub(super) struct Disagreement {
    pub(super) kind: &'static str,
    pub(super) detail: String,
}

/// The keys that scripts use.
pub(super) const KEYS: [&str; 3] = ["x", "y", "z"];

pub(super) fn judge(repository: &Repository, outcomes: &[Outcome], analysis: &Analysis) -> Vec<Disagreement> {
    let mut found = Vec::new();
    for outcome in outcomes {
        for trigger in &outcome.triggers {
            follow(repository, outcome, trigger, analysis, &mut found);
        }
        certain_runs(outcome, analysis, &mut found);
    }
    findings(repository, outcomes, analysis, &mut found);
    found
}

/// A trigger that bash made, in the analysis.
fn follow(repository: &Repository, outcome: &Outcome, trigger: &Triggered, analysis: &Analysis, found: &mut Vec<Disagreement>) {
    let Triggered { from, target, label, .. } = trigger;
    let mut tell = |kind, what: String| {
        let detail = format!("with {}, `{from}` triggers `{target}` at {label} (exported: {}): {what}", outcome.environment, list(trigger));
        found.push(Disagreement { kind, detail });
    };
    let is_opaque = analysis.opaque.contains_key(from);
    let of_stage = || analysis.triggers.iter().filter(|known| known.from == *from);
    let is_here = |known: &Option<String>| known.as_ref().is_none_or(|known| known == label);
    let here: Vec<_> = of_stage().filter(|known| is_here(&known.label)).collect();
    let is_named = here.iter().any(|known| known.is_unknown || known.names.iter().any(|name| name == target));
    if !is_named && !is_opaque {
        match here.as_slice() {
            [] => tell("trigger not seen", "no trigger is known there".to_owned()),
            [..] => {
                let names: BTreeSet<&String> = here.iter().flat_map(|known| &known.names).collect();
                tell("other name", format!("the names there are {names:?}"));
            }
        }
        return;
    }
    if !repository.targets.iter().any(|known| known.name == *target) {
        return;
    }
    let of_pair: Vec<&Run> = analysis.runs.iter().filter(|run| run.from == *from && run.target == *target).collect();
    let here: Vec<&&Run> = of_pair.iter().filter(|run| is_here(&run.label)).collect();
    let is_unknown = is_opaque || of_stage().any(|known| known.is_unknown);
    if here.is_empty() {
        if !is_unknown {
            tell("run not seen", "the analysis has no such run".to_owned());
        }
        return;
    }
    let before = repository.stages.iter().take_while(|stage| stage.name != *from).any(|stage| analysis.opaque.contains_key(&stage.name));
    for key in KEYS {
        let known: Vec<Option<bool>> = here.iter().map(|run| run.exports.get(key).copied()).collect();
        let is_exported = trigger.exported.contains(key);
        if !is_exported && !is_unknown && known.iter().all(|known| *known == Some(true)) {
            tell("yes, but it is not", format!("`{key}` is said to be exported on every path"));
        }
        if is_exported && !is_unknown && !before && known.iter().all(Option::is_none) {
            tell("no, but it is", format!("`{key}` is said not to be exported"));
        }
    }
}

/// A run that is said to be certain happens wherever its stage runs and does not fail.
fn certain_runs(outcome: &Outcome, analysis: &Analysis, found: &mut Vec<Disagreement>) {
    for run in analysis.runs.iter().filter(|run| run.is_certain) {
        let has_ended = outcome.ended.iter().any(|(stage, status)| *stage == run.from && *status == 0);
        let is_it = |trigger: &&Triggered| {
            trigger.from == run.from && trigger.target == run.target && run.label.as_ref().is_none_or(|label| *label == trigger.label)
        };
        if has_ended && !outcome.triggers.iter().any(|trigger| is_it(&trigger)) {
            let label = run.label.as_deref().unwrap_or("?");
            let detail = format!("with {}, `{}` does not trigger `{}` at {label}", outcome.environment, run.from, run.target);
            found.push(Disagreement { kind: "certain, but never", detail });
        }
    }
}

/// A finding is right if what it says happens in at least one environment.
fn findings(repository: &Repository, outcomes: &[Outcome], analysis: &Analysis, found: &mut Vec<Disagreement>) {
    // With `set -u` a variable that is set and empty would go where no run goes, and so would a key that the pipeline brings.
    let text = repository.text();
    let is_partly_run = ["set -u", "set -eu", "bash -eu", "> /dev/null || "].iter().any(|part| text.contains(part));
    // Behind a stage that always fails nothing runs; that it always does, the compiler does not ask.
    let always_fails = outcomes.iter().all(|outcome| outcome.ended.iter().any(|(_, code)| *code != 0));
    if repository.asks == Asks::Anyhow || is_partly_run || always_fails || asks_in_several_stages(repository) {
        return;
    }
    for told in &analysis.findings {
        let (key, target) = (&told.key, &told.target);
        let lacks = |trigger: &&Triggered| trigger.target == *target && !trigger.exported.contains(key);
        let mut without = outcomes.iter().flat_map(|outcome| &outcome.triggers).filter(lacks);
        let (kind, is_right) = match told.rule.as_str() {
            "unexported-variable" => ("false unexported-variable", without.any(|run| run.set.contains(key) && run.lacked.contains(key))),
            "late-export" => ("false late-export", without.any(|run| run.lacked.contains(key))),
            "conditional-export" => ("false conditional-export", without.any(|run| run.lacked.contains(key))),
            _ => continue,
        };
        if !is_right {
            let runs = outcomes.iter().flat_map(|outcome| &outcome.triggers).filter(|trigger| trigger.target == *target).count();
            let detail = format!("`{}` for `{key}` in `{target}`, which is triggered {runs} times and lacks it in none", told.rule);
            found.push(Disagreement { kind, detail });
        }
    }
}

/// Whether several stages may ask for the same variable: each stage is looked at by itself, and has an environment of its
/// own.
fn asks_in_several_stages(repository: &Repository) -> bool {
    ["E1", "E2"].iter().any(|variable| {
        let is_in_file = repository.files.iter().any(|file| file.text().contains(variable));
        let asking = repository.stages.iter().filter(|stage| stage.text().contains(variable) || is_in_file);
        asking.count() > 1
    })
}

fn list(trigger: &Triggered) -> String {
    let keys: Vec<&str> = trigger.exported.iter().map(String::as_str).collect();
    if keys.is_empty() { "nothing".to_owned() } else { keys.join(" ") }
}
