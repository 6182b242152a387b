//! Project settings: where they are found, what they say, and who wins.

use crate::harness::repository::{Ran, Repository, Sidestage};

const SETTINGS: &str = ".sidestage.yaml";

/// One error.
const FAILS: &str = "\
version: '1'
dynamic-scan:
  script: trigger-task owasp-zpa
owasp-zap:
  script: zap-full-scan.py
";

/// Nothing to find; `owasp-zap` cannot go on without `app-url`.
const SOUND: &str = "\
version: '1'
dynamic-scan:
  script: trigger-task owasp-zap
owasp-zap:
  script: zap-full-scan.py -t \"$(get_env app-url)\"
";

fn with_settings(config: &str, settings: &str) -> Repository {
    Repository::with_config(config).file(SETTINGS, settings)
}

fn level(ran: &Ran) -> &str {
    ran.stdout.split_once(": ").map_or("", |(_, rest)| rest.split('[').next().unwrap())
}

#[test]
fn the_command_line_wins_over_the_settings() {
    let cases: [(&str, &[&str], &str, i32); 9] = [
        ("error", &[], "error", 1),
        ("warning", &[], "warning", 0),
        ("info", &[], "info", 0),
        ("off", &[], "", 0),
        ("off", &["--deny", "missing-stage"], "error", 1),
        ("error", &["--allow", "missing-stage"], "", 0),
        ("info", &["--warn", "missing-stage"], "warning", 0),
        ("warning", &["--deny", "warnings"], "error", 1),
        ("info", &["--deny", "warnings"], "info", 0),
    ];
    for (said, arguments, expected, code) in cases {
        let ran = with_settings(FAILS, &format!("rules:\n  missing-stage: {said}\n")).check(arguments);
        assert_eq!((level(&ran), ran.code), (expected, Some(code)), "{said}, {arguments:?}: {}", ran.transcript());
    }
}

#[test]
fn the_nearest_settings_upward_to_the_root_of_the_repository_hold() {
    let repository = Repository::new()
        .file(SETTINGS, "rules: {missing-stage: 'off'}")
        .file("app/.git/HEAD", "ref: refs/heads/main\n")
        .file("app/.pipeline-config.yaml", FAILS)
        .file("app/web/.sidestage.yaml", "rules: {missing-stage: info}")
        .file("app/web/deep/ci.yaml", FAILS)
        .file("app/api/ci.yaml", FAILS);
    let ran = repository.check(&[]);
    let levels: Vec<String> =
        ran.stdout.lines().map(|line| format!("{} {}", line.split(':').next().unwrap(), line.split([' ', '[']).nth(1).unwrap())).collect();
    let expected = ["app/.pipeline-config.yaml error", "app/api/ci.yaml error", "app/web/deep/ci.yaml info"];
    assert_eq!(levels, expected, "above the root nothing is read: {}", ran.transcript());
    let ran = Sidestage::new(&repository.path().join("app/web/deep")).run(&["check", "--format", "concise", "."]);
    assert_eq!(level(&ran), "info", "the folder that the command runs in does not matter: {}", ran.transcript());
}

#[test]
fn another_file_can_be_named_or_none_be_read() {
    let repository = with_settings(FAILS, "rules: {missing-stage: off}\n").file("ci/settings.yaml", "rules: {missing-stage: info}\n");
    assert_eq!(level(&repository.check(&[])), "");
    assert_eq!(level(&repository.check(&["--config", "ci/settings.yaml"])), "info");
    assert_eq!(level(&repository.check(&["--no-config"])), "error");
    let ran = repository.check(&["--config", "ci/nowhere.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.starts_with("error: `ci/nowhere.yaml` cannot be read: "), "{}", ran.stderr);
    assert_eq!(repository.check(&["--config", "ci"]).stderr, "error: `ci` cannot be read: it is a folder\n");
    assert_eq!(repository.check(&["--config", "ci/settings.yaml", "--no-config"]).code, Some(2));
}

#[test]
fn a_bad_settings_file_is_reported_once_and_what_was_understood_counts() {
    let repository = with_settings(FAILS, "rules:\n  missing-stage: info\n  mising-script: off\n").file("web/ci.yaml", FAILS);
    let ran = repository.check(&[]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.transcript());
    assert_eq!(lines[0], ".sidestage.yaml:3:3: error[invalid-config] unknown rule `mising-script`");
    assert!(lines[1..].iter().all(|line| line.contains("info[missing-stage]")), "{lines:?}");
    assert_eq!(ran.code, Some(1), "its findings count");
    let report = repository.run(&["check", "--format", "json"]).json();
    let counts = serde_json::json!({"files": 2, "scripts": 4, "errors": 1, "warnings": 0, "infos": 2, "triggers": 2, "proven": 0, "unproven": [], "unseen": []});
    assert_eq!(report["summary"], counts);
    assert_eq!(report["findings"][0]["help"], "did you mean `missing-script`?");
    let below = Sidestage::new(&repository.path().join("web")).run(&["check", "--format", "concise", ".."]);
    assert!(below.stdout.starts_with("../.sidestage.yaml:3:3: "), "as seen from the working folder: {}", below.transcript());
}

#[test]
fn the_settings_say_how_their_own_faults_count() {
    let repository = with_settings(SOUND, "rules: {unknown-key: error}\nsurprise: 1\n");
    assert_eq!(
        repository.check(&[]).transcript().lines().next().unwrap().split(": ").nth(1).unwrap(),
        "error[unknown-key] unknown key `surprise`"
    );
    assert_eq!(repository.check(&["--allow", "unknown-key"]).transcript(), "exit: 0\n");
}

#[test]
fn a_settings_file_can_be_checked_by_its_name() {
    let repository = Repository::new().file(SETTINGS, "propertys: []\n");
    let expected = ".sidestage.yaml:1:1: warning[unknown-key] unknown key `propertys`: the settings have no such key\n";
    assert_eq!(repository.check(&[SETTINGS]).stdout, expected);
    let typed = Sidestage::new(repository.path()).stdin("exclude: x\n");
    let ran = typed.run(&["check", "--format", "concise", "-", "--stdin-filename", SETTINGS]);
    assert!(
        ran.stdout.starts_with(".sidestage.yaml:1:10: error[invalid-config] invalid value of `exclude`: expected a list"),
        "{}",
        ran.transcript()
    );
}

#[cfg(unix)]
#[test]
fn settings_that_cannot_be_read_are_named_and_the_checks_go_on() {
    let repository = Repository::with_config(FAILS);
    std::os::unix::fs::symlink("/dev/null/nothing", repository.path().join(SETTINGS)).unwrap();
    let ran = repository.check(&[]);
    assert_eq!((level(&ran), ran.code), ("error", Some(2)), "{}", ran.transcript());
    assert_eq!(ran.stderr, "error: `.sidestage.yaml` cannot be read: no such file\n");
}

#[test]
fn excluded_files_are_checked_only_by_name() {
    let repository = with_settings(SOUND, "exclude: [vendor/, '*.draft.yaml']\n")
        .file("vendor/a/.pipeline-config.yaml", FAILS)
        .file("ci/one.draft.yaml", FAILS)
        .file("ci/one.yaml", FAILS);
    let found = |arguments: &[&str]| repository.check(arguments).stdout.lines().count();
    assert_eq!(found(&[]), 1, "ci/one.yaml");
    assert_eq!(found(&["--no-config"]), 3);
    assert_eq!(found(&["vendor/a/.pipeline-config.yaml"]), 1);
    assert_eq!(found(&["vendor/a/.pipeline-config.yaml", "."]), 2);
    let ran = repository.check(&["vendor"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("0 YAML file(s) were looked at, 1 more are excluded by `exclude` in the settings"), "{}", ran.stderr);
}

#[test]
fn every_command_honours_them() {
    let settings = "properties: [own-url]\nevent-listener: own-listener\nplatform-scripts: ['${TOOLS}/']\nsurprise: 1\n";
    let config = SOUND.replace("app-url", "own-url").replace("script: zap-full-scan.py", "script: ${TOOLS}/prepare.sh; zap-full-scan.py");
    let repository = with_settings(&config, settings);
    let plan = repository.run(&["plan", "--format", "json"]);
    assert_eq!(plan.json()["triggers"][0]["reads"][0]["from"], "property");
    assert_eq!(repository.run(&["plan", "--format", "json", "--no-config"]).json()["triggers"][0]["reads"][0]["from"], "unknown");
    let assumptions = plan.json()["assumptions"].to_string();
    assert!(assumptions.contains("the platform's script `${TOOLS}/prepare.sh`"), "{assumptions}");
    assert!(plan.stderr.contains("warning[unknown-key]"), "{}", plan.stderr);
    assert!(repository.run(&["graph"]).stderr.contains("warning[unknown-key]"));
    let built = repository.run(&["build", "--out", "out"]);
    assert_eq!(built.code, Some(0), "{}", built.transcript());
    assert!(built.stderr.contains("warning[unknown-key]"), "{}", built.stderr);
    let manifest = std::fs::read_to_string(repository.path().join("out/webhook.json")).unwrap();
    assert!(manifest.contains("\"event_listener\": \"own-listener\""), "{manifest}");
    let refused = repository.run(&["build", "--out", "out", "--deny", "warnings"]);
    assert_eq!(refused.code, Some(1), "a fault of the settings counts: {}", refused.transcript());
}

#[test]
fn paths_are_relative_to_the_settings_file() {
    let config = FAILS.replace("trigger-task owasp-zpa", "source scripts/zap");
    let repository = Repository::new()
        .file("ci/.pipeline-config.yaml", &config)
        .file("ci/scripts/zap", "trigger-task owasp-zpa\n")
        .file("app/scripts/zap", "trigger-task owasp-zap\n")
        .file("app/settings.yaml", "repo-root: .\nexclude: [/x.yaml]\n")
        .file("app/x.yaml", FAILS)
        .file("x.yaml", FAILS);
    let files = |arguments: &[&str]| {
        let stdout = repository.check(arguments).stdout;
        stdout.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(files(&[]), ["app/x.yaml", "ci/scripts/zap", "x.yaml"]);
    assert_eq!(files(&["--config", "app/settings.yaml"]), ["x.yaml"]);
}

#[test]
fn a_root_in_another_repository_has_no_effect() {
    let repository = Repository::new()
        .file("shared/.git/HEAD", "ref: refs/heads/main\n")
        .file("shared/settings.yaml", "repo-root: .\n")
        .file("app/.git/HEAD", "ref: refs/heads/main\n")
        .file("app/.pipeline-config.yaml", SOUND);
    let ran = repository.check(&["app", "--config", "shared/settings.yaml"]);
    let note = "note: `repo-root` has no effect for `app/.pipeline-config.yaml`: it is in another repository\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), note));
}
