//! `check --fix` and `--diff`: texts, and what becomes of them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::repository::{Ran, Repository, Sidestage};
use proptest::prelude::*;
use sidestage_compiler::compilation::{Compilation, Options, compile};
use sidestage_compiler::diagnostics::Severity;
use sidestage_compiler::fix;
use sidestage_compiler::source::MemoryFiles;

const CONFIG: &str = ".pipeline-config.yaml";

/// A stage that reads what `deploy` sets.
const ZAP: &str = "\
owasp-zap:
  script: |
    zap --target \"$(get_env app-url)\"
";

/// One file: what it holds, and what it holds after `--fix`.
type File<'a> = (&'a str, &'a str, &'a str);

/// Fixes files and looks at all that must hold: `git apply` does the same with the output of `--diff`, which writes
/// nothing; and a second `--fix` finds nothing to do.
fn fixes_with(options: &[&str], files: &[File<'_>]) -> Ran {
    let repository = || files.iter().fold(Repository::new(), |repository, (path, before, _)| repository.file(path, before));
    let read = |folder: &Path, path: &str| fs::read_to_string(folder.join(path)).unwrap();

    let fixed = repository();
    let ran = fixed.check(&[&["--fix"], options].concat());
    for (path, _, after) in files {
        assert_eq!(read(fixed.path(), path), *after, "{path}: {}", ran.transcript());
    }
    let again = fixed.check(&[&["--fix"], options].concat());
    assert!(again.stderr.contains("note: nothing can be fixed by itself\n"), "{}", again.transcript());
    assert_eq!((&again.stdout, again.code), (&ran.stdout, ran.code), "what remains was reported the first time");

    let shown = repository();
    let diff = shown.check(&[&["--diff"], options].concat());
    let has_difference = files.iter().any(|(_, before, after)| before != after);
    assert_eq!(diff.code, if has_difference { Some(1) } else { ran.code }, "{}", diff.transcript());
    for (path, before, _) in files {
        assert_eq!(read(shown.path(), path), *before, "--diff writes nothing");
    }
    if !diff.stdout.is_empty() {
        git_apply(shown.path(), &diff.stdout);
    }
    for (path, _, after) in files {
        assert_eq!(read(shown.path(), path), *after, "{path}: {}", diff.stdout);
    }
    ran
}

pub(crate) fn fixes(before: &str, after: &str) -> Ran {
    fixes_with(&[], &[(CONFIG, before, after)])
}

/// Nothing is fixed.
fn leaves(text: &str) -> Ran {
    fixes(text, text)
}

fn git_apply(folder: &Path, patch: &str) {
    let mut command = Command::new("git");
    command.args(["-c", "core.autocrlf=false", "apply", "-p1", "-"]).current_dir(folder);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(patch.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}\n{patch}", String::from_utf8_lossy(&ended.stderr));
}

/// `deploy` sets the url, `dynamic-scan` has this script.
fn scan(script: &str) -> String {
    let lines: String = script.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "version: '1'\ndeploy:\n  script: |\n    set_env app-url https://web.example.com\ndynamic-scan:\n  script: |\n{}{ZAP}",
        lines.replace("    \n", "\n")
    )
}

#[test]
fn an_export_is_inserted_before_the_trigger_and_comments_stay() {
    let ran = fixes(
        "\
# The pipeline.
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_env app-url https://web.example.com   # where it runs
dynamic-scan:
  script: |   # starts the scan
    #!/usr/bin/env bash

    # It takes an hour.
    trigger-task owasp-zap   # by itself
owasp-zap: # the scan
  script: |
    zap --target \"$(get_env app-url)\"
# The end.
",
        "\
# The pipeline.
version: '1'
deploy:
  script: |
    #!/usr/bin/env bash
    set_env app-url https://web.example.com   # where it runs
dynamic-scan:
  script: |   # starts the scan
    #!/usr/bin/env bash

    export_env \"app-url\"
    # It takes an hour.
    trigger-task owasp-zap   # by itself
owasp-zap: # the scan
  script: |
    zap --target \"$(get_env app-url)\"
# The end.
",
    );
    assert_eq!(ran.transcript(), "Fixed 1 finding in 1 file\nexit: 0\n");
}

#[test]
fn the_first_line_of_a_script_can_have_one_before_it() {
    fixes(&scan("trigger-task owasp-zap"), &scan("export_env \"app-url\"\ntrigger-task owasp-zap"));
}

#[test]
fn several_variables_get_a_line_each_and_each_trigger_has_its_own() {
    let config = |script: &str| {
        scan(script)
            .replace("    set_env app-url https://web.example.com\n", "    set_env app-url https://web.example.com\n    set_env build 7\n")
            .replace("zap --target", "zap --build \"$(get_env build '')\" --again \"$(get_env app-url '')\" --target")
    };
    let ran = fixes(
        &config("if is_web; then\n  trigger-task owasp-zap\nelse\n  prepare\n  trigger-task \"owasp-zap\"\nfi"),
        &config(
            "if is_web; then\n  export_env \"app-url\"\n  export_env \"build\"\n  trigger-task owasp-zap\nelse\n  prepare\n  export_env \"app-url\"\n  export_env \"build\"\n  trigger-task \"owasp-zap\"\nfi",
        ),
    );
    assert_eq!(ran.transcript(), "Fixed 2 findings in 1 file\nexit: 0\n");
}

#[test]
fn the_line_goes_before_the_whole_statement() {
    let cases = [
        "! trigger-task owasp-zap",
        "trigger-task owasp-zap &",
        "trigger-task owasp-zap || true",
        "id=\"$(trigger-task owasp-zap)\"",
        "if trigger-task owasp-zap; then true; fi",
        "echo go |\n  trigger-task owasp-zap",
        "LEVEL=1 \\\n  trigger-task owasp-zap",
    ];
    for case in cases {
        fixes(&scan(&format!("prepare\n{case}\ntidy")), &scan(&format!("prepare\nexport_env \"app-url\"\n{case}\ntidy")));
    }
}

#[test]
fn where_a_trigger_has_no_line_of_its_own_the_export_goes_into_its_line() {
    let cases = [
        ("is_web && trigger-task owasp-zap", "is_web && EXPORT && trigger-task owasp-zap"),
        ("is_web || trigger-task owasp-zap", "is_web || { EXPORT; trigger-task owasp-zap; }"),
        ("is_web &&\n  trigger-task owasp-zap", "is_web &&\n  EXPORT && trigger-task owasp-zap"),
        ("is_web \\\n  || trigger-task owasp-zap", "is_web \\\n  || { EXPORT; trigger-task owasp-zap; }"),
        ("is_web || trigger-task owasp-zap || exit 1", "is_web || { EXPORT; trigger-task owasp-zap; } || exit 1"),
        ("run() { is_web || trigger-task owasp-zap; }; run", "run() { is_web || { EXPORT; trigger-task owasp-zap; }; }; run"),
        ("if is_web; then trigger-task owasp-zap; fi", "if is_web; then EXPORT; trigger-task owasp-zap; fi"),
        (
            "if is_cli; then\n  true\nelif trigger-task owasp-zap; then\n  true\nfi",
            "if is_cli; then\n  true\nelif EXPORT; trigger-task owasp-zap; then\n  true\nfi",
        ),
        ("case $KIND in\n  web) trigger-task owasp-zap ;;\nesac", "case $KIND in\n  web) EXPORT; trigger-task owasp-zap ;;\nesac"),
        ("run() { trigger-task owasp-zap; }\nrun", "run() { EXPORT; trigger-task owasp-zap; }\nrun"),
        ("for stage in owasp-zap; do trigger-task \"$stage\"; done", "for stage in owasp-zap; do EXPORT; trigger-task \"$stage\"; done"),
        ("set_env app-url x; trigger-task owasp-zap", "set_env app-url x; EXPORT; trigger-task owasp-zap"),
        ("set_env app-url x && trigger-task owasp-zap", "set_env app-url x && EXPORT && trigger-task owasp-zap"),
        ("prepare & (trigger-task owasp-zap)", "prepare & (EXPORT; trigger-task owasp-zap)"),
    ];
    for (before, after) in cases {
        let after = after.replace("EXPORT", "export_env \"app-url\"");
        fixes(&scan(before), &scan(&after));
        let config = scan("source scripts/scan");
        fixes_with(&[], &[(CONFIG, &config, &config), ("scripts/scan", before, &after)]);
    }
    let two = |script: &str| scan(script).replace("zap --target", "zap --again \"$(get_env build)\" --target");
    let set = "set_env build 7\n";
    fixes(
        &two(&format!("{set}is_web || trigger-task owasp-zap")),
        &two(&format!("{set}is_web || {{ export_env \"build\"; export_env \"app-url\"; trigger-task owasp-zap; }}")),
    );
}

#[test]
fn a_script_of_one_line_stays_one() {
    let config = |script: &str| scan("").replace("dynamic-scan:\n  script: |\n", &format!("dynamic-scan:\n  script: {script}\n"));
    let cases = [
        ("trigger-task owasp-zap", "export_env \"app-url\"; trigger-task owasp-zap"),
        ("is_web || trigger-task owasp-zap", "is_web || { export_env \"app-url\"; trigger-task owasp-zap; }"),
        ("'trigger-task owasp-zap' # go", "'export_env \"app-url\"; trigger-task owasp-zap' # go"),
        ("\"trigger-task owasp-zap\"", "\"export_env app-url; trigger-task owasp-zap\""),
    ];
    for (before, after) in cases {
        fixes(&config(before), &config(after));
    }
}

#[test]
fn comments_stay_with_their_command() {
    let scripts = [
        ("# shellcheck disable=SC2086\n", ""),
        ("# sidestage: ignore[late-export] a reason\n# more\n", ""),
        ("", "#!/usr/bin/env bash\n"),
        ("# why\n", "#!/usr/bin/env bash\n# sidestage: ignore-file[late-export]\n# shellcheck shell=bash\n"),
        ("# why\n", "prepare # first\n"),
        ("# why\n", "prepare\n# done\n\n"),
    ];
    let config = scan("source scripts/scan");
    for (comments, before) in scripts {
        let text = |export: &str| format!("{before}{export}{comments}trigger-task owasp-zap $LABEL\n");
        let options = ["--allow", "unused-ignore"];
        fixes_with(&options, &[(CONFIG, &config, &config), ("scripts/scan", &text(""), &text("export_env \"app-url\"\n"))]);
        fixes_with(&options, &[(CONFIG, &scan(&text("")), &scan(&text("export_env \"app-url\"\n")))]);
    }
}

#[test]
fn it_goes_into_functions_loops_and_conditions_as_deep_as_the_trigger() {
    let cases = [
        ("run() {\n  trigger-task owasp-zap\n}\nrun", "run() {\n  export_env \"app-url\"\n  trigger-task owasp-zap\n}\nrun"),
        (
            "for stage in owasp-zap; do\n\t  trigger-task \"$stage\"\ndone",
            "for stage in owasp-zap; do\n\t  export_env \"app-url\"\n\t  trigger-task \"$stage\"\ndone",
        ),
        (
            "case $KIND in\n  web)\n    trigger-task owasp-zap\n    ;;\nesac",
            "case $KIND in\n  web)\n    export_env \"app-url\"\n    trigger-task owasp-zap\n    ;;\nesac",
        ),
        (
            "is_web && {\n  echo go\n  trigger-task owasp-zap\n}",
            "is_web && {\n  echo go\n  export_env \"app-url\"\n  trigger-task owasp-zap\n}",
        ),
    ];
    for (before, after) in cases {
        fixes(&scan(before), &scan(after));
    }
}

#[test]
fn where_nothing_can_be_inserted_there_is_no_fix() {
    for notation in ["script: >\n", "script: >-\n", "script:\n", "script: \"\\\n"] {
        let quote = if notation.contains('"') { "\"" } else { "" };
        let folded = format!("dynamic-scan:\n  {notation}    prepare;\n    trigger-task owasp-zap{quote}\n");
        let config = scan("").replace("dynamic-scan:\n  script: |\n", &folded);
        assert_eq!(leaves(&config).code, Some(1), "{config}");
    }
    // Inside the command that triggers, nothing can be before it and after what sets the variable.
    leaves(
        &scan("LEVEL=\"$(set_env app-url x)\" trigger-task owasp-zap")
            .replace("    set_env app-url https://web.example.com\n", "    true\n"),
    );
}

#[test]
fn line_ends_stay_as_they_are() {
    let crlf = |text: &str| text.replace('\n', "\r\n");
    fixes(
        &crlf(&scan("is_web ||\n  prepare\n\ttrigger-task owasp-zap\ntidy").replace("'1'", "1")),
        &crlf(&scan("is_web ||\n  prepare\n\texport_env \"app-url\"\n\ttrigger-task owasp-zap\ntidy")),
    );
}

#[test]
fn script_files_are_fixed_and_keep_their_mode() {
    let config = scan("source scripts/scan.sh");
    let before = "#!/usr/bin/env bash\nscan() {\n\ttrigger-task owasp-zap\n}\nscan";
    let after = "#!/usr/bin/env bash\nscan() {\n\texport_env \"app-url\"\n\ttrigger-task owasp-zap\n}\nscan";
    fixes_with(&[], &[(CONFIG, &config, &config), ("scripts/scan.sh", before, after)]);
    // The last line has no end.
    fixes_with(
        &[],
        &[(CONFIG, &config, &config), ("scripts/scan.sh", "trigger-task owasp-zap", "export_env \"app-url\"\ntrigger-task owasp-zap")],
    );
}

#[cfg(unix)]
#[test]
fn modes_stay_and_links_are_followed_inside_the_repository_only() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let script = "#!/usr/bin/env bash\ntrigger-task owasp-zap\n";
    let repository = Repository::with_config(scan("source scripts/scan")).file("shared/scan", script).file("scripts/other", "");
    let target = repository.path().join("shared/scan");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o750)).unwrap();
    symlink("../shared/scan", repository.path().join("scripts/scan")).unwrap();
    let ran = repository.check(&["--fix"]);
    assert_eq!(ran.transcript(), "Fixed 1 finding in 1 file\nexit: 0\n");
    assert!(fs::read_to_string(&target).unwrap().contains("export_env"));
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o750);
    assert!(fs::symlink_metadata(repository.path().join("scripts/scan")).unwrap().is_symlink());
    assert_eq!(fs::read_dir(repository.path().join("shared")).unwrap().count(), 1, "no file is left behind");

    let text = scan("trigger-task owasp-zap");
    let elsewhere = Repository::new().file("config.yaml", &text);
    let repository = Repository::new().file(".git/HEAD", "");
    symlink(elsewhere.path().join("config.yaml"), repository.path().join(CONFIG)).unwrap();
    let ran = repository.check(&["--fix", CONFIG]);
    assert_eq!(ran.code, Some(2), "{}", ran.transcript());
    assert!(ran.stderr.contains("`.pipeline-config.yaml` cannot be written: it is outside the repository"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(elsewhere.path().join("config.yaml")).unwrap(), text);
}

#[test]
fn a_read_only_file_is_named_and_the_others_are_fixed() {
    let repository =
        Repository::with_config(scan("source scripts/scan").replace("'1'", "1")).file("scripts/scan", "trigger-task owasp-zap\n");
    let path = repository.path().join("scripts/scan");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let ran = repository.check(&["--fix"]);
    assert_eq!(ran.stderr, "error: `scripts/scan` cannot be written: it is read-only\nFixed 1 finding in 1 file\n");
    assert!(ran.stdout.contains("error[unexported-variable]"), "what remains is reported: {}", ran.stdout);
    assert_eq!(ran.code, Some(2));
    assert!(fs::read_to_string(repository.path().join(CONFIG)).unwrap().starts_with("version: '1'\n"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "trigger-task owasp-zap\n");
    // Now nothing else is left to fix, which does not mean that nothing could be.
    let again = repository.check(&["--fix"]);
    assert_eq!((again.stderr.as_str(), again.code), ("error: `scripts/scan` cannot be written: it is read-only\n", Some(2)));
}

#[test]
fn names_that_surely_mean_another_are_corrected_in_their_quotes() {
    fixes(
        "\
version: '1'
deploy:
  imagePullPolicy: Always   # why not
  \"run_after\": code-biuld
  script: trigger-task owasp-zpa && trigger-task 'owasp-zpa'
code-build:
  script: |
    trigger-task \"owasp-zpa\"
owasp-zap:
  script: zap
code-review:
  runAfter: 'code-biuld'
",
        "\
version: '1'
deploy:
  image_pull_policy: Always   # why not
  \"runAfter\": code-build
  script: trigger-task owasp-zap && trigger-task 'owasp-zap'
code-build:
  script: |
    trigger-task \"owasp-zap\"
owasp-zap:
  script: zap
code-review:
  runAfter: 'code-build'
",
    );
}

#[test]
fn names_that_may_mean_several_or_stand_elsewhere_are_left() {
    let config =
        |script: &str| format!("version: '1'\ndeploy:\n  script: |\n    {script}\nscan-a:\n  script: scan\nscan-b:\n  script: scan\n");
    for script in
        ["trigger-task scan-c", "stage=scan-aa; trigger-task \"$stage\"", "trigger-task \"scan\"-aa", "trigger-task nothing-like-it"]
    {
        let ran = leaves(&config(script));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), "note: nothing can be fixed by itself\n"), "{script}");
    }
}

#[test]
fn a_version_is_quoted() {
    let config = |version: &str| format!("version: {version} # of the format\ndeploy:\n  script: ./deploy\n");
    fixes(&config("1"), &config("'1'"));
    fixes("{version: 1, deploy: {image: x}}\n", "{version: '1', deploy: {image: x}}\n");
    fixes(
        "version: 2\ntasks:\n  a:\n    steps:\n      - name: b\n        image: c",
        "version: '2'\ntasks:\n  a:\n    steps:\n      - name: b\n        image: c",
    );
}

#[test]
fn what_one_fix_brings_to_light_the_next_one_puts_right() {
    fixes(&scan("trigger-task owasp-zpa"), &scan("export_env \"app-url\"\ntrigger-task owasp-zap"));
}

#[test]
fn an_export_that_comes_late_is_only_brought_forward_when_it_is_asked_for() {
    let before = scan("trigger-task owasp-zap\nexport_env app-url");
    assert_eq!(leaves(&before).code, Some(1));
    let after = scan("export_env \"app-url\"\ntrigger-task owasp-zap\nexport_env app-url");
    let ran = fixes_with(&["--unsafe-fixes"], &[(CONFIG, &before, &after)]);
    assert_eq!(ran.transcript(), "Fixed 1 finding in 1 file\nexit: 0\n");
    let set_late = scan("trigger-task owasp-zap\nset_env app-url x\nexport_env app-url")
        .replace("    set_env app-url https://web.example.com\n", "    true\n");
    let ran = fixes_with(&["--unsafe-fixes"], &[(CONFIG, &set_late, &set_late)]);
    assert!(ran.stdout.contains("[late-export]"), "{}", ran.transcript());
    let full = Repository::with_config(&set_late).run(&["check"]).stdout;
    assert!(full.contains("help: set and export `app-url` before the trigger, or trigger `owasp-zap` after the export"), "{full}");
}

#[test]
fn a_fix_that_would_bring_another_error_is_left_out_with_the_reason() {
    let text = |version, key| format!("version: {version}\ndeploy:\n  {key}: stopAndFail\n  script: ./deploy\n");
    let ran = fixes(&text("1", "abort_on_failur"), &text("'1'", "abort_on_failur"));
    assert_eq!(ran.code, Some(0));
    assert!(ran.stderr.starts_with("note: not fixed: .pipeline-config.yaml:3:3: [unknown-key] "), "{}", ran.stderr);
    assert!(ran.stderr.contains("there would be another error instead: [invalid-config] "), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("Fixed 1 finding in 1 file\n"), "{}", ran.stderr);
    let twice = "version: '1'\ndeploy:\n  script: ./deploy\n  scrpt: ./again\n";
    assert!(leaves(twice).stderr.contains("[duplicate-key]"));
}

#[test]
fn what_is_understood_by_halves_is_left() {
    let broken = scan("trigger-task owasp-zap") + "x: [\n";
    assert_eq!(leaves(&broken).code, Some(1));
}

#[test]
fn what_is_allowed_is_not_fixed() {
    let text = scan("trigger-task owasp-zap");
    fixes_with(&["--allow", "unexported-variable"], &[(CONFIG, &text, &text)]);
}

#[test]
fn configurations_may_share_scripts() {
    let one = scan("source scripts/scan");
    let other = one.replace("app-url", "url");
    fixes_with(
        &[],
        &[
            ("a/.pipeline-config.yaml", &one, &one),
            ("b/.pipeline-config.yaml", &other, &other),
            ("scripts/scan", "trigger-task owasp-zap\n", "export_env \"app-url\"\nexport_env \"url\"\ntrigger-task owasp-zap\n"),
        ],
    );
}

#[test]
fn standard_input_can_be_shown_fixed_but_not_written() {
    let repository = Repository::new();
    let run = |option: &str| Sidestage::new(repository.path()).stdin(&scan("trigger-task owasp-zap")).run(&["check", option, "-"]);
    let ran = run("--fix");
    assert_eq!(ran.transcript(), "error: standard input cannot be fixed\nhelp: name the file, or use `--diff`\nexit: 2\n");
    let ran = run("--diff");
    assert_eq!(
        ran.transcript(),
        "\
--- a/.pipeline-config.yaml
+++ b/.pipeline-config.yaml
@@ -4,6 +4,7 @@
     set_env app-url https://web.example.com
 dynamic-scan:
   script: |
+    export_env \"app-url\"
     trigger-task owasp-zap
 owasp-zap:
   script: |
Would fix 1 finding in 1 file
exit: 1
"
    );
}

#[test]
fn options_that_say_nothing_together_are_refused() {
    let repository = Repository::with_config(scan("true"));
    for arguments in [&["--fix", "--diff"][..], &["--unsafe-fixes"]] {
        assert_eq!(repository.check(arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn the_summary_says_what_can_be_fixed() {
    let said = |text: &str, arguments: &[&str]| {
        let ran = Repository::with_config(text).run(&[&["check"], arguments].concat());
        // The last line says how much is proven.
        ran.stdout.lines().rev().find(|line| !line.contains("cross")).unwrap().to_owned()
    };
    assert_eq!(said(&scan("trigger-task owasp-zap").replace("'1'", "1"), &[]), "2 can be fixed with `--fix`.");
    let late = scan("trigger-task owasp-zap\nexport_env app-url");
    assert_eq!(said(&late, &[]), "1 can be fixed with `--fix --unsafe-fixes`: review the change.");
    assert_eq!(said(&late.replace("'1'", "1"), &[]), "1 can be fixed with `--fix`, 1 more with `--unsafe-fixes`.");
    assert_eq!(said(&scan("true"), &["--allow", "unreachable-stage"]), "No findings in 1 configuration and 3 scripts.");
}

#[test]
fn no_fixture_has_more_errors_when_it_is_fixed() {
    for fixture in fs::read_dir(crate::harness::repository::project().join("fixtures")).unwrap().map(|entry| entry.unwrap().path()) {
        let copied = crate::harness::repository::copied(&fixture);
        let run = |arguments: &[&str]| Sidestage::new(copied.path()).run(&[&["check", ".", "--format", "json"], arguments].concat());
        let before = run(&[]).json();
        let diff = run(&["--diff", "--unsafe-fixes"]);
        let ran = run(&["--fix", "--unsafe-fixes"]);
        let after = ran.json();
        let errors = |report: &serde_json::Value| report["summary"]["errors"].as_u64().unwrap();
        assert!(errors(&after) <= errors(&before), "{}: {}", fixture.display(), ran.stderr);
        let says = |ran: &Ran| ran.stderr.lines().last().unwrap().split(' ').rev().take(5).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(says(&diff), says(&ran), "{}", fixture.display());
    }
}

/// A statement, as text with lines of its own.
fn statement() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec!["a", "b", "c"]);
    let stage = prop::sample::select(vec!["one", "two-scan", "tow-scan", "three-scan", "nothing"]);
    let simple = prop_oneof![
        key.clone().prop_map(|key| format!("set_env {key} \"$(date)\"")),
        key.clone().prop_map(|key| format!("export_env {key}")),
        key.clone().prop_map(|key| format!("cat \"$(get_env {key})\"")),
        key.prop_map(|key| format!("cat \"$(get_env {key} '')\"")),
        stage.clone().prop_map(|stage| format!("trigger-task {stage}")),
        stage.prop_map(|stage| format!("stage=\"{stage}\"; trigger-task \"$stage\"")),
        Just("# nothing &&".to_owned()),
        Just("source scripts/shared".to_owned()),
    ];
    let command = simple.clone().prop_filter("a comment ends a line", |text| !text.starts_with('#'));
    let indented = |text: &str| text.lines().map(|line| format!("\t{line}\n")).collect::<String>();
    prop_oneof![
        4 => simple,
        1 => (command.clone(), command.clone()).prop_map(|(left, right)| format!("{left} && {right}")),
        1 => (command.clone(), command.clone()).prop_map(|(left, right)| format!("{left} ||\n  {right}")),
        1 => (command.clone(), command.clone()).prop_map(|(left, right)| format!("{left}; {right}")),
        1 => command.clone().prop_map(|inner| format!("for x in 1 2; do {inner}; done")),
        1 => command.clone().prop_map(move |inner| format!("if is_web; then\n{}fi", indented(&inner))),
        1 => command.clone().prop_map(move |inner| format!("run() {{\n{}}}\nrun", indented(&inner))),
        1 => command.prop_map(|inner| format!("true \\\n  && {inner}")),
    ]
}

fn script() -> impl Strategy<Value = String> {
    prop::collection::vec(statement(), 1..5).prop_map(|statements| statements.join("\n") + "\n")
}

fn count(compilation: &Compilation, severity: Severity) -> usize {
    compilation.findings.iter().filter(|finding| finding.severity == severity).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fix_never_adds_an_error(
        scripts in prop::collection::vec((prop::sample::select(vec!["|", "|-", ">", "|+"]), script()), 5),
        shared in script(),
        is_crlf in any::<bool>(),
    ) {
        let mut text = "version: 1\n".to_owned();
        for (name, (style, script)) in ["deploy", "dynamic-scan", "one", "two-scan", "three-scan"].iter().zip(&scripts) {
            let lines: String = script.lines().map(|line| format!("    {line}\n")).collect();
            text.push_str(&format!("{name}: # a stage\n  script: {style}\n{lines}"));
        }
        let ends = |text: String| if is_crlf { text.replace('\n', "\r\n") } else { text };
        let text = ends(text);
        let files = MemoryFiles::new([("scripts/shared", ends(shared.replace("source scripts/shared", "true")))]);
        let options = Options::default();
        let before = compile(CONFIG, text.as_bytes(), &files, &options);
        let fixed = fix::fix(&before, &<[_]>::to_vec, &files, &options);
        let overlay = fix::Overlay::new(&files, &fixed.texts);
        let fresh = fixed.texts.get(CONFIG).unwrap_or(&text);
        let after = compile(CONFIG, fresh.as_bytes(), &overlay, &options);
        prop_assert!(after.document.errors().is_empty());
        prop_assert!(count(&after, Severity::Error) <= count(&before, Severity::Error));
        let syntax = |compilation: &Compilation| compilation.flow.syntax_errors.iter().map(|(_, errors)| errors.len()).sum::<usize>();
        prop_assert!(syntax(&after) <= syntax(&before));
        prop_assert!(fixed.texts.is_empty() == fixed.findings.is_empty());
        // Nothing that stood there has gone, but for the names and the version.
        let kept = |text: &str| text.lines().filter(|line| !line.contains("trigger-task") && !line.contains("stage=")
            && !line.contains("version") && !line.contains("export_env")).map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(kept(fresh), kept(&text));
        let again = fix::fix(&after, &<[_]>::to_vec, &overlay, &options);
        prop_assert!(again.texts.is_empty(), "{:?}", again.texts);
    }
}
