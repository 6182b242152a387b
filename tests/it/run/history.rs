//! Runs that are over: their list, logs, timeline, and their repetition.

use super::{Project, ended, eventually};

const TWO_STAGES: &str = "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    cat file; get_env a none; echo; get_secret s none; echo\n    \
                          set_env b $(cat file); export_env b; trigger-task scan\nscan:\n  script: |\n    #!/usr/bin/env bash\n    get_env b; echo; cat file; get_env a none; echo\n";

#[test]
fn a_rerun_repeats_the_original_state_whatever_has_changed() {
    let project = Project::with_config(TWO_STAGES).file("file", "first\n").committed();
    let mut command = project.command(&["run", "--yes", "--pipeline", "ci", "--parameter", "a=given", "--secret", "s"]);
    command.env("S", "hunter22");
    assert_eq!(ended(command).code, Some(0));
    let first = project.runs();
    project.write("file", "second\n");
    project.write(".pipeline-config.yaml", "version: '1'\nsetup:\n  script: exit 1\n");
    project.commit();
    // Values of secrets are not kept.
    let refused = project.sidestage(&["rerun", "last"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("no value for the secret `s`"), "{}", refused.transcript());
    let mut command = project.command(&["rerun", "last", "--secret", "s=OTHER"]);
    command.env("OTHER", "hunter33");
    let again = ended(command);
    assert_eq!(again.code, Some(0), "{}", again.transcript());
    assert_eq!(project.log("last", "setup").lines().take(3).collect::<Vec<_>>(), ["first", "given", "***"]);
    let runs = project.runs();
    assert_eq!(runs.len(), 4);
    assert_eq!(runs[2]["repeats"], first[0]["id"]);
    assert_eq!(runs[2]["commit"], first[0]["commit"]);
    // An async run by itself: its payload and its commit.
    let scan = project.async_runs("scan");
    let mut command = project.command(&["rerun", &scan[0]]);
    command.env("S", "hunter22");
    let alone = ended(command);
    assert_eq!(alone.code, Some(0), "{}", alone.transcript());
    let newest = project.async_runs("scan").pop().unwrap();
    assert_eq!(project.log(&newest, "scan"), "first\nfirst\nnone\n");
    assert_eq!(project.runs().last().unwrap()["repeats"], *scan[0]);
}

#[test]
fn runs_are_listed_and_named_by_the_beginning_of_their_ids() {
    let project = Project::with_config("version: '1'\nsetup:\n  script: echo\n");
    assert_eq!(project.sidestage(&["runs"]).stdout, "No runs yet. Type: sidestage run\n");
    assert_eq!(project.sidestage(&["runs", "--format", "json"]).json(), serde_json::json!({ "version": 1, "runs": [] }));
    for _ in 0..2 {
        assert_eq!(project.run(&[]).code, Some(0));
    }
    let list = project.sidestage(&["runs"]).stdout;
    assert_eq!(list.lines().count(), 4, "{list}");
    assert!(list.contains("pipeline ci") && list.contains("The last 50 pipelines are kept"), "{list}");
    let unknown = project.sidestage(&["logs", "zzz"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("there is no run `zzz`"), "{}", unknown.transcript());
    let several = project.sidestage(&["runs", "show", ""]);
    assert_eq!(several.code, Some(2), "{}", several.transcript());
    let stage = project.sidestage(&["logs", "last", "nothing"]);
    assert!(stage.code == Some(2) && stage.stderr.contains("the run has setup"), "{}", stage.transcript());
}

#[test]
fn old_runs_go_when_a_run_starts_and_take_their_async_runs_along() {
    let project = Project::with_config(TWO_STAGES).file("file", "x\n");
    assert_eq!(project.run(&["--pipeline", "ci"]).code, Some(0));
    let oldest = project.runs();
    assert_eq!(oldest.len(), 2);
    // Copies of an ended run stand for many runs.
    let runs = project.state().join("runs");
    let parent = oldest[0]["id"].as_str().unwrap();
    let record = std::fs::read_to_string(runs.join(parent).join("run.json")).unwrap();
    for number in 0..50 {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        std::fs::create_dir_all(runs.join(&id)).unwrap();
        let created = oldest[0]["created"].as_str().unwrap();
        let later = record.replace(parent, &id).replacen(created, &format!("2099-01-01T00:00:{:02}Z", number % 60), 1);
        std::fs::write(runs.join(&id).join("run.json"), later).unwrap();
        std::fs::copy(runs.join(parent).join("events.jsonl"), runs.join(&id).join("events.jsonl")).unwrap();
    }
    assert_eq!(project.runs().len(), 52);
    assert_eq!(project.run(&["--pipeline", "ci"]).code, Some(0));
    let left = project.runs();
    assert!(left.iter().all(|run| run["id"] != oldest[0]["id"] && run["id"] != oldest[1]["id"]), "the oldest and its async run are gone");
    assert_eq!(left.len(), 51, "fifty with the new one, and its async run");
}

#[test]
fn logs_are_followed_until_the_run_ends() {
    let project = Project::with_config(
        "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    echo one; while [ ! -e \"$GATE\" ]; do sleep 0.05; done; echo two\n",
    );
    let gate = project.root().join("../gate");
    let mut run = project.start(&["--env", &format!("GATE={}", gate.display())]);
    eventually("the first line", || project.sidestage(&["logs"]).stdout.contains("one"));
    let follower = project.command(&["logs", "-f"]);
    let follower = std::thread::spawn(move || ended(follower));
    std::fs::write(gate, "").unwrap();
    assert_eq!(run.wait(), Some(0));
    assert_eq!(follower.join().unwrap().stdout, "==> setup <==\none\ntwo\n");
}

#[test]
fn the_timeline_is_drawn_as_text_picture_and_page() {
    let project = Project::with_config(TWO_STAGES).file("file", "x\n");
    assert_eq!(project.run(&["--pipeline", "ci"]).code, Some(0));
    let text = project.sidestage(&["runs", "show"]).stdout;
    assert!(text.contains("pipeline ci succeeded") && text.contains("=|") && text.contains("sidestage logs"), "{text}");
    let svg = project.sidestage(&["runs", "show", "--format", "svg"]).stdout;
    for expected in ["<svg", "pipeline ci succeeded", ">setup<", ">scan ", "class=\"async ok\""] {
        assert!(svg.contains(expected), "{expected}: {svg}");
    }
    assert_eq!(project.sidestage(&["runs", "show", "last", "--output", "../out.html"]).code, Some(0));
    let page = std::fs::read_to_string(project.root().join("../out.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("<svg") && !page.contains("http://127"), "{page}");
}
