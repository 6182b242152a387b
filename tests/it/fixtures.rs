//! Every folder of `fixtures/` is a small repository, with what `sidestage check .` reports there in `expected.txt`.
//!
//! `SNAPSHOTS=overwrite cargo test --test fixtures` writes what is said now; read the difference before it is committed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::repository::{EXPECTED, Sidestage, check_title, copied, project};
use serde_json::Value;

#[test]
fn every_fixture_is_reported_as_expected() {
    let is_overwriting = std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite");
    let mut differences = String::new();
    for fixture in fixtures() {
        let copy = copied(&fixture);
        let said = Sidestage::new(copy.path()).run(&["check", "."]).transcript();
        let path = fixture.join(EXPECTED);
        if is_overwriting {
            fs::write(&path, said).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if said != expected {
            let name = path.strip_prefix(project()).unwrap().display().to_string();
            let palette = snapbox::report::Palette::plain();
            let (expected, said) = (snapbox::Data::text(expected), snapbox::Data::text(said));
            snapbox::report::write_diff(&mut differences, &expected, &said, Some(&name), Some(&"said"), palette).unwrap();
        }
    }
    assert!(differences.is_empty(), "{differences}\nSNAPSHOTS=overwrite accepts what is said now");
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
            let arrow = format!("╭▸ {}:{}:{}\n", text(finding, "file"), point(finding, "start").0, point(finding, "start").1);
            assert!(full.stdout.contains(&arrow), "{}: {arrow} is not in\n{}", fixture.display(), full.stdout);
        }
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
