//! What is told while runs go on: live lines on a terminal, prefixed lines elsewhere, or events as JSON.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;
use sidestage_engine::execute::{Reporter, shown_duration};
use sidestage_engine::run::{Event, EventKind, RunRecord, State, What};

use crate::cli::arguments::RunFormat;
use crate::terminal::{is_quiet, print, print_line, print_note};

/// Who tells it, as the format and the terminal have it.
pub(in crate::cli) fn reporter(format: RunFormat) -> Arc<dyn Reporter> {
    match format {
        RunFormat::Json => Arc::new(Json(Mutex::new(()))),
        RunFormat::Text if std::io::stderr().is_terminal() && !is_quiet() => Arc::new(Live::new()),
        RunFormat::Text => Arc::new(Plain(Mutex::new(()))),
    }
}

/// What a stage of a run is called: an async run is known by its id.
fn label(run: &RunRecord, stage: &str) -> String {
    match &run.what {
        What::Pipeline { .. } => stage.to_owned(),
        What::Async { stage, .. } => format!("{stage} {}", run.short()),
    }
}

/// Nothing that moves the cursor or changes colours for good.
pub(super) fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

/// What an event says to people; nothing where it says nothing new.
fn told(run: &RunRecord, event: &Event) -> Option<String> {
    Some(match &event.kind {
        EventKind::StageSkipped { stage, reason } => format!("{}: skipped, {reason}", label(run, stage)),
        EventKind::StageEnded { stage, state, exit, reason } => {
            let code = exit.filter(|code| *code != 0 && *state == State::Failed).map_or(String::new(), |code| format!(" with {code}"));
            let why = reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
            format!("{}: {state}{code}{why}", label(run, stage))
        }
        EventKind::AsyncStarted { run, stage } => {
            format!("{stage} {}: started, at the same time as the pipeline", run.get(..8).unwrap_or(run))
        }
        EventKind::Ended { state, reason: Some(reason) } => format!("{}: {state}: {reason}", label(run, &run.title())),
        EventKind::Started | EventKind::StageStarted { .. } | EventKind::Ended { .. } => return None,
    })
}

/// Lines of output behind the stage that has printed them.
struct Plain(Mutex<()>);

impl Plain {
    fn line(&self, text: &str) {
        let _one = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        print_line(text);
    }
}

impl Reporter for Plain {
    fn event(&self, run: &RunRecord, event: &Event) {
        let begins = match &event.kind {
            EventKind::StageStarted { stage } => Some(format!("{}: started", label(run, stage))),
            _ => told(run, event),
        };
        if let Some(text) = begins.filter(|_| !is_quiet()) {
            self.line(&format!("-- {text}"));
        }
    }

    fn output(&self, run: &RunRecord, stage: &str, line: &str) {
        if !is_quiet() {
            self.line(&format!("[{}] {}", label(run, stage), printable(line)));
        }
    }

    fn warn(&self, text: &str) {
        let _one = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        print_note(text);
    }
}

/// One line for each running stage: how long it has run, and what it said last.
struct Live {
    all: MultiProgress,
    running: Mutex<BTreeMap<(String, String), ProgressBar>>,
}

impl Live {
    fn new() -> Self {
        Self { all: MultiProgress::new(), running: Mutex::default() }
    }

    fn begin(&self, run: &RunRecord, stage: &str) {
        let style = ProgressStyle::with_template("{spinner} {prefix:.bold} {elapsed} {wide_msg:.dim}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner()).tick_chars("|/-\\ ");
        let bar = self.all.add(ProgressBar::new_spinner().with_style(style).with_prefix(label(run, stage)));
        bar.enable_steady_tick(Duration::from_millis(120));
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert((run.id.clone(), stage.to_owned()), bar);
    }

    fn end(&self, run: &RunRecord, stage: &str) -> Option<Duration> {
        let bar = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&(run.id.clone(), stage.to_owned()))?;
        let elapsed = bar.elapsed();
        bar.finish_and_clear();
        self.all.remove(&bar);
        Some(elapsed)
    }

    fn line(&self, text: &str) {
        let _ = self.all.println(text);
    }
}

impl Reporter for Live {
    fn event(&self, run: &RunRecord, event: &Event) {
        match &event.kind {
            EventKind::StageStarted { stage } => self.begin(run, stage),
            EventKind::StageEnded { stage, state, .. } => {
                let time = self.end(run, stage).map_or(String::new(), |time| format!(" in {}", shown_duration(time)));
                let mark = if *state == State::Succeeded { "ok " } else { "-- " };
                self.line(&format!("{mark}{}{time}", told(run, event).unwrap_or_default()));
            }
            _ => {
                if let Some(text) = told(run, event) {
                    self.line(&format!("-- {text}"));
                }
            }
        }
    }

    fn output(&self, run: &RunRecord, stage: &str, line: &str) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = running.get(&(run.id.clone(), stage.to_owned())) {
            bar.set_message(printable(line));
        }
    }

    fn warn(&self, text: &str) {
        self.line(&format!("note: {text}"));
    }

    fn aside(&self, write: &mut dyn FnMut()) {
        self.all.suspend(write);
    }
}

/// A line of JSON each: `schemas/run-events.schema.json`.
struct Json(Mutex<()>);

#[derive(Serialize)]
struct Told<'a> {
    run: &'a str,
    what: String,
    #[serde(flatten)]
    event: &'a Event,
}

#[derive(Serialize)]
struct Output<'a> {
    run: &'a str,
    what: String,
    event: &'static str,
    stage: &'a str,
    text: &'a str,
}

impl Json {
    fn line(&self, value: &impl Serialize) {
        let _one = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is printed are texts, numbers and times.
        if let Ok(text) = serde_json::to_string(value) {
            let _ = print(&format!("{text}\n"));
            let _ = std::io::stdout().flush();
        }
    }
}

impl Reporter for Json {
    fn event(&self, run: &RunRecord, event: &Event) {
        self.line(&Told { run: &run.id, what: run.title(), event });
    }

    fn output(&self, run: &RunRecord, stage: &str, text: &str) {
        self.line(&Output { run: &run.id, what: run.title(), event: "output", stage, text });
    }

    fn warn(&self, text: &str) {
        print_note(text);
    }
}
