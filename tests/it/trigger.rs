//! `sidestage trigger` and `sidestage async-runs`, which do without a script what the scripts do.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::proxy::{Fault, Plan};
use crate::harness::service::SIDESTAGE;
use crate::harness::site::{Ended, Parent, Site};

/// Names and values for stores: what JSON, jq, a shell or a store could trip over.
const WORDS: [&str; 16] = [
    "a",
    "",
    "two words",
    "a\nb\n",
    "tab\tand \"quotes\" and 'others'",
    "back\\slash $dollar `tick`",
    "é ü 漢字 🦀",
    "\u{7f}\u{1}\u{1f}",
    "\u{85}\u{2028}",
    "https://me:secret@git.example.com/a.git",
    "ssh://git:secret@git.example.com/a.git and ssh://@x/",
    "https://token@git.example.com/b",
    "user:password@host",
    "mailto:me@example.com",
    "</script>\r",
    "-",
];

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).expect("a small number")
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.roll(WORDS.len())]
    }

    fn flip(&mut self) -> bool {
        self.roll(2) == 0
    }
}

/// A store of a run, and the environment of its parent; both follow from the seed.
fn fill(parent: &Parent<'_>, seed: u64) -> Vec<(&'static str, String)> {
    let dice = &mut Dice(seed);
    for number in 0..dice.roll(5) {
        let name = format!("variable-{number}");
        parent.ctl(&["set_env", &name, dice.word()]);
        if dice.flip() {
            parent.ctl(&["export_env", &name]);
        }
    }
    if dice.flip() {
        fs::write(parent.folder.join("bytes"), b"\xff\xfe not text").unwrap();
        let mut command = parent.command("pipelinectl");
        command.args(["set_env", "bytes"]).stdin(fs::File::open(parent.folder.join("bytes")).unwrap());
        parent.succeeds(command);
        parent.ctl(&["export_env", "bytes"]);
    }
    let workspace = parent.folder.join("workspace").to_str().unwrap().to_owned();
    for (number, name) in ["app-repo", "other"].iter().enumerate().take(dice.roll(3)) {
        let path = [format!("app-{number}"), format!("./x//app-{number}/"), format!("{workspace}/deep/app-{number}")];
        let path = format!("path={}", path[dice.roll(3)]);
        let url = ["https://git.example.com/a.git", "https://me:secret@git.example.com/a.git", "ssh://git@git.example.com/a.git"];
        let url = format!("url={}", url[dice.roll(3)]);
        let commit = format!("commit={}", "0123456789".repeat(4));
        parent.ctl(&["save_repo", name, &path, &url, &commit]);
        if dice.flip() {
            parent.ctl(&["save_repo", name, &format!("branch={}", dice.word())]);
        }
    }
    for number in 0..dice.roll(3) {
        parent.ctl(&["save_artifact", &format!("image-{number}"), &format!("name={}", dice.word()), &format!("z={}", dice.word())]);
    }
    for name in ["pipeline-config-repo", "pipeline-config-branch", "pipeline-config", "pipeline-debug", "pipeline-name"] {
        if dice.flip() {
            let value = if name == "pipeline-config-repo" { "https://me:secret@git.example.com/config.git" } else { dice.word() };
            fs::write(parent.folder.join("config").join(name), value).unwrap();
        }
    }
    let mut environment = vec![("PIPELINE_RUN_ID", dice.word().to_owned()), ("PIPELINE_RUN_URL", dice.word().to_owned())];
    if dice.flip() {
        let path = [format!("app-{}", dice.roll(2)), "configuration".to_owned(), format!("{workspace}/deep/app-1"), workspace.clone()];
        environment.push(("PIPELINE_CONFIG_REPO_PATH", path[dice.roll(4)].clone()));
    }
    if dice.flip() {
        environment.push(("PIPELINE_NAME", dice.word().to_owned()));
    }
    if dice.flip() {
        let git = parent.folder.join("workspace/configuration/.git");
        fs::create_dir_all(&git).unwrap();
        fs::write(git.join("HEAD"), format!("{}\n", "ab".repeat(20))).unwrap();
    }
    environment
}

/// The payload of the last run, as it was sent, without what is random in it.
fn sent(site: &Site) -> String {
    let run = &site.runs()[0];
    let text = run["event_params_blob"].as_str().unwrap().to_owned();
    let payload: Value = serde_json::from_str(&text).unwrap();
    text.replace(payload["nonce"].as_str().unwrap(), "NONCE")
}

#[test]
fn script_and_binary_send_the_same_bytes_whatever_the_store_holds() {
    let site = Site::new();
    let mut accepted = 0;
    for seed in 0..24 {
        let parent = site.parent(&format!("parent-{seed}"));
        let environment = fill(&parent, seed);
        let run = |mut command: Command| -> Ended {
            command.envs(environment.iter().cloned());
            parent.run(command)
        };
        let before = site.runs().len();
        let script = run(parent.trigger());
        let of_script = (script.code == Some(0)).then(|| sent(&site));
        let binary = run(parent.trigger_from_binary());
        let of_binary = (binary.code == Some(0)).then(|| sent(&site));
        assert_eq!(of_script, of_binary, "seed {seed}: {}\n{}", script.printed, binary.printed);
        assert_eq!(script.code, binary.code, "seed {seed}: {}\n{}", script.printed, binary.printed);
        assert_eq!(site.runs().len(), before + if script.code == Some(0) { 2 } else { 0 }, "seed {seed}");
        accepted += usize::from(script.code == Some(0));
        // Both say the same of what crosses and of what stays behind.
        let said = |ended: &Ended, word: &str| ended.printed.matches(word).count();
        for word in ["holds a password", "crosses in clear", "not known (folder", "has exported"] {
            assert_eq!(said(&script, word), said(&binary, word), "seed {seed} {word}: {}\n{}", script.printed, binary.printed);
        }
    }
    assert!(accepted >= 12, "only {accepted} stores could be sent");
}

#[test]
fn the_binary_starts_a_stage_and_registers_it() {
    let site = Site::new();
    let parent = site.parent("first");
    let printed = parent.succeeds(parent.trigger_from_binary());
    let runs = site.runs();
    let id = runs[0]["id"].as_str().unwrap().to_owned();
    assert!(printed.contains(&format!("started: stage scan, run {id}")), "{printed}");
    assert_eq!(parent.registered(), [("accepted".to_owned(), id)]);
    assert_eq!(site.is_set_up_with(&parent.token()), Ok(()));
}

#[test]
fn what_the_binary_cannot_start_is_refused_with_the_exit_code_of_the_scripts() {
    let contract = "version: '1'\ndeploy:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n    set_env target x\n    export_env target\n    trigger-task scan\n\
                    scan:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n    get_env target\n    get_env depth\n  x-async:\n    reads:\n      target: {required: true, pattern: '^https://'}\n      depth: {default: '3'}\n";
    let site = Site::of(contract);
    let outcomes = |parent: &Parent<'_>| [parent.trigger(), parent.trigger_from_binary()].map(|command| parent.run(command));
    let parent = site.parent("first");
    for ended in outcomes(&parent) {
        assert_eq!((ended.code, ended.printed.contains("target")), (Some(3), true), "{}", ended.printed);
    }
    parent.ctl(&["set_env", "target", "ftp://x"]);
    for ended in outcomes(&parent) {
        assert_eq!((ended.code, ended.printed.contains("must match the pattern ^https://")), (Some(3), true), "{}", ended.printed);
    }
    parent.ctl(&["set_env", "target", "https://x"]);
    for ended in outcomes(&parent) {
        assert_eq!(ended.code, Some(0), "{}", ended.printed);
        assert_eq!(site.payloads()[0]["state"]["env"]["depth"], "3", "the default goes along");
    }
    parent.ctl(&["set_env", "big", &"x".repeat(60_000)]);
    for number in 0..9 {
        parent.ctl(&["set_env", &format!("big-{number}"), &"x".repeat(60_000)]);
        parent.ctl(&["export_env", &format!("big-{number}")]);
    }
    for ended in outcomes(&parent) {
        assert_eq!((ended.code, ended.printed.contains("big-0: 60000 bytes")), (Some(6), true), "{}", ended.printed);
    }
    let mut command = parent.command(SIDESTAGE);
    command.args(["trigger", "scam"]).arg(site.folder.path());
    let ended = parent.run(command);
    assert_eq!((ended.code, ended.printed.contains("did you mean `scan`?")), (Some(2), true), "{}", ended.printed);
}

#[test]
fn a_run_that_the_webhook_took_and_nobody_sees_is_unconfirmed() {
    let site = Site::new();
    let parent = site.parent("first");
    parent.succeeds(parent.trigger_from_binary());
    site.proxy.plan(None);
    parent.succeeds(parent.trigger_from_binary());
    let call = site.proxy.seen().iter().position(|request| request.contains("tekton-webhook")).unwrap();
    site.proxy.plan(Some(Plan { request: call, fault: Fault::Reply("<html>hello</html>"), is_forwarded: false, is_lasting: false }));
    let ended = parent.run(parent.trigger_from_binary());
    assert_eq!((ended.code, ended.printed.contains("no run with the nonce")), (Some(7), true), "{}", ended.printed);
}

/// The binary and the script, each with these arguments.
fn lists(parent: &Parent<'_>, arguments: &[&str]) -> [Command; 2] {
    let mut binary = parent.command(SIDESTAGE);
    binary.arg("async-runs").args(arguments);
    let mut script = parent.script("list-async-runs.sh");
    script.args(arguments);
    [binary, script]
}

#[test]
fn the_list_is_the_same_from_the_binary_and_the_script_in_the_order_of_the_start() {
    let site = Site::new();
    let parent = site.parent("first");
    let [none, _] = lists(&parent, &[]);
    assert_eq!(parent.succeeds(none), "No async runs were started.\n");
    parent.succeeds(parent.trigger());
    parent.succeeds(parent.trigger_from_binary());
    let [binary, script] = lists(&parent, &[]).map(|command| parent.succeeds(command));
    assert_eq!((binary.lines().count(), &binary), (3, &script));
    let [binary, script] =
        lists(&parent, &["--format", "json"]).map(|command| serde_json::from_str::<Value>(&parent.succeeds(command)).unwrap());
    assert_eq!(binary, script);
    let schema = serde_json::from_str(sidestage_compiler::config::schema::named("async-runs").expect("a schema").text).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&binary).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let mut started: Vec<Value> = site.runs().iter().map(|run| run["id"].clone()).collect();
    started.reverse();
    let listed: Vec<Value> = binary["runs"].as_array().unwrap().iter().map(|run| run["id"].clone()).collect();
    assert_eq!(listed, started);
    assert_eq!(binary["runs"][0]["status"], "queued");
}

#[test]
fn without_the_api_the_list_names_what_was_registered() {
    let site = Site::new();
    let parent = site.parent("first");
    parent.succeeds(parent.trigger());
    for mut command in lists(&parent, &[]) {
        command.env("CD_TEKTON_PIPELINE_URL", "http://127.0.0.1:9/pipeline/v2").env("SIDESTAGE_RETRIES", "1");
        let printed = parent.succeeds(command);
        assert!(printed.contains("scan") && printed.contains("unknown"), "{printed}");
    }
}

#[test]
fn waiting_ends_as_the_runs_do() {
    let site = Site::new();
    let parent = site.parent("first");
    for command in lists(&parent, &["--wait"]) {
        parent.succeeds(command);
    }
    parent.succeeds(parent.trigger());
    // Queued, and nothing executes it.
    for command in lists(&parent, &["--wait", "--timeout", "1", "--interval", "1"]) {
        let ended = parent.run(command);
        assert_eq!((ended.code, ended.printed.contains("have not ended: scan (queued)")), (Some(8), true), "{}", ended.printed);
        assert!(ended.printed.contains("STAGE"), "the list is printed all the same: {}", ended.printed);
    }
    // The key is exchanged, then the run is asked for.
    for (reply, code) in [(r#"{"status":"succeeded"}"#, 0), (r#"{"status":"failed"}"#, 1), (r#"{"status":"error"}"#, 1)] {
        for command in lists(&parent, &["--wait"]) {
            site.proxy.plan(Some(Plan { request: 1, fault: Fault::Reply(reply), is_forwarded: false, is_lasting: true }));
            let ended = parent.run(command);
            site.proxy.plan(None);
            assert_eq!(ended.code, Some(code), "{reply} {}", ended.printed);
            assert_eq!(ended.printed.contains("did not succeed: scan ("), code == 1, "{}", ended.printed);
        }
    }
    let id = site.runs()[0]["id"].as_str().unwrap().to_owned();
    site.ask("POST", &format!("/pipeline_runs/{id}/cancel"), &json!({}));
    for command in lists(&parent, &["--wait"]) {
        assert_eq!(parent.run(command).code, Some(1));
    }
}

#[test]
fn by_the_name_trigger_task_the_surroundings_choose() {
    let site = Site::new();
    let parent = site.parent("first");
    let link = parent.folder.join("trigger-task");
    symlink(SIDESTAGE, &link).unwrap();
    let by_name = |arguments: &[&str]| {
        let mut command = parent.command(&link);
        command.args(arguments).current_dir(site.folder.path());
        command
    };
    // With the old label, too.
    parent.succeeds(by_name(&["scan"]));
    parent.succeeds(by_name(&["scan", "label"]));
    assert_eq!(site.runs().len(), 2);
    let mut elsewhere = by_name(&["scan"]);
    elsewhere.current_dir("/").env("WORKSPACE", site.folder.path().parent().unwrap());
    elsewhere.env("PIPELINE_CONFIG_REPO_PATH", site.folder.path().file_name().unwrap());
    parent.succeeds(elsewhere);
    assert_eq!(site.runs().len(), 3);
    let mut on_a_cluster = by_name(&["scan"]);
    on_a_cluster.env("SIDESTAGE_NAMESPACE", "web").env("SIDESTAGE_ASYNC_STAGES", "scan").env("WORKSPACE", site.folder.path());
    let mut nowhere = by_name(&["scan"]);
    nowhere.env_remove("PIPELINE_ID");
    for (command, words) in [(on_a_cluster, "SIDESTAGE_LISTENER is not set"), (nowhere, "PIPELINE_ID"), (by_name(&[]), "which stage?")] {
        let ended = parent.run(command);
        assert_eq!((ended.code, ended.printed.contains(words)), (Some(2), true), "{words}: {}", ended.printed);
    }
    assert_eq!(site.runs().len(), 3);
}
