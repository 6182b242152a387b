//! Async stages: what reaches them, and that nothing else does.

use serde_json::Value;

use super::Project;

/// The platform's programs that the ZAP fixtures call: each says how it was called.
fn with_standins(project: Project) -> Project {
    let kubectl = "#!/bin/bash\ncase \"$*\" in\n  *jsonpath*) echo app.example.com ;;\n  'get ingress app --output name') printf app.example.com ;;\nesac\n";
    let echo = "#!/bin/bash\necho \"${0##*/} $*\"\n";
    let project = project.program("kubectl", kubectl);
    ["npm", "docker", "zap-api-scan.py", "zap-full-scan.py"].into_iter().fold(project, |project, name| project.program(name, echo))
}

const OPT_IN: [&str; 6] =
    ["--parameter", "opt-in-dynamic-scan=1", "--parameter", "opt-in-dynamic-api-scan=1", "--parameter", "opt-in-dynamic-ui-scan=1"];

/// What a run has sent: the variables of the payload of its only async run.
fn sent(project: &Project, stage: &str) -> Value {
    let runs = project.async_runs(stage);
    assert_eq!(runs.len(), 1);
    let payload = std::fs::read_to_string(project.state().join("runs").join(&runs[0]).join("payload.json")).unwrap();
    serde_json::from_str::<Value>(&payload).unwrap()["state"]["env"].clone()
}

#[test]
fn the_zap_fixtures_run_from_their_own_scripts() {
    for (fixture, kind) in [("zap", "ci"), ("zap", "cc"), ("zap-v2", "ci")] {
        let project = with_standins(Project::of_fixture(fixture));
        // In CC nothing is deployed: where the app answers is a property.
        let more: &[&str] = if kind == "cc" { &["--property", "app-url=https://app.example.com", "--env", "KUBECONFIG=x"] } else { &[] };
        let ran = project.run(&[&["--pipeline", kind][..], &OPT_IN, more].concat());
        assert_eq!(ran.code, Some(0), "{fixture} {kind}: {}", ran.transcript());
        assert_eq!(
            project.async_log("owasp-zap"),
            "zap-api-scan.py -t https://app.example.com/openapi.json -f openapi\nzap-full-scan.py -t https://app.example.com\n",
            "{fixture} {kind}"
        );
        let expected = serde_json::json!({
            "app-url": "https://app.example.com", "target-application-server-url": "https://app.example.com",
            "opt-in-dynamic-api-scan": "1", "opt-in-dynamic-ui-scan": "1",
        });
        let mut sent = sent(&project, "owasp-zap");
        // `app-url` is a property in CC: it is read, and exported as it is.
        sent.as_object_mut().unwrap().retain(|name, _| expected.get(name).is_some());
        assert_eq!(sent, expected, "{fixture} {kind}");
    }
}

#[test]
fn one_configuration_for_ci_and_cc_sends_what_each_exports() {
    for kind in ["ci", "cc"] {
        let project = with_standins(Project::of_fixture("zap-ci-cc")).file("../commons/owasp-zap/run.sh", "echo \"scan $1 [$2] [$3]\"\n");
        let commons = format!("COMMONS_PATH={}", project.root().join("../commons").display());
        let mut arguments = vec!["--pipeline", kind, "--env", &commons];
        arguments.extend(OPT_IN);
        if kind == "cc" {
            arguments.extend(["--property", "app-url=https://app.example.com"]);
        }
        let ran = project.run(&arguments);
        assert_eq!(ran.code, Some(0), "{kind}: {}", ran.transcript());
        let names: Vec<String> = sent(&project, "owasp-zap").as_object().unwrap().keys().cloned().collect();
        let log = project.async_log("owasp-zap");
        if kind == "ci" {
            assert_eq!(names, ["app-url", "opt-in-dynamic-api-scan", "opt-in-dynamic-ui-scan", "target-application-server-url"]);
            assert_eq!(log, "scan https://app.example.com [] []\n");
        } else {
            assert_eq!(
                names,
                ["app-url", "app_repo", "opt-in-dynamic-api-scan", "opt-in-dynamic-ui-scan", "target-application-server-url"]
            );
            assert!(log.starts_with("scan https://app.example.com [] [/"), "{log}");
        }
    }
}

fn pair(parent: &str, target: &str) -> Project {
    let indented = |lines: &str| lines.lines().map(|line| format!("    {line}\n")).collect::<String>();
    Project::with_config(&format!(
        "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n{}scan:\n  script: |\n    #!/usr/bin/env bash\n{}",
        indented(parent),
        indented(target)
    ))
}

#[test]
fn an_async_stage_has_what_was_exported_and_the_files_of_the_commit_and_nothing_else() {
    let project = pair(
        "set_env sent 'a \"b\" $c\nd'\nset_env kept no\nset_secret hidden-value no\nexport SHELL_ONLY=no\necho no > left-behind\n\
         save_file f left-behind\nput_data x y z\nexport_env sent\ntrigger-task scan 'a label'\nset_env sent later",
        "get_env sent; echo\nget_env kept unset; echo\nget_env param unset; echo\nget_env property; echo\nget_secret hidden-value unset; echo\n\
         echo ${SHELL_ONLY-unset}\nls -A \"$WORKSPACE\" .\nload_file f || echo no file\nget_env pipeline_namespace; echo\n\
         [ \"$(load_repo app-repo commit)\" = \"$(git rev-parse HEAD)\" ] && cat tracked\n[ -f \"$TRIGGER_PAYLOAD_PATH\" ] && echo payload\nset_env sent back",
    )
    .file("tracked", "at the commit\n");
    let ran = project.run(&["--pipeline", "ci", "--parameter", "param=no", "--property", "property=all", "--force"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    let log = project.async_log("scan");
    let expected = "a \"b\" $c\nd\nunset\nunset\nall\nunset\nunset\n";
    assert!(log.starts_with(expected), "{log}");
    assert!(log.contains(".:\n.git\n.pipeline-config.yaml\ntracked\n\n/") && log.contains("/workspace:\napp\n"), "{log}");
    assert!(log.contains("no file\n") && log.ends_with("ci\nat the commit\npayload\n"), "{log}");
}

#[test]
fn an_unknown_stage_fails_the_command_and_starts_nothing() {
    let project = pair("trigger-task scann; echo $?; trigger-task; echo $?", "true");
    let ran = project.run(&["--pipeline", "ci", "--force"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    let log = project.log("last", "setup");
    assert!(log.contains("the configuration has no async stage `scann`") && log.contains("did you mean `scan`?"), "{log}");
    assert_eq!(log.lines().filter(|line| *line == "2").count(), 2, "{log}");
    assert!(project.async_runs("scan").is_empty());
}

#[test]
fn a_name_that_only_the_run_knows_starts_its_stage() {
    let project = pair("name=$(printf '%s' nacs | rev)\ntrigger-task \"$name\"", "echo came");
    let ran = project.run(&["--pipeline", "ci"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    assert_eq!(project.async_log("scan"), "came\n");
}

#[test]
fn the_result_of_the_pipeline_does_not_wait_unless_it_is_asked_to() {
    let project = pair("trigger-task scan", "sleep 0.2; exit 7");
    let ran = project.run(&["--pipeline", "ci"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    assert!(ran.stdout.contains("Async runs") && ran.stdout.contains("failed"), "{}", ran.stdout);
    assert_eq!(project.run(&["--pipeline", "ci", "--fail-on-async"]).code, Some(1));
}

#[test]
fn a_detached_run_returns_with_its_pipeline_and_async_runs_go_on() {
    let project = pair("echo in the pipeline\ntrigger-task scan", "while [ ! -e \"$GATE\" ]; do sleep 0.05; done; echo through");
    let gate = project.root().join("../gate");
    let ran = project.run(&["--pipeline", "ci", "--detach", "--env", &format!("GATE={}", gate.display())]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    assert!(ran.stdout.contains("==> setup <==\nin the pipeline\n"), "{}", ran.stdout);
    let state = || project.runs().iter().find(|run| run["what"] == "scan").map(|run| run["state"].as_str().unwrap().to_owned());
    assert!(matches!(state().as_deref(), Some("running" | "queued")), "{:?}", state());
    std::fs::write(gate, "").unwrap();
    super::eventually("the async run ends", || state().as_deref() == Some("succeeded"));
    assert_eq!(project.async_log("scan"), "through\n");
}

#[test]
fn many_async_runs_at_once_and_those_that_they_start_all_finish() {
    let project = Project::with_config(
        "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    for i in $(seq 25); do\n      set_env number $i; export_env number\n      trigger-task one || exit 1\n    done\n\
         one:\n  script: |\n    #!/usr/bin/env bash\n    get_env number; export_env number; trigger-task two\n\
         two:\n  script: |\n    #!/usr/bin/env bash\n    get_env number\n",
    );
    let ran = project.run(&["--pipeline", "ci", "-q"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    for stage in ["one", "two"] {
        let runs = project.async_runs(stage);
        let mut numbers: Vec<u32> = runs
            .iter()
            .map(|run| {
                project
                    .log(run, stage)
                    .lines()
                    .next()
                    .unwrap()
                    .chars()
                    .take_while(char::is_ascii_digit)
                    .collect::<String>()
                    .parse()
                    .unwrap()
            })
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=25).collect::<Vec<_>>(), "{stage}");
    }
    assert!(project.runs().iter().all(|run| run["state"] == "succeeded"));
}

#[test]
fn the_emitted_scripts_do_the_same_in_the_place_of_trigger_task() {
    let built_in = with_standins(Project::of_fixture("zap"));
    assert_eq!(built_in.run(&[&["--pipeline", "ci"][..], &OPT_IN].concat()).code, Some(0));
    let emitted = with_standins(Project::of_fixture("zap"));
    assert_eq!(emitted.sidestage(&["build", "--out", "deploy/async"]).code, Some(0));
    emitted.write("scripts/zap/trigger-async-zap", {
        let text = std::fs::read_to_string(emitted.root().join("scripts/zap/trigger-async-zap")).unwrap();
        text.replace("trigger-task \"owasp-zap\"", "./deploy/async/trigger/owasp-zap.sh")
    });
    emitted.commit();
    let ran = emitted.run(&[&["--pipeline", "ci"][..], &OPT_IN].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    assert_eq!(emitted.async_log("owasp-zap"), built_in.async_log("owasp-zap"));
    assert_eq!(sent(&emitted, "owasp-zap"), sent(&built_in, "owasp-zap"));
}
