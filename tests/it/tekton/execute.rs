//! The emitted steps, executed here in their order: parent, trigger, async run, list, rerun.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::manifests::Manifests;
use super::node::{Ended, Node};
use super::server::{Server, TOKEN};
use crate::harness::cluster::{Cluster, Status};
use crate::harness::repository::project;

/// What stands for the tools of the images.
const NPM: (&str, &str) = ("scripts/deploy/deploy-app", "set_env app-url https://web.example.com\n");

fn parameters(server: &Server, revision: &str, given: &[&str]) -> Vec<(&'static str, Value)> {
    vec![("repository", json!(server.url())), ("revision", json!(revision)), ("parameters", json!(given))]
}

/// The async run that a call has made.
fn asynchronous(node: &Node<'_>, cluster: &Cluster, name: &str) -> Ended {
    let run = cluster.runs().into_iter().find(|run| run.name == name).unwrap();
    let pipeline = format!("web-async-{}", run.stage);
    let ended = node.run(&pipeline, name, &[("payload", json!(run.payload))]);
    let (succeeded, reason) = if ended.is_good { ("True", "Succeeded") } else { ("False", "Failed") };
    cluster.set_status(name, Status { succeeded, reason, started: None, completed: None });
    ended
}

#[test]
fn a_parent_starts_its_async_stage_and_lists_it_and_a_rerun_repeats_what_was() {
    for (format, steps) in [
        ("v1", ["start/start", "deploy/deploy", "dynamic-scan/dynamic-scan", "async-runs/list"]),
        ("v2", ["start/start", "deploy-checks/deploy", "deploy-checks/dynamic-scan", "async-runs/list"]),
    ] {
        let server = Server::small(format);
        let manifests = Manifests::of(server.path(), &["--name", "web", "--namespace", "stages", "--pipeline", "ci"]);
        let cluster = Cluster::start(&[("zap", "web-async-zap")], TOKEN);
        let mut node = Node::new(&manifests, &cluster);
        node.volumes.insert("web-async-token", [("token", TOKEN.to_owned())].into());
        node.volumes.insert("web-properties", [("region", "us-south".to_owned())].into());

        let parent = node.run("web-ci", "web-ci-1", &parameters(&server, "main", &["opt-in=1"]));
        assert!(parent.is_good, "{format}: {parent:#?}");
        assert_eq!(parent.names(), steps, "{format}");
        let runs = cluster.runs();
        assert_eq!(runs.len(), 1, "{format}: {parent:#?}");
        assert_eq!((runs[0].stage.as_str(), runs[0].parent.as_str()), ("zap", "web-ci-1"));
        let scan = parent.output(steps[2]);
        assert!(scan.contains(&format!("started: stage zap, run {}\n", runs[0].name)), "{scan}");
        assert!(scan.contains("back in ci"), "{scan}");
        let list = parent.output("async-runs/list");
        assert!(list.contains("zap") && list.contains(&runs[0].name) && list.contains("running"), "{list}");

        let run = asynchronous(&node, &cluster, &runs[0].name);
        let said = "scan of https://web.example.com/$(params.x) é with 1 in us-south at one\n";
        assert!(run.is_good, "{format}: {run:#?}");
        assert_eq!(run.output("stage/zap"), said, "{format}");

        // What has changed since is not seen by a rerun: it is the same object once more.
        server.commit(&[("version", "two\n")]);
        node.volumes.insert("web-properties", [("region", "eu-de".to_owned())].into());
        let again = node.run("web-async-zap", "zap-again", &[("payload", json!(runs[0].payload))]);
        assert_eq!(again.output("stage/zap"), said, "{format}");
    }
}

#[test]
fn zap_runs_from_its_manifests_alone() {
    for (fixture, scan) in [("zap", "dynamic-scan/dynamic-scan"), ("zap-v2", "deploy-checks/dynamic-scan")] {
        let server = Server::of(fixture, &[NPM]);
        let manifests = Manifests::of(server.path(), &["--name", "web", "--pipeline", "ci"]);
        let cluster = Cluster::start(&[("owasp-zap", "web-async-owasp-zap")], TOKEN);
        let mut node = Node::new(&manifests, &cluster);
        node.volumes.insert("web-async-token", [("token", TOKEN.to_owned())].into());
        let tools = stand_ins(&["npm", "docker"]);
        node.tools = Some(tools.path().to_owned());
        let given = ["opt-in-dynamic-scan=1", "opt-in-dynamic-api-scan=1", "opt-in-dynamic-ui-scan=1"];
        let parent = node.run("web-ci", "web-ci-1", &parameters(&server, "main", &given));
        assert!(parent.is_good, "{parent:#?}");
        let runs = cluster.runs();
        assert_eq!(runs.len(), 1, "{fixture}: {}", parent.output(scan));
        let run = asynchronous(&node, &cluster, &runs[0].name);
        assert_eq!(run.names(), ["stage/start", "stage/owasp-zap"], "{run:#?}");
        // The program of the tests is not static.
        let said: Vec<&str> =
            run.output("stage/start").lines().filter(|line| !line.starts_with("note: this sidestage is no static program")).collect();
        assert!(said.is_empty(), "{run:#?}");
    }
}

/// Programs that do nothing.
fn stand_ins(names: &[&str]) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path: PathBuf = folder.path().join(name);
        fs::write(&path, "#!/bin/sh\nexit 0\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

#[test]
fn the_payload_is_what_its_schema_says_and_has_the_properties() {
    use base64::Engine;
    let server = Server::small("v2");
    let manifests = Manifests::of(server.path(), &["--name", "web", "--pipeline", "ci"]);
    let cluster = Cluster::start(&[("zap", "web-async-zap")], TOKEN);
    let mut node = Node::new(&manifests, &cluster);
    node.volumes.insert("web-async-token", [("token", TOKEN.to_owned())].into());
    node.volumes.insert("web-properties", [("region", "us-south".to_owned())].into());
    node.volumes.insert("web-secure-properties", [("ibmcloud-api-key", "a-secret-that-stays".to_owned())].into());
    assert!(node.run("web-ci", "web-ci-1", &parameters(&server, "main", &["opt-in=1"])).is_good);
    let bytes = base64::engine::general_purpose::STANDARD.decode(&cluster.runs()[0].payload).unwrap();
    let payload: Value = serde_json::from_slice(&bytes).unwrap();
    let schema: Value = serde_json::from_str(&fs::read_to_string(project().join("schemas/payload.schema.json")).unwrap()).unwrap();
    let faults: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&payload).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(payload["properties"], json!({ "region": "us-south" }));
    assert_eq!(payload["state"]["env"]["colour"], "blue");
    assert!(!String::from_utf8_lossy(&bytes).contains("a-secret-that-stays"));
}

#[test]
fn a_task_at_the_end_that_triggers_lists_its_runs_and_ends_as_its_steps_did() {
    for (evaluate, report, code, reached) in [("exit 0", "exit 0", 0, true), ("exit 3", "exit 0", 3, false), ("exit 0", "exit 4", 4, true)]
    {
        let config = format!(
            "version: '2'\ntasks:\n  deploy-checks:\n    steps:\n      - name: deploy\n        image: example/base:1\n        script: 'true'\n\
             \x20 async-stage:\n    steps:\n      - name: zap\n        image: example/zap:1\n        script: 'true'\n\
             finally:\n  code-ci-finish:\n    steps:\n      - name: evaluate\n        image: example/base:1\n        script: |\n          trigger-task zap\n          {evaluate}\n\
             \x20     - name: run-stage\n        image: example/base:1\n        script: |\n          echo reached\n          {report}\n"
        );
        let server = Server::empty();
        server.commit(&[(".pipeline-config.yaml", &config)]);
        let manifests = Manifests::of(server.path(), &["--name", "web", "--pipeline", "ci"]);
        let cluster = Cluster::start(&[("zap", "web-async-zap")], TOKEN);
        let mut node = Node::new(&manifests, &cluster);
        node.volumes.insert("web-async-token", [("token", TOKEN.to_owned())].into());
        let run = node.run("web-ci", "web-ci-1", &parameters(&server, "main", &[]));
        let (name, ended, said) = run.steps.last().unwrap();
        assert_eq!((name.as_str(), *ended), ("code-ci-finish/async-runs", code), "{run:#?}");
        assert!(said.contains("running") && run.is_good == (code == 0), "{run:#?}");
        assert_eq!(run.output("code-ci-finish/run-stage") == "reached\n", reached, "{run:#?}");
    }
}

#[test]
fn a_stage_at_the_end_is_told_how_it_went() {
    for (deploy, expected) in [("exit 0", "status 0\n"), ("exit 1", "status 1\n")] {
        let stage = |name: &str, script: &str| format!("{name}:\n  image: example/base:1\n  script: |\n    {script}\n");
        let config =
            format!("version: '1'\n{}{}", stage("deploy", deploy), stage("finish", "echo \"status $(get_env one-pipeline-status)\""));
        let server = Server::empty();
        server.commit(&[(".pipeline-config.yaml", &config)]);
        let manifests = Manifests::of(server.path(), &["--name", "web", "--pipeline", "cd"]);
        let cluster = Cluster::start(&[], TOKEN);
        let run = Node::new(&manifests, &cluster).run("web-cd", "web-cd-1", &parameters(&server, "main", &[]));
        assert_eq!(run.output("finish/finish"), expected, "{run:#?}");
    }
}

#[test]
fn a_rollback_runs_where_the_deployment_has_failed() {
    for (deploy, expected) in [("exit 0", false), ("exit 1", true)] {
        let stage = |name: &str, script: &str| format!("{name}:\n  image: example/base:1\n  script: |\n    {script}\n");
        let config = format!("version: '1'\n{}{}{}", stage("deploy", deploy), stage("rollback", "echo back"), stage("finish", "echo end"));
        let server = Server::empty();
        server.commit(&[(".pipeline-config.yaml", &config)]);
        let manifests = Manifests::of(server.path(), &["--name", "web", "--pipeline", "cd"]);
        let cluster = Cluster::start(&[], TOKEN);
        let run = Node::new(&manifests, &cluster).run("web-cd", "web-cd-1", &parameters(&server, "main", &[]));
        assert_eq!(run.names().contains(&"rollback/rollback"), expected, "{run:#?}");
        assert!(run.names().contains(&"finish/finish"), "{run:#?}");
    }
}

#[test]
fn a_stage_may_list_its_runs_itself() {
    let config = "version: '1'\ndeploy:\n  image: example/base:1\n  script: |\n    trigger-task zap >/dev/null\n    sidestage async-runs --format json\n\
                  zap:\n  image: example/zap:1\n  script: 'true'\n";
    let server = Server::empty();
    server.commit(&[(".pipeline-config.yaml", config)]);
    let manifests = Manifests::of(server.path(), &["--name", "web", "--pipeline", "ci"]);
    let cluster = Cluster::start(&[("zap", "web-async-zap")], TOKEN);
    let mut node = Node::new(&manifests, &cluster);
    node.volumes.insert("web-async-token", [("token", TOKEN.to_owned())].into());
    let run = node.run("web-ci", "web-ci-1", &parameters(&server, "main", &[]));
    let list: Value = serde_json::from_str(run.output("deploy/deploy")).unwrap_or_else(|error| panic!("{error}: {run:#?}"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(project().join("schemas/async-runs.schema.json")).unwrap()).unwrap();
    let faults: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&list).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!((&list["runs"][0]["stage"], &list["runs"][0]["status"]), (&json!("zap"), &json!("running")));
}
