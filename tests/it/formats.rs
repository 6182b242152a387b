//! The formats of `check` for other tools, read by those tools or by what they publish.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::repository::{Ran, Repository, Sidestage};

/// An error with a fix and a story, a warning, and an info; in a folder whose name is hard to write.
fn repository() -> Repository {
    let config = "version: '1'\ndeploy:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n    set_env app-url 'é'; set_env depth 3\n    trigger-task scan\nacceptance-test:\n  image: icr.io/example/base:1\n  script: source scripts/none\ndynamic-scan:\n  image: icr.io/example/base:1\n  script: trigger-task \"$WHICH\"\nscan:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n    get_env app-url\n    echo \"ü\" \"$(get_env depth)\"\n";
    Repository::new().file("a b, c%d/.pipeline-config.yaml", config).file("a b, c%d/scripts/x", "").file("other/x", "")
}

fn check(format: &str) -> (Repository, Ran) {
    let repository = repository();
    assert!(Command::new("git").args(["init", "-q"]).current_dir(repository.path()).status().unwrap().success());
    // From wherever it is run, files are named from the root.
    let ran = Sidestage::new(&repository.path().join("other")).run(&["check", "..", "--format", format]);
    (repository, ran)
}

fn findings() -> Vec<Value> {
    let (_, ran) = check("json");
    serde_json::from_str::<Value>(&ran.stdout).unwrap()["findings"].as_array().unwrap().clone()
}

const FILE: &str = "a b, c%d/.pipeline-config.yaml";

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/node/node_modules/@microsoft/sarif-multitool-linux")
}

#[test]
fn sarif_has_the_shape_of_the_published_schema_and_its_own_reader_takes_it() {
    let (repository, ran) = check("sarif");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let published = fs::read_to_string(clients().join("sarif-2.1.0.json")).expect("the schema: `./test.sh` installs it");
    let schema = serde_json::from_str(published.trim_start_matches('\u{feff}')).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    // What the schema does not say, the reader does.
    let tool = clients().join("Sarif.Multitool");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let log = repository.path().join("log.sarif");
    fs::write(&log, &ran.stdout).unwrap();
    let read = Command::new(tool).arg("validate").arg(&log).env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1").output().unwrap();
    let said = String::from_utf8_lossy(&read.stdout).into_owned();
    assert!(read.status.success() && !said.contains(": error "), "{said}");
}

#[test]
fn sarif_tells_the_story_of_a_finding_its_fix_and_its_rule() {
    let (_, ran) = check("sarif");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let run = &report["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let results = run["results"].as_array().unwrap();
    let found = findings();
    assert_eq!(results.len(), found.len());
    let mut fingerprints = BTreeSet::new();
    for (result, finding) in results.iter().zip(&found) {
        let rule = &run["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!((&result["ruleId"], &rule["id"]), (&finding["rule"], &finding["rule"]));
        assert!(rule["helpUri"].as_str().unwrap().ends_with(finding["rule"].as_str().unwrap()));
        let level = match finding["severity"].as_str().unwrap() {
            "info" => "note",
            other => other,
        };
        assert_eq!(result["level"], level);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b%2C%20c%25d/.pipeline-config.yaml");
        for (own, name) in
            [("startLine", "/start/line"), ("startColumn", "/start/column"), ("endLine", "/end/line"), ("endColumn", "/end/column")]
        {
            assert_eq!(&place["region"][own], finding["range"].pointer(name).unwrap(), "{own}");
        }
        assert!(fingerprints.insert(result["partialFingerprints"].to_string()), "{result}");
    }
    let unsent = results.iter().find(|result| result["ruleId"] == "unexported-variable").unwrap();
    let steps = unsent["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap();
    assert!(steps.len() >= 3, "set, triggered, read: {steps:?}");
    let inserted = &unsent["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"];
    assert!(inserted.as_str().unwrap().contains("export_env"), "{unsent}");
}

#[test]
fn github_shows_each_finding_at_its_line_and_columns() {
    let (_, ran) = check("github");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "::group::a b, c%25d/.pipeline-config.yaml");
    let found = findings();
    let annotations: Vec<&&str> = lines.iter().filter(|line| line.contains(" file=")).collect();
    assert_eq!(annotations.len(), found.len(), "{}", ran.stdout);
    for (line, finding) in annotations.iter().zip(&found) {
        let level = match finding["severity"].as_str().unwrap() {
            "info" => "notice",
            other => other,
        };
        let number = |name: &str| finding["range"].pointer(name).unwrap().as_u64().unwrap();
        // The last column belongs to the range.
        let expected = format!(
            "::{level} file=a b%2C c%25d/.pipeline-config.yaml,line={},endLine={},col={},endColumn={},title={}::",
            number("/start/line"),
            number("/end/line"),
            number("/start/column"),
            (number("/end/column") - 1).max(number("/start/column")),
            finding["rule"].as_str().unwrap()
        );
        assert!(line.starts_with(&expected), "{line}\n{expected}");
        assert!(line.contains("https://sidestage.dev/rules/") && !line.contains('\r'), "{line}");
    }
    assert_eq!(lines[lines.len() - 2], "::endgroup::");
    assert!(lines.last().unwrap().starts_with("sidestage: 2 errors, 1 warning, 1 note"), "{}", ran.stdout);
}

#[test]
fn gitlab_gets_a_list_with_unique_fingerprints() {
    let (_, ran) = check("gitlab");
    let issues: Value = serde_json::from_str(&ran.stdout).unwrap();
    let issues = issues.as_array().unwrap();
    let found = findings();
    assert_eq!(issues.len(), found.len());
    for (issue, finding) in issues.iter().zip(&found) {
        // What GitLab asks of each entry.
        assert_eq!((&issue["check_name"], &issue["location"]["path"]), (&finding["rule"], &Value::from(FILE)));
        assert_eq!(&issue["location"]["lines"]["begin"], finding["range"].pointer("/start/line").unwrap());
        assert!(!issue["description"].as_str().unwrap().is_empty());
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap()));
    }
    let fingerprints: BTreeSet<&str> = issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(fingerprints.len(), issues.len());
    let nothing = Repository::with_config("version: '1'\ndeploy:\n  image: i\n  script: echo\n").run(&["check", "--format", "gitlab"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(0), "[]\n"));
}

#[test]
fn junit_is_xml_in_which_an_info_fails_nothing() {
    let (repository, ran) = check("junit");
    let report = repository.path().join("report.xml");
    fs::write(&report, &ran.stdout).unwrap();
    let script = "
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
cases = root.findall('./testsuite/testcase')
print(root.tag, root.get('tests'), root.get('failures'), len(cases), len(root.findall('.//failure')), len(root.findall('.//system-out')))
for suite in root: print(suite.get('name'), suite.get('tests'), suite.get('failures'))
";
    let output = Command::new("python3").args(["-c", script]).arg(&report).output().expect("python3: `./test.sh` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = findings();
    let infos = found.iter().filter(|finding| finding["severity"] == "info").count();
    let (all, failed) = (found.len(), found.len() - infos);
    assert!(infos > 0 && failed > 0, "both kinds are tried");
    let expected = format!("testsuites {all} {failed} {all} {failed} {infos}\n{FILE} {all} {failed}\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    let clean = Repository::with_config("version: '1'\ndeploy:\n  image: i\n  script: echo\n").run(&["check", "--format", "junit"]);
    assert!(clean.stdout.contains("tests=\"1\" failures=\"0\"") && clean.stdout.contains("no findings"), "{clean:?}");
}

#[test]
fn fingerprints_stay_when_lines_move() {
    let of = |text: &str| {
        let ran = Repository::with_config(text).run(&["check", "--format", "gitlab"]);
        let issues: Value = serde_json::from_str(&ran.stdout).unwrap();
        issues.as_array().unwrap().iter().map(|issue| issue["fingerprint"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let config =
        "version: '1'\ndeploy:\n  script: |\n    set_env app-url x\n    trigger-task scan\nscan:\n  script: |\n    get_env app-url\n";
    let moved = config.replace("    set_env", "    # a comment\n    set_env");
    assert_eq!(of(config), of(&moved));
    assert_eq!(of(config), ["unexported-variable:.pipeline-config.yaml:scan:app-url:1"]);
}

#[test]
fn a_report_goes_to_a_file_and_the_exit_code_stays() {
    let repository = repository();
    for format in ["full", "concise", "sarif", "junit"] {
        let ran = repository.run(&["check", "--color", "always", "--format", format, "--output-file", "report"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{format}: {ran:?}");
        let text = fs::read_to_string(repository.path().join("report")).unwrap();
        assert!(text.contains("unexported-variable") && !text.contains('\u{1b}'), "{format}: {text}");
    }
    let ran = repository.run(&["check", "--output-file", "no/such/folder"]);
    assert_eq!((ran.code, ran.stderr.contains("no/such/folder")), (Some(2), true), "{ran:?}");
}
