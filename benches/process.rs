//! What whole processes cost, each beside `/bin/true` in the same second: the machine's speed drops out of the ratio.
//!
//! `cargo bench --bench process` prints the median of each and how many times `/bin/true` that is. zizmor and
//! check-jsonschema are measured where they are on the PATH; peak memory where GNU time is at `/usr/bin/time`.
//! `SIDESTAGE=PATH` measures another build.
// A bench that cannot run has nothing to measure; it prints what it measured; sizes are far below 2^52.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::cast_precision_loss)]

mod inputs;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const GNU_TIME: &str = "/usr/bin/time";

/// A command and the folder that it runs in.
struct Process {
    name: &'static str,
    command: Vec<String>,
    folder: PathBuf,
    rounds: usize,
}

impl Process {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).current_dir(&self.folder).env("PIPELINECTL_STATE", &self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Peak memory in KiB; `None` without GNU time.
    fn peak(&self) -> Option<u64> {
        let output = Command::new(GNU_TIME).args(["-f", "%M"]).args(&self.command).current_dir(&self.folder).output().ok()?;
        String::from_utf8_lossy(&output.stderr).lines().last()?.trim().parse().ok()
    }
}

fn time(mut command: Command) -> Duration {
    let start = Instant::now();
    command.status().expect("it runs");
    start.elapsed()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn is_there(program: &str) -> bool {
    let is_file = |folder: PathBuf| folder.join(program).is_file();
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(is_file))
}

fn processes(folder: &Path) -> Vec<Process> {
    let process = |name: &'static str, input: &str, rounds: usize, command: &[&str]| {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        Process { name, command, folder: folder.join(input), rounds }
    };
    let sidestage = std::env::var("SIDESTAGE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_sidestage").to_owned());
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/config-v1.schema.json");
    let schema = schema.to_str().expect("a path that is UTF-8");
    let mut all = vec![
        process("set_env", "store", 300, &[&sidestage, "pipelinectl", "set_env", "key", "value"]),
        process("get_env", "store", 300, &[&sidestage, "pipelinectl", "get_env", "key"]),
        process("export_env", "store", 300, &[&sidestage, "pipelinectl", "export_env", "key"]),
        process("check one", "one", 200, &[&sidestage, "check"]),
        process("check many", "many", 20, &[&sidestage, "check"]),
        process("check large2", "large2", 20, &[&sidestage, "check", "--format", "concise"]),
        process("check large20", "large20", 7, &[&sidestage, "check", "--format", "concise"]),
    ];
    let others = [
        process("zizmor, one", "workflow", 20, &["zizmor", "--offline", "--quiet", "."]),
        process("check-jsonschema, one", "one", 20, &["check-jsonschema", "--schemafile", schema, ".pipeline-config.yaml"]),
    ];
    for other in others {
        if is_there(&other.command[0]) {
            all.push(other);
        } else {
            println!("{}: not measured, {} is not on the PATH", other.name, other.command[0]);
        }
    }
    all
}

/// The bytes of the configuration in a folder.
fn size(folder: &Path) -> Option<u64> {
    Some(std::fs::metadata(folder.join(".pipeline-config.yaml")).ok()?.len())
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    inputs::write(folder.path());
    std::fs::create_dir(folder.path().join("store")).expect("a folder that can be made");
    println!("{:<22} {:>10} {:>12} {:>8} {:>14}", "", "median", "x /bin/true", "MB/s", "bytes a byte");
    for process in processes(folder.path()) {
        time(process.command());
        // In turn, so that what the machine does besides meets both.
        let pairs = (0..process.rounds).map(|_| (time(process.command()), time(Command::new("/bin/true"))));
        let (times, trues): (Vec<f64>, Vec<f64>) = pairs.map(|(time, beside)| (time.as_secs_f64(), beside.as_secs_f64())).unzip();
        let (time, beside) = (median(times), median(trues));
        let large = size(&process.folder).filter(|bytes| *bytes > 1_000_000);
        let speed = large.map_or(String::new(), |bytes| format!("{:.1}", bytes as f64 / 1e6 / time));
        let memory = large.and_then(|bytes| Some(format!("{:.1}", process.peak()? as f64 * 1024.0 / bytes as f64))).unwrap_or_default();
        println!("{:<22} {:>7.2} ms {:>12.2} {speed:>8} {memory:>14}", process.name, time * 1e3, time / beside);
    }
}
