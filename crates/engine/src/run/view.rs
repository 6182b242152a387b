//! The state of a run, as it follows from its events.

use std::time::Duration;

use jiff::Timestamp;

use super::{Event, EventKind, RunRecord, State};

/// A run as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunView {
    /// What it is.
    pub record: RunRecord,
    /// How it goes.
    pub state: State,
    /// When it left the queue.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it ended so, where no stage says it.
    pub reason: Option<String>,
    /// Its stages, in order.
    pub stages: Vec<StageView>,
    /// The runs that it has triggered.
    pub async_runs: Vec<String>,
}

/// A stage of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageView {
    /// Its id.
    pub id: String,
    /// How it goes.
    pub state: State,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its exit code.
    pub exit: Option<u8>,
    /// Why it was left out, or ended so.
    pub reason: Option<String>,
    /// Whether its failure ends nothing.
    pub may_fail: bool,
}

impl StageView {
    /// Why it ended so, in words.
    pub fn why(&self) -> Option<String> {
        let code = self.exit.filter(|code| *code != 0 && self.state == State::Failed).map(|code| format!("exit code {code}"));
        let why = self.reason.clone().or(code)?;
        Some(if self.may_fail && self.state == State::Failed { format!("{why}; it may fail") } else { why })
    }

    /// How long it ran; so far, where it still does.
    pub fn duration(&self, now: Timestamp) -> Option<Duration> {
        duration(self.started?, self.ended, now)
    }
}

fn duration(from: Timestamp, to: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    to.unwrap_or(now).duration_since(from).try_into().ok()
}

impl RunView {
    /// From what has happened. A run that has not ended, and that nobody executes, was interrupted.
    pub(super) fn new(record: RunRecord, events: &[Event], is_held: bool) -> Self {
        let fresh = |id: &String| StageView {
            id: id.clone(),
            state: State::Queued,
            started: None,
            ended: None,
            exit: None,
            reason: None,
            may_fail: false,
        };
        let stages = record.stages.iter().map(|stage| StageView { may_fail: stage.may_fail, ..fresh(&stage.id) }).collect();
        let mut view = Self { record, state: State::Queued, started: None, ended: None, reason: None, stages, async_runs: Vec::new() };
        let mut last = view.record.created;
        for event in events {
            view.take(event, fresh);
            // Whoever swept a run came later: it ended when it was last heard of.
            if matches!(event.kind, EventKind::Ended { state: State::Interrupted, .. }) {
                view.ended = Some(last);
            }
            last = event.time;
        }
        if !view.state.is_ended() && !is_held {
            view.ended = Some(last);
            view.state = State::Interrupted;
        }
        if view.state.is_ended() {
            view.close(if view.state == State::Interrupted { State::Interrupted } else { State::Cancelled });
        }
        view
    }

    fn take(&mut self, event: &Event, fresh: impl Fn(&String) -> StageView) {
        let mut at = |id: &String| match self.stages.iter().position(|stage| stage.id == *id) {
            Some(at) => at,
            // Of an async run it is known only after its repositories are there.
            None => {
                self.stages.push(fresh(id));
                self.stages.len() - 1
            }
        };
        match &event.kind {
            EventKind::Started => (self.state, self.started) = (State::Running, Some(event.time)),
            EventKind::StageStarted { stage } => {
                let at = at(stage);
                (self.stages[at].state, self.stages[at].started) = (State::Running, Some(event.time));
            }
            EventKind::StageSkipped { stage, reason } => {
                let at = at(stage);
                (self.stages[at].state, self.stages[at].reason) = (State::Skipped, Some(reason.clone()));
            }
            EventKind::StageEnded { stage, state, exit, reason } => {
                let at = at(stage);
                let known = &mut self.stages[at];
                (known.state, known.ended, known.exit, known.reason) = (*state, Some(event.time), *exit, reason.clone());
            }
            EventKind::AsyncStarted { run, .. } => self.async_runs.push(run.clone()),
            EventKind::Ended { state, reason } => {
                (self.state, self.ended, self.reason) = (*state, Some(event.time), reason.clone());
            }
        }
    }

    /// Whatever still ran when the run ended, ended with it.
    fn close(&mut self, running: State) {
        for stage in &mut self.stages {
            match stage.state {
                State::Running => (stage.state, stage.ended) = (running, self.ended),
                State::Queued => stage.state = State::Skipped,
                _ => {}
            }
        }
    }

    /// How long it ran; so far, where it still does.
    pub fn duration(&self, now: Timestamp) -> Option<Duration> {
        duration(self.started?, self.ended, now)
    }
}
