//! `kill -9` at random moments: after each, the list of runs is truthful, no process is left, and the run can be repeated.
//!
//! `SIDESTAGE_KILLS=200` kills more often, `SIDESTAGE_KILLS_SEED` begins elsewhere.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Project, eventually, processes_with};

/// How often, unless more is asked for.
const KILLS: u64 = 12;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Twenty stages; each writes down that it has begun and ended, and some start async stages.
fn config() -> String {
    let mut text = "version: '2'\ntasks:\n  code-build:\n    steps:\n      - name: setup\n        script: |\n          #!/usr/bin/env bash\n          \
                    echo \"$PIPELINE_RUN_ID setup\" >> \"$LEDGER\"\n  mine:\n    from: code-build\n    steps:\n"
        .to_owned();
    for stage in 0..20 {
        let trigger = if stage % 5 == 4 { "\n          export_env n; trigger-task beside" } else { "" };
        text.push_str(&format!(
            "      - name: s{stage}\n        script: |\n          #!/usr/bin/env bash\n          echo \"$PIPELINE_RUN_ID s{stage}\" >> \"$LEDGER\"\n          \
             set_env n {stage}; sleep 0.02{trigger}\n"
        ));
    }
    text.push_str(
        "  async-stage:\n    steps:\n      - name: beside\n        script: |\n          #!/usr/bin/env bash\n          \
         echo \"$PIPELINE_RUN_ID beside\" >> \"$LEDGER\"\n          get_env n; sleep 0.1\n",
    );
    text
}

/// What stages have written down must be what the runs say.
fn is_truthful(runs: &[Value], ledger: &str) {
    let mut begun: Vec<String> = ledger.lines().map(str::to_owned).collect();
    begun.sort();
    let mut once = begun.clone();
    once.dedup();
    assert_eq!(begun, once, "nothing runs twice");
    for run in runs {
        let id = run["id"].as_str().unwrap();
        assert_ne!(run["state"], "running", "{run:#}");
        assert_ne!(run["state"], "queued", "{run:#}");
        for stage in run["stages"].as_array().unwrap() {
            let name = stage["stage"].as_str().unwrap().rsplit('/').next().unwrap();
            let has_begun = begun.contains(&format!("{id} {name}"));
            match stage["state"].as_str().unwrap() {
                "succeeded" => assert!(has_begun, "{stage:#}"),
                "skipped" => assert!(!has_begun, "{stage:#}"),
                "interrupted" => {}
                other => panic!("a stage is {other}: {run:#}"),
            }
        }
    }
    // Whatever has begun belongs to a run that is listed.
    for line in &begun {
        let id = line.split(' ').next().unwrap();
        assert!(runs.iter().any(|run| run["id"] == *id), "{line} belongs to no run that is listed");
    }
}

#[test]
fn a_kill_at_any_moment_loses_nothing_and_leaves_nothing() {
    let seed = number("SIDESTAGE_KILLS_SEED").unwrap_or(1);
    let mut interrupted = 0;
    for round in 0..number("SIDESTAGE_KILLS").unwrap_or(KILLS) {
        let mut random = fastrand::Rng::with_seed(seed + round);
        let project = Project::with_config(&config()).committed();
        let ledger = project.root().join("../ledger");
        fs::write(&ledger, "").unwrap();
        let variable = format!("LEDGER={}", ledger.display());
        // Not by the clock: after so many stages have begun, and a little later.
        let stages = random.usize(0..21);
        let mut run = project.start(&["--pipeline", "ci", "--env", &variable]);
        let lines = || fs::read_to_string(&ledger).unwrap().lines().count();
        let mut has_ended = false;
        eventually("so many stages", || {
            has_ended = run.child.try_wait().unwrap().is_some();
            has_ended || lines() >= stages
        });
        let pause = Instant::now();
        while pause.elapsed() < Duration::from_micros(random.u64(0..30_000)) {}
        if !has_ended {
            run.signal("KILL");
        }
        run.wait();
        let state = project.state().display().to_string();
        eventually("all processes are gone", || processes_with(&state).is_empty());
        let runs = project.runs();
        is_truthful(&runs, &fs::read_to_string(&ledger).unwrap());
        let Some(parent) = runs.iter().find(|run| run.get("parent").is_none()) else {
            assert_eq!(lines(), 0, "round {round}: it was killed before anything began");
            continue;
        };
        interrupted += usize::from(parent["state"] == "interrupted");
        let again = project.sidestage(&["rerun", parent["id"].as_str().unwrap(), "--yes"]);
        assert_eq!(again.code, Some(0), "round {round}: {}", again.transcript());
        let after = project.runs();
        is_truthful(&after, &fs::read_to_string(&ledger).unwrap());
        let beside = |parent: &Value| after.iter().filter(|run| run["parent"] == parent["id"]).count();
        let repeated = after.iter().find(|run| run["repeats"] == parent["id"]).unwrap();
        assert_eq!((repeated["state"].as_str().unwrap(), beside(repeated)), ("succeeded", 4), "round {round}");
        // An async run that was accepted can be repeated by itself, whatever has happened to it.
        for lost in after.iter().filter(|run| run["parent"] == parent["id"] && run["state"] == "interrupted").take(1) {
            let again = project.sidestage(&["rerun", lost["id"].as_str().unwrap(), "--yes"]);
            assert_eq!(again.code, Some(0), "round {round}: {}", again.transcript());
        }
        for run in fs::read_dir(project.state().join("runs")).unwrap().flatten() {
            for name in ["store", "secrets", "workspace", "home", "config"] {
                assert!(!run.path().join(name).exists(), "round {round}: {} stays", run.path().join(name).display());
            }
        }
    }
    assert!(interrupted > 0, "no kill came in the middle of a run: this shows nothing");
}

#[test]
fn a_workspace_stays_while_async_runs_use_it_and_goes_after_their_engine_was_killed() {
    let project = Project::with_config(
        "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    if [ -n \"${IS_FIRST-}\" ]; then trigger-task beside; fi\n\
         beside:\n  script: sleep 1000\n",
    )
    .committed();
    let mut first = project.start(&["--pipeline", "ci", "--env", "IS_FIRST=yes"]);
    eventually("the async run outlives the pipeline", || {
        let runs = project.runs();
        runs.len() == 2 && runs[0]["state"] == "succeeded" && runs[1]["state"] == "running"
    });
    let workspace = project.state().join("runs").join(project.runs()[0]["id"].as_str().unwrap()).join("workspace");
    assert_eq!(project.run(&["--pipeline", "ci"]).code, Some(0));
    assert!(workspace.exists(), "it is in use");
    first.signal("KILL");
    first.wait();
    let state = project.state().display().to_string();
    eventually("all processes are gone", || processes_with(&state).is_empty());
    assert_eq!(project.run(&["--pipeline", "ci"]).code, Some(0));
    assert!(!workspace.exists(), "nobody uses it any more");
}
