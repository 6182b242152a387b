//! What crosses to an async run: the variables that are named, repositories and artifacts. Never a secret.

use std::collections::BTreeMap;
use std::io::Read;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use super::context::StoreContext;
use super::error::StoreError;
use super::json_bytes::JsonBytes;
use super::name::{self, shown};
use super::records::{self, ARTIFACT, REPO, RecordKind};
use super::streams;
use super::{Arguments, KeyValue};
use super::{store, variables};

type Properties = BTreeMap<String, JsonBytes>;

type Keys<'a> = Vec<&'a [u8]>;

/// The name of an entry, and its properties.
type Entry<'a> = (&'a [u8], Vec<KeyValue>);

const ALL_REPOS: &[u8] = b"--all-repos";
const ALL_ARTIFACTS: &[u8] = b"--all-artifacts";
const EXPORTED: &[u8] = b"--exported";

/// The member `state` of `schemas/payload.schema.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `env`, `repos` and `artifacts`")]
struct State {
    env: Properties,
    repos: BTreeMap<String, Properties>,
    artifacts: BTreeMap<String, Properties>,
    /// What is marked, for the caller of `serialize`; an async run marks its own.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "ignored")]
    exported: Option<Vec<String>>,
}

fn ignored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| None)
}

pub(super) fn serialize(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let (options, keys) = options_and_keys(arguments)?;
    let has = |option: &[u8]| options.contains(&option);
    let exported = if has(EXPORTED) { Some(variables::exported(context)?) } else { None };
    let mut env = Properties::new();
    for key in keys {
        env.insert(name(key)?, JsonBytes::new(variable(context, key)?));
    }
    for key in exported.iter().flatten() {
        // A variable may be exported and never be set.
        if let Some(value) = variables::value(context, key)? {
            env.insert(name(key)?, JsonBytes::new(value));
        }
    }
    let state = State {
        env,
        repos: if has(ALL_REPOS) { entries(context, REPO)? } else { BTreeMap::new() },
        artifacts: if has(ALL_ARTIFACTS) { entries(context, ARTIFACT)? } else { BTreeMap::new() },
        exported: exported.map(|keys| keys.iter().map(|key| name(key)).collect()).transpose()?,
    };
    let text = serde_json::to_string(&state).map_err(|error| StoreError::Failed(error.to_string()))?;
    streams::print(format!("{text}\n").as_bytes())
}

/// Options may come after keys; a lone `--` ends them, for keys that look like options.
fn options_and_keys(arguments: Arguments<'_>) -> Result<(Keys<'_>, Keys<'_>), StoreError> {
    let end = arguments.iter().position(|argument| argument == b"--").unwrap_or(arguments.len());
    let (options, mut keys): (Keys, Keys) = arguments[..end].iter().map(Vec::as_slice).partition(|argument| argument.starts_with(b"--"));
    if let Some(other) = options.iter().find(|option| ![ALL_REPOS, ALL_ARTIFACTS, EXPORTED].contains(option)) {
        return Err(StoreError::usage(format!("there is no option `{}`; keys that begin with `--` come after a lone `--`", shown(other))));
    }
    keys.extend(arguments.iter().skip(end + 1).map(Vec::as_slice));
    Ok((options, keys))
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
    load(context, &input(path)?, &shown(path))
}

/// Takes over a state; `name` says whose text it is.
pub(super) fn load(context: &StoreContext, text: &[u8], name: &str) -> Result<(), StoreError> {
    let unusable = |reason: String| StoreError::refused(format!("{name} is not what serialize has printed: {reason}"));
    let state: State = serde_json::from_slice(text).map_err(|error| unusable(error.to_string()))?;
    let env = pairs(&[], &state.env).map_err(unusable)?;
    let (repos, artifacts) = (entry_pairs(&state.repos).map_err(unusable)?, entry_pairs(&state.artifacts).map_err(unusable)?);
    let lock = context.store.lock()?;
    let mut puts = variables::settings(context, &env)?;
    for (kind, entries) in [(REPO, &repos), (ARTIFACT, &artifacts)] {
        for (name, properties) in entries {
            puts.extend(properties.iter().map(|(property, value)| records::put(kind, name, property, value)));
        }
    }
    context.store.put_all(&lock, &puts)
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

fn entry_pairs(entries: &BTreeMap<String, Properties>) -> Result<Vec<Entry<'_>>, String> {
    let entry = |name, properties| {
        // One without properties is looked at too.
        name::fit(&[name])?;
        Ok((name, pairs(&[name], properties)?))
    };
    entries.iter().map(|(name, properties)| entry(name.as_bytes(), properties)).collect()
}

/// The properties of what these keys name.
fn pairs(of: &[&[u8]], properties: &Properties) -> Result<Vec<KeyValue>, String> {
    let pair = |key: &str, value: &JsonBytes| {
        name::fit(&[of, &[key.as_bytes()]].concat())?;
        Ok((key.as_bytes().to_vec(), value.bytes()?))
    };
    properties.iter().map(|(key, value)| pair(key, value)).collect()
}
