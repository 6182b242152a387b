//! What is written for whole configurations: valid, the same bytes as ever, read alike by all readers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sidestage_compiler::emit::tekton::{Document, faults};

use super::manifests::Manifests;
use super::schemas::{Schemas, data, is_manifest};
use crate::harness::repository::{Repository, copied, project};

/// Configurations of both formats; the last two have every key.
const FIXTURES: [&str; 6] = ["zap", "zap-v2", "zap-ci-cc", "loop-over-array", "tekton-every-key", "tekton-every-key-v2"];

fn of_fixture(name: &str) -> Manifests {
    let copy = copied(&project().join("fixtures").join(name));
    let named = if name.starts_with("tekton-") { vec![] } else { vec!["--name", "web", "--namespace", "web"] };
    Manifests::of(copy.path(), &named)
}

fn holds_for_a_cluster(name: &str, manifests: &Manifests) {
    let schemas = Schemas::read();
    for (file, value) in manifests.documents.iter().filter(|(_, value)| is_manifest(value)) {
        assert_eq!(schemas.faults(value), Vec::<String>::new(), "{name}/{file}");
    }
    let documents: Vec<Document<'_>> = manifests.documents.iter().map(|(file, value)| Document { file, value }).collect();
    assert_eq!(faults(&documents), [], "{name}");
    assert!(!manifests.texts.values().any(|text| text.contains("script:")), "{name}: scripts are those of the commit");
}

#[test]
fn every_document_is_valid_and_nothing_of_a_set_is_refused() {
    for name in FIXTURES {
        let manifests = of_fixture(name);
        assert!(manifests.documents.len() > 10, "{name}");
        holds_for_a_cluster(name, &manifests);
    }
}

/// Public configurations, where they are at hand: what compiles, compiles to valid sets.
#[test]
fn public_configurations_compile_to_valid_sets() {
    let Some(corpus) = std::env::var_os("SIDESTAGE_CORPUS") else {
        say_not_run("SIDESTAGE_CORPUS is not set");
        return;
    };
    let mut compiled = 0;
    for file in yaml_files(Path::new(&corpus)) {
        let text = fs::read(&file).unwrap();
        let settings = "tekton: {base-image: example/base:1}\nrules: {}\n";
        let repository = Repository::with_config(text).file(".sidestage.yaml", settings);
        let out = repository.path().join("out");
        let ran = repository.run(&["build", "--target", "tekton", "--out", out.to_str().unwrap()]);
        if ran.code == Some(0) && out.join("kustomization.yaml").is_file() {
            holds_for_a_cluster(&file.display().to_string(), &Manifests::read(&out));
            compiled += 1;
        } else {
            assert!(!ran.stderr.contains("a cluster would refuse") && !ran.stderr.contains("bug"), "{}: {}", file.display(), ran.stderr);
        }
    }
    assert!(compiled > 10, "{compiled} configurations compiled");
}

fn say_not_run(reason: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "not run: {reason}");
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// `SNAPSHOTS=overwrite` writes what is written now; read the difference before it is committed.
#[test]
fn the_bytes_are_those_of_before() {
    for name in FIXTURES {
        let manifests = of_fixture(name);
        let folder = data("expected").join(name);
        if std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
            let _ = fs::remove_dir_all(&folder);
            for (path, text) in &manifests.texts {
                let path = folder.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        let expected = Manifests::read(&folder);
        assert_eq!(expected.texts.keys().collect::<Vec<_>>(), manifests.texts.keys().collect::<Vec<_>>(), "{name}");
        for (path, text) in &manifests.texts {
            snapbox::assert_data_eq!(text.as_str(), snapbox::Data::text(expected.texts[path].clone()).raw());
        }
    }
}

/// The bytes do not depend on where the command was started, nor on how often.
#[test]
fn a_set_is_the_same_from_everywhere() {
    let copy = copied(&project().join("fixtures/zap"));
    assert!(Command::new("git").args(["init", "--quiet"]).current_dir(copy.path()).status().unwrap().success());
    let from = |folder: &Path, file: &str| {
        let out = tempfile::tempdir().unwrap();
        let out = out.path().join("out");
        let arguments = ["build", file, "--target", "tekton", "--out", out.to_str().unwrap()];
        let ran = crate::harness::repository::Sidestage::new(folder).run(&arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        Manifests::read(&out).texts
    };
    let here = from(copy.path(), ".");
    let elsewhere = [from(&copy.path().join("scripts"), "../.pipeline-config.yaml"), from(Path::new("/"), copy.path().to_str().unwrap())];
    assert!(elsewhere.iter().all(|set| *set == here));
}

/// `PyYAML` reads YAML 1.1, as kubectl does: `yes` would be a truth there, and `1e3` and `0555` numbers of other kinds.
#[test]
fn readers_of_yaml_1_1_and_1_2_see_the_same() {
    let python = project().join("target/clients/python/bin/python");
    let script = "import json, sys, yaml\nprint(json.dumps([list(yaml.safe_load_all(open(path))) for path in sys.argv[1:]]))";
    for name in FIXTURES {
        let manifests = of_fixture(name);
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (path, text) in &manifests.texts {
            let path = folder.path().join(path.replace('/', "-"));
            fs::write(&path, text).unwrap();
            paths.push(path);
        }
        let output = Command::new(&python).args(["-c", script]).args(&paths).output().expect("`./test.sh` installs the Python clients");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read: Vec<Vec<Value>> = serde_json::from_slice(&output.stdout).unwrap();
        let own: Vec<Vec<Value>> = manifests.texts.values().map(|text| super::manifests::documents(text)).collect();
        assert_eq!(own, read, "{name}");
    }
}

#[test]
fn kustomize_builds_the_set_and_finds_its_images() {
    let is_there = Command::new("kubectl").args(["kustomize", "--help"]).output().is_ok_and(|output| output.status.success());
    if !is_there {
        say_not_run("kubectl is not installed, so kustomize was not asked");
        return;
    }
    let manifests = of_fixture("zap");
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in &manifests.texts {
        let path = folder.path().join("base").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let overlay = "resources: [base]\nimages:\n  - {name: icr.io/example/zap, newName: registry.example.com/zap, newTag: '9'}\n";
    fs::write(folder.path().join("kustomization.yaml"), overlay).unwrap();
    let output = Command::new("kubectl").args(["kustomize", "."]).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built = super::manifests::documents(&text);
    let places = built.iter().filter(|value| value["kind"] != "ClusterRole" && value["kind"] != "ClusterRoleBinding");
    assert!(places.into_iter().all(|value| value["metadata"]["namespace"] == "web"), "{text}");
    let binding = built.iter().find(|value| value["kind"] == "ClusterRoleBinding").unwrap();
    assert_eq!(binding["subjects"][0]["namespace"], "web");
    assert!(text.contains("registry.example.com/zap:9") && !text.contains("icr.io/example/zap"), "{text}");
    assert_eq!(built.len(), manifests.documents.iter().filter(|(file, value)| is_manifest(value) && !file.starts_with("runs/")).count());
}

/// A condition or a name that a cluster would refuse is not left out in silence, whatever the levels of rules are.
#[test]
fn what_a_cluster_refuses_is_not_written_in_another_form() {
    let step = "version: '2'\ntasks:\n  deploy-checks:\n    steps:\n      - name: deploy\n        image: a:1\n        when: \"'a' == 'b'\"\n        script: 'true'\n";
    let copy = "version: '2'\ntasks:\n  code-build:\n    steps:\n      - name: setup\n        image: a:1\n        script: 'true'\n  more:\n    from: code-build\n    when: \"'a' == 'b'\"\n";
    let config_map = "version: '1'\ndeploy:\n  image: a:1\n  configmap: $settings\n  script: 'true'\n";
    let image = "version: '1'\ndeploy:\n  script: 'true'\n";
    for config in [step, copy, config_map, image] {
        let repository = Repository::with_config(config);
        let ran = repository.run(&["build", "--target", "tekton", "--out", "out", "--allow", "tekton-unsupported"]);
        assert!(ran.code == Some(1) && ran.stderr.contains("a cluster would refuse"), "{config}: {}", ran.stderr);
        assert!(!repository.path().join("out").exists(), "{config}");
    }
}

#[test]
fn a_copy_that_never_runs_is_left_out_and_an_async_step_takes_over_what_it_replaces() {
    let config = "version: '2'\ntasks:\n  code-build:\n    steps:\n      - name: setup\n        image: a:1\n        script: trigger-task zap\n\
                  \x20 off:\n    from: code-build\n    when: 'false'\n  on:\n    from: code-build\n  async-stage:\n    steps:\n      - name: run-stage\n        image: base:1\n        include: [podman]\n\
                  \x20     - name: zap\n        script: 'true'\n";
    let manifests = Manifests::of(Repository::with_config(config).path(), &["--name", "web", "--pipeline", "ci"]);
    let tasks = manifests.object("Pipeline", "web-ci")["spec"]["tasks"].as_array().unwrap();
    assert_eq!(tasks.iter().map(|task| task["name"].as_str().unwrap()).collect::<Vec<_>>(), ["start", "code-build", "on"]);
    let step = &manifests.object("Pipeline", "web-async-zap")["spec"]["tasks"][0]["taskSpec"]["steps"][1];
    assert_eq!((&step["image"], &step["securityContext"]["privileged"]), (&"base:1".into(), &true.into()));
}

#[test]
fn pipelines_limit_what_is_written() {
    let copy = copied(&project().join("fixtures/zap"));
    let names = |arguments: &[&str]| {
        let all = Manifests::of(copy.path(), arguments).texts.into_keys();
        all.filter(|path| path.starts_with("pipelines/") && !path.contains("async")).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["pipelines/cc.yaml", "pipelines/cd.yaml", "pipelines/ci.yaml", "pipelines/pr.yaml"]);
    assert_eq!(names(&["--pipeline", "ci"]), ["pipelines/ci.yaml"]);
    assert_eq!(names(&["--pipeline", "ci,cc"]), ["pipelines/cc.yaml", "pipelines/ci.yaml"]);
}

#[test]
fn names_that_cannot_be_are_refused() {
    let copy = copied(&project().join("fixtures/zap"));
    let long = "a".repeat(55);
    for (option, value, expected) in [
        ("--name", "Web", "`W` is not one of `a-z`, `0-9` and `-`"),
        ("--name", long.as_str(), "it has 55 characters, and 54 are allowed"),
        ("--namespace", "web_1", "`_` is not one of"),
    ] {
        let arguments = ["build", "--target", "tekton", "--out", "out", option, value];
        let ran = crate::harness::repository::Sidestage::new(copy.path()).run(&arguments);
        assert!(ran.code == Some(2) && ran.stderr.contains(expected), "{option} {value}: {}", ran.stderr);
    }
    let longest = "a".repeat(54);
    holds_for_a_cluster("the longest name", &Manifests::of(copy.path(), &["--name", &longest]));
}
