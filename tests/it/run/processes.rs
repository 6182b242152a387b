//! No process of a stage outlives its stage, nor a sidestage that was stopped or killed.

use std::fs;

use super::{Project, eventually, processes_with};

/// A stage that leaves processes behind in every way that there is, says that it has, and then does what is given.
fn stage_that_leaves(then: &str) -> String {
    format!(
        "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    sleep 7001 &\n    setsid sleep 7002 &\n    nohup sleep 7003 >/dev/null 2>&1 &\n    \
         (setsid bash -c 'sleep 7004 & disown; sleep 7005' &)\n    bash -c 'trap \"\" TERM INT HUP; while :; do sleep 0.5; done' &\n    \
         env -i setsid sleep 7006 &\n    sleep 0.3\n    touch \"$READY\"\n    {then}\n"
    )
}

fn left(project: &Project) -> Vec<String> {
    // `env -i` has no trace of the run but the folder that it works in.
    processes_with(&project.state().display().to_string())
}

fn started(project: &Project) -> super::Background {
    let ready = project.root().join("../ready");
    let run = project.start(&["--env", &format!("READY={}", ready.display())]);
    eventually("the stage runs", || ready.exists());
    run
}

#[test]
fn what_a_stage_leaves_behind_ends_with_it() {
    let project = Project::with_config(&stage_that_leaves("exit 0"));
    let ready = project.root().join("../ready");
    let ran = project.run(&["--env", &format!("READY={}", ready.display())]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    assert_eq!(left(&project), Vec::<String>::new());
}

#[test]
fn a_killed_sidestage_takes_everything_along() {
    let project = Project::with_config(&stage_that_leaves("sleep 7007"));
    let mut run = started(&project);
    run.signal("KILL");
    assert_eq!(run.wait(), None);
    eventually("all processes are gone", || left(&project).is_empty());
    let runs = project.runs();
    assert_eq!(runs[0]["state"], "interrupted");
    assert_eq!(runs[0]["stages"][0]["state"], "interrupted");
}

#[test]
fn a_killed_supervisor_fails_its_stage_and_leaves_nothing() {
    let project = Project::with_config(&stage_that_leaves("sleep 7007"));
    let mut run = started(&project);
    let supervisor = processes_with("__supervise").into_iter().find(|line| line.contains(&project.state().display().to_string())).unwrap();
    let pid = supervisor.split(':').next().unwrap();
    assert!(std::process::Command::new("kill").args(["-9", pid]).status().unwrap().success());
    assert_eq!(run.wait(), Some(1));
    assert_eq!(left(&project), Vec::<String>::new());
    assert_eq!(project.runs()[0]["stages"][0]["reason"], "its supervisor was killed");
}

#[test]
fn where_both_are_killed_the_next_start_sweeps() {
    let project = Project::with_config(&stage_that_leaves("sleep 7007"));
    let mut run = started(&project);
    // The engine first stands still, so that it cannot notice.
    run.signal("STOP");
    for line in processes_with("__supervise").into_iter().filter(|line| line.contains(&project.state().display().to_string())) {
        let pid = line.split(':').next().unwrap().to_owned();
        assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    }
    run.signal("KILL");
    run.wait();
    assert_eq!(project.runs()[0]["state"], "interrupted");
    assert!(!left(&project).is_empty(), "something is left, or this test shows nothing");
    let ready = project.root().join("../ready");
    fs::remove_file(&ready).unwrap();
    project.write(".pipeline-config.yaml", "version: '1'\nsetup:\n  script: echo\n");
    let next = project.run(&[]);
    assert_eq!(next.code, Some(0), "{}", next.transcript());
    assert!(next.stderr.contains("was interrupted; type: sidestage rerun "), "{}", next.stderr);
    assert_eq!(left(&project), Vec::<String>::new());
    let runs = project.state().join("runs");
    let transient = ["store", "secrets", "workspace", "home", "config"];
    for run in fs::read_dir(runs).unwrap().flatten() {
        assert!(transient.iter().all(|name| !run.path().join(name).exists()), "{}", run.path().display());
    }
}

#[test]
fn ctrl_c_stops_children_and_records_it_and_a_second_one_kills() {
    // It obeys: there is time to clean up.
    let polite = Project::with_config(
        "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    trap 'echo cleaned; exit 0' TERM\n    touch \"$READY\"\n    while :; do sleep 0.05; done\ndeploy:\n  script: |\n    #!/usr/bin/env bash\n    echo\n",
    );
    let mut run = started(&polite);
    run.signal("INT");
    assert_eq!(run.wait(), Some(1));
    assert!(polite.log("last", "setup").ends_with("cleaned\n"));
    let states: Vec<_> = polite.runs()[0]["stages"].as_array().unwrap().iter().map(|stage| stage["state"].clone()).collect();
    assert_eq!(states, ["cancelled", "skipped"]);
    assert_eq!(polite.runs()[0]["state"], "cancelled");
    // It does not obey.
    let stubborn = Project::with_config(&stage_that_leaves("trap '' TERM; while :; do sleep 0.5; done"));
    let mut run = started(&stubborn);
    run.signal("INT");
    run.signal("INT");
    assert_eq!(run.wait(), Some(1));
    assert_eq!(left(&stubborn), Vec::<String>::new());
    assert_eq!(stubborn.runs()[0]["state"], "cancelled");
}
