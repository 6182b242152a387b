//! `check --write-baseline` and `check --baseline`: what is known is not told again, and what is new is.

use std::fs;

use crate::harness::repository::{Ran, Repository, Sidestage, project};

const CONFIG: &str = ".pipeline-config.yaml";

/// Two errors, one of them in a script, and a warning.
const FAULTY: &str = "\
version: '1'
deploy:
  dnid: true
  script: kubectl apply --filename app.yaml
dynamic-scan:
  script: |
    trigger-task owasp-zpa
    source scripts/scan
";
const SCAN: &str = "trigger-task load-tset\n";

fn faulty() -> Repository {
    Repository::with_config(FAULTY).file("scripts/scan", SCAN)
}

fn write(repository: &Repository) -> Ran {
    let ran = repository.check(&["--write-baseline", "known.json"]);
    assert_eq!(ran.transcript(), "exit: 0\n");
    ran
}

fn compare(repository: &Repository) -> Ran {
    repository.check(&["--baseline", "known.json"])
}

#[test]
fn what_is_written_is_not_told_again_in_any_format() {
    let repository = faulty();
    assert_eq!(repository.check(&[]).code, Some(1));
    write(&repository);
    assert_eq!(compare(&repository).transcript(), "exit: 0\n");
    let run = |format| repository.run(&["check", "--baseline", "known.json", "--format", format]);
    let said = run("full").transcript();
    assert!(said.starts_with("No findings in 1 configuration and 3 scripts (3 known in the baseline).\n"), "{said}");
    assert!(said.ends_with("\nexit: 0\n"), "{said}");
    let report = run("json").json();
    assert_eq!((report["findings"].as_array().unwrap().len(), report["summary"]["errors"].as_u64()), (0, Some(0)));
}

#[test]
fn the_file_follows_its_schema_and_is_the_same_on_every_run() {
    let repository = faulty();
    write(&repository);
    let path = repository.path().join("known.json");
    let text = fs::read_to_string(&path).unwrap();
    let schema = fs::read_to_string(project().join("schemas/baseline.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).expect("the schema is one");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(schema.is_valid(&value), "{text}");
    let files: Vec<&str> = value["findings"].as_array().unwrap().iter().map(|finding| finding["file"].as_str().unwrap()).collect();
    assert_eq!(files, [CONFIG, CONFIG, "scripts/scan"]);
    write(&repository);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    let beside: Vec<_> = fs::read_dir(repository.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside.len(), 3, "no temporary file is left: {beside:?}");
}

#[test]
fn lines_added_above_bring_no_finding_back() {
    let repository = faulty();
    write(&repository);
    let moved = FAULTY.replace("deploy:", "# why\n\ntest:\n  script: make\ndeploy:").replace("    trigger", "    echo scan\n    trigger");
    let repository = repository.file(CONFIG, moved).file("scripts/scan", format!("#!/bin/sh\n\n  {SCAN}"));
    assert_eq!(compare(&repository).transcript(), "exit: 0\n");
}

#[test]
fn an_equal_finding_more_is_new_and_so_is_one_that_differs() {
    let repository = faulty();
    write(&repository);
    let repository = repository.file("scripts/scan", format!("{SCAN}{SCAN}"));
    let ran = compare(&repository);
    assert_eq!(ran.stdout, "scripts/scan:2:14: error[missing-stage] the configuration has no stage `load-tset`: this trigger fails\n");
    assert_eq!(ran.code, Some(1));
    let repository = repository.file("scripts/scan", format!("{SCAN}trigger-task owasp-zpa\n"));
    let ran = compare(&repository);
    assert_eq!(ran.stdout, "scripts/scan:2:14: error[missing-stage] the configuration has no stage `owasp-zpa`: this trigger fails\n");
}

#[test]
fn what_is_gone_is_noted_and_changes_nothing() {
    let repository = faulty();
    write(&repository);
    let repository = repository.file(CONFIG, FAULTY.replace("  dnid: true\n", "")).file("scripts/scan", "echo\n");
    let note = "note: 2 findings in the baseline `known.json` no longer occur; `--write-baseline known.json` updates it\n  \
                .pipeline-config.yaml: [unknown-key] dnid\n  \
                scripts/scan: [missing-stage] load-tset\nexit: 0\n";
    assert_eq!(compare(&repository).transcript(), note);
    write(&repository);
    assert_eq!(compare(&repository).transcript(), "exit: 0\n");
}

#[test]
fn what_was_not_looked_at_is_not_gone() {
    let repository = faulty().file("other/.pipeline-config.yaml", "version: '1'\ndeploy:\n  dnid: true\n  script: make\n");
    write(&repository);
    for arguments in [&[CONFIG][..], &["other"], &["--pipeline", "cd"], &["--allow", "unknown-key"]] {
        let ran = repository.check(&[&["--baseline", "known.json"], arguments].concat());
        assert_eq!(ran.transcript(), "exit: 0\n", "{arguments:?}");
    }
    fs::remove_dir_all(repository.path().join("other")).unwrap();
    assert!(compare(&repository).stderr.starts_with("note: 1 finding in the baseline `known.json` no longer occurs"));
}

#[test]
fn what_a_comment_hides_is_not_in_the_baseline() {
    let ignored = FAULTY.replace("owasp-zpa", "owasp-zpa # sidestage: ignore[missing-stage]");
    let repository = Repository::with_config(&ignored).file("scripts/scan", SCAN);
    write(&repository);
    let repository = repository.file(CONFIG, FAULTY);
    assert_eq!(compare(&repository).stdout.lines().count(), 1);
}

#[test]
fn a_file_that_is_no_baseline_is_refused() {
    let repository = faulty();
    let renew = "help: `sidestage check --write-baseline known.json` writes one\nexit: 2\n";
    let said = |repository: &Repository| compare(repository).transcript();
    let missing = said(&repository);
    assert!(missing.starts_with("error: the baseline `known.json` cannot be read: ") && missing.ends_with(renew), "{missing}");
    let repository = repository.file("known.json", "<<<<<<< HEAD\n");
    let broken = said(&repository);
    assert!(
        broken.starts_with("error: `known.json` is not a baseline: not valid JSON: ")
            && broken.contains("known.json:1:1\n")
            && broken.ends_with(renew),
        "{broken}"
    );
    let repository = repository.file("known.json", "{\"version\": 3, \"findings\": []}");
    let newer = said(&repository);
    let start = "error: `known.json` is not a baseline: it has version 3, and this sidestage reads versions 1 and 2\n";
    assert!(newer.starts_with(start) && newer.ends_with(renew), "{newer}");
    let both = repository.check(&["--baseline", "known.json", "--write-baseline", "known.json"]);
    assert_eq!(both.code, Some(2), "{}", both.transcript());
}

#[test]
fn nothing_is_written_where_something_could_not_be_read_or_written() {
    let repository = faulty();
    let ran = repository.check(&["missing.yaml", ".", "--write-baseline", "known.json"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("the baseline `known.json` cannot be written: not everything could be read"), "{}", ran.transcript());
    assert!(!repository.path().join("known.json").exists());
    for path in ["scripts", "missing/known.json"] {
        let ran = repository.check(&["--write-baseline", path]);
        let start = format!("error: the baseline `{path}` cannot be written: ");
        assert!(ran.code == Some(2) && ran.stderr.starts_with(&start), "{}", ran.transcript());
    }
}

#[test]
fn standard_input_has_a_baseline_too() {
    let repository = faulty();
    write(&repository);
    let ran = Sidestage::new(repository.path()).stdin(FAULTY).run(&["check", "--format", "concise", "--baseline", "known.json", "-"]);
    assert_eq!(ran.transcript(), "exit: 0\n");
}

#[test]
fn the_paths_of_a_baseline_start_from_its_own_folder() {
    let repository = faulty();
    assert_eq!(repository.check(&["--write-baseline", "scripts/known.json"]).transcript(), "exit: 0\n");
    let text = fs::read_to_string(repository.path().join("scripts/known.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let files: Vec<&str> = value["findings"].as_array().unwrap().iter().map(|finding| finding["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["../.pipeline-config.yaml", "../.pipeline-config.yaml", "scan"]);
    assert_eq!(repository.check(&["--baseline", "scripts/known.json"]).transcript(), "exit: 0\n");
    // From another working folder the same findings are known.
    let folder = repository.path().join("scripts");
    let ran = Sidestage::new(&folder).run(&["check", "--format", "concise", "--baseline", "known.json", "../.pipeline-config.yaml"]);
    assert_eq!(ran.transcript(), "exit: 0\n");
}

#[test]
fn better_words_bring_no_finding_back() {
    let repository = faulty();
    write(&repository);
    let text = fs::read_to_string(repository.path().join("known.json")).unwrap();
    assert!(!text.contains("message"), "{text}");
}

#[test]
fn a_baseline_of_version_1_is_read_from_the_folder_that_it_was_written_in() {
    let entry = |file: &str, rule: &str, more: &str, source: &str| {
        format!(
            "{{\"file\": \"{file}\", \"rule\": \"{rule}\", {more}\"message\": \"words of then\", \"source\": \"{source}\", \"count\": 1}}"
        )
    };
    let known = [
        entry(CONFIG, "unknown-key", "", "dnid"),
        entry(CONFIG, "missing-stage", "\"stage\": \"dynamic-scan\", ", "owasp-zpa"),
        entry("scripts/scan", "missing-stage", "\"stage\": \"dynamic-scan\", ", "load-tset"),
    ];
    let version_1 = format!("{{\"version\": 1, \"findings\": [{}]}}", known.join(", "));
    let repository = faulty().file("scripts/known.json", &version_1);
    let ran = repository.check(&["--baseline", "scripts/known.json"]);
    let note = "note: the baseline `scripts/known.json` has version 1, so its paths start from the working folder; \
                `--write-baseline scripts/known.json` updates it\nexit: 0\n";
    assert_eq!(ran.transcript(), note);
    // From a folder where what it names is not, it starts from its own.
    let below = faulty().file("known.json", &version_1);
    let arguments = ["check", "--format", "concise", "--baseline", "../known.json", "../.pipeline-config.yaml"];
    let ran = Sidestage::new(&below.path().join("scripts")).run(&arguments);
    let note = "note: the baseline `../known.json` has version 1, so its paths start from its own folder; \
                `--write-baseline ../known.json` updates it\nexit: 0\n";
    assert_eq!(ran.transcript(), note);
    // A near miss: another variable or text is not known.
    let other = repository.file("scripts/scan", "trigger-task other\n").check(&["--baseline", "scripts/known.json"]);
    assert_eq!(other.stdout.lines().count(), 1, "{}", other.transcript());
}
