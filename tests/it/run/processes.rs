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

/// A container engine that writes down how it was called, and runs the command here.
const ENGINE: &str = r#"#!/bin/bash
log=${0%/*}/engine.log
printf '%s\n' "$*" >>"$log"
case $1 in
  version | rm) exit 0 ;;
esac
shift
variables=()
while [[ $1 == --* ]]; do
  case $1 in
    --env-file) mapfile -t variables <"$2" ;;
    --workdir) cd "$2" ;;
  esac
  case $1 in
    --rm | --init | --pull=*) shift ;;
    *) shift 2 ;;
  esac
done
image=$1
shift
echo "in $image"
exec env -i PATH="$PATH" "${variables[@]}" /bin/sh "$@"
"#;

#[test]
fn a_stage_runs_in_its_image_and_its_container_ends_with_it() {
    let config = "version: '1'\nsetup:\n  image: base:1\n  script: |\n    #!/usr/bin/env bash\n    echo \"$STAGE $(get_env pipeline_namespace)\"\n    touch \"$READY\"\n    [ -z \"$WAIT\" ] || sleep 7300\n";
    let project = Project::with_config(config).program("engine", ENGINE);
    let calls = || fs::read_to_string(project.root().join("../programs/engine.log")).unwrap();
    let ready = project.root().join("../ready");
    let variable = format!("READY={}", ready.display());
    let ran = project.sidestage(&["run", "--pipeline", "ci", "--containers", "engine", "--env", &variable, "--env", "WAIT="]);
    assert_eq!(ran.code, Some(0), "it needs no confirmation: {}", ran.transcript());
    assert_eq!(project.log("last", "setup"), "in base:1\nsetup ci\n");
    for expected in
        ["workspace:/workspace ", "config:/config ", "secrets:/config/secure-properties ", "--name sidestage-", "rm --force sidestage-"]
    {
        assert!(calls().contains(expected), "{expected}: {}", calls());
    }
    fs::remove_file(&ready).unwrap();
    fs::remove_file(project.root().join("../programs/engine.log")).unwrap();
    let mut run = project.start(&["--pipeline", "ci", "--containers", "engine", "--env", &variable, "--env", "WAIT=yes"]);
    eventually("the stage runs", || ready.exists());
    run.signal("KILL");
    run.wait();
    eventually("the container is removed", || calls().contains("rm --force sidestage-"));
    for (engine, expected) in [("nosuch", "`nosuch` cannot be started"), ("false", "`false version` fails")] {
        let refused = project.run(&["--pipeline", "ci", "--containers", engine]);
        assert!(refused.code == Some(2) && refused.stderr.contains(expected), "{}", refused.transcript());
    }
    let bare = Project::with_config("version: '1'\nsetup:\n  script: echo\n").program("engine", ENGINE);
    let none = bare.run(&["--pipeline", "ci", "--containers", "engine"]);
    assert!(none.code == Some(1) && none.stdout.contains("it names no image"), "{}", none.transcript());
}
