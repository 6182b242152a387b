//! Everything that `build` writes, read by the tools that will read it: bash, shellcheck, the schemas.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that panics has failed, as it should

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn build(config: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestage"));
    command.arg("build").arg(config).arg("--out").arg(out).args(more).output().expect("the binary runs")
}

fn built(name: &str, more: &[&str]) -> (tempfile::TempDir, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let output = build(&fixture(name), &out, more);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = files_of(&out);
    (folder, files)
}

fn files_of(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
                files.insert(name, fs::read_to_string(&path).expect("text"));
            }
        }
    }
    files
}

fn names(files: &BTreeMap<String, String>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

#[test]
fn the_whole_set_is_written_and_the_shell_accepts_every_script() {
    for name in ["zap", "zap-v2"] {
        let (folder, files) = built(name, &[]);
        let expected = [
            ".sidestage-files",
            "async-stage.sh",
            "list-async-runs.sh",
            "plan.json",
            "setup-webhook.sh",
            "stages/owasp-zap",
            "trigger/owasp-zap.sh",
            "webhook.json",
        ];
        assert_eq!(names(&files), expected, "{name}");
        shell_accepts(&folder.path().join("out"), &files);
    }
}

#[test]
fn the_thin_form_checks_exports_and_calls() {
    let (folder, files) = built("zap", &["--transport", "platform"]);
    assert_eq!(names(&files), [".sidestage-files", "plan.json", "trigger/owasp-zap.sh"]);
    shell_accepts(&folder.path().join("out"), &files);
    let script = &files["trigger/owasp-zap.sh"];
    assert!(script.contains("export_env") && script.contains("trigger-task"), "{script}");
    assert!(!script.contains("curl "), "it calls no webhook itself");
}

fn shell_accepts(out: &Path, files: &BTreeMap<String, String>) {
    let scripts = files.keys().filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "sh"));
    for script in scripts {
        for tool in [&["bash", "-n"][..], &["shellcheck"]] {
            let output = Command::new(tool[0]).args(&tool[1..]).arg(out.join(script)).output();
            let output = output.unwrap_or_else(|error| panic!("{} cannot be run ({error}): `./test.sh` installs it", tool[0]));
            assert!(output.status.success(), "{} {script}:\n{}", tool[0], String::from_utf8_lossy(&output.stdout));
        }
    }
}

#[test]
fn manifests_have_the_shape_of_their_schemas() {
    for name in ["zap", "zap-v2"] {
        let (_folder, files) = built(name, &[]);
        for schema in ["plan", "webhook"] {
            let text = sidestage::schema::named(schema).expect("a schema").text;
            let schema_value = serde_json::from_str(text).expect("JSON");
            let value = serde_json::from_str(&files[&format!("{schema}.json")]).expect("JSON");
            let errors: Vec<String> =
                jsonschema::validator_for(&schema_value).unwrap().iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name} {schema}: {errors:?}");
        }
    }
}

#[test]
fn a_trigger_carries_exactly_what_is_exported_before_it() {
    let (_folder, files) = built("zap", &[]);
    let plan: serde_json::Value = serde_json::from_str(&files["plan.json"]).expect("JSON");
    let exports: Vec<&str> = plan["triggers"][0]["exports"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(exports.contains(&"app-url"), "{exports:?}");
    let script = &files["trigger/owasp-zap.sh"];
    let carried: Vec<&str> =
        script.lines().filter_map(|line| line.trim().strip_prefix("carry ")).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(carried, exports, "the script and the plan agree");
}

#[test]
fn the_same_configuration_gives_the_same_bytes() {
    let (_first, one) = built("zap", &[]);
    let (_second, two) = built("zap", &[]);
    assert_eq!(one, two);
    for (name, text) in &one {
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{name} holds a path of this machine");
    }
}

#[test]
fn where_there_are_errors_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let output = build(&fixture("zap-unexported"), &out, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Nothing was written"));
    assert!(!out.exists());
}

#[test]
fn a_build_replaces_what_a_build_wrote_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    assert!(build(&fixture("zap"), &out, &[]).status.success());
    fs::write(out.join("notes.txt"), "mine").unwrap();
    assert!(build(&fixture("zap"), &out, &["--transport", "platform"]).status.success());
    assert_eq!(names(&files_of(&out)), [".sidestage-files", "notes.txt", "plan.json", "trigger/owasp-zap.sh"]);

    let sources = folder.path().join("sources");
    fs::create_dir(&sources).unwrap();
    fs::write(sources.join("main.c"), "int x;").unwrap();
    let output = build(&fixture("zap"), &sources, &[]);
    assert_eq!(output.status.code(), Some(2), "a folder of somebody else's files is refused");
    assert_eq!(names(&files_of(&sources)), ["main.c"]);
}

#[test]
fn values_of_a_configuration_are_data_in_the_scripts() {
    let folder = tempfile::tempdir().expect("a folder");
    let evil = "x'$(touch pwned)`touch pwned`";
    let config = "version: '1'\ndeploy:\n  script: |\n    #!/usr/bin/env bash\n    \
                  export_env \"a b\" 'x'\\''$(touch pwned)`touch pwned`'\n    trigger-task zap\n\
                  zap:\n  script: |\n    get_env \"a b\"\n";
    fs::write(folder.path().join(".pipeline-config.yaml"), config).unwrap();
    let out = folder.path().join("out");
    let output = build(folder.path(), &out, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = files_of(&out);
    shell_accepts(&out, &files);
    let plan: serde_json::Value = serde_json::from_str(&files["plan.json"]).unwrap();
    assert_eq!(plan["triggers"][0]["exports"], serde_json::json!(["a b", evil]));
    assert!(files["trigger/zap.sh"].contains("'a b'"));
}

#[test]
fn the_graph_has_the_shape_of_its_schema_and_an_edge_for_each_target() {
    let graph = |format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestage"));
        let output = command.arg("graph").arg(fixture("loop-over-array")).args(["--format", format]).output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let schema = serde_json::from_str(sidestage::schema::named("graph").expect("a schema").text).expect("JSON");
    let value: serde_json::Value = serde_json::from_str(&graph("json")).expect("JSON");
    let errors: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let triggers = value["edges"].as_array().unwrap().iter().filter(|edge| edge["kind"] == "trigger");
    assert!(triggers.count() >= 2, "one for each name of the array: {value}");
    assert!(graph("dot").starts_with("digraph"));
    assert!(graph("mermaid").starts_with("flowchart"));
    assert!(graph("svg").contains("<svg"));
}
