//! The variables that go along: what the run has marked, held against what was foreseen and against the contract.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use sidestage_compiler::config::Pattern;
use sidestage_compiler::emit::Carried;

use super::json::Json;
use crate::api::{Failure, FailureKind};
use crate::run_store::RunStore;

/// What the run has marked for async stages, where its pipelinectl can tell.
struct Marks {
    /// What `serialize` gave with them.
    state: Json,
    marked: BTreeSet<String>,
    set: BTreeSet<String>,
}

/// What goes along.
#[derive(Default)]
struct Collected<'a> {
    names: Vec<&'a str>,
    /// Those that only the contract gives a value.
    defaults: Vec<(&'a str, &'a str)>,
    missing: Vec<String>,
    mismatched: Vec<String>,
}

/// The state that the stage starts with.
///
/// # Errors
/// Where the contract of the stage is not kept, or the store cannot be read.
pub(super) fn state(
    store: RunStore,
    stage: &str,
    foreseen: &[Carried<'_>],
    config: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<Json, Failure> {
    let marks = survey(store)?;
    if marks.is_none() {
        say("note: this pipelinectl does not tell what the run has exported; the variables that were foreseen go along.");
    }
    let mut collected = Collected::default();
    for row in foreseen {
        collect(store, row, marks.as_ref(), &mut collected, say)?;
    }
    for name in marks.iter().flat_map(|marks| marks.marked.intersection(&marks.set)) {
        if foreseen.iter().all(|row| row.name != name) {
            collected.names.push(name);
            say(&format!("note: this run has exported {name:?}, which was not foreseen for {stage}; it goes along."));
        }
    }
    check_contract(stage, &collected)?;
    match &marks {
        Some(marks) if collected.defaults.is_empty() && collected.is_just(&marks.set) => Ok(marks.state.clone()),
        _ => serialised(store, &collected, config),
    }
}

impl Collected<'_> {
    fn is_just(&self, names: &BTreeSet<String>) -> bool {
        self.names.len() == names.len() && self.names.iter().all(|name| names.contains(*name))
    }
}

/// Only a pipelinectl that says so is believed: another one may print whatever it likes for an option that it does not
/// know.
fn survey(store: RunStore) -> Result<Option<Marks>, Failure> {
    let Ok(printed) = store.serialize(&["--exported"], None)? else { return Ok(None) };
    let Ok(state) = serde_json::from_slice::<Json>(&printed) else { return Ok(None) };
    let Some(Json::Array(exported)) = state.get("exported") else { return Ok(None) };
    let marked = exported.iter().filter_map(Json::text).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let set = state.get("env").into_iter().flat_map(Json::members).map(|(name, _)| name.clone()).filter(|name| !name.is_empty());
    Ok(Some(Marks { set: set.collect(), marked, state }))
}

/// One variable that was foreseen. Without a value and a default it stays behind, silently where its export is only on some
/// paths.
fn collect<'a>(
    store: RunStore,
    row: &'a Carried<'_>,
    marks: Option<&Marks>,
    collected: &mut Collected<'a>,
    say: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let name = row.name;
    let meaning = row.meaning.as_ref().map_or(String::new(), |meaning| format!(" ({meaning})"));
    let mut stays_behind = |problem: &str, missing: &mut Vec<String>| {
        if row.required {
            missing.push(format!("not {problem}: {name}{meaning}"));
        } else if row.how == "always" {
            say(&format!("note: the variable {name} is not {problem} in this run; the stage runs without it."));
        }
    };
    if let Some(marks) = marks.filter(|_| row.how != "contract") {
        match (marks.marked.contains(name), marks.set.contains(name)) {
            (true, true) => collected.names.push(name),
            (false, _) => stays_behind("exported", &mut collected.missing),
            (true, false) => stays_behind("set", &mut collected.missing),
        }
        return Ok(());
    }
    let value = match (store.bytes(name)?, row.default) {
        (Some(value), _) => value,
        (None, Some(default)) => {
            collected.defaults.push((name, default));
            default.as_bytes().to_vec()
        }
        (None, None) => {
            stays_behind("set", &mut collected.missing);
            return Ok(());
        }
    };
    collected.names.push(name);
    if let Some(pattern) = row.pattern {
        match matches(pattern, &value) {
            Some(true) => {}
            Some(false) => collected.mismatched.push(format!("wrong value: {name}{meaning} must match the pattern {pattern}")),
            None => say(&format!("note: {name} cannot be held against its pattern here, since there is no bash.")),
        }
    }
    Ok(())
}

/// What `[[ value =~ pattern ]]` gives in bash; nothing where only bash knows, and there is none.
fn matches(pattern: &str, value: &[u8]) -> Option<bool> {
    // The line end that get_env adds is none of the value.
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    let known = std::str::from_utf8(value).ok().and_then(|value| Pattern::new(pattern).ok()?.is_match(value));
    known.or_else(|| matches_in_bash(pattern, value))
}

fn matches_in_bash(pattern: &str, value: &[u8]) -> Option<bool> {
    let script = "IFS= read -r -d '' value || true; [[ $value =~ $1 ]]";
    let mut bash = Command::new("bash").args(["-c", script, "bash", pattern]).stdin(Stdio::piped()).spawn().ok()?;
    bash.stdin.take()?.write_all(value).ok()?;
    Some(bash.wait().ok()?.success())
}

/// Nothing is started that is bound to fail.
fn check_contract(stage: &str, collected: &Collected<'_>) -> Result<(), Failure> {
    let problems: Vec<&str> = collected.missing.iter().chain(&collected.mismatched).map(String::as_str).collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Data, format!("the stage {stage} cannot get what it needs\n  {}", problems.join("\n  ")))
        .reason("It reads them when it runs, and nothing can be sent to it later, so it was not started.")
        .help("Before the trigger, type: set_env NAME VALUE; export_env NAME"))
}

/// Values that the contract gives are laid over the run's configuration for this one call: the parent itself must not
/// change because it starts a stage.
fn serialised(store: RunStore, collected: &Collected<'_>, config: &Path) -> Result<Json, Failure> {
    let failed = |reason: &str| {
        Failure::new(FailureKind::Setting, format!("pipelinectl serialize failed: {reason}"))
            .reason("Without the data of this run the stage was not started.")
    };
    let overlay = overlay(collected, config).map_err(|error| failed(&format!("the defaults cannot be written: {error}")))?;
    let printed = store.serialize(&collected.names, overlay.as_ref().map(tempfile::TempDir::path))?.map_err(|reason| failed(&reason))?;
    serde_json::from_slice(&printed).map_err(|_| failed("it gave no JSON object"))
}

fn overlay(collected: &Collected<'_>, config: &Path) -> std::io::Result<Option<tempfile::TempDir>> {
    if collected.defaults.is_empty() {
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    // No file of a configuration has a name with a slash.
    for name in collected.names.iter().filter(|name| !name.contains('/')) {
        let target = folder.path().join(name);
        if let Some((_, default)) = collected.defaults.iter().find(|(defaulted, _)| defaulted == name) {
            fs::write(target, default)?;
        } else if config.join(name).is_file() {
            fs::copy(config.join(name), target)?;
        }
    }
    Ok(Some(folder))
}
