//! What a step says where it cannot do its work, and what it has done by then.

use serde_json::{Value, json};

use super::manifests::Manifests;
use super::node::{Ended, Node};
use super::server::{Server, TOKEN, git_in};
use crate::harness::cluster::{Cluster, Fault, GetFault, Run, Status};

/// A parent run over a small configuration, with what the test does to node and cluster.
struct Trial {
    server: Server,
    manifests: Manifests,
    cluster: Cluster,
}

impl Trial {
    fn of(server: Server) -> Self {
        let manifests = Manifests::of(server.path(), &["--name", "web", "--pipeline", "ci"]);
        Self { server, manifests, cluster: Cluster::start(&[("zap", "web-async-zap")], TOKEN) }
    }

    fn node(&self) -> Node<'_> {
        let mut node = Node::new(&self.manifests, &self.cluster);
        node.volumes.insert("web-async-token", [("token", TOKEN.to_owned())].into());
        node.environment = [("SIDESTAGE_RETRY_DELAY", "0.01"), ("SIDESTAGE_RETRY_CAP", "0.1")].into();
        node
    }

    fn parameters(&self, revision: &str) -> Vec<(&'static str, Value)> {
        vec![("repository", json!(self.server.url())), ("revision", json!(revision)), ("parameters", json!(["opt-in=1"]))]
    }

    fn parent(&self, node: &Node<'_>) -> Ended {
        node.run("web-ci", "web-ci-1", &self.parameters("main"))
    }
}

/// How the step that triggers has ended, and what it said.
fn scan(parent: &Ended) -> (i32, &str) {
    let step = parent.steps.iter().find(|(name, _, _)| name == "dynamic-scan/dynamic-scan").unwrap();
    (step.1, &step.2)
}

#[test]
fn without_a_token_nothing_is_called() {
    let trial = Trial::of(Server::small("v1"));
    let mut node = trial.node();
    node.volumes.clear();
    let parent = trial.parent(&node);
    let (code, said) = scan(&parent);
    assert_eq!(code, 4, "{said}");
    assert!(
        said.contains("kubectl create secret generic web-async-token --namespace stages --from-literal=token=\"$(openssl rand -hex 32)\""),
        "{said}"
    );
    assert_eq!((trial.cluster.posts(), trial.cluster.gets().len()), (0, 1), "only the list of runs has looked");
}

#[test]
fn rights_are_found_out_about_before_the_call() {
    for fault in [GetFault::Forbidden, GetFault::Unauthorized] {
        let trial = Trial::of(Server::small("v1"));
        trial.cluster.get_faults([fault]);
        let parent = trial.parent(&trial.node());
        let (code, said) = scan(&parent);
        assert_eq!((code, trial.cluster.posts()), (4, 0), "{said}");
        assert!(said.contains("may not look at runs") && said.contains("access.yaml"), "{said}");
    }
}

#[test]
fn a_wrong_token_is_said_as_what_it_is_and_the_list_shows_what_is_not_known() {
    let trial = Trial::of(Server::small("v1"));
    trial.cluster.rotate_stage_token("another");
    let mut node = trial.node();
    node.environment.insert("SIDESTAGE_DEADLINE", "0.5");
    let parent = trial.parent(&node);
    let (code, said) = scan(&parent);
    assert_eq!(code, 7, "{said}");
    assert!(said.contains("The listener answers 202 whatever happens") && said.contains("token"), "{said}");
    assert!(parent.output("async-runs/list").contains("unknown"), "{parent:#?}");
}

#[test]
fn a_token_that_is_replaced_meanwhile_is_read_again() {
    let trial = Trial::of(Server::small("v1"));
    let node = trial.node();
    trial.cluster.rotate_api_token("the second token of the pod");
    // The first call is lost, so that there is a second one.
    trial.cluster.post_faults([Fault::Drop]);
    let parent = trial.parent(&node);
    assert_eq!(scan(&parent).0, 0, "{parent:#?}");
    assert_eq!(trial.cluster.runs().len(), 1);
}

#[test]
fn a_listener_that_is_away_is_waited_for_and_one_that_stays_away_is_said() {
    let trial = Trial::of(Server::small("v1"));
    trial.cluster.post_faults([Fault::Refuse, Fault::Refuse]);
    let parent = trial.parent(&trial.node());
    assert_eq!(scan(&parent).0, 0, "{parent:#?}");
    assert_eq!(trial.cluster.runs().len(), 1);

    let trial = Trial::of(Server::small("v1"));
    let mut node = trial.node();
    // Nothing listens there.
    node.environment.extend([
        ("EL_WEB_ASYNC_SERVICE_HOST", "127.0.0.1"),
        ("EL_WEB_ASYNC_SERVICE_PORT", "1"),
        ("SIDESTAGE_DEADLINE", "0.5"),
    ]);
    let parent = trial.parent(&node);
    let (code, said) = scan(&parent);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the listener was not reached") && said.contains("No run was started"), "{said}");
    assert!(parent.output("async-runs/list").contains("refused"), "{parent:#?}");
}

#[test]
fn what_crosses_is_held_against_the_contract_and_the_limit() {
    let with = |deploy: &str, contract: &str| {
        let text = format!(
            "version: '1'\ndeploy:\n  image: example/base:1\n  script: |\n    #!/usr/bin/env bash\n    {deploy}\n    trigger-task zap\n\
             zap:\n  image: example/zap:1\n{contract}  script: |\n    #!/bin/sh\n    get_env report\n"
        );
        let server = Server::empty();
        server.commit(&[(".pipeline-config.yaml", &text)]);
        let trial = Trial::of(server);
        let parent = trial.parent(&trial.node());
        let step = parent.steps.iter().find(|(name, _, _)| name == "deploy/deploy").unwrap();
        (step.1, step.2.clone(), trial.cluster.posts())
    };
    let contract = "  x-async:\n    reads:\n      report: {required: true, pattern: '^https://'}\n";
    let (code, said, posts) = with("set_env report \"$(date)\"; export_env report", contract);
    assert!((code, posts) == (3, 0) && said.contains("wrong value: report"), "{code} {said}");
    let (code, said, _) = with("set_env report \"https://$(date +%s)\"; export_env report", contract);
    assert_eq!(code, 0, "{said}");
    // What compresses fits, and what does not is refused before the call.
    let (code, said, posts) = with("head -c 300000 /dev/zero | tr '\\0' x | set_env report; export_env report", "");
    assert_eq!((code, posts), (0, 1), "{said}");
    let (code, said, posts) = with("head -c 200000 /dev/urandom | base64 -w 0 | set_env report; export_env report", "");
    assert!((code, posts) == (6, 0) && said.contains("131053"), "{code} {said}");
}

#[test]
fn manifests_of_another_commit_stop_a_run_before_its_stages() {
    let trial = Trial::of(Server::small("v1"));
    let node = trial.node();
    let first = trial.parent(&node);
    assert!(first.is_good);
    let payload = trial.cluster.runs()[0].payload.clone();
    let config = std::fs::read_to_string(trial.server.path().join(".pipeline-config.yaml")).unwrap();
    // A script may change, an image may not.
    trial.server.commit(&[(".pipeline-config.yaml", &config.replace("echo \"back", "echo \"again back"))]);
    let second = node.run("web-ci", "web-ci-2", &trial.parameters("main"));
    assert!(second.output("dynamic-scan/dynamic-scan").contains("again back in ci"), "{second:#?}");
    let other =
        trial.server.commit(&[(".pipeline-config.yaml", &config.replace("example/zap:1", "example/zap:2").replace("base:1", "base:2"))]);
    let third = node.run("web-ci", "web-ci-3", &trial.parameters(&other));
    assert_eq!(third.names(), ["start/start", "async-runs/list"], "{third:#?}");
    assert!(third.output("start/start").contains("the manifests on the cluster are not those of this commit"), "{third:#?}");
    // The async stage of the first run is that of its own commit.
    assert!(node.run("web-async-zap", "zap-1", &[("payload", json!(payload))]).is_good);
}

#[test]
fn a_revision_is_a_branch_a_tag_or_a_commit() {
    let trial = Trial::of(Server::small("v1"));
    let node = trial.node();
    let first = trial.server.commit(&[]);
    trial.server.git(&["tag", "v1"]);
    trial.server.git(&["checkout", "--quiet", "-b", "topic/one"]);
    trial.server.commit(&[("version", "two\n")]);
    trial.server.git(&["update-ref", "refs/pull/7/head", "HEAD"]);
    trial.server.git(&["checkout", "--quiet", "main"]);
    for (number, revision) in
        ["main", "v1", "topic/one", "refs/heads/topic/one", &first, &first[..10], "refs/pull/7/head"].iter().enumerate()
    {
        let run = node.run("web-ci", &format!("web-ci-{number}"), &trial.parameters(revision));
        assert!(run.is_good, "{revision}: {run:#?}");
    }
    // A branch that is called like a commit is none.
    trial.server.git(&["update-ref", &format!("refs/heads/{first}"), "topic/one"]);
    assert!(node.run("web-ci", "web-ci-pinned", &trial.parameters(&first)).is_good);
    assert_eq!(git_in(&node.workspace("web-ci-pinned").join("app"), &["rev-parse", "HEAD"]), first);
    assert!(node.run("web-ci", "web-ci-head", &trial.parameters("HEAD")).is_good);
    for (revision, expected) in [
        ("nowhere", "has no branch, tag or commit `nowhere`"),
        ("--upload-pack=x", "its revision is none"),
        ("main~0", "its revision is none"),
        ("", "its revision is none"),
    ] {
        let run = node.run("web-ci", &format!("web-ci-none-{}", revision.len()), &trial.parameters(revision));
        assert!(!run.is_good && run.output("start/start").contains(expected), "{revision}: {run:#?}");
    }
}

#[test]
fn parameters_of_a_run_are_looked_at_before_anything_is_done() {
    let trial = Trial::of(Server::small("v1"));
    let node = trial.node();
    for (number, (name, value, expected)) in [
        ("parameters", json!(["opt-in"]), "the parameter `opt-in` is not NAME=VALUE"),
        ("repository-path", json!("../outside"), "its path leaves the workspace"),
        ("repository-path", json!(".sidestage"), "its path leaves the workspace, or is none: '.sidestage'"),
        ("repository-path", json!("a/.git/hooks"), "its path leaves the workspace, or is none: 'a/.git/hooks'"),
        ("repository", json!("ext::sh -c touch% /tmp/x"), "its url would start another program"),
        ("repository", json!("/nowhere/at/all"), "cannot clone /nowhere/at/all"),
        ("repository", json!("http://me:hunter2@127.0.0.1:1/a"), "cannot clone http://***@127.0.0.1:1/a"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut parameters = trial.parameters("main");
        parameters.push((name, value));
        let run = node.run("web-ci", &format!("web-ci-{number}"), &parameters);
        assert!(!run.is_good && run.output("start/start").contains(expected), "{name}: {run:#?}");
        assert!(!run.output("start/start").contains("hunter2"), "{run:#?}");
    }
    // What another step has put there is not removed.
    let workspace = node.workspace("web-ci-taken");
    std::fs::create_dir_all(workspace.join("app/data")).unwrap();
    std::os::unix::fs::symlink("/", workspace.join("link")).unwrap();
    for (path, expected) in [("app", "already holds something else"), ("link/tmp/x", "leaves the workspace through a link")] {
        let mut parameters = trial.parameters("main");
        parameters.push(("repository-path", json!(path)));
        let run = node.run("web-ci", "web-ci-taken", &parameters);
        assert!(run.output("start/start").contains(expected) && workspace.join("app/data").is_dir(), "{path}: {run:#?}");
    }
}

#[test]
fn a_payload_that_is_none_starts_nothing() {
    let trial = Trial::of(Server::small("v1"));
    let node = trial.node();
    let packed = |text: &str| {
        use base64::Engine;
        json!(base64::engine::general_purpose::STANDARD.encode(text))
    };
    let with = |more: &str| {
        let config = "\"config\": {\"path\": \"app\", \"file\": \"x.yaml\"}";
        let state = "\"state\": {\"env\": {}, \"repos\": {}, \"artifacts\": {}}";
        format!("{{\"sidestage\": 1, \"stage\": \"zap\", \"pipeline\": {{}}, {config}, {state}, {more}}}")
    };
    for (number, (payload, expected)) in [
        (json!("%%%"), "it is not base64"),
        (packed("[]"), "it is no JSON object"),
        (packed("{\"sidestage\": 2}"), "its version is 2"),
        (packed(&with("\"properties\": [1]")), "its properties are no object"),
        (packed(&with("\"properties\": {\"a\": 5}")), "the property \"a\" is neither text nor base64"),
        (packed(&with("\"properties\": {\"../a\": \"\"}")), "has a name that no property has"),
        (packed(&with("\"properties\": {\"secure-properties\": \"\"}")), "has a name that no property has"),
        (packed(&with("\"x\": 1").replace("\"app\"", "\"../app\"")), "the place of the configuration: its path leaves the workspace"),
        (packed(&with("\"x\": 1").replace("x.yaml", "../x.yaml")), "its file leaves the repository"),
        (
            packed("{\"sidestage\": 1, \"stage\": \"other\", \"pipeline\": {}, \"config\": {}, \"state\": {}}"),
            "it is for the stage `other`",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let run = node.run("web-async-zap", &format!("zap-{number}"), &[("payload", payload)]);
        assert_eq!(run.names(), ["stage/start"], "{run:#?}");
        assert!(run.output("stage/start").contains(expected), "{expected}: {run:#?}");
    }
}

#[test]
fn the_list_has_all_runs_of_the_parent_and_none_of_others() {
    let trial = Trial::of(Server::small("v1"));
    let node = trial.node();
    trial.cluster.list_in_pages_of(2);
    for (number, (succeeded, reason)) in
        [("True", "Succeeded"), ("False", "Failed"), ("False", "Cancelled"), ("Unknown", "Running"), ("True", "Completed")]
            .iter()
            .enumerate()
    {
        let run =
            Run { name: format!("zap-{number:016x}"), stage: "zap".to_owned(), parent: "web-ci-1".to_owned(), payload: String::new() };
        let name = run.name.clone();
        trial.cluster.insert_foreign(run);
        trial.cluster.set_status(&name, Status { succeeded, reason, started: None, completed: None });
    }
    trial.cluster.insert_foreign(Run {
        name: "other-1".to_owned(),
        stage: "zap".to_owned(),
        parent: "another".to_owned(),
        payload: String::new(),
    });
    let parent = trial.parent(&node);
    let list = parent.output("async-runs/list");
    let states: Vec<&str> = list.lines().skip(1).map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    assert_eq!(states.len(), 6, "{list}");
    for state in ["succeeded", "failed", "cancelled", "running"] {
        assert!(states.contains(&state), "{state}: {list}");
    }
    assert!(!list.contains("other-1"), "{list}");
    // One that is gone is said to be.
    let own = trial.cluster.runs().into_iter().find(|run| !run.payload.is_empty()).unwrap();
    trial.cluster.remove(&own.name);
    let again = node.step_again("web-ci", "async-runs", "web-ci-1");
    assert!(again.contains("deleted"), "{again}");
}

#[test]
fn a_start_that_is_repeated_is_the_same_start() {
    let trial = Trial::of(Server::small("v1"));
    let mut node = trial.node();
    node.environment.insert("SIDESTAGE_NONCE", "0123456789abcdef");
    assert_eq!(scan(&trial.parent(&node)).0, 0);
    let again = node.step_again("web-ci", "dynamic-scan", "web-ci-1");
    assert!(again.contains("started: stage zap, run zap-0123456789abcdef"), "{again}");
    assert_eq!((trial.cluster.runs().len(), trial.cluster.posts()), (1, 1), "{again}");
    // It is deleted, as old runs are: the same start makes no second one.
    trial.cluster.remove("zap-0123456789abcdef");
    let again = node.step_again("web-ci", "dynamic-scan", "web-ci-1");
    assert!(again.contains("was started, and is deleted"), "{again}");
    assert_eq!((trial.cluster.runs().len(), trial.cluster.posts()), (0, 1), "{again}");
    // A run of another stage under this name is not ours.
    let run =
        Run { name: "zap-0123456789abcdef".to_owned(), stage: "other".to_owned(), parent: "web-ci-1".to_owned(), payload: String::new() };
    trial.cluster.insert_foreign(run);
    assert!(node.step_again("web-ci", "dynamic-scan", "web-ci-1").contains("or of another stage"));
}

#[test]
fn a_token_that_goes_away_does_not_deny_a_run() {
    let trial = Trial::of(Server::small("v1"));
    let mut node = trial.node();
    node.environment.extend([("SIDESTAGE_DEADLINE", "4"), ("SIDESTAGE_RETRY_CAP", "0.3")]);
    // However late the token goes: no call makes a run.
    trial.cluster.post_faults([Fault::Drop; 50]);
    let (code, said) = std::thread::scope(|scope| {
        scope.spawn(|| {
            // The first call has been taken, and the next one finds no token.
            while trial.cluster.posts() == 0 {
                std::thread::yield_now();
            }
            node.remove_token("web-ci-1");
        });
        let parent = trial.parent(&node);
        let (code, said) = scan(&parent);
        (code, said.to_owned())
    });
    assert!(code == 7 && said.contains("there is no token of the listener"), "{code} {said}");
}
