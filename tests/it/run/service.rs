//! `serve --execute`: what reaches the webhook or the API runs, and the API tells how it goes.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{Project, eventually};
use crate::harness::repository::Ran;
use crate::harness::service::{SIDESTAGE, Service, in_repository};

const CONFIG: &str = "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    get_env color none; echo; [ \"$(get_env color none)\" != wait ] || sleep 7101\n    trigger-task scan\n\
                      scan:\n  script: |\n    #!/usr/bin/env bash\n    echo scanning\n\
                      slow:\n  script: |\n    #!/usr/bin/env bash\n    sleep 7100\n";

fn serve(project: &Project, state: &str) -> Service {
    let file = project.root().display().to_string();
    Service::start(&["--execute", "--file", &file, "--state", state])
}

fn trigger(service: &Service, body: &Value) -> Value {
    service.create("/triggers", body)
}

fn status(service: &Service, run: &str) -> String {
    service.get(&format!("/pipeline_runs/{run}"))["status"].as_str().unwrap().to_owned()
}

fn ends(service: &Service, run: &str, expected: &str) {
    eventually(expected, || !["queued", "waiting", "running"].contains(&status(service, run).as_str()));
    assert_eq!(status(service, run), expected);
}

/// The text of all logs of a run.
fn logs(service: &Service, run: &str) -> String {
    let list = service.get(&format!("/pipeline_runs/{run}/logs"));
    let entries = list["logs"].as_array().unwrap().iter();
    entries
        .map(|log| service.get(&format!("/pipeline_runs/{run}/logs/{}", log["id"].as_str().unwrap()))["data"].as_str().unwrap().to_owned())
        .collect()
}

/// A payload for a stage of the project.
fn payload(project: &Project, stage: &str) -> Value {
    let (url, commit) = (project.root().display().to_string(), project.git(&["rev-parse", "HEAD"]));
    json!({
        "sidestage": 1, "stage": stage, "nonce": "n", "state": { "env": { "x": "1" }, "repos": {}, "artifacts": {} },
        "pipeline": { "id": "p", "name": "app", "type": "ci", "run-id": "", "run-url": "", "debug": "" },
        "config": { "url": url, "branch": "main", "commit": commit, "path": "app", "file": ".pipeline-config.yaml" },
    })
}

#[test]
fn a_pipeline_that_the_api_starts_runs_with_its_async_stage() {
    let project = Project::with_config(CONFIG).committed();
    let service = serve(&project, &project.state().display().to_string());
    trigger(&service, &json!({ "type": "manual", "name": "by hand", "event_listener": "listener" }));
    let run = service.create(
        "/pipeline_runs",
        &json!({ "trigger": { "name": "by hand", "properties": { "color": "red", "pipeline_namespace": "ci" } } }),
    );
    let id = run["id"].as_str().unwrap();
    ends(&service, id, "succeeded");
    assert!(logs(&service, id).starts_with("red\n"), "{}", logs(&service, id));
    // Its trigger-task has set up the webhook and called it.
    let of_webhook = || {
        let runs = service.get("/pipeline_runs")["pipeline_runs"].as_array().unwrap().clone();
        runs.into_iter().find(|run| run["trigger"]["name"] == "Subpipeline Webhook Trigger")
    };
    eventually("the async run", || of_webhook().is_some());
    let scan = of_webhook().unwrap()["id"].as_str().unwrap().to_owned();
    ends(&service, &scan, "succeeded");
    assert_eq!(logs(&service, &scan), "scanning\n");
    // The same again, with its state.
    let again = service.create(&format!("/pipeline_runs/{scan}/rerun"), &Value::Null)["id"].as_str().unwrap().to_owned();
    ends(&service, &again, "succeeded");
    assert_eq!(logs(&service, &again), "scanning\n");
}

#[test]
fn a_secret_of_a_call_is_not_kept_and_a_repetition_without_it_is_refused() {
    let project = Project::with_config(CONFIG).committed();
    let service = serve(&project, &project.state().display().to_string());
    trigger(&service, &json!({ "type": "manual", "name": "by hand", "event_listener": "listener" }));
    let asked = json!({ "trigger": { "name": "by hand", "properties": { "pipeline_namespace": "ci" }, "secure_properties": { "own": "hunter22" } } });
    let run = service.create("/pipeline_runs", &asked);
    let id = run["id"].as_str().unwrap();
    ends(&service, id, "succeeded");
    let (code, reply) = service.ask("POST", &format!("/pipeline_runs/{id}/rerun"), &Value::Null);
    assert_eq!(code, 409, "{reply}");
    assert!(reply.to_string().contains("the value of the secret `own` is not kept"), "{reply}");
    service.create("/properties", &json!({ "name": "own", "type": "secure", "value": "hunter33" }));
    let again = service.create(&format!("/pipeline_runs/{id}/rerun"), &Value::Null);
    ends(&service, again["id"].as_str().unwrap(), "succeeded");
}

#[test]
fn a_run_is_cancelled_and_a_payload_that_is_none_fails_in_words() {
    let project = Project::with_config(CONFIG).committed();
    let service = serve(&project, &project.state().display().to_string());
    let hook = trigger(&service, &json!({ "type": "generic", "name": "hook", "event_listener": "listener" }));
    let call = |body: &Value| {
        let (code, reply) = crate::harness::service::ask("POST", hook["webhook_url"].as_str().unwrap(), &[], body);
        assert_eq!(code, 201, "{reply}");
        reply["id"].as_str().unwrap().to_owned()
    };
    let slow = call(&payload(&project, "slow"));
    eventually("it runs", || status(&service, &slow) == "running" && !super::processes_with("7100").is_empty());
    let (code, _) = service.ask("POST", &format!("/pipeline_runs/{slow}/cancel"), &json!({ "force": true }));
    assert_eq!(code, 202);
    ends(&service, &slow, "cancelled");
    eventually("its processes are gone", || {
        super::processes_with(&project.state().display().to_string()).iter().all(|line| line.contains(" serve "))
    });
    let missing = call(&payload(&project, "scann"));
    ends(&service, &missing, "failed");
    let shown = project.sidestage(&["runs", "show", &missing]).stdout;
    assert!(shown.contains("has no async stage `scann`"), "{shown}");
    let odd = call(&json!({ "sidestage": 9 }));
    ends(&service, &odd, "failed");
    let shown = project.sidestage(&["runs", "show", &odd]).stdout;
    assert!(shown.contains("its version is 9"), "{shown}");
}

#[test]
fn a_service_that_was_killed_knows_its_runs_when_it_starts_again() {
    let project = Project::with_config(CONFIG).committed();
    let state = project.state().display().to_string();
    let service = serve(&project, &state);
    let hook = trigger(&service, &json!({ "type": "generic", "name": "hook", "event_listener": "listener", "max_concurrent_runs": 1 }));
    let call = |body: &Value| {
        let (code, reply) = crate::harness::service::ask("POST", hook["webhook_url"].as_str().unwrap(), &[], body);
        assert_eq!(code, 201, "{reply}");
        reply["id"].as_str().unwrap().to_owned()
    };
    let slow = call(&payload(&project, "slow"));
    eventually("it runs", || status(&service, &slow) == "running");
    let waiting = call(&payload(&project, "scan"));
    assert_eq!(status(&service, &waiting), "waiting");
    service.kill();
    let service = serve(&project, &state);
    assert_eq!(status(&service, &slow), "error", "it was interrupted");
    ends(&service, &waiting, "succeeded");
    assert_eq!(logs(&service, &waiting), "scanning\n");
    drop(service);
}

/// Runs a program of `tests/clients` against a service that executes.
fn client(program: &Path, script: &str) {
    let project = Project::with_config(CONFIG).committed();
    project.write("../keys", "key-editor editor\n");
    let keys = project.root().join("../keys").display().to_string();
    let (file, state) = (project.root().display().to_string(), project.state().display().to_string());
    let service = Service::start(&["--execute", "--file", &file, "--state", &state, "--api-key-file", &keys]);
    let output = Command::new(program)
        .arg(in_repository(script))
        .env("SERVICE", &service.base)
        .env("IAM", &service.origin)
        .env("PIPELINE", &service.pipeline)
        .env("API_KEY", "key-editor")
        .env("CLIENTS", in_repository("target/clients/node"))
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be run: {error}; `./test.sh` installs it", program.display()));
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("executed"), "{printed}");
}

#[test]
fn the_python_client_follows_runs_to_their_end() {
    client(&in_repository("target/clients/python/bin/python"), "tests/clients/python/execute.py");
}

#[test]
fn the_node_client_follows_runs_to_their_end() {
    client(Path::new("node"), "tests/clients/node/execute.mjs");
}

/// A folder with the data of a run that is not this machine's: what is outside of `sidestage run` has its own.
fn outside(project: &Project, service: &Service, program: &str, arguments: &[&str]) -> Ran {
    let run = project.root().join("../outside");
    std::fs::create_dir_all(run.join("bin")).unwrap();
    for name in ["pipelinectl", "sidestage", "set_env", "export_env", "save_repo"] {
        let link = run.join("bin").join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(SIDESTAGE, link).unwrap();
        }
    }
    // By a shell, which looks for it where the run has its programs.
    let mut command = Command::new("bash");
    command.args(["-c", "exec \"$@\"", "-", program]).args(arguments).current_dir(project.root()).env_clear();
    command.env("PATH", format!("{}:{}", run.join("bin").display(), std::env::var("PATH").unwrap()));
    command.env("PIPELINECTL_STATE", run.join("store")).env("WORKSPACE", project.root().parent().unwrap());
    command.env("PIPELINE_CONFIG_REPO_PATH", "app").env("PIPELINE_ID", &service.pipeline).env("IAM_ACCESS_TOKEN", "any");
    command.env("CD_TEKTON_PIPELINE_URL", &service.base).env("CD_TEKTON_PIPELINE_AUTH_URL", &service.origin);
    super::ended(command)
}

#[test]
fn emitted_scripts_apply_and_trigger_are_tried_to_the_very_end() {
    let project = Project::with_config(
        "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    set_env x 1; export_env x; trigger-task scan\n\
         scan:\n  script: |\n    #!/usr/bin/env bash\n    echo \"x is $(get_env x)\"\n",
    );
    assert_eq!(project.sidestage(&["build", "--out", "deploy/async"]).code, Some(0));
    project.commit();
    let service = Service::start(&["--execute", "--state", &project.state().display().to_string()]);
    let (url, commit) = (project.root().display().to_string(), project.git(&["rev-parse", "HEAD"]));
    for (program, arguments) in [
        ("sidestage", &["apply"][..]),
        ("set_env", &["x", "1"]),
        ("export_env", &["x"]),
        ("save_repo", &["app-repo", &format!("url={url}"), "path=app", &format!("commit={commit}")]),
        ("sidestage", &["trigger", "scan"]),
        ("bash", &["deploy/async/trigger/scan.sh"]),
        ("bash", &["deploy/async/list-async-runs.sh", "--wait"]),
        ("sidestage", &["async-runs", "--wait"]),
    ] {
        let ran = outside(&project, &service, program, arguments);
        assert_eq!(ran.code, Some(0), "{program} {arguments:?}: {}", ran.transcript());
    }
    let scans = project.async_runs("scan");
    assert_eq!(scans.len(), 2);
    for scan in scans {
        assert_eq!(project.log(&scan, "scan"), "x is 1\n");
    }
}
