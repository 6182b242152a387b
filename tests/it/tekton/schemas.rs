//! The schemas of the kinds, strict about unknown fields.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::repository::project;

/// The folder of what these tests stand on.
pub(super) fn data(name: &str) -> PathBuf {
    project().join("tests/tekton").join(name)
}

/// The schemas by group, kind and version.
pub(super) struct Schemas(HashMap<String, jsonschema::Validator>);

impl Schemas {
    pub(super) fn read() -> Self {
        let files = fs::read_dir(data("schemas")).unwrap().map(|entry| entry.unwrap().path());
        let named = files.map(|path| {
            let schema: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), jsonschema::validator_for(&schema).unwrap())
        });
        Self(named.collect())
    }

    /// What is wrong with a document by the schema of its kind.
    pub(super) fn faults(&self, value: &Value) -> Vec<String> {
        let text = |key: &str| value[key].as_str().unwrap_or_default();
        let (group, version) = text("apiVersion").split_once('/').unwrap_or(("core", text("apiVersion")));
        let key = format!("{group}_{}_{version}", text("kind").to_lowercase());
        let Some(validator) = self.0.get(&key) else { return vec![format!("no schema {key}")] };
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// kustomize has rules of its own.
pub(super) fn is_manifest(value: &Value) -> bool {
    let version = value["apiVersion"].as_str().unwrap_or_default();
    !version.is_empty() && !version.starts_with("kustomize.") && value["kind"].is_string()
}
