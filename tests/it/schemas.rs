//! The schemas as editors use them: a title and a description on every key, and the real yaml-language-server.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::harness::repository::{Repository, project};

/// What people write by hand.
const WRITTEN_BY_HAND: [&str; 4] = ["config-v1", "config-v2", "settings", "async-contract"];

fn schema(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(project().join(format!("schemas/{name}.schema.json"))).unwrap()).unwrap()
}

/// The keys without a title or a description, by their paths.
fn bare(schema: &Value, path: &str, found: &mut Vec<String>) {
    let Some(object) = schema.as_object() else { return };
    for (key, value) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("{path}/{key}");
        found.extend(["title", "description"].iter().filter(|word| !value[**word].is_string()).map(|word| format!("{path}: {word}")));
        bare(value, &path, found);
    }
    for group in ["$defs", "patternProperties"] {
        for (key, value) in object.get(group).and_then(Value::as_object).into_iter().flatten() {
            bare(value, &format!("{path}/{group}/{key}"), found);
        }
    }
    for one in ["items", "additionalProperties"] {
        bare(&object.get(one).cloned().unwrap_or_default(), path, found);
    }
}

#[test]
fn every_key_that_people_write_has_a_title_and_a_description() {
    for name in WRITTEN_BY_HAND {
        let schema = schema(name);
        assert!(schema["title"].is_string() && schema["description"].is_string(), "{name}");
        assert_eq!(schema["$id"], format!("https://sidestage.dev/schemas/{name}.schema.json"));
        let mut found = Vec::new();
        bare(&schema, "", &mut found);
        assert_eq!(found, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_yaml_language_server_completes_explains_and_validates() {
    let repository = Repository::with_config("version: '1'\ndeploy:\n  script: echo\n");
    for name in WRITTEN_BY_HAND {
        // As `docs/editors.md` has it: nothing is loaded from a network.
        let text = repository.run(&["schema", name]).stdout.replace("https://sidestage.dev/schemas/", "");
        fs::write(repository.path().join(format!("{name}.schema.json")), text).unwrap();
    }
    assert_eq!(repository.run(&["init"]).code, Some(0));
    let clients = project().join("target/clients/node");
    assert!(clients.join("node_modules/yaml-language-server").exists(), "yaml-language-server is missing: `./test.sh` installs it");
    let mut command = Command::new("node");
    command.args(["--test", "--test-timeout=300000"]).arg(project().join("tests/clients/node/yaml-server.mjs"));
    let output = command.env("CLIENTS", clients).env("FOLDER", repository.path()).output().expect("node: `./test.sh` installs it");
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("# pass 3\n"), "{printed}");
}
