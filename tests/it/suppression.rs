//! Comments that hide findings, beyond what `fixtures/ignore-*` show: levels, pipelines, several configurations.

use crate::harness::repository::Repository;

const NAME: &str = "unused-ignore";

/// A configuration whose one stage runs these lines.
fn scan(lines: &str) -> String {
    format!(
        "version: '1'\ndynamic-scan:\n  script: |\n    {}\nowasp-zap:\n  runAfter: dynamic-scan\n  script: make\n",
        lines.replace('\n', "\n    ")
    )
}

fn found(config: &str, arguments: &[&str]) -> Vec<String> {
    lines(&Repository::with_config(config), arguments)
}

/// Line and rule of each finding.
fn lines(repository: &Repository, arguments: &[&str]) -> Vec<String> {
    let stdout = repository.check(arguments).stdout;
    let short = stdout.lines().map(|line| {
        let (place, message) = line.split_once(": ").unwrap();
        let (path, rest) = place.split_once(':').unwrap();
        let rule = message.split(['[', ']']).nth(1).unwrap();
        format!("{path}:{} {rule}", rest.split(':').next().unwrap())
    });
    short.collect()
}

#[test]
fn a_rule_that_is_turned_off_does_not_make_its_ignores_unused() {
    let used = scan("trigger-task zpa # sidestage: ignore[missing-stage]");
    assert!(found(&used, &[]).is_empty());
    assert!(found(&used, &["--allow", "missing-stage"]).is_empty());
    let unused = scan("trigger-task owasp-zap # sidestage: ignore[missing-stage]");
    let expected = [format!(".pipeline-config.yaml:4 {NAME}")];
    assert_eq!(found(&unused, &["--allow", "missing-stage"]), expected);
    assert!(found(&unused, &["--allow", NAME]).is_empty());
    assert_eq!(Repository::with_config(&unused).check(&["--deny", "warnings"]).code, Some(1));
}

#[test]
fn a_comment_at_a_command_covers_all_its_lines() {
    let ignore = "# sidestage: ignore[missing-stage]";
    let commands = [
        "echo \\\n  a \\\n  \"$(trigger-task zpa)\" \\\n  b",
        "cat <<END\na\n$(trigger-task zpa)\nEND",
        "echo \"a\n$(trigger-task zpa)\nb\"",
        "echo a |\n  cat |\n  trigger-task zpa",
        "echo a &&\n  trigger-task zpa ||\n  echo b",
        "stages=(\n  a\n  \"$(trigger-task zpa)\"\n)",
        "for x in a \\\n  \"$(trigger-task zpa)\"; do\n  echo\ndone",
        "if echo a &&\n  trigger-task zpa; then\n  echo\nfi",
    ];
    for command in commands {
        let config = scan(&format!("{ignore}\n{command}"));
        assert!(found(&config, &["--allow", "unreachable-stage"]).is_empty(), "{config}{:?}", found(&config, &[]));
        let script = Repository::with_config(scan("source scripts/x")).file("scripts/x", format!("{ignore}\n{command}\n"));
        assert!(lines(&script, &["--allow", "unreachable-stage"]).is_empty(), "{command}");
    }
    for line in [1, 4] {
        let mut command: Vec<String> = "cat \\\n a \\\n \"$(trigger-task zpa)\" \\\n b".lines().map(str::to_owned).collect();
        if line == 4 {
            command[3] += &format!(" {ignore}");
        } else {
            command[0] = format!("cat <<END {ignore}\n$(trigger-task zpa)\nEND");
            command.truncate(1);
        }
        let config = scan(&command.join("\n"));
        assert!(found(&config, &["--allow", "unreachable-stage"]).is_empty(), "{config}");
    }
}

#[test]
fn a_comment_at_a_command_covers_no_other_one() {
    let ignore = "# sidestage: ignore[missing-stage]";
    for script in [
        "IGNORE\nif true; then\n  trigger-task zpa\nfi",
        "IGNORE\nrun() {\n  trigger-task zpa\n}\nrun",
        "IGNORE\necho a \\\n  b\ntrigger-task zpa",
        "IGNORE\necho a | {\n  trigger-task zpa\n}",
        "list=(\n  a IGNORE\n  \"$(trigger-task zpa)\"\n)",
    ] {
        let found = found(&scan(&script.replace("IGNORE", ignore)), &["--allow", "unreachable-stage"]);
        let rules: Vec<&str> = found.iter().filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(rules, [NAME, "missing-stage"], "{script}");
    }
}

#[test]
fn nothing_is_unused_where_not_everything_was_looked_at() {
    let unused = scan("trigger-task owasp-zap # sidestage: ignore[missing-stage]\necho # sidestage: ignore[mising-stage]");
    let misspelt = [format!(".pipeline-config.yaml:5 {NAME}")];
    assert_eq!(found(&unused, &[]).len(), 2);
    assert_eq!(found(&unused, &["--pipeline", "cc"]), misspelt, "the name is wrong in every pipeline");
    let broken = scan("trigger-task owasp-zap # sidestage: ignore[missing-stage]\nif true; then");
    assert_eq!(found(&broken, &[]), [".pipeline-config.yaml:5 invalid-shell"]);
    let yaml = scan("trigger-task owasp-zap # sidestage: ignore[missing-stage]") + "a: [\n";
    assert_eq!(found(&yaml, &[]).len(), 1, "only the error: {:?}", found(&yaml, &[]));
}

#[test]
fn what_cannot_be_parsed_can_be_ignored() {
    let shell = scan("# sidestage: ignore[invalid-shell] a dialect\n)");
    assert!(found(&shell, &[]).is_empty(), "{:?}", found(&shell, &[]));
    let yaml = "version: '1'\ndeploy:\n  script: make\n# sidestage: ignore[invalid-yaml] a template\n}\n";
    assert!(found(yaml, &[]).is_empty(), "{:?}", found(yaml, &[]));
}

#[test]
fn an_ignore_in_a_shared_script_is_unused_only_where_no_configuration_needs_it() {
    let script = "trigger-task load-test # sidestage: ignore[missing-stage]\ntrigger-task owasp-zap # sidestage: ignore[missing-stage]\n";
    let zap = scan("source scripts/scan");
    let repository = Repository::new()
        .file(
            "a/.pipeline-config.yaml",
            zap.replace("owasp-zap", "load-test").replace("  script: make", "  script: make\nowasp-zap:\n  script: make"),
        )
        .file("b/.pipeline-config.yaml", &zap)
        .file("c/.pipeline-config.yaml", &zap)
        .file("scripts/scan", script)
        .file(".git/HEAD", "ref: refs/heads/main\n");
    assert_eq!(lines(&repository, &["a"]).len(), 2, "alone, it needs none of the two");
    assert_eq!(lines(&repository, &["a", "b"]), [format!("scripts/scan:2 {NAME}")], "both need none of the second");
    assert_eq!(lines(&repository, &[]), [format!("scripts/scan:2 {NAME}")]);
    let repository = repository.file("c/.pipeline-config.yaml", zap + "if: [\n");
    assert!(!lines(&repository, &[]).contains(&format!("scripts/scan:2 {NAME}")), "one of them cannot be read");
}

#[test]
fn build_writes_where_errors_are_ignored() {
    let config = scan("trigger-task owasp-zap\ntrigger-task zpa # sidestage: ignore[missing-stage]");
    let repository = Repository::with_config(&config);
    assert_eq!(repository.run(&["build", "--out", "out"]).code, Some(0));
    let repository = repository.file(".pipeline-config.yaml", config.replace("ignore[missing-stage]", "ignore[late-export]"));
    let ran = repository.run(&["build", "--out", "out"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(NAME), "{}", ran.transcript());
}
