//! What crosses to an async run: the variables that are named, repositories and artifacts. Never a secret.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};

use super::context::StoreContext;
use super::error::StoreError;
use super::json_bytes::JsonBytes;
use super::name::{self, shown};
use super::records::{self, ARTIFACT, REPO, RecordKind};
use super::streams;
use super::{Arguments, KeyValue};
use super::{store, variables};

type Properties = BTreeMap<String, JsonBytes>;

/// The member `state` of `schemas/payload.schema.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `env`, `repos` and `artifacts`")]
struct State {
    env: Properties,
    repos: BTreeMap<String, Properties>,
    artifacts: BTreeMap<String, Properties>,
}

pub(super) fn serialize(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let (options, mut keys): (Vec<Vec<u8>>, Vec<Vec<u8>>) = arguments.iter().cloned().partition(|argument| argument.starts_with(b"--"));
    let known: [&[u8]; 3] = [b"--all-repos", b"--all-artifacts", b"--exported"];
    if let Some(other) = options.iter().find(|option| !known.contains(&option.as_slice())) {
        return Err(StoreError::usage(format!("there is no option `{}`", shown(other))));
    }
    let has = |option: &[u8]| options.iter().any(|given| given == option);
    let mut env = Properties::new();
    if has(b"--exported") {
        // A variable may be exported and never be set.
        for key in variables::exported(context)? {
            if variables::value(context, &key)?.is_some() {
                keys.push(key);
            }
        }
    }
    for key in &keys {
        env.insert(name(key)?, JsonBytes::new(variable(context, key)?));
    }
    let state = State {
        env,
        repos: if has(b"--all-repos") { entries(context, REPO)? } else { BTreeMap::new() },
        artifacts: if has(b"--all-artifacts") { entries(context, ARTIFACT)? } else { BTreeMap::new() },
    };
    let text = serde_json::to_string(&state).map_err(|error| StoreError::Failed(error.to_string()))?;
    streams::print(format!("{text}\n").as_bytes())
}

fn variable(context: &StoreContext, key: &[u8]) -> Result<Vec<u8>, StoreError> {
    match variables::value(context, name::key(key)?)? {
        Some(value) => Ok(value),
        None if variables::is_secret(context, key)? => Err(StoreError::refused(format!(
            "`{}` is a secret; secrets are never serialised, because everybody can read a payload",
            shown(key)
        ))),
        None => {
            Err(StoreError::refused(format!("`{}` is not set, so it cannot be serialised\nType: set_env {0} VALUE before", shown(key))))
        }
    }
}

fn entries(context: &StoreContext, kind: RecordKind) -> Result<BTreeMap<String, Properties>, StoreError> {
    let entries = records::all(context, kind)?;
    let properties = |properties: records::Properties| -> Result<Properties, StoreError> {
        properties.into_iter().map(|(key, value)| Ok((name(&key)?, JsonBytes::new(value)))).collect()
    };
    entries.into_iter().map(|(key, found)| Ok((name(&key)?, properties(found)?))).collect()
}

fn name(key: &[u8]) -> Result<String, StoreError> {
    String::from_utf8(key.to_vec())
        .map_err(|_| StoreError::refused(format!("the name `{}` is not UTF-8, so JSON cannot hold it", shown(key))))
}

/// Everything is looked at before anything is written.
pub(super) fn deserialize(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let [path] = arguments else { return Err(StoreError::usage("one file is taken")) };
    let text = input(path)?;
    let unusable = |reason: String| StoreError::refused(format!("{} is not what serialize has printed: {reason}", shown(path)));
    let state: State = serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))?;
    let env = bytes(&state.env).map_err(unusable)?;
    let read = |entries: &BTreeMap<String, Properties>| {
        entries.iter().map(|(key, properties)| Ok((named(key)?, bytes(properties)?))).collect::<Result<Vec<_>, String>>()
    };
    let (repos, artifacts) = (read(&state.repos).map_err(unusable)?, read(&state.artifacts).map_err(unusable)?);
    let _lock = context.store.lock()?;
    variables::set(context, &env)?;
    for (kind, entries) in [(REPO, repos), (ARTIFACT, artifacts)] {
        for (key, properties) in entries {
            records::put(context, kind, &key, properties.iter().map(|(name, value)| (name.as_slice(), value.as_slice())))?;
        }
    }
    Ok(())
}

fn input(path: &[u8]) -> Result<Vec<u8>, StoreError> {
    if path == b"-" {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map_err(|error| StoreError::Failed(format!("standard input cannot be read: {error}")))?;
        return Ok(text);
    }
    let path = std::path::PathBuf::from(String::from_utf8_lossy(path).into_owned());
    store::read(&path)?.ok_or_else(|| StoreError::refused(format!("there is no file {}", path.display())))
}

fn bytes(properties: &Properties) -> Result<Vec<KeyValue>, String> {
    properties.iter().map(|(key, value)| Ok((named(key)?, value.bytes()?))).collect()
}

fn named(key: &str) -> Result<Vec<u8>, String> {
    if key.is_empty() { Err("a name is empty".to_owned()) } else { Ok(key.as_bytes().to_vec()) }
}
