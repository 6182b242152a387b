//! One stage: its script under a supervisor, its output into its log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use sidestage_compiler::plan::PlannedStage;

use super::active::ActiveRun;
use super::mask::Masker;
use super::stop::send;
use super::{containers, duration, tools};
use crate::processes::children;
use crate::processes::supervisor::{Orders, SUPERVISE, TERMINATE};
use crate::run::State;

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(10);

/// What a script without a shebang runs with, as on a cluster with Tekton.
const DEFAULT_SHEBANG: &str = "#!/bin/sh\nset -e\n";

/// Why a stage that the platform provides does not run.
pub(super) const NO_SCRIPT: &str = "the platform's own script is not on this machine";

/// How a stage ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) state: State,
    pub(super) exit: Option<u8>,
    pub(super) reason: Option<String>,
}

impl End {
    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self { state: State::Failed, exit: None, reason: Some(reason.into()) }
    }
}

/// What a stage runs in.
pub(super) struct Surroundings<'a> {
    pub(super) sidestage: &'a Path,
    /// The environment of the run, completed by the stage's own.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// The task of the stage must have ended by then.
    pub(super) deadline: Option<Instant>,
}

/// Runs a stage to its end; `place` is its place in the run.
pub(super) fn run(run: &ActiveRun, place: usize, stage: &PlannedStage, script: &str, surroundings: &Surroundings<'_>) -> End {
    match start(run, place, stage, script, surroundings) {
        Ok(end) => end,
        Err(error) => End::failed(format!("the stage cannot be started: {error}")),
    }
}

fn start(run: &ActiveRun, place: usize, stage: &PlannedStage, script: &str, surroundings: &Surroundings<'_>) -> io::Result<End> {
    for (text, what) in [(&stage.timeout, "timeout"), (&stage.task_timeout, "timeout of the task")] {
        if let Some(text) = text.as_ref().filter(|text| duration::parse(text).is_none()) {
            return Ok(End::failed(format!("the {what} `{text}` is not a duration; write one like `10m` or `1h30m`")));
        }
    }
    let own_limit = stage.timeout.as_deref().and_then(duration::limit).map(|limit| Instant::now() + limit);
    let deadline = [own_limit, surroundings.deadline].into_iter().flatten().min();

    let path = run.place("scripts").join(format!("{:03}-{}", place + 1, stage.id.replace('/', "_")));
    let text = if script.starts_with("#!") { script.to_owned() } else { format!("{DEFAULT_SHEBANG}{script}") };
    std::fs::create_dir_all(run.place("scripts"))?;
    tools::write(&path, &text, 0o700)?;

    let (lifeline_end, lifeline) = io::pipe()?;
    let (output, output_end) = io::pipe()?;
    let mut command = Command::new(surroundings.sidestage);
    let mut orders = Orders::default();
    orders.grace = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
    orders.clear = run.folder.transient(run.record.options.keep_workspace);
    if let Some(engine) = &run.record.options.containers {
        orders.finally = containers::removal(engine, run, stage);
    }
    command.arg(SUPERVISE).arg(serde_json::to_string(&orders)?);
    let folder = run.repository();
    match &run.record.options.containers {
        None => {
            command.arg(&path).env_clear().envs(surroundings.environment);
        }
        Some(engine) => {
            command.args(containers::command(engine, run, stage, &path, surroundings.environment)?);
        }
    }
    command.current_dir(if folder.is_dir() { folder } else { run.place("workspace") });
    command.stdin(lifeline_end).stdout(output_end.try_clone()?).stderr(output_end);
    let mut child = children::spawn(&mut command)?;
    // Its ends of both pipes are the child's alone.
    drop(command);

    let lifeline = Arc::new(Mutex::new(lifeline));
    run.stop.watch(&lifeline);
    let log = File::create(run.folder.log(place, &stage.id))?;
    let is_over = AtomicBool::new(false);
    let status = std::thread::scope(|scope| {
        let pump = scope.spawn(|| pump(run, &stage.id, output, log));
        let (ended, end) = mpsc::channel::<()>();
        let watch = deadline.map(|deadline| {
            let (lifeline, is_over) = (&lifeline, &is_over);
            scope.spawn(move || {
                if end.recv_timeout(deadline.saturating_duration_since(Instant::now())) == Err(RecvTimeoutError::Timeout) {
                    is_over.store(true, Ordering::SeqCst);
                    send(lifeline, TERMINATE);
                }
            })
        });
        let status = child.0.wait();
        drop(ended);
        // A supervisor that was killed has left everything to this process.
        if status.as_ref().is_ok_and(|status| status.code().is_none()) {
            children::end_orphans();
        }
        let pumped = pump.join().unwrap_or_else(|_| Err(io::Error::other("a bug in sidestage; please report it")));
        if let Some(watch) = watch {
            let _ = watch.join();
        }
        pumped.and(status)
    })?;
    let exit = status.code().and_then(|code| u8::try_from(code).ok());
    let end = |state, reason: Option<String>| End { state, exit, reason };
    Ok(if is_over.load(Ordering::SeqCst) {
        let limit = stage.timeout.as_ref().filter(|_| deadline == own_limit).or(stage.task_timeout.as_ref());
        end(State::TimedOut, Some(format!("it took longer than {}", limit.map_or("its task may", String::as_str))))
    } else if run.stop.is_asked() {
        end(State::Cancelled, None)
    } else {
        match exit {
            Some(0) => end(State::Succeeded, None),
            Some(_) => end(State::Failed, None),
            None => end(State::Failed, Some("its supervisor was killed".to_owned())),
        }
    })
}

/// Output to the log, without secrets, and a line at a time to whoever watches.
fn pump(run: &ActiveRun, stage: &str, mut output: PipeReader, mut log: File) -> io::Result<()> {
    let mut masker = Masker::default();
    let data = run.data();
    let mut looked_at = None;
    let mut line = Vec::new();
    let mut chunk = [0; 16 * 1024];
    run.hide(&mut masker, data.secrets());
    loop {
        let length = match output.read(&mut chunk) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if length > 0 && has_changed(&run.place("store/secret"), &mut looked_at) {
            run.hide(&mut masker, data.secrets());
        }
        let shown = if length == 0 { masker.finish() } else { masker.push(&chunk[..length]) };
        log.write_all(&shown)?;
        tell(run, stage, &mut line, &shown, length == 0);
        if length == 0 {
            return Ok(());
        }
    }
}

/// Whether a folder has changed since it was looked at, or only just now: its time is not exact.
fn has_changed(folder: &Path, looked_at: &mut Option<SystemTime>) -> bool {
    let Ok(time) = std::fs::metadata(folder).and_then(|folder| folder.modified()) else { return false };
    let is_recent = time.elapsed().map_or(true, |age| age < Duration::from_millis(100));
    let has_changed = *looked_at != Some(time);
    *looked_at = Some(time);
    has_changed || is_recent
}

/// Longer lines are told in parts.
const LONGEST_LINE: usize = 8 * 1024;

fn tell(run: &ActiveRun, stage: &str, line: &mut Vec<u8>, shown: &[u8], is_end: bool) {
    line.extend_from_slice(shown);
    let mut from = 0;
    while let Some(length) = line[from..].iter().position(|byte| *byte == b'\n') {
        say(run, stage, &line[from..from + length]);
        from += length + 1;
    }
    line.drain(..from);
    if line.len() > LONGEST_LINE || (is_end && !line.is_empty()) {
        say(run, stage, line);
        line.clear();
    }
}

fn say(run: &ActiveRun, stage: &str, line: &[u8]) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    run.reporter.output(&run.record, stage, &String::from_utf8_lossy(line));
}
