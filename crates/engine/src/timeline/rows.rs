//! What is drawn: a row for each stage and each async run, in milliseconds from the beginning.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::run::{RunView, State};

/// All rows, from the first to the last millisecond.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) rows: Vec<Row>,
    /// The whole length, at least one.
    pub(super) length: i64,
}

/// A stage, or an async run.
pub(super) struct Row {
    pub(super) name: String,
    /// The id of an async run.
    pub(super) run: Option<String>,
    pub(super) state: State,
    /// From and to; nothing where it never began.
    pub(super) span: Option<(i64, i64)>,
    /// When an async run was triggered, and the row of what did it.
    pub(super) triggered: Option<(i64, Option<usize>)>,
    /// Why it ended so.
    pub(super) reason: Option<String>,
}

impl Chart {
    pub(super) fn new(view: &RunView, runs: &[RunView], now: Timestamp) -> Self {
        let begin = view.started.unwrap_or(view.record.created);
        let at = |time: Timestamp| time.as_millisecond() - begin.as_millisecond();
        let span = |from: Option<Timestamp>, to: Option<Timestamp>| from.map(|from| (at(from), at(to.unwrap_or(now)).max(at(from))));
        let mut rows: Vec<Row> = view
            .stages
            .iter()
            .map(|stage| Row {
                name: stage.id.clone(),
                run: None,
                state: stage.state,
                span: span(stage.started, stage.ended),
                triggered: None,
                reason: stage.reason.clone(),
            })
            .collect();
        // The row of each run: what a run triggers hangs on the stage that ran then.
        let mut row_of: BTreeMap<&str, usize> = BTreeMap::new();
        for run in runs {
            let moment = at(run.record.created);
            let parent = run.record.parent().unwrap_or_default();
            let own = if parent == view.record.id {
                rows.iter().take(view.stages.len()).position(|row| row.span.is_some_and(|(from, to)| (from..=to).contains(&moment)))
            } else {
                row_of.get(parent).copied()
            };
            row_of.insert(&run.record.id, rows.len());
            rows.push(Row {
                name: run.record.title(),
                run: Some(run.record.short().to_owned()),
                state: run.state,
                span: span(run.started, run.ended),
                triggered: Some((moment, own)),
                reason: run.reason.clone().or_else(|| run.stages.iter().find_map(|stage| stage.reason.clone())),
            });
        }
        let length = rows.iter().filter_map(|row| row.span.map(|(_, to)| to)).max().unwrap_or_default().max(1);
        let title = format!("{} {}   run {}", view.record.title(), view.state, view.record.short());
        Self { title, rows, length }
    }
}

/// A round distance between marks of the axis, so that there are at most ten.
pub(super) fn step(length: i64) -> i64 {
    const STEPS: [i64; 16] = [
        100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000,
    ];
    STEPS.into_iter().find(|step| length / step < 10).unwrap_or(86_400_000)
}
