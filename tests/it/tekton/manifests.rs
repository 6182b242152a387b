//! A set of manifests as it was written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::repository::Sidestage;

/// All files of a set by their paths, and the documents in them.
pub(super) struct Manifests {
    pub(super) texts: BTreeMap<String, String>,
    pub(super) documents: Vec<(String, Value)>,
}

impl Manifests {
    /// What `build` writes for the repository in a folder.
    pub(super) fn of(repository: &Path, arguments: &[&str]) -> Self {
        let out = tempfile::tempdir().unwrap();
        let folder = out.path().join("manifests");
        let fixed = ["build", "--target", "tekton", "--out", folder.to_str().unwrap()];
        let ran = Sidestage::new(repository).run(&[&fixed, arguments].concat());
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        Self::read(&folder)
    }

    /// A set in a folder.
    pub(super) fn read(folder: &Path) -> Self {
        let mut texts = BTreeMap::new();
        add(folder, folder, &mut texts);
        texts.remove(".sidestage-files");
        let documents = texts.iter().flat_map(|(path, text)| documents(text).into_iter().map(|value| (path.clone(), value))).collect();
        Self { texts, documents }
    }

    /// The object of a kind and a name.
    pub(super) fn object(&self, kind: &str, name: &str) -> &Value {
        let found = self.documents.iter().find(|(_, value)| value["kind"] == kind && value["metadata"]["name"] == name);
        &found.unwrap_or_else(|| panic!("there is no {kind} {name}")).1
    }
}

/// The documents of a file, as readers of YAML 1.2 see them.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let parts = text.split("\n---\n").filter(|part| part.lines().any(|line| !line.starts_with('#') && !line.trim().is_empty()));
    parts.map(|part| serde_yaml::from_str(part).unwrap_or_else(|error| panic!("{error}: {part}"))).collect()
}

fn add(root: &Path, folder: &Path, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            add(root, &entry.path(), texts);
        } else {
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            texts.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}
