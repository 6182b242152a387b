//! Assets and evidence: entries that are found by their properties, and stay as they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha3::{Digest, Sha3_256};

use super::Arguments;
use super::problem::Problem;
use super::run::{self, Run, shown};
use super::store;
use super::variables::no_arguments;

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

pub(super) fn save_asset(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    save(run, ASSET, arguments)
}

pub(super) fn save_evidence(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    save(run, EVIDENCE, arguments)
}

pub(super) fn load_asset(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    load(run, ASSET, arguments)
}

pub(super) fn load_evidence(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    load(run, EVIDENCE, arguments)
}

pub(super) fn delete_evidences(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    no_arguments(arguments)?;
    for key in run.store.list(EVIDENCE, &[])? {
        run.store.remove(EVIDENCE, &[&key])?;
    }
    Ok(())
}

fn save(run: &Run, kind: &str, arguments: Arguments) -> Result<(), Problem> {
    let mut properties = properties(arguments)?;
    let blob = properties.remove(BLOB).ok_or_else(|| Problem::usage("the property `blob` is missing: JSON, or a file that holds it"))?;
    if properties.is_empty() {
        return Err(Problem::usage(format!("there is no property but `{BLOB}`; entries are found by their properties")));
    }
    let entry = Entry { blob: json(&blob)?, properties };
    let text = serde_json::to_vec(&entry).map_err(|error| Problem::Broken(error.to_string()))?;
    let names = serde_json::to_vec(&entry.properties).map_err(|error| Problem::Broken(error.to_string()))?;
    let key: String = Sha3_256::digest(names).iter().map(|byte| format!("{byte:02x}")).collect();
    if run.store.put_new(kind, &[key.as_bytes()], &text)? {
        Ok(())
    } else {
        let pairs: Vec<String> = entry.properties.iter().map(|(name, value)| format!("{name} {value}")).collect();
        Err(Problem::refused(format!("there is already an {kind} with {}; it stays as it is", pairs.join(", "))))
    }
}

fn properties(arguments: Arguments) -> Result<BTreeMap<String, String>, Problem> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| Problem::refused(format!("`{}` is no UTF-8", shown(bytes))));
    if let Some(lonely) = arguments.chunks_exact(2).remainder().first() {
        return Err(Problem::usage(format!("`{}` has no value", shown(lonely))));
    }
    let mut found = BTreeMap::new();
    for pair in arguments.chunks_exact(2) {
        let name = text(run::key(&pair[0])?)?;
        if found.insert(name.clone(), text(&pair[1])?).is_some() {
            return Err(Problem::usage(format!("the property `{name}` is given twice")));
        }
    }
    Ok(found)
}

/// JSON, or the path of a file that holds it.
fn json(blob: &str) -> Result<Box<RawValue>, Problem> {
    if let Ok(value) = serde_json::from_str(blob) {
        return Ok(value);
    }
    let file = store::read(blob.as_ref())?.ok_or_else(|| Problem::refused("the blob is neither JSON nor the path of a file"))?;
    serde_json::from_slice(&file).map_err(|error| Problem::refused(format!("the file {blob} holds no JSON: {error}")))
}

fn load(run: &Run, kind: &str, arguments: Arguments) -> Result<(), Problem> {
    let wanted = properties(arguments)?;
    if wanted.contains_key(BLOB) {
        return Err(Problem::usage(format!("entries are not found by their `{BLOB}`")));
    }
    let mut found = Vec::new();
    for key in run.store.list(kind, &[])? {
        let Some(text) = run.store.get(kind, &[&key])? else { continue };
        let entry: Entry =
            serde_json::from_slice(&text).map_err(|error| Problem::Broken(format!("an {kind} of the store is damaged: {error}")))?;
        if wanted.iter().all(|pair| entry.properties.get_key_value(pair.0) == Some(pair)) {
            found.push(shape(entry)?);
        }
    }
    let shown = if wanted.is_empty() {
        serde_json::to_string(&found)
    } else {
        let first = found.first().ok_or_else(|| Problem::refused(format!("there is no {kind} with these properties")))?;
        serde_json::to_string(first)
    };
    let shown = shown.map_err(|error| Problem::Broken(error.to_string()))?;
    run::print(format!("{shown}\n").as_bytes())
}

/// The properties and the blob, side by side.
fn shape(entry: Entry) -> Result<BTreeMap<String, Box<RawValue>>, Problem> {
    let raw = |value: String| to_raw_value(&value).map_err(|error| Problem::Broken(error.to_string()));
    let mut shown =
        entry.properties.into_iter().map(|(name, value)| Ok((name, raw(value)?))).collect::<Result<BTreeMap<_, _>, Problem>>()?;
    shown.insert(BLOB.to_owned(), entry.blob);
    Ok(shown)
}
