//! What running costs beside what runs: a pipeline whose one stage starts many async stages, each of which sleeps.
//!
//! `cargo bench --bench run` prints how long the longest chain must take (until the last trigger, and the sleep of what it
//! started), how long the run took, and the ratio. `SIDESTAGE_RUNS=100` and `SIDESTAGE_SLEEP=30` are the defaults; `SIDESTAGE=PATH`
//! measures another build.
// A bench that cannot run has nothing to measure; it prints what it measured.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() {
    let (runs, sleep) = (number("SIDESTAGE_RUNS", 100), number("SIDESTAGE_SLEEP", 30));
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("app");
    fs::create_dir(&root).expect("a folder");
    let config = format!(
        "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    for i in $(seq {runs}); do trigger-task sleeper || exit 1; done\n\
         sleeper:\n  script: |\n    #!/usr/bin/env bash\n    sleep {sleep}\n"
    );
    fs::write(root.join(".pipeline-config.yaml"), config).expect("it is written");
    let program = std::env::var("SIDESTAGE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_sidestage").to_owned());
    let sidestage = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(&root).env("SIDESTAGE_STATE", folder.path().join("state"));
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command.output().expect("it runs")
    };
    let ran = sidestage(&["run", "--yes", "-q", "--pipeline", "ci"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    let listed: Value = serde_json::from_slice(&sidestage(&["runs", "--format", "json"]).stdout).expect("JSON");
    let all = listed["runs"].as_array().expect("a list");
    let time = |value: &Value| value.as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time");
    let asynchronous: Vec<&Value> = all.iter().filter(|run| run["what"] == "sleeper").collect();
    assert_eq!(asynchronous.len() as u64, runs, "none is lost");
    assert!(asynchronous.iter().all(|run| run["state"] == "succeeded"), "all finish");
    let begin = time(&all[0]["started"]);
    let last_trigger = asynchronous.iter().map(|run| time(&run["created"])).max().expect("one");
    let end = asynchronous.iter().map(|run| time(&run["ended"])).max().expect("one");
    let seconds = |from: jiff::Timestamp, to: jiff::Timestamp| to.duration_since(from).as_secs_f64();
    let chain = seconds(begin, last_trigger) + std::time::Duration::from_secs(sleep).as_secs_f64();
    let wall = seconds(begin, end);
    println!("{runs} async runs of {sleep} s: triggers took {:.2} s", seconds(begin, last_trigger));
    println!("longest chain {chain:.2} s, run {wall:.2} s, ratio {:.3}", wall / chain);
}
