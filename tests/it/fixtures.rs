//! Every folder of `fixtures/` is a small repository, with what `sidestage check .` reports there in `expected.txt`.
//!
//! `cargo xtask bless [NAME]` writes what is said now; read the difference before it is committed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::repository::{EXPECTED, Sidestage, check_title, copied, enlarge, project};
use serde_json::Value;

/// One test for each folder of `fixtures/`, so that each runs and is renewed by its name.
macro_rules! fixtures {
    ($($name:ident)*) => {
        mod fixture {
            $(#[test] fn $name() { super::is_reported_as_expected(&super::folder_name(stringify!($name))); })*
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

fixtures! {
    anchors
    another_configuration
    another_configuration_v2
    child_process_state
    cloned_scripts
    conditional_export
    conditional_export_beside_v2
    conditional_set
    contract_invalid
    contract_misplaced_v2
    contract_opaque
    contract_v1
    contract_v2
    crlf
    dangling_run_after
    dangling_run_after_v1
    default_hides_it
    dependency_cycle
    dependency_cycle_v1
    duplicate_key
    duplicate_key_v2
    dynamic_trigger
    export_in_later_stage
    export_too_late
    export_without_set
    export_without_trigger
    export_without_trigger_v2
    export_without_trigger_wrapper
    exported_secret
    exported_secret_v2
    file_not_sent
    file_not_sent_v2
    ignore_file
    ignore_not_a_comment
    ignore_script
    ignore_shared
    ignore_unused
    ignore_yaml
    invalid_config
    invalid_config_v2
    invalid_shell
    invalid_shell_v2
    invalid_stage_name
    invalid_stage_name_v2
    invalid_yaml
    invalid_yaml_v2
    loop_missing_one
    loop_over_array
    misplaced_keys_v1
    misplaced_keys_v2
    missing_script_v2
    missing_stage
    missing_stage_platform_step_v2
    near_misses
    one_way_data
    one_way_data_v2
    opaque_script
    orphan_export
    orphan_export_v2
    path_leaves_repository
    payload_too_large
    payload_too_large_v2
    platform_scripts
    property_read
    repo_without_commit
    repo_without_commit_v2
    secret_not_sent
    secret_not_sent_v2
    settings_broken
    settings_exclude
    settings_not_yaml
    settings_platform_scripts
    settings_repo_root
    shell_variable_not_sent
    shell_variable_not_sent_near_miss
    shell_variable_not_sent_v2
    sourcing_loop
    suspicious_command
    suspicious_command_v2
    target_outside_async_stage
    tekton_difference
    tekton_difference_near_miss
    tekton_difference_v2
    tekton_every_key
    tekton_every_key_v2
    tekton_unsupported
    tekton_unsupported_near_miss
    tekton_unsupported_v2
    trigger_cycle
    trigger_cycle_v2
    unexported_parameter
    unexported_parameter_v2
    unknown_keys
    unknown_keys_v2
    unproven_export
    unproven_export_near_miss
    unproven_export_v2
    unreachable_stage
    unreachable_stage_dynamic
    unreachable_stage_v2
    unreachable_stage_wrapper
    unresolved_trigger_v2
    unused_export
    unused_export_opaque
    unused_export_v2
    unused_ignore_v2
    zap
    zap_ci_cc
    zap_unexported
    zap_unexported_v2
    zap_v2
}

#[test]
fn every_folder_is_in_the_list() {
    let folders: Vec<String> = fixtures().iter().map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let mut named: Vec<String> = NAMES.iter().map(|name| folder_name(name)).collect();
    named.sort();
    assert_eq!(folders, named, "the list above names each folder of fixtures/");
}

/// Folders are written with `-`, tests with `_`.
fn folder_name(test: &str) -> String {
    test.replace('_', "-")
}

fn is_reported_as_expected(name: &str) {
    let fixture = project().join("fixtures").join(name);
    let copy = copied(&fixture);
    let said = Sidestage::new(copy.path()).run(&["check", "."]).transcript();
    let path = fixture.join(EXPECTED);
    if std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
        fs::write(&path, said).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if said == expected {
        return;
    }
    let shown = path.strip_prefix(project()).unwrap().display().to_string();
    let palette = snapbox::report::Palette::plain();
    let (expected, said) = (snapbox::Data::text(expected), snapbox::Data::text(said));
    let mut difference = String::new();
    snapbox::report::write_diff(&mut difference, &expected, &said, Some(&shown), Some(&"said"), palette).unwrap();
    panic!("{difference}\n`cargo xtask bless {name}` accepts what is said now");
}

#[test]
fn json_follows_its_schema_and_every_range_stands_where_it_says() {
    let schema = fs::read_to_string(project().join("schemas/findings.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).expect("the schema is one");
    for fixture in fixtures() {
        let copy = copied(&fixture);
        let report = Sidestage::new(copy.path()).run(&["check", ".", "--format", "json"]).json();
        let faults: Vec<String> = schema.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{}: {faults:#?}", fixture.display());
        for finding in report["findings"].as_array().unwrap() {
            let related = finding.get("related").and_then(Value::as_array).into_iter().flatten();
            for place in std::iter::once(finding).chain(related) {
                stands_where_it_says(copy.path(), place);
            }
        }
    }
}

#[test]
fn the_three_formats_tell_of_the_same_findings() {
    for fixture in fixtures() {
        let copy = copied(&fixture);
        let run = |format| Sidestage::new(copy.path()).run(&["check", ".", "--format", format]);
        let (full, concise, json) = (run("full"), run("concise"), run("json"));
        assert_eq!([full.code, json.code], [concise.code; 2], "{}", fixture.display());
        let report = json.json();
        let expected: Vec<String> = report["findings"].as_array().unwrap().iter().map(line).collect();
        assert_eq!(concise.stdout.lines().collect::<Vec<_>>(), expected, "{}", fixture.display());
        for finding in report["findings"].as_array().unwrap() {
            let arrow = format!("--> {}:{}:{}\n", text(finding, "file"), point(finding, "start").0, point(finding, "start").1);
            assert!(full.stdout.contains(&arrow), "{}: {arrow} is not in\n{}", fixture.display(), full.stdout);
        }
    }
}

#[test]
fn a_large_configuration_has_the_findings_of_a_small_one() {
    for fixture in fixtures() {
        let copy = copied(&fixture);
        let check = || Sidestage::new(copy.path()).run(&["check", ".", "--format", "json"]);
        let small = check();
        let entries = fs::read_dir(copy.path()).unwrap().map(|entry| entry.unwrap().path());
        let is_config = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().contains("pipeline-config");
        entries.filter(is_config).for_each(|config| enlarge(&config));
        assert_eq!(small, check(), "{}", fixture.display());
    }
}

#[test]
fn every_title_is_short_and_no_sentence() {
    for fixture in fixtures() {
        let copy = copied(&fixture);
        let report = Sidestage::new(copy.path()).run(&["check", ".", "--format", "json"]).json();
        for finding in report["findings"].as_array().unwrap() {
            check_title(text(finding, "message"));
        }
    }
}

fn fixtures() -> Vec<PathBuf> {
    let entries = fs::read_dir(project().join("fixtures")).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
}

/// The line of `--format concise` for a finding of `--format json`.
fn line(finding: &Value) -> String {
    let (line, column, _) = point(finding, "start");
    let part = |name| text(finding, name);
    let label = finding.get("label").and_then(Value::as_str).map(|label| format!(": {label}"));
    let message = format!("{}{}", part("message"), label.unwrap_or_default());
    format!("{}:{line}:{column}: {}[{}] {message}", part("file"), part("severity"), part("rule"))
}

fn stands_where_it_says(folder: &Path, place: &Value) {
    let file = fs::read_to_string(folder.join(text(place, "file"))).unwrap();
    let (start, end) = (point(place, "start"), point(place, "end"));
    assert!(start.2 <= end.2, "it ends before it starts: {place:#}");
    for (line, column, offset) in [start, end] {
        assert!(file.is_char_boundary(offset), "the offset is outside the file, or inside a character: {place:#}");
        assert_eq!((line, column), counted(&file[..offset]), "line and column are not the offset's: {place:#}");
    }
}

/// Line and column, counted by hand, of the end of a text.
fn counted(before: &str) -> (usize, usize) {
    let unix = before.replace("\r\n", "\n");
    let lines: Vec<&str> = unix.split(['\n', '\r']).collect();
    let last = lines.last().unwrap();
    (lines.len(), last.trim_start_matches('\u{feff}').chars().count() + 1)
}

fn point(place: &Value, end: &str) -> (usize, usize, usize) {
    let number = |name: &str| usize::try_from(place["range"][end][name].as_u64().unwrap()).unwrap();
    (number("line"), number("column"), number("offset"))
}

fn text<'a>(place: &'a Value, name: &str) -> &'a str {
    place[name].as_str().unwrap_or_else(|| panic!("no text `{name}` in {place:#}"))
}
