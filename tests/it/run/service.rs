//! `serve --execute`: what reaches the webhook or the API runs, and the API tells how it goes.

use serde_json::{Value, json};

use super::{Project, eventually};
use crate::harness::service::Service;

const CONFIG: &str = "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    get_env color none; echo; trigger-task scan\n\
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
