//! Assets and evidence: entries that are found by their properties, and stay as they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha3::{Digest, Sha3_256};

use super::Arguments;
use super::context::StoreContext;
use super::error::StoreError;
use super::name::{self, shown};
use super::store;
use super::streams;
use super::variables::no_arguments;
use crate::hash::hex;

const ASSET: &str = "asset";
const EVIDENCE: &str = "evidence";

/// The property that holds the entry's own text.
const BLOB: &str = "blob";

#[derive(Serialize, Deserialize)]
struct Entry {
    properties: BTreeMap<String, String>,
    /// As it was given: numbers keep their digits.
    blob: Box<RawValue>,
}

pub(super) fn save_asset(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    save(context, ASSET, arguments)
}

pub(super) fn save_evidence(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    save(context, EVIDENCE, arguments)
}

pub(super) fn load_asset(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    load(context, ASSET, arguments)
}

pub(super) fn load_evidence(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    load(context, EVIDENCE, arguments)
}

pub(super) fn delete_evidences(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    no_arguments(arguments)?;
    for key in context.store.list(EVIDENCE, &[])? {
        context.store.remove(EVIDENCE, &[&key])?;
    }
    Ok(())
}

fn save(context: &StoreContext, kind: &str, arguments: Arguments) -> Result<(), StoreError> {
    let mut properties = properties(arguments)?;
    let blob = properties.remove(BLOB).ok_or_else(|| StoreError::usage("the property `blob` is missing: JSON, or a file that holds it"))?;
    if properties.is_empty() {
        return Err(StoreError::usage(format!("there is no property but `{BLOB}`; entries are found by their properties")));
    }
    let entry = Entry { blob: json(&blob)?, properties };
    let text = serde_json::to_vec(&entry).map_err(|error| StoreError::Failed(error.to_string()))?;
    let names = serde_json::to_vec(&entry.properties).map_err(|error| StoreError::Failed(error.to_string()))?;
    let key = hex(&Sha3_256::digest(names));
    if context.store.put_new(kind, &[key.as_bytes()], &text)? {
        Ok(())
    } else {
        let pairs: Vec<String> = entry.properties.iter().map(|(name, value)| format!("{name} {value}")).collect();
        Err(StoreError::refused(format!("there is already an {kind} with {}; it stays as it is", pairs.join(", "))))
    }
}

fn properties(arguments: Arguments) -> Result<BTreeMap<String, String>, StoreError> {
    let text =
        |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| StoreError::refused(format!("`{}` is not UTF-8", shown(bytes))));
    if let Some(lonely) = arguments.chunks_exact(2).remainder().first() {
        return Err(StoreError::usage(format!("`{}` has no value", shown(lonely))));
    }
    let mut found = BTreeMap::new();
    for pair in arguments.chunks_exact(2) {
        let name = text(name::key(&pair[0])?)?;
        if found.insert(name.clone(), text(&pair[1])?).is_some() {
            return Err(StoreError::usage(format!("the property `{name}` is repeated")));
        }
    }
    Ok(found)
}

/// JSON, or the path of a file that holds it.
fn json(blob: &str) -> Result<Box<RawValue>, StoreError> {
    if let Ok(value) = serde_json::from_str(blob) {
        return Ok(value);
    }
    let file = store::read(blob.as_ref())?.ok_or_else(|| StoreError::refused("the blob is neither JSON nor the path of a file"))?;
    serde_json::from_slice(&file).map_err(|error| StoreError::refused(format!("the file {blob} is not valid JSON: {error}")))
}

fn load(context: &StoreContext, kind: &str, arguments: Arguments) -> Result<(), StoreError> {
    let wanted = properties(arguments)?;
    if wanted.contains_key(BLOB) {
        return Err(StoreError::usage(format!("entries are not found by their `{BLOB}`")));
    }
    let mut found = Vec::new();
    for key in context.store.list(kind, &[])? {
        let Some(text) = context.store.get(kind, &[&key])? else { continue };
        let entry: Entry =
            serde_json::from_slice(&text).map_err(|error| StoreError::Failed(format!("an {kind} of the store is damaged: {error}")))?;
        if wanted.iter().all(|pair| entry.properties.get_key_value(pair.0) == Some(pair)) {
            found.push(shape(entry)?);
        }
    }
    let shown = if wanted.is_empty() {
        serde_json::to_string(&found)
    } else {
        let first = found.first().ok_or_else(|| StoreError::refused(format!("there is no {kind} with these properties")))?;
        serde_json::to_string(first)
    };
    let shown = shown.map_err(|error| StoreError::Failed(error.to_string()))?;
    streams::print(format!("{shown}\n").as_bytes())
}

/// The properties and the blob, side by side.
fn shape(entry: Entry) -> Result<BTreeMap<String, Box<RawValue>>, StoreError> {
    let raw = |value: String| to_raw_value(&value).map_err(|error| StoreError::Failed(error.to_string()));
    let mut shown =
        entry.properties.into_iter().map(|(name, value)| Ok((name, raw(value)?))).collect::<Result<BTreeMap<_, _>, StoreError>>()?;
    shown.insert(BLOB.to_owned(), entry.blob);
    Ok(shown)
}
