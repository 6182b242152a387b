//! Repositories, artifacts and other entries with properties. A property is a file, so that two writers of one entry
//! never lose what the other one wrote.

use std::collections::BTreeMap;

use super::Arguments;
use super::context::StoreContext;
use super::error::StoreError;
use super::files;
use super::journal::Put;
use super::json_bytes::JsonBytes;
use super::name::{key, shown};
use super::streams;
use super::variables::no_arguments;

/// A kind of entry with properties.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordKind {
    folder: &'static str,
    word: &'static str,
    list: &'static str,
}

pub(super) const REPO: RecordKind = RecordKind { folder: "repo", word: "repository", list: "list_repos" };
pub(super) const ARTIFACT: RecordKind = RecordKind { folder: "artifact", word: "artifact", list: "list_artifacts" };
const DATA: &str = "data";

/// Values by the name of the property.
pub(super) type Properties = BTreeMap<Vec<u8>, Vec<u8>>;

pub(super) fn save_repo(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    save(context, REPO, arguments)
}

pub(super) fn save_artifact(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    save(context, ARTIFACT, arguments)
}

pub(super) fn list_repos(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    no_arguments(arguments)?;
    streams::print_lines(&context.store.list(REPO.folder, &[])?)
}

pub(super) fn list_artifacts(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    no_arguments(arguments)?;
    streams::print_lines(&context.store.list(ARTIFACT.folder, &[])?)
}

pub(super) fn load_repo(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    load(context, REPO, arguments)
}

pub(super) fn load_artifact(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    load(context, ARTIFACT, arguments)
}

fn save(context: &StoreContext, kind: RecordKind, arguments: Arguments) -> Result<(), StoreError> {
    let [name, properties @ ..] = arguments else { return Err(StoreError::usage("no key is given")) };
    if properties.is_empty() {
        return Err(StoreError::usage("no property is given"));
    }
    let mut values = Vec::new();
    let mut from_input = None;
    for property in properties {
        match property.iter().position(|byte| *byte == b'=') {
            Some(end) => values.push((key(&property[..end])?, property[end + 1..].to_vec())),
            None => {
                if let Some(other) = from_input.replace(key(property)?) {
                    return Err(StoreError::usage(format!(
                        "`{}` and `{}` have no value; standard input can give only one",
                        shown(other),
                        shown(property)
                    )));
                }
            }
        }
    }
    if let Some(property) = from_input {
        values.push((property, streams::value_from_input(property)?));
    }
    let name = key(name)?;
    let puts: Vec<Put> = values.iter().map(|(property, value)| put(kind, name, property, value)).collect();
    context.store.put_all(&context.store.lock()?, &puts)
}

/// What puts a property of an entry.
pub(super) fn put<'a>(kind: RecordKind, name: &'a [u8], property: &'a [u8], value: &'a [u8]) -> Put<'a> {
    Put { kind: kind.folder, keys: vec![name, property], value }
}

/// All entries of a kind with their properties.
pub(super) fn all(context: &StoreContext, kind: RecordKind) -> Result<BTreeMap<Vec<u8>, Properties>, StoreError> {
    context.store.list(kind.folder, &[])?.into_iter().map(|name| Ok((name.clone(), properties(context, kind.folder, &name)?))).collect()
}

fn properties(context: &StoreContext, folder: &str, name: &[u8]) -> Result<Properties, StoreError> {
    let mut found = BTreeMap::new();
    for property in context.store.list(folder, &[name])? {
        if let Some(value) = context.store.get(folder, &[name, &property])? {
            found.insert(property, value);
        }
    }
    Ok(found)
}

fn load(context: &StoreContext, kind: RecordKind, arguments: Arguments) -> Result<(), StoreError> {
    let (name, property, default) = match arguments {
        [name] => (key(name)?, None, None),
        [name, property] => (key(name)?, Some(key(property)?), None),
        [name, property, default] => (key(name)?, Some(key(property)?), Some(default)),
        _ => return Err(StoreError::usage("a key, at most one property and its default are taken")),
    };
    let Some(property) = property else { return print_all(context, kind, name) };
    match (context.store.get(kind.folder, &[name, property])?, default) {
        (Some(value), _) => streams::print_value(&value),
        (None, Some(default)) => streams::print_value(default),
        (None, None) if context.store.has(kind.folder, &[name]) => {
            Err(StoreError::refused(format!("the {} `{}` has no property `{}`", kind.word, shown(name), shown(property))))
        }
        (None, None) => Err(unknown(kind, name)),
    }
}

fn unknown(kind: RecordKind, name: &[u8]) -> StoreError {
    StoreError::refused(format!("there is no {} `{}`; {} names them", kind.word, shown(name), kind.list))
}

fn print_all(context: &StoreContext, kind: RecordKind, name: &[u8]) -> Result<(), StoreError> {
    let properties = properties(context, kind.folder, name)?;
    if properties.is_empty() {
        return Err(unknown(kind, name));
    }
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let object: BTreeMap<String, JsonBytes> =
        properties.into_iter().map(|(property, value)| (name(&property), JsonBytes::new(value))).collect();
    let text = serde_json::to_string(&object).map_err(|error| StoreError::Failed(error.to_string()))?;
    streams::print(format!("{text}\n").as_bytes())
}

pub(super) fn put_data(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let [name, property, value] = arguments else { return Err(StoreError::usage("a key, a property and a value are taken")) };
    context.store.put(DATA, &[key(name)?, key(property)?], value)
}

pub(super) fn get_data(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    match arguments {
        [name] if name == b"result" => streams::print_lines(&context.store.list(files::RESULT, &[])?),
        [name] => {
            let properties = context.store.list(DATA, &[key(name)?])?;
            if properties.is_empty() {
                Err(StoreError::refused(format!("there is no data `{}`", shown(name))))
            } else {
                streams::print_lines(&properties)
            }
        }
        [name, property] => match context.store.get(DATA, &[key(name)?, key(property)?])? {
            Some(value) => streams::print_value(&value),
            None => Err(StoreError::refused(format!("the data `{}` has no property `{}`", shown(name), shown(property)))),
        },
        _ => Err(StoreError::usage("a key and at most one property are taken")),
    }
}
