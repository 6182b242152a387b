//! Input that breaks programs: each gets a finding at its place, or is named as unreadable, and what stands beside it
//! is checked all the same. A run that hangs fails (see `common`).

use crate::harness::repository::{Ran, Repository, enlarge};

const BAD: &str = ".pipeline-config.yaml";

/// A second configuration with one mistake, and what is said of it.
const OTHER: &str = "other.pipeline-config.yaml";
const OTHER_TEXT: &str = "version: '1'\ndynamic-scan:\n  script: trigger-task owasp-zpa\nowasp-zap:\n  script: zap-full-scan.py\n";
const OTHER_FINDING: &str =
    "other.pipeline-config.yaml:3:24: error[missing-stage] the configuration has no stage `owasp-zpa`: this trigger fails\n";

/// Checks a bad configuration and the other one; gives what is said of the bad one.
fn check(bad: impl AsRef<[u8]>) -> String {
    let ran = Repository::with_config(bad).file(OTHER, OTHER_TEXT).check(&[BAD, OTHER]);
    assert_eq!(ran.code, Some(1), "{}", ran.transcript());
    assert_eq!(ran.stderr, "");
    let about_bad = ran.stdout.strip_suffix(OTHER_FINDING);
    about_bad.unwrap_or_else(|| panic!("the other configuration was not checked:\n{}", ran.stdout)).to_owned()
}

/// Asserts that exactly these findings, `line:column: severity[rule] title: label`, are reported.
fn assert_findings(bad: impl AsRef<[u8]>, expected: &[&str]) {
    let expected: String = expected.iter().map(|finding| format!("{BAD}:{finding}\n")).collect();
    assert_eq!(check(bad), expected);
}

#[test]
fn an_empty_file_is_no_configuration() {
    let expected = ["1:1: error[invalid-config] the configuration is empty: a configuration has a `version` and stages"];
    assert_findings("", &expected);
    assert_findings("\n\n", &expected);
    assert_findings("# to be written\n", &expected);
}

#[test]
fn a_binary_file_is_named_at_its_first_nul_byte() {
    let image = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    assert_findings(image, &["3:1: error[invalid-yaml] the file is binary: a NUL byte is here"]);
    assert_findings("version: '1'\nset\0up:\n", &["2:4: error[invalid-yaml] the file is binary: a NUL byte is here"]);
}

#[test]
fn utf_16_is_named_as_what_it_is() {
    let text: Vec<u8> = "\u{feff}version: '1'\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_findings(text, &["1:1: error[invalid-yaml] the file is UTF-16: the platform reads only UTF-8"]);
}

#[test]
fn a_tab_in_the_indentation_is_marked_itself() {
    let said = check("version: '1'\ndeploy:\n\tscript: make deploy\n");
    assert!(said.starts_with(".pipeline-config.yaml:3:1: error[invalid-yaml] "), "{said}");
    assert_eq!(said.lines().count(), 1, "one mistake, one finding: {said}");
    assert_eq!(check("version: '1'\ndeploy:\n  script: make\tdeploy\n"), "", "a tab inside a text is none");
}

#[test]
fn after_a_yaml_error_nothing_is_reported_that_the_unread_rest_could_explain() {
    let scan = "version: '1'\ndynamic-scan:\n  script: |\n    set_env app-url x\n    export_env other\n    trigger-task owasp-zap\n";
    let zap = "owasp-zap:\n  script: |\n    get_env app-url\n";
    let broken = [
        "<<<<<<< HEAD\ndeploy:\n  script: a\n=======\ndeploy:\n  script: b\n>>>>>>> x\n",
        "deploy:\n\tscript: x\n",
        "deploy:\n  script: \"echo\n",
        "deploy:\n  script: |\n    cat <<END\nhello\nEND\n    echo\n",
        "deploy:\n  script: |\n    if true; then\n    cat <<END\nhello\nEND\n    fi\n",
        "deploy:\n  runAfter: [nothing]\n  script: x\n  image: *none\n",
        "deploy:\n  script: [a, b\n",
    ];
    for broken in broken {
        let said = check(format!("{scan}{broken}{zap}"));
        let others: Vec<&str> = said.lines().filter(|line| !line.contains("error[invalid-yaml]")).collect();
        assert!(others.is_empty() && !said.is_empty(), "{broken}: {said}");
    }
}

#[test]
fn what_is_certain_before_a_yaml_error_is_reported() {
    let text = "version: '1'\nsetup:\n  script: |\n    if true; then\nsetup:\n  script: |\n    if true; then\n{\n";
    let said = check(text);
    let rules: Vec<&str> = said.lines().filter_map(|line| line.split(['[', ']']).nth(1)).collect();
    // The second script may go on after the error.
    assert_eq!(rules, ["invalid-shell", "duplicate-key", "invalid-yaml"], "{said}");
}

#[test]
fn an_unterminated_quote_is_one_mistake() {
    for quote in ["'", "\""] {
        let said = check(format!("version: '1'\ndeploy:\n  script: {quote}make deploy\n"));
        assert!(said.starts_with(".pipeline-config.yaml:3:11: error[invalid-yaml] "), "at the quote that opens: {said}");
        assert_eq!(said.lines().count(), 1, "one mistake, one finding: {said}");
    }
}

#[test]
fn a_byte_order_mark_and_crlf_move_no_position() {
    let text = "version: '1'\ndeploy:\n  abort_on_failure: never\n  script: |\n    trigger-task 'nowhere-at-all'\n";
    let expected = [
        "3:21: error[invalid-config] invalid value of `deploy.abort_on_failure`: expected `true` or `false`, found the string `never`",
        "5:19: error[missing-stage] the configuration has no stage `nowhere-at-all`: this trigger fails",
    ];
    let crlf = text.replace('\n', "\r\n");
    for text in [text.to_owned(), crlf.clone(), format!("\u{feff}{text}"), format!("\u{feff}{crlf}")] {
        assert_findings(text, &expected);
    }
}

#[test]
fn a_latin_1_byte_is_named_at_its_place() {
    let text = b"version: '1'\ndeploy:\n  script: echo Gr\xfc\xdfe\n";
    assert_findings(text, &["3:18: error[invalid-yaml] invalid UTF-8: unexpected byte 0xfc"]);
    assert_eq!(check("version: '1'\ndeploy:\n  script: echo Grüße\n"), "", "the same in UTF-8");
}

#[test]
fn a_repeated_key_is_marked_where_it_stands_again() {
    let message = "error[duplicate-key] duplicate key `deploy`: the platform uses the last one";
    let text = "version: '1'\ndeploy:\n  script: make blue\ndeploy:\n  script: make green\n";
    assert_findings(text, &[&format!("4:1: {message}")]);
}

#[test]
fn an_alias_inside_its_own_value_is_one_mistake() {
    let message = "error[invalid-yaml] recursive alias: it is inside the value that it names, which would never end";
    let text = "version: '1'\ndeploy: &deploy\n  script: make\n  image: *deploy\n";
    assert_findings(text, &[&format!("4:10: {message}")]);
    let text = "version: '1'\ndeploy: &deploy\n  <<: *deploy\n  script: make\n";
    assert_findings(text, &[&format!("3:7: {message}")]);
}

#[test]
fn aliases_of_aliases_of_aliases_are_not_unfolded() {
    let message = "error[invalid-yaml] aliases expand to more than 1000000 values: this value contains them";
    let lists = bomb(|index, items| format!("x-{index}: &a{index} [{}]\n", items.join(", ")));
    assert_findings(lists, &[&format!("8:10: {message}")]);
    let mappings = bomb(|index, items| {
        let entries: Vec<String> = items.iter().enumerate().map(|(key, item)| format!("k{key}: {item}")).collect();
        format!("x-{index}: &a{index} {{{}}}\n", entries.join(", "))
    });
    assert_findings(mappings, &[&format!("8:10: {message}")]);
}

/// Nine levels of nine aliases each.
fn bomb(level: impl Fn(usize, &[String]) -> String) -> String {
    let first = level(0, &["x".to_owned()]);
    let more = (1..10).map(|index| level(index, &vec![format!("*a{}", index - 1); 9]));
    format!("version: '1'\n{first}{}deploy:\n  script: make\n", more.collect::<String>())
}

#[test]
fn a_list_nested_20_000_deep_is_refused_where_it_gets_too_deep() {
    for close in ["]", ""] {
        let said = check(format!("version: '1'\ndeploy:\n  script: {}{}\n", "[".repeat(20_000), close.repeat(20_000)));
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("error[invalid-yaml]")).collect();
        let [line] = lines.as_slice() else { panic!("one finding about the depth: {said}") };
        assert!(line.starts_with(".pipeline-config.yaml:3:"), "{line}");
    }
}

#[test]
fn scripts_nested_deeply_do_not_bring_the_program_down() {
    for (open, close) in [("(", ")"), ("$(", ")"), ("if true; then ", " fi;"), ("{ ", "; }"), ("\"${a:-", "}\"")] {
        let script = format!("{}true{}", open.repeat(20_000), close.repeat(20_000));
        let ran = Repository::with_config("version: '1'\ndeploy:\n  script: |\n    source scripts/deep\n")
            .file("scripts/deep", script)
            .file(OTHER, OTHER_TEXT)
            .check(&[BAD, OTHER]);
        assert_eq!(ran.code, Some(1), "{open}: {}", ran.stderr);
        assert!(ran.stdout.contains(OTHER_FINDING), "{open}: {}", ran.stdout);
    }
}

#[test]
fn calls_that_stand_deeply_in_each_other_do_not_bring_the_threads_of_a_large_configuration_down() {
    let bodies = ["if a; then while b; do (x=\"$(F)\"); done; fi", "{ { { { F; }; }; }; }", "y=\"${z:-$(F | cat)}\"", "eval \"F\""];
    let stages = bodies.iter().enumerate().map(|(index, body)| {
        let functions = (0..199).map(|number| format!("    f{number}() {{ {}; }}\n", body.replace('F', &format!("f{}", number + 1))));
        format!("s{index}:\n  script: |\n{}    f199() {{ true; }}\n    f0\n", functions.collect::<String>())
    });
    let repository = Repository::with_config(format!("version: '1'\n{}", stages.collect::<String>()));
    let small = repository.check(&[]);
    assert_eq!(small.code, Some(0), "{}", small.stderr);
    enlarge(&repository.path().join(".pipeline-config.yaml"));
    assert_eq!(small, repository.check(&[]));
}

#[test]
fn several_documents_are_refused_in_words() {
    let text = "version: '1'\ndeploy:\n  script: make\n---\nversion: '1'\n";
    assert_findings(text, &["4:1: error[invalid-yaml] several YAML documents in one file: only the first document is read"]);
    assert_eq!(check("---\nversion: '1'\ndeploy:\n  script: make\n...\n"), "", "one document with its marks");
}

#[test]
fn a_configuration_of_20_mb_is_checked_to_its_end() {
    let mut text = String::from("version: '1'\n");
    let mut number = 0;
    while text.len() < 20_000_000 {
        let comment = "x".repeat(200);
        text.push_str(&format!(
            "stage-{number}:\n  runAfter: dynamic-scan\n  script: |\n    #!/usr/bin/env bash\n    set_env key-{number} \"$(get_env key)\"\n    # {comment}\n"
        ));
        number += 1;
    }
    let line = text.lines().count() + 2;
    text.push_str("dynamic-scan:\n  script: trigger-task nowhere-at-all\n");
    let message = "error[missing-stage] the configuration has no stage `nowhere-at-all`: this trigger fails";
    assert_findings(text, &[&format!("{line}:24: {message}")]);
}

#[test]
fn a_script_of_1_mb_is_checked_to_its_end() {
    let line = "echo \"$(get_env app-url)\" | grep --quiet web && set_env found \"1\"\n";
    let script = format!("{}trigger-task nowhere-at-all\n", line.repeat(1_000_000 / line.len() + 1));
    let last = script.lines().count();
    let ran =
        Repository::with_config("version: '1'\ndeploy:\n  script: |\n    source scripts/long\n").file("scripts/long", script).check(&[]);
    let message = "error[missing-stage] the configuration has no stage `nowhere-at-all`: this trigger fails";
    assert_eq!(ran.transcript(), format!("scripts/long:{last}:14: {message}\nexit: 1\n"));
}

#[test]
fn a_folder_without_configurations_says_what_was_looked_at() {
    let ran = Repository::new().file("compose.yaml", "services:\n  web:\n    image: nginx\n").file("README.md", "# web\n").check(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.starts_with("error: no pipeline configuration in `.`: 1 YAML file(s) were looked at"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_read_is_named_and_the_others_are_checked() {
    let repository = Repository::new().file(OTHER, OTHER_TEXT).file("folder.yaml/inner.txt", "");
    let missing = repository.check(&["missing.yaml", OTHER]);
    assert_unreadable(&missing, "missing.yaml");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", repository.path().join("dangling.yaml")).unwrap();
        assert_unreadable(&repository.check(&["dangling.yaml", OTHER]), "dangling.yaml");
        std::os::unix::fs::symlink("loop.yaml", repository.path().join("loop.yaml")).unwrap();
        assert_unreadable(&repository.check(&["loop.yaml", OTHER]), "loop.yaml");
    }
    let folder = repository.check(&["folder.yaml", OTHER]);
    assert_eq!(folder.stdout, OTHER_FINDING, "a folder is searched, whatever its name: {}", folder.transcript());
}

fn assert_unreadable(ran: &Ran, path: &str) {
    assert_eq!(ran.code, Some(2), "{}", ran.transcript());
    assert!(ran.stderr.starts_with(&format!("error: `{path}` cannot be read: ")), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert_eq!(ran.stdout, OTHER_FINDING);
}

#[cfg(unix)]
#[test]
#[allow(clippy::print_stderr)] // whoever runs the tests should know what was left out
fn a_file_without_permission_is_named_and_the_others_are_checked() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    let repository = Repository::with_config("version: '1'\n").file(OTHER, OTHER_TEXT);
    let path = repository.path().join(BAD);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        eprintln!("skipped: this user reads files without permission (root does), so permissions cannot be tested");
        return;
    }
    assert_unreadable(&repository.check(&[BAD, OTHER]), BAD);
    assert_eq!(repository.check(&["."]).code, Some(2));
}

/// What a script outside the repository says; if it were read, `owasp-zap` would be known to be triggered without it.
const OUTSIDE: &str = "set_env app-url \"https://canary.example.com\"\ntrigger-task canary\nif\n";

#[test]
fn no_path_leads_out_of_the_repository() {
    let outer = Repository::new().file("outside.sh", OUTSIDE).file("repository/scripts/inside", "set_env app-port 1\n");
    let inner = outer.path().join("repository");
    let absolute = outer.path().join("outside.sh").display().to_string();
    let paths = ["../outside.sh", "../../../../../../../../etc/passwd", "scripts/../../outside.sh", &absolute, "~/outside.sh"];
    for path in paths {
        std::fs::write(inner.join(BAD), parent(path)).unwrap();
        let ran = crate::harness::repository::Sidestage::new(&inner).run(&["check", "--format", "concise"]);
        assert_never_read(&ran);
    }
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_the_repository() {
    use std::os::unix::fs::symlink;

    let outer = Repository::new().file("outside.sh", OUTSIDE).file("repository/scripts/inside", "set_env app-port 1\n");
    let inner = outer.path().join("repository");
    symlink("../../outside.sh", inner.join("scripts/link")).unwrap();
    symlink(outer.path(), inner.join("above")).unwrap();
    for path in ["scripts/link", "above/outside.sh", "above/repository/../outside.sh"] {
        std::fs::write(inner.join(BAD), parent(path)).unwrap();
        let ran = crate::harness::repository::Sidestage::new(&inner).run(&["check", "--format", "concise"]);
        assert_never_read(&ran);
    }
    // A link that stays inside is followed.
    symlink("inside", inner.join("scripts/same")).unwrap();
    std::fs::write(inner.join(BAD), parent("scripts/same").replace("app-url", "app-port")).unwrap();
    let ran = crate::harness::repository::Sidestage::new(&inner).run(&["check", "--format", "concise"]);
    assert!(
        ran.stdout.contains("error[unexported-variable] `app-port` is not exported to async stage `owasp-zap`"),
        "{}",
        ran.transcript()
    );
}

/// A configuration that sources a path, then triggers a stage that reads what the script there sets.
fn parent(path: &str) -> String {
    format!(
        "version: '1'\ndeploy:\n  script: |\n    source {path}\ndynamic-scan:\n  script: |\n    trigger-task owasp-zap\n\
         owasp-zap:\n  script: |\n    zap-full-scan.py -t \"$(get_env app-url)\"\n"
    )
}

fn assert_never_read(ran: &Ran) {
    for sign in ["canary", "unexported-variable", "invalid-shell", "outside.sh:", "missing-stage"] {
        assert!(!ran.stdout.contains(sign), "the file outside was read: {}", ran.transcript());
    }
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
}

#[test]
fn scripts_that_source_each_other_come_to_an_end() {
    let ran = Repository::with_config(parent("scripts/first"))
        .file("scripts/first", "source scripts/second\nsource scripts/second\nset_env app-url 1\n")
        .file("scripts/second", "source scripts/first\nbash scripts/third\nsource scripts/first\n")
        .file("scripts/third", "./scripts/third & ./scripts/first | ./scripts/second\nbash scripts/third\n")
        .check(&[]);
    let message =
        "error[unexported-variable] `app-url` is not exported to async stage `owasp-zap`: fails here, the async run has no `app-url`";
    assert_eq!(ran.transcript(), format!("{BAD}:10:36: {message}\nexit: 1\n"));
}

#[test]
fn functions_that_call_each_other_come_to_an_end() {
    let script = "ping() { pong; pong; set_env app-url 1; }\npong() { ping; ping; }\nping\npong\n";
    let ran = Repository::with_config(parent("scripts/play")).file("scripts/play", script).check(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.transcript());
}

#[test]
fn loops_within_loops_are_not_unrolled_without_end() {
    let names = (0..40).map(|number| format!("n{number}")).collect::<Vec<_>>().join(" ");
    let run = |depth: usize| {
        let open: String = (0..depth).map(|level| format!("for v{level} in {names}; do\n")).collect();
        let script = format!("{open}set_env app-url \"$v0\"\n{}", "done\n".repeat(depth));
        Repository::with_config(parent("scripts/loops")).file("scripts/loops", script).check(&[])
    };
    let shallow = run(2);
    assert!(shallow.stdout.contains("error[unexported-variable]"), "{}", shallow.transcript());
    // So deep it may be given up, and the program says nothing that it does not know.
    let deep = run(8);
    assert!(matches!(deep.code, Some(0 | 1)), "{}", deep.transcript());
}

#[test]
fn ten_thousand_triggers_of_nothing_are_each_reported() {
    let stages: String = (0..10_000).map(|number| format!("stage-{number}:\n  script: trigger-task nowhere-at-all\n")).collect();
    let ran = Repository::with_config(format!("version: '1'\n{stages}")).check(&["--allow", "unreachable-stage"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(1), 10_000), "{}", ran.stderr);
}

#[test]
fn sources_that_double_at_each_level_come_to_an_end() {
    let mut repository = Repository::with_config(parent("scripts/0"));
    for level in 0..40 {
        let text = format!("source scripts/{next}\nsource scripts/{next}\n", next = level + 1);
        repository = repository.file(&format!("scripts/{level}"), text);
    }
    let ran = repository.file("scripts/40", "set_env app-url 1\n").check(&[]);
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.transcript());
}

#[test]
fn a_control_character_in_a_block_is_named_at_its_place() {
    let told = Repository::with_config("version: '1'\ndeploy:\n  image: a\n  script: |\n    echo a\n    echo b\u{1}c\n").check(&[]).stdout;
    assert_eq!(told, ".pipeline-config.yaml:6:11: error[invalid-yaml] invalid YAML: the control character U+0001\n");
}

#[test]
fn tasks_in_the_wrong_form_are_named_as_such() {
    let told = |tasks: &str| Repository::with_config(format!("version: '2'\ntasks:\n{tasks}")).check(&[".pipeline-config.yaml"]).stdout;
    let steps = "      - name: a\n        image: x\n        script: echo\n";
    let list = told(&format!("  - name: code-build\n    steps:\n{steps}"));
    assert!(list.contains("error[invalid-config] invalid value of `tasks`: expected a mapping or nothing, found a list"), "{list}");
    let misspelt = told(&format!("  mine:\n    step:\n{steps}"));
    assert!(misspelt.contains("warning[unknown-key] unknown key `step`"), "{misspelt}");
    let nothing = told("  mine:\n    other: 1\n");
    assert!(nothing.contains("error[invalid-config] the configuration runs nothing"), "{nothing}");
}

#[test]
fn a_configuration_of_which_nothing_can_run_is_an_error() {
    let tasks = "tasks:\n  deploy-checks:\n    steps:\n      - name: a\n        image: x\n        script: echo\n";
    let stage = "deploy:\n  image: x\n  script: echo\n";
    let told = |text: String| {
        let report = Repository::with_config(text).run(&["check", "--format", "json"]).json();
        let misplaced = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "misplaced-key");
        misplaced.map(|finding| finding["severity"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(format!("version: '1'\n{tasks}")), ["error"]);
    assert_eq!(told(format!("version: '2'\n{stage}")), ["error"]);
    assert_eq!(told(format!("version: '1'\n{tasks}{stage}")), ["warning"], "something runs");
    assert_eq!(told(format!("version: '2'\n{tasks}{stage}")), ["warning"]);
}
