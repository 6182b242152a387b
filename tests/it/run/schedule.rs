//! Which stages run, in which order, and how a run ends.

use super::Project;

/// The stages of the newest run with their states, in the order in which they ended.
fn states(project: &Project) -> String {
    let shown = project.sidestage(&["runs", "show", "last", "--format", "json"]).json();
    let mut stages: Vec<_> = shown["runs"][0]["stages"].as_array().unwrap().clone();
    stages.sort_by_key(|stage| stage["ended"].as_str().unwrap_or("~").to_owned());
    let told = stages.iter().map(|stage| format!("{} {}", stage["stage"].as_str().unwrap(), stage["state"].as_str().unwrap()));
    told.collect::<Vec<_>>().join("; ")
}

fn script(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("  script: |\n    #!/usr/bin/env bash\n{lines}")
}

fn v1(stages: &[(&str, &str)]) -> Project {
    let stages: String = stages.iter().map(|(name, lines)| format!("{name}:\n{}", script(lines))).collect();
    Project::with_config(&format!("version: '1'\n{stages}"))
}

#[test]
fn stages_run_in_the_order_of_the_pipeline_and_not_of_the_file() {
    let project = v1(&[("deploy", "echo $STAGE"), ("containerize", "true"), ("setup", "true"), ("finish", "true")]);
    let ran = project.run(&["--pipeline", "ci"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    assert_eq!(states(&project), "setup succeeded; containerize succeeded; deploy succeeded; finish succeeded");
    assert_eq!(project.log("last", "deploy"), "deploy\n");
    // The same configuration serves CD, which has no containerize.
    assert_eq!(project.run(&["--pipeline", "cd"]).code, Some(0));
    assert_eq!(states(&project), "setup succeeded; deploy succeeded; finish succeeded");
}

#[test]
fn a_failure_ends_the_pipeline_but_finish_runs() {
    let project = v1(&[("setup", "exit 3"), ("deploy", "true"), ("finish", "get_env one-pipeline-status")]);
    let ran = project.run(&["--pipeline", "ci"]);
    assert_eq!(ran.code, Some(1), "{}", ran.transcript());
    assert_eq!(states(&project), "setup failed; finish succeeded; deploy skipped");
    assert_eq!(project.log("last", "finish"), "1\n");
    assert!(ran.stdout.contains("exit code 3"), "{}", ran.stdout);
    assert!(ran.stdout.contains("a stage before it has failed"), "{}", ran.stdout);
}

#[test]
fn a_stage_that_may_fail_ends_nothing() {
    let config = format!("version: '1'\nsetup:\n  abort_on_failure: false\n{}deploy:\n{}", script("exit 3"), script("true"));
    let project = Project::with_config(&config);
    let ran = project.run(&["--pipeline", "ci"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    assert_eq!(states(&project), "setup failed; deploy succeeded");
}

#[test]
fn what_may_run_at_the_same_time_does_unless_there_is_one_job() {
    // Each waits for the other: only side by side they end.
    let meet = |own: &str, other: &str| {
        format!(
            "touch \"$HOME/../meet-{own}\"\nfor i in $(seq 600); do\n  if [ -e \"$HOME/../meet-{other}\" ]; then exit 0; fi\n  sleep 0.1\ndone\nexit 9"
        )
    };
    let project = v1(&[("static-scan", &meet("a", "b")), ("containerize", &meet("b", "a"))]);
    let ran = project.run(&["--pipeline", "ci"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    let lonely = v1(&[("static-scan", "touch ../first; test ! -e ../second"), ("containerize", "test -e ../first; touch ../second")]);
    assert_eq!(lonely.run(&["--pipeline", "ci", "--jobs", "1"]).code, Some(0));
}

#[test]
fn tasks_and_steps_of_format_2_run_as_they_say() {
    let config = r#"version: '2'
tasks:
  code-build:
    steps:
      - name: build-artifact
        script: |
          #!/usr/bin/env bash
          echo built
      - name: sign-artifact
        when: 'false'
        script: exit 1
      - name: of-nobody
        script: exit 1
  code-checks:
    steps:
      - name: static-scan
        onError: continue
        script: exit 4
      - name: compliance-checks
        when: branch == 'main' && pipeline_namespace == 'ci'
        script: echo checked
  late:
    from: deploy-checks
    runAfter: [code-checks, code-build]
    when: pipeline == 'cc'
    steps:
      - name: own
        script: exit 1
  ignored:
    runAfter: [code-build]
    steps:
      - name: never
        script: exit 1
finally:
  code-ci-finish:
    steps:
      - name: prepare
        script: echo done
"#;
    let project = Project::with_config(config);
    let ran = project.run(&["--pipeline", "ci", "--property", "branch=main", "--jobs", "1"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    let states = states(&project);
    for expected in [
        "code-build/build-artifact succeeded",
        "code-build/sign-artifact skipped",
        "code-checks/static-scan failed",
        "code-checks/compliance-checks succeeded",
        "late/own skipped",
    ] {
        assert!(states.contains(expected), "{expected}: {states}");
    }
    assert!(states.contains("code-ci-finish/prepare succeeded"), "{states}");
    assert!(!states.contains("of-nobody") && !states.contains("ignored"), "what the platform ignores: {states}");
    // A name that nobody knows is no condition that is false.
    let odd = project.run(&["--pipeline", "ci"]);
    assert_eq!(odd.code, Some(1));
    assert!(odd.stdout.contains("`branch` is not known here; give it with --property branch=..."), "{}", odd.stdout);
}

#[test]
fn a_timeout_ends_a_stage_and_all_that_it_has_started() {
    let config = "version: '2'\ntasks:\n  code-build:\n    steps:\n      - name: build-artifact\n        timeout: 1s\n        script: |\n          #!/usr/bin/env bash\n          sleep 3601 &\n          sleep 3602\n";
    let project = Project::with_config(config);
    let ran = project.run(&["--pipeline", "ci"]);
    assert_eq!(ran.code, Some(1), "{}", ran.transcript());
    assert!(ran.stdout.contains("it took longer than 1s"), "{}", ran.stdout);
    assert_eq!(super::processes_with(&project.state().display().to_string()), Vec::<String>::new());
    let odd = Project::with_config(&config.replace("1s", "1 minute"));
    assert!(odd.run(&["--pipeline", "ci", "--force"]).stdout.contains("is not a duration"));
}

#[test]
fn stages_are_chosen_and_left_out_by_name() {
    let project = v1(&[("setup", "true"), ("deploy", "true"), ("finish", "true")]);
    assert_eq!(project.run(&["--pipeline", "ci", "--skip", "deploy"]).code, Some(0));
    assert_eq!(states(&project), "setup succeeded; finish succeeded; deploy skipped");
    assert_eq!(project.run(&["--pipeline", "ci", "--stage", "deploy"]).code, Some(0));
    assert_eq!(states(&project), "deploy succeeded; setup skipped; finish skipped");
    let unknown = project.run(&["--pipeline", "ci", "--skip", "deplou"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("unknown stage `deplou`") && unknown.stderr.contains("setup, deploy, finish"), "{}", unknown.stderr);
}

#[test]
fn a_script_runs_by_its_shebang_and_without_one_as_on_a_cluster() {
    let project = Project::with_config(
        "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env python3\n    import os\n    print(\"python\", os.environ[\"STAGE\"])\n\
         test:\n  abort_on_failure: false\n  script: |\n    false\n    echo never\n\
         deploy:\n  abort_on_failure: false\n  script: |\n    #!/no/such/interpreter -x\n",
    );
    let ran = project.run(&["--pipeline", "ci", "--force"]);
    assert_eq!(project.log("last", "setup"), "python setup\n", "{}", ran.transcript());
    assert_eq!(project.log("last", "test"), "", "without a shebang the first failure ends it");
    assert!(project.log("last", "deploy").contains("this machine has no `/no/such/interpreter -x`"));
}

#[test]
fn what_is_the_platforms_own_is_left_out_and_said() {
    let project = Project::with_config(&format!("version: '1'\nsetup:\n  image: x\ndeploy:\n{}", script("true")));
    let ran = project.run(&["--pipeline", "ci"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    assert!(ran.stdout.contains("the platform's own script is not on this machine"), "{}", ran.stdout);
}

#[test]
fn what_check_finds_is_told_and_nothing_runs_unless_it_is_forced() {
    let project = v1(&[("setup", "touch \"$HOME/../ran\"; trigger-task nowhere || true")]);
    let ran = project.run(&["--pipeline", "ci"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("missing-stage") && ran.stderr.contains("Nothing was run; --force runs it all the same."),
        "{}",
        ran.stderr
    );
    assert!(project.runs().is_empty());
    assert_eq!(project.run(&["--pipeline", "ci", "--force"]).code, Some(0));
    let broken = Project::with_config("version: '1'\nsetup:\n  script: [\n");
    assert_eq!(broken.run(&["--force"]).code, Some(1), "what cannot be read cannot be run");
}

#[test]
fn running_on_this_machine_is_confirmed_once() {
    let project = v1(&[("setup", "true"), ("deploy", "true")]);
    let asked = project.sidestage(&["run", "--pipeline", "ci", "--skip", "deploy"]);
    assert_eq!(asked.code, Some(2));
    assert!(
        asked.stderr.contains("was not confirmed; nothing was run") && asked.stderr.contains("what would run: setup;"),
        "{}",
        asked.stderr
    );
    assert_eq!(project.run(&["--pipeline", "ci"]).code, Some(0));
    assert_eq!(project.sidestage(&["run", "--pipeline", "ci"]).code, Some(0), "it was confirmed");
}
