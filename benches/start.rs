//! What a call of `pipelinectl` costs, beside `/bin/true` in the same second: pipelines make hundreds of calls.
//!
//! `cargo bench --bench start` prints the median of each, and how many times `/bin/true` that is.
#![allow(clippy::expect_used, clippy::print_stdout)] // a bench that cannot run has nothing to measure; it prints what it measured

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 400;

const CALLS: [&[&str]; 4] = [
    &["/bin/true"],
    &[env!("CARGO_BIN_EXE_sidestage"), "pipelinectl", "get_env", "key"],
    &[env!("CARGO_BIN_EXE_sidestage"), "pipelinectl", "set_env", "key", "value"],
    &[env!("CARGO_BIN_EXE_sidestage"), "pipelinectl", "export_env", "key"],
];

fn time(call: &[&str], store: &Path) -> Duration {
    let mut command = Command::new(call[0]);
    command.args(&call[1..]).env("PIPELINECTL_STATE", store).stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status().expect("it runs");
    let time = start.elapsed();
    assert!(status.success(), "{call:?}");
    time
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    let store = tempfile::tempdir().expect("a folder");
    time(CALLS[2], store.path());
    let mut times: [Vec<Duration>; CALLS.len()] = Default::default();
    // In turn, so that what the machine does besides meets all of them.
    for _ in 0..ROUNDS {
        for (call, times) in CALLS.iter().zip(&mut times) {
            times.push(time(call, store.path()));
        }
    }
    let medians = times.map(median);
    for (call, median) in CALLS.iter().zip(medians) {
        let name = call.get(1..3).map_or(call[0].to_owned(), |words| words.join(" "));
        println!("{name:<24} {:>8.3} ms {:>6.2} x /bin/true", median.as_secs_f64() * 1e3, median.as_secs_f64() / medians[0].as_secs_f64());
    }
}
