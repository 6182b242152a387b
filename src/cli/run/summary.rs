//! How it went, for people.

use std::fmt::Write;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use sidestage_engine::execute::shown_duration;
use sidestage_engine::run::{History, RunView, StageView, State};

use super::progress::printable;
use crate::terminal::look;

fn time(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "-".to_owned(), shown_duration)
}

/// A pipeline and its stages; and the async runs so far.
pub(super) fn pipeline(view: &RunView, history: &History) -> String {
    let mut text = String::from("\n");
    let now = Timestamp::now();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{} {} in {}   run {}", view.record.title(), view.state, time(view.duration(now)), view.record.short());
    if let Some(reason) = &view.reason {
        text.push_str(&look().indented(&format!("  {reason}\n"), "", "  "));
    }
    let width = view.stages.iter().map(|stage| stage.id.chars().count()).max().unwrap_or_default();
    for (place, stage) in view.stages.iter().enumerate() {
        text.push_str(&wrapped(line(stage, width, now).trim_end()));
        if stage.state == State::Failed || stage.state == State::TimedOut {
            text.push_str(&last_lines(&history.run(&view.record.id).log(place, &stage.id)));
        }
    }
    text
}

/// A line of a table: what has no room goes on in the next one.
fn wrapped(line: &str) -> String {
    format!("{}\n", look().indented(line, "", "      "))
}

/// So much of the log of a failed stage is shown.
const LAST_LINES: usize = 5;
const LAST_BYTES: i64 = 4096;

fn last_lines(log: &Path) -> String {
    let mut end = Vec::new();
    let read = File::open(log).and_then(|mut log| {
        let _ = log.seek(SeekFrom::End(-LAST_BYTES));
        log.read_to_end(&mut end)
    });
    let text = String::from_utf8_lossy(if read.is_ok() { &end } else { &[] });
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let shown = |line: &&str| printable(&line.replace('\t', " "));
    last.iter().map(|line| format!("{}\n", look().indented(&shown(line), "      | ", "      | "))).collect()
}

fn line(stage: &StageView, width: usize, now: Timestamp) -> String {
    let padding = " ".repeat(width - stage.id.chars().count());
    let why = stage.why().unwrap_or_default();
    format!("  {}{padding}  {:<9}  {:>6}  {why}", stage.id, stage.state, time(stage.duration(now)))
}

/// The async runs with state, time and log; and what they have saved.
pub(super) fn async_runs(view: &RunView, runs: &[RunView], began: Timestamp) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let now = Timestamp::now();
    let mut text = String::from("\nAsync runs\n");
    let width = runs.iter().map(|run| run.record.title().chars().count()).max().unwrap_or_default();
    for run in runs {
        let title = run.record.title();
        let padding = " ".repeat(width - title.chars().count());
        let duration = time(run.duration(now));
        let short = run.record.short();
        text.push_str(&wrapped(&format!("  {short}  {title}{padding}  {:<11}  {duration:>6}  sidestage logs {short}", run.state)));
        if let Some(reason) = &run.reason {
            text.push_str(&look().indented(&format!("      {reason}\n"), "", "      "));
        }
    }
    if let Some(saved) = saved(view, runs, began) {
        let _ = writeln!(text, "\n{} saved by running them at the same time as the pipeline.", shown_duration(saved));
    }
    text
}

/// How much longer it would have taken one after the other.
pub(super) fn saved(view: &RunView, runs: &[RunView], began: Timestamp) -> Option<Duration> {
    let now = Timestamp::now();
    let was_stopped = |run: &RunView| matches!(run.state, State::Cancelled | State::Interrupted);
    if runs.iter().chain([view]).any(was_stopped) {
        return None;
    }
    let alone: Duration = runs.iter().chain([view]).filter_map(|run| run.duration(now)).sum();
    let ended = runs.iter().chain([view]).filter_map(|run| run.ended).max()?;
    let together: Duration = ended.duration_since(view.started.unwrap_or(began)).try_into().ok()?;
    alone.checked_sub(together).filter(|saved| saved.as_millis() > 0)
}
