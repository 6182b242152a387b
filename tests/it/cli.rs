//! The command line: arguments, exit codes, streams.

use std::process::{Command, Stdio};

use crate::harness::repository::{Repository, Sidestage};

/// One warning: the read has a default.
const WARNS: &str = "\
version: '1'
deploy:
  script: |
    set_env app-url https://web.example.com
dynamic-scan:
  script: |
    trigger-task owasp-zap
owasp-zap:
  script: |
    zap-full-scan.py -t \"$(get_env app-url none)\"
";
const WARNING: &str = "warning[unexported-variable]";

/// One error.
const FAILS: &str = "\
version: '1'
dynamic-scan:
  script: trigger-task owasp-zpa
owasp-zap:
  script: zap-full-scan.py
";
const ERROR: &str = "error[missing-stage]";

/// Nothing to find.
const SOUND: &str = "\
version: '1'
deploy:
  script: kubectl apply --filename app.yaml
";

#[test]
fn the_exit_code_is_0_without_errors_1_with_them_2_where_the_work_could_not_be_done() {
    assert_eq!(Repository::with_config(SOUND).check(&[]).code, Some(0));
    assert_eq!(Repository::with_config(WARNS).check(&[]).code, Some(0), "warnings do not fail");
    assert_eq!(Repository::with_config(FAILS).check(&[]).code, Some(1));
    assert_eq!(Repository::with_config(FAILS).check(&["missing.yaml", "."]).code, Some(2), "and 2 outweighs 1");
    assert_eq!(Repository::new().run(&["chekc"]).code, Some(2));
    assert_eq!(Repository::new().run(&["check", "--format", "xml"]).code, Some(2));
    assert_eq!(Repository::new().run(&["--help"]).code, Some(0));
    assert_eq!(Repository::new().run(&["--version"]).stdout, format!("sidestage {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn levels_can_be_changed() {
    let cases: [(&str, &[&str], &str, i32); 8] = [
        (WARNS, &["--deny", "warnings"], "error[unexported-variable]", 1),
        (WARNS, &["--deny", "unexported-variable"], "error[unexported-variable]", 1),
        (WARNS, &["--deny", "missing-stage"], WARNING, 0),
        (WARNS, &["--allow", "unexported-variable"], "", 0),
        (FAILS, &["--warn", "missing-stage"], "warning[missing-stage]", 0),
        (FAILS, &["--allow", "missing-stage"], "", 0),
        (FAILS, &["--warn", "missing-stage", "--deny", "warnings"], "error[missing-stage]", 1),
        (FAILS, &["--allow", "unexported-variable", "--warn", "late-export"], ERROR, 1),
    ];
    for (config, arguments, expected, code) in cases {
        let ran = Repository::with_config(config).check(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.transcript());
        assert!(ran.stdout.contains(expected), "{arguments:?}: {}", ran.transcript());
        assert_eq!(ran.stdout.lines().count(), usize::from(!expected.is_empty()), "{arguments:?}: {}", ran.transcript());
    }
}

#[test]
fn a_rule_that_does_not_exist_is_refused_with_the_one_that_was_meant() {
    for option in ["--deny", "--warn", "--allow"] {
        let ran = Repository::with_config(SOUND).check(&[option, "mising-stage"]);
        assert_eq!(ran.transcript(), "error: unknown rule `mising-stage`\nhelp: did you mean `missing-stage`?\nexit: 2\n", "{option}");
    }
    let ran = Repository::with_config(SOUND).run(&["explain", "everything"]);
    assert_eq!(ran.transcript(), "error: unknown rule `everything`\nhelp: `sidestage rules` lists them\nexit: 2\n");
}

#[test]
fn only_the_pipelines_asked_for_are_looked_at() {
    let repository = Repository::with_config(WARNS);
    let found = |arguments: &[&str]| repository.check(arguments).stdout.lines().count();
    assert_eq!(found(&["--pipeline", "ci"]), 1, "deploy comes before dynamic-scan");
    assert_eq!(found(&["--pipeline", "cc"]), 0, "nothing is deployed");
    assert_eq!(found(&["--pipeline", "cc", "--pipeline", "ci"]), 1);
    assert_eq!(repository.check(&["--pipeline", "cx"]).code, Some(2));
}

#[test]
fn standard_input_stands_for_a_file() {
    let repository = Repository::new().file("scripts/zap", "trigger-task owasp-zpa\n");
    let text = FAILS.replace("trigger-task owasp-zpa", "source scripts/zap");
    let run = |arguments: &[&str]| {
        Sidestage::new(repository.path()).stdin(&text).run(&[&["check", "--format", "concise", "-"], arguments].concat())
    };
    let ran = run(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.transcript());
    assert!(ran.stdout.starts_with("scripts/zap:1:14: error[missing-stage]"), "its scripts are those of the folder: {}", ran.stdout);
    let broken = Sidestage::new(repository.path()).stdin("version: '1'\ndeploy:\n  skip: no way\n").run(&[
        "check",
        "--format",
        "concise",
        "-",
        "--stdin-filename",
        "ci/one.yaml",
    ]);
    assert!(broken.transcript().contains("ci/one.yaml"), "{}", broken.transcript());
}

#[test]
fn colours_come_when_they_are_asked_for() {
    let repository = Repository::with_config(FAILS);
    let coloured = |variables: &[(&str, &str)], arguments: &[&str]| {
        let start = Sidestage::new(repository.path());
        let start = variables.iter().fold(start, |start, (name, value)| start.env(name, value));
        start.run(&[&["check"], arguments].concat()).stdout.contains("\u{1b}[")
    };
    assert!(!coloured(&[], &[]), "a pipe is no terminal");
    assert!(coloured(&[("FORCE_COLOR", "1")], &[]));
    assert!(coloured(&[], &["--color", "always"]));
    assert!(coloured(&[("NO_COLOR", "1")], &["--color", "always"]), "an option outweighs the environment");
    assert!(!coloured(&[("FORCE_COLOR", "1")], &["--color", "never"]));
    assert!(!coloured(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], &[]), "one wish for none is enough");
    assert!(!coloured(&[("FORCE_COLOR", "")], &[]), "an empty variable says nothing");
}

#[test]
fn every_rule_is_listed_and_explained() {
    let repository = Repository::new();
    let rules = repository.run(&["rules"]);
    assert_eq!(rules.code, Some(0));
    let list = repository.run(&["rules", "--format", "json"]).json();
    let schema = serde_json::from_str(&repository.run(&["schema", "rules"]).stdout).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&list), "{list}");
    let names: Vec<&str> = list["rules"].as_array().unwrap().iter().map(|rule| rule["name"].as_str().unwrap()).collect();
    let mut listed: Vec<&str> =
        rules.stdout.lines().filter_map(|line| line.split_whitespace().next()).filter(|word| names.contains(word)).collect();
    listed.sort_unstable();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(listed, sorted, "the table has each rule once");
    for head in ["rule  ", "\nexports\n", "\nconfig\n", "unexported-variable      error    yes"] {
        assert!(rules.stdout.contains(head), "{head}: {}", rules.stdout);
    }
    for name in names {
        let page = repository.run(&["explain", name]);
        assert_eq!(page.code, Some(0), "{name}");
        assert!(page.stdout.starts_with(&format!("# {name}\n")), "{}", page.stdout);
        assert!(page.stdout.contains("\n## What it does\n"), "{}", page.stdout);
    }
}

#[test]
fn every_schema_is_listed_and_printed_as_it_is_in_the_repository() {
    let repository = Repository::new();
    let schemas = repository.run(&["schema"]);
    assert_eq!(schemas.code, Some(0));
    let mut files: Vec<String> = std::fs::read_dir(crate::harness::repository::project().join("schemas"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".schema.json").map(str::to_owned))
        .collect();
    files.sort();
    let mut listed: Vec<&str> = schemas.stdout.lines().collect();
    listed.sort_unstable();
    assert_eq!(listed, files);
    for name in &files {
        let text = std::fs::read_to_string(crate::harness::repository::project().join(format!("schemas/{name}.schema.json"))).unwrap();
        assert_eq!(repository.run(&["schema", name]).stdout, text);
    }
    let ran = repository.run(&["schema", "findngs"]);
    assert_eq!(ran.transcript(), "error: unknown schema `findngs`\nhelp: did you mean `findings`?\nexit: 2\n");
}

#[test]
fn a_reader_that_goes_early_is_no_failure() {
    let stages: String = (0..500).map(|number| format!("stage-{number}:\n  script: trigger-task nowhere-at-all\n")).collect();
    let repository = Repository::with_config(format!("version: '1'\n{stages}"));
    for arguments in [&["check"][..], &["check", "--format", "json"], &["check", "--format", "concise"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sidestage"))
            .args(arguments)
            .current_dir(repository.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(said.is_empty() || arguments.contains(&"concise") && said.starts_with("Found 500 errors"), "{arguments:?}: {said}");
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}: the findings are there all the same");
    }
}

#[test]
fn what_is_no_configuration_is_refused_where_it_is_named_and_passed_over_where_it_is_found() {
    let compose = "version: '3'\nservices:\n  web:\n    image: nginx\n";
    let repository = Repository::with_config(SOUND).file("compose.yaml", compose).file("other/.pipeline-config.yaml", "general:\n  x: 1\n");
    let named = repository.check(&["compose.yaml", ".pipeline-config.yaml"]);
    assert_eq!(
        named.transcript(),
        "compose.yaml:1:10: error[invalid-config] this is not a pipeline configuration: the `version` is neither '1' nor '2', and there are no stages\nexit: 1\n"
    );
    let allowed = repository.check(&["--allow-missing", "compose.yaml", ".pipeline-config.yaml"]);
    assert_eq!(
        allowed.transcript(),
        "note: `compose.yaml` is not checked: its `version` is neither '1' nor '2', so it is not a pipeline configuration\nexit: 0\n"
    );
    assert_eq!(repository.check(&[]).transcript(), "exit: 0\n");
}

#[test]
fn what_was_meant_to_be_a_configuration_is_found_fault_with_however_it_is_given() {
    let cases = [
        (
            "version: '3'\ndeploy:\n  script: echo\n",
            "1:10: error[invalid-config] unknown `version` of the configuration: expected `'1'` or `'2'`, found `3`",
        ),
        ("verison: '1'\ndeploy:\n  script: echo\n", "1:1: error[invalid-config] unknown key `verison`: the configuration has no `version`"),
        ("Version: '1'\ndeploy:\n  script: echo\n", "1:1: error[invalid-config] unknown key `Version`: the configuration has no `version`"),
        (
            "version: '1'\nstages:\n  deploy:\n    script: echo\n",
            "2:1: error[invalid-config] stages are under the key `stages`: the platform looks for stages at the top level",
        ),
    ];
    for (text, expected) in cases {
        let repository = Repository::with_config(text).file("free-name.yaml", text);
        let told = |path: &str| format!("{path}:{expected}\nexit: 1\n");
        let known = ".pipeline-config.yaml";
        for arguments in [&[known][..], &[], &["--allow-missing", known], &["--allow-missing"]] {
            assert_eq!(repository.check(arguments).transcript(), told(known), "{arguments:?}");
        }
        assert_eq!(repository.check(&["free-name.yaml"]).transcript(), told("free-name.yaml"));
        let typed = Sidestage::new(repository.path()).stdin(text).run(&["check", "--format", "concise", "--stdin-filename", known]);
        assert_eq!(typed.transcript(), told(known), "the option alone means standard input");
    }
    for text in ["- a\n", "a\n", "version: '1'\n", "x: 1\n", "version: 3\npipeline:\n  depth: full\n"] {
        let repository = Repository::with_config(text);
        let named = repository.check(&[".pipeline-config.yaml"]);
        assert!(named.code == Some(1) && named.stdout.contains("error[invalid-config]"), "{text:?}: {}", named.transcript());
    }
    // Other tools use the same names: in their repositories the hook of an organisation fails nothing, and says so.
    for text in ["x: 1\n", "pipeline:\n  depth: full\n"] {
        let hook = Repository::with_config(text).check(&["--allow-missing", ".pipeline-config.yaml"]);
        assert!(hook.code == Some(0) && hook.transcript().contains("is not checked: "), "{text:?}: {}", hook.transcript());
    }
}

#[test]
fn patterns_links_and_repositories_without_a_configuration() {
    let repository =
        Repository::new().file("a/.pipeline-config.yaml", FAILS).file("b/.pipeline-config.yaml", FAILS).file("b/other.yaml", "x: 1\n");
    let found = |arguments: &[&str]| {
        let ran = repository.check(arguments);
        let files: Vec<String> = ran.stdout.lines().filter_map(|line| line.split(':').next()).map(str::to_owned).collect();
        (files, ran.code)
    };
    let both = vec!["a/.pipeline-config.yaml".to_owned(), "b/.pipeline-config.yaml".to_owned()];
    assert_eq!(found(&["*/.pipeline-config.yaml"]), (both.clone(), Some(1)));
    assert_eq!(found(&["**/.pipeline-*.yaml"]), (both.clone(), Some(1)));
    assert_eq!(found(&["[b]/.pipeline-config.y?ml"]), (both[1..].to_vec(), Some(1)));
    let nothing = repository.check(&["*/nothing.yaml"]);
    assert_eq!(nothing.transcript(), "error: `*/nothing.yaml` matches no file\nexit: 2\n");
    // A link inside the repository is followed, one that leads outside is not; what has two names is checked once.
    let outside = Repository::with_config(FAILS);
    let linked = Repository::new().file("config/pipeline.txt", FAILS).file("c/.pipeline-config.yaml", FAILS);
    std::fs::create_dir(linked.path().join(".git")).unwrap();
    std::os::unix::fs::symlink("config/pipeline.txt", linked.path().join(".pipeline-config.yaml")).unwrap();
    std::os::unix::fs::symlink("c/.pipeline-config.yaml", linked.path().join("again.yaml")).unwrap();
    std::os::unix::fs::symlink(outside.path().join(".pipeline-config.yaml"), linked.path().join("outside.yaml")).unwrap();
    let told: Vec<String> = linked.check(&[]).stdout.lines().filter_map(|line| line.split(':').next()).map(str::to_owned).collect();
    assert_eq!(told, [".pipeline-config.yaml", "c/.pipeline-config.yaml"]);
    // Hooks of an organisation run everywhere.
    let empty = Repository::new().file("run", "#!/bin/sh\n").file("x.yaml", "a: 1\n");
    assert_eq!(empty.check(&[]).code, Some(2));
    for arguments in
        [&["--allow-missing"][..], &["--allow-missing", "run"], &["--allow-missing", "x.yaml"], &["--allow-missing", "-q", "run", "x.yaml"]]
    {
        let ran = empty.check(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{arguments:?}: {}", ran.transcript());
        assert_eq!(ran.stderr.starts_with("note: "), !arguments.contains(&"-q"), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(empty.check(&["--allow-missing", "gone.yaml"]).code, Some(2), "what cannot be read is another matter");
    let build = empty.run(&["build", "--allow-missing", "--check", "--out", "x"]);
    assert_eq!(build.code, Some(0), "{}", build.transcript());
}

#[test]
fn folders_are_searched_as_git_sees_them() {
    let repository = Repository::new()
        .file("services/web/.pipeline-config.yaml", FAILS)
        .file("services/api/free-name.yml", FAILS)
        .file("node_modules/x/.pipeline-config.yaml", FAILS)
        .file(".gitignore", "node_modules\n");
    let files = |arguments: &[&str]| {
        let stdout = repository.check(arguments).stdout;
        stdout.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(files(&[]), ["services/api/free-name.yml", "services/web/.pipeline-config.yaml"]);
    assert_eq!(files(&["services/web"]), ["services/web/.pipeline-config.yaml"]);
    assert_eq!(files(&["./services/web/.pipeline-config.yaml", "services"]).len(), 2, "a file named twice is checked once");
    assert_eq!(files(&["node_modules/x/.pipeline-config.yaml"]).len(), 1, "what is named is checked, ignored or not");
}

#[test]
fn what_git_ignores_everywhere_is_passed_wherever_git_is_told_so() {
    let home = Repository::new()
        .file(".gitconfig", "[core]\n\texcludesFile = ~/everywhere\n")
        .file("named", "[core]\n\texcludesfile = ~/everywhere\n")
        .file("silent", "[user]\n\tname = a\n")
        .file("everywhere", "scratch\n")
        .file("settings/git/ignore", "scratch\n")
        .file("empty/.config/git/ignore", "scratch\n")
        .file("bare/.gitconfig", "[user]\n\tname = a\n");
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let repository = Repository::new().file("scratch/.pipeline-config.yaml", FAILS);
    let is_passed = |variables: &[(&str, &str)]| {
        let program = variables.iter().fold(Sidestage::new(repository.path()), |program, (name, value)| program.env(name, value));
        !program.run(&["check", "."]).transcript().contains("error[missing-stage]")
    };
    let (all, empty, bare) = (path(""), path("empty"), path("bare"));
    assert!(is_passed(&[("HOME", &all)]));
    assert!(is_passed(&[("HOME", &empty)]));
    assert!(is_passed(&[("HOME", &empty), ("XDG_CONFIG_HOME", "")]));
    assert!(is_passed(&[("HOME", &bare), ("XDG_CONFIG_HOME", &path("settings"))]));
    assert!(is_passed(&[("HOME", &all), ("GIT_CONFIG_GLOBAL", &path("named"))]));
    assert!(is_passed(&[("HOME", &all), ("GIT_CONFIG_GLOBAL", &path("silent")), ("GIT_CONFIG_SYSTEM", &path("named"))]));
    assert!(!is_passed(&[("HOME", &bare)]), "nothing is ignored there");
}

#[test]
fn scripts_are_found_from_any_folder_of_the_repository() {
    let repository = Repository::with_config(FAILS.replace("trigger-task owasp-zpa", "source scripts/zap"))
        .file("scripts/zap", "trigger-task owasp-zpa\n")
        .file("services/web/README.md", "")
        .file(".git/HEAD", "ref: refs/heads/main\n");
    let below = Sidestage::new(&repository.path().join("services/web"));
    let ran = below.run(&["check", "--format", "concise", "../../.pipeline-config.yaml"]);
    assert!(ran.stdout.starts_with("../../scripts/zap:1:14: error[missing-stage]"), "{}", ran.transcript());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let stages: String = (0..50).map(|number| format!("stage-{number}:\n  script: trigger-task nowhere-{number}\n")).collect();
    let mut repository = Repository::with_config(format!("version: '1'\n{stages}"));
    for number in 0..10 {
        repository = repository.file(&format!("services/{number}/.pipeline-config.yaml"), WARNS);
    }
    for format in ["full", "concise", "json"] {
        let run = || repository.run(&["check", "--format", format]);
        let first = run();
        assert_eq!(first.code, Some(1));
        for _ in 0..3 {
            assert_eq!(run(), first, "{format}");
        }
    }
}

#[test]
fn the_scan_template_sends_other_data_in_ci_than_in_cc() {
    let copy = crate::harness::repository::copied(&crate::harness::repository::project().join("fixtures/zap-ci-cc"));
    let graph = |pipeline: &str| {
        let graph = Sidestage::new(copy.path()).run(&["graph", "--format", "json", "--pipeline", pipeline]).json();
        let edges = graph["edges"].as_array().unwrap().clone();
        let trigger = edges.into_iter().find(|edge| edge["kind"] == "trigger").unwrap();
        let exported =
            trigger["variables"].as_array().unwrap().iter().filter(|variable| !variable["exported"].as_array().unwrap().is_empty());
        exported.map(|variable| variable["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let always = ["app-url", "opt-in-dynamic-api-scan", "opt-in-dynamic-ui-scan", "target-application-server-url"];
    assert_eq!(graph("ci"), always);
    let mut in_cc = [&always[..], &["app_repo", "zap-artifact"]].concat();
    in_cc.sort_unstable();
    assert_eq!(graph("cc"), in_cc);
    // `?` marks what is exported on some ways only.
    let dot = |pipeline: &str| Sidestage::new(copy.path()).run(&["graph", "--pipeline", pipeline]).stdout;
    assert!(dot("cc").contains("zap-artifact?"), "{}", dot("cc"));
    assert!(!dot("cc").contains("app_repo?") && !dot("ci").contains("zap-artifact"), "{}", dot("ci"));
}

#[test]
fn a_loop_over_a_list_triggers_each_stage_wherever_it_stands() {
    let looped = "E2E=(\"a\" \"b\"); for s in \"${E2E[@]}\"; do trigger-task \"$s\" || warn; done";
    let in_function = format!("run_all() {{ {looped}; }}");
    let cases = [
        (looped.to_owned(), String::new()),
        (format!("{in_function}; run_all"), String::new()),
        ("source scripts/e2e".to_owned(), looped.to_owned()),
        ("source scripts/e2e; run_all".to_owned(), in_function.clone()),
        ("bash scripts/e2e".to_owned(), format!("{in_function}\nrun_all\n")),
    ];
    for (step, script) in cases {
        let config = format!(
            "version: '2'\ntasks:\n  deploy-checks:\n    steps:\n      - name: acceptance-test\n        script: |\n          {step}\n  async-stage:\n    steps:\n      - name: a\n        script: echo a\n      - name: b\n        script: echo b\n"
        );
        let repository = Repository::with_config(config).file("scripts/e2e", &script);
        let graph = repository.run(&["graph", "--format", "json"]).json();
        let edges = graph["edges"].as_array().unwrap().iter().filter(|edge| edge["kind"] == "trigger");
        let targets: Vec<&str> = edges.map(|edge| edge["to"].as_str().unwrap()).collect();
        assert_eq!(targets, ["async-stage/a", "async-stage/b"], "{step} {script}");
    }
}

#[test]
fn paths_are_relative_to_the_working_folder_wherever_that_is() {
    let repository = Repository::new().file("ci/.pipeline-config.yaml", WARNS).file("ci/scripts/x", "").file("other/x", "");
    std::fs::create_dir(repository.path().join(".git")).unwrap();
    let at = |folder: &str, path: &str| {
        let said = Sidestage::new(&repository.path().join(folder)).run(&["check", path, "--format", "concise"]).stdout;
        said.split(':').next().unwrap().to_owned()
    };
    assert_eq!(at("", "."), "ci/.pipeline-config.yaml");
    assert_eq!(at("ci", "."), ".pipeline-config.yaml");
    assert_eq!(at("ci/scripts", ".."), "../.pipeline-config.yaml");
    assert_eq!(at("other", "../ci"), "../ci/.pipeline-config.yaml");
}

#[test]
fn plan_and_check_agree_about_what_is_not_exported() {
    let config = |script: &str| {
        format!(
            "version: '1'\ndynamic-scan:\n  script: |\n{script}owasp-zap:\n  script: |\n    get_env app-url\n    get_env region\n    get_env scan-level\n"
        )
    };
    let settings = "properties: [region]\ntrigger-parameters: [scan-level]\n";
    let cases = [
        ("    set_env app-url x\n    trigger-task owasp-zap\n", "app-url", "unexported", "unexported-variable"),
        ("    set_env app-url x\n    trigger-task owasp-zap\n    export_env app-url\n", "app-url", "late", "late-export"),
        ("    set_env region x\n    trigger-task owasp-zap\n", "region", "unexported", "unexported-variable"),
        ("    trigger-task owasp-zap\n", "scan-level", "unexported-parameter", "unexported-parameter"),
        ("    trigger-task owasp-zap\n", "region", "property", ""),
        ("    trigger-task owasp-zap\n", "app-url", "platform", ""),
        ("    set_env app-url x\n    export_env app-url\n    trigger-task owasp-zap\n", "app-url", "export", ""),
    ];
    for (script, key, from, rule) in cases {
        let repository = Repository::with_config(config(script)).file(".sidestage.yaml", settings);
        let plan = repository.run(&["plan", "--format", "json"]).json();
        let reads = plan["triggers"][0]["reads"].as_array().unwrap();
        let read = reads.iter().find(|read| read["name"] == key).unwrap();
        assert_eq!(read["from"], from, "{script}");
        let report = repository.run(&["check", "--format", "json"]).json();
        let found: Vec<_> = report["findings"].as_array().unwrap().iter().filter(|finding| finding["variable"] == key).collect();
        let rules: Vec<&str> = found.iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
        assert_eq!(rules.first().copied().unwrap_or_default(), rule, "{script}");
    }
}

#[test]
fn a_plan_says_what_is_not_sent_and_from_where() {
    let config = "version: '1'\ndeploy:\n  script: |\n    set_env app-url x\n    trigger-task scan\n    set_env depth 3\n    export_env depth\nscan:\n  script: |\n    get_env app-url\n    get_env depth\n";
    let ran = Repository::with_config(config).run(&["plan"]);
    assert_eq!(ran.code, Some(1), "what `check` reports as an error: {ran:?}");
    for words in [
        "app-url: NOT SENT (set at .pipeline-config.yaml:4:",
        "depth: NOT SENT (exported only after the trigger, at .pipeline-config.yaml:7:",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {ran:?}");
    }
    assert!(ran.stderr.contains("unexported-variable"), "{ran:?}");
    let exported = config
        .replace("    trigger-task scan\n", "    export_env app-url\n")
        .replace("export_env depth\n", "export_env depth\n    trigger-task scan\n");
    let ran = Repository::with_config(exported).run(&["plan"]);
    assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.contains("NOT SENT")), (Some(0), "", false), "{ran:?}");
}

#[test]
fn a_plan_lists_triggers_of_stages_that_are_not_there() {
    let config = "version: '1'\ndeploy:\n  script: |\n    trigger-task nope\n";
    let repository = Repository::with_config(config);
    let ran = repository.run(&["plan"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("nope   triggered at .pipeline-config.yaml:4:") && ran.stdout.contains("NO SUCH STAGE"), "{ran:?}");
    assert!(!ran.stdout.contains("Nothing is triggered"), "{ran:?}");
    let plan = repository.run(&["plan", "--format", "json"]).json();
    assert_eq!(plan["missing"][0]["stage"], "nope");
}

#[test]
fn an_async_stage_that_triggers_was_sent_what_it_has_not_set() {
    let config = "version: '1'\ndeploy:\n  image: x\n  script: |\n    set_env a x\n    export_env a\n    trigger-task one\none:\n  image: x\n  script: |\n    set_env b x\n    trigger-task two\ntwo:\n  image: x\n  script: |\n    get_env a\n    get_env b\n";
    let report = Repository::with_config(config).run(&["check", "--format", "json"]).json();
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "unexported-variable");
    let first = |finding: &serde_json::Value| {
        let place = &finding["related"][0];
        format!("{} {}: {}", finding["variable"].as_str().unwrap(), place["range"]["start"]["line"], place["message"].as_str().unwrap())
    };
    assert_eq!(findings.map(first).collect::<Vec<_>>(), ["a 6: sent to `one` here", "b 11: set here"]);
}

#[test]
fn the_plan_tells_once_what_is_the_same() {
    let config = "version: '1'\ndeploy:\n  image: x\n  script: |\n    set_env app-url x; export_env app-url; set_env b x\n    trigger-task scan\ndynamic-scan:\n  image: x\n  script: trigger-task scan\nscan:\n  image: x\n  script: |\n    get_env app-url\n    get_env b none\n";
    let plan = Repository::with_config(config).run(&["plan"]).stdout;
    let (first, second) = plan.split_once("\nscan   triggered at .pipeline-config.yaml:9:11, in ci, cc\n").unwrap();
    assert!(first.contains("\nscan   triggered at .pipeline-config.yaml:6:5, in ci, cd\n  carries   app-url\n"), "{plan}");
    assert!(first.contains("\n  needs     app-url: exported\n  optional        b: NOT SENT (set at .pipeline-config.yaml:5:"), "{plan}");
    assert!(second.contains("  reads     the same, from the same places, as when triggered at .pipeline-config.yaml:6:5\n"), "{plan}");
    assert!(plan.contains("always: repositories, artifacts,"), "{plan}");
}

#[test]
fn plan_and_graph_of_broken_yaml_are_the_finding() {
    let repository = Repository::with_config("version: '1'\ndeploy:\n  script: |\n    trigger-task nope\n  - x\n");
    for command in [&["plan"][..], &["graph"], &["graph", "--format", "mermaid"]] {
        let ran = repository.run(command);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.contains("invalid-yaml")), (Some(1), "", true), "{command:?}: {ran:?}");
    }
}

#[test]
fn a_script_that_is_named_is_checked_through_the_configurations_that_reach_it() {
    let repository = Repository::new()
        .file(".git/HEAD", "")
        .file("a/.pipeline-config.yaml", FAILS.replace("trigger-task owasp-zpa", "source s/t.sh"))
        .file("b/.pipeline-config.yaml", FAILS)
        .file("c/.pipeline-config.yaml", SOUND)
        .file("s/t.sh", "#!/usr/bin/env bash\ntrigger-task owasp-zpa\n")
        .file("s/unused", "echo version image\n")
        .file("d/x", "");
    let finding = "s/t.sh:2:14: error[missing-stage] the configuration has no stage `owasp-zpa`: this trigger fails\n";
    for path in ["s/t.sh", "./s/t.sh", "s"] {
        let ran = repository.check(&[path, "--allow", "unreachable-stage"]);
        assert_eq!(ran.transcript(), format!("{finding}exit: 1\n"), "{path}");
    }
    let both = repository.check(&["s/t.sh", "a/.pipeline-config.yaml", "--allow", "unreachable-stage"]);
    assert_eq!(both.transcript(), format!("{finding}exit: 1\n"), "it is checked once");
    let typed = Sidestage::new(repository.path()).stdin("trigger-task owasp-zap-typed\n");
    let ran = typed.run(&["check", "--format", "concise", "-", "--stdin-filename", "s/t.sh", "--allow", "unreachable-stage"]);
    assert!(
        ran.stdout.starts_with("s/t.sh:1:14: error[missing-stage] the configuration has no stage `owasp-zap-typed`"),
        "{}",
        ran.transcript()
    );
    let unused = "error: `s/unused` is not checked: no pipeline configuration of its repository reaches it\nexit: 2\n";
    assert_eq!(repository.check(&["s/unused"]).transcript(), unused);
    let nothing = repository.check(&["d"]);
    assert!(nothing.code == Some(2) && nothing.stderr.contains("no pipeline configuration"), "{}", nothing.transcript());
    assert_eq!(repository.check(&["s/absent"]).code, Some(2));
}

#[test]
fn without_a_path_the_repository_around_the_working_folder_is_checked() {
    let repository = Repository::with_config(FAILS).file(".git/HEAD", "").file("deep/er/x", "");
    let ran = Sidestage::new(&repository.path().join("deep/er")).run(&["check", "--format", "concise"]);
    assert!(ran.stdout.starts_with("../../.pipeline-config.yaml:"), "{}", ran.transcript());
    assert_eq!(ran.code, Some(1));
    let ran = Sidestage::new(&repository.path().join("deep")).run(&["check", "--format", "concise", "er"]);
    assert_eq!(ran.code, Some(2), "nothing reaches that folder: {}", ran.transcript());
}
