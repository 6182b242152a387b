//! `sidestage runs`: the runs of a repository, and one of them.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sidestage_engine::execute::shown_duration;
use sidestage_engine::run::{History, KEPT, RunView};
use sidestage_engine::timeline;

use super::state;
use super::summary;
use crate::cli::arguments::{ListFormat, Runs, RunsCommand, ShowFormat};
use crate::cli::error::CliError;
use crate::cli::{Exit, print, print_error, print_or_write};
use crate::terminal::look;

pub(in crate::cli) fn run(arguments: &Runs) -> Result<Exit, CliError> {
    match &arguments.command {
        None => list(&state::history(&arguments.place)?, arguments.format),
        Some(RunsCommand::Show { run, format, output, place }) => {
            let history = state::history(place)?;
            let (_, view) = state::find(&history, run)?;
            let by_name = output.as_deref().and_then(|path| match path.extension() {
                Some("svg") => Some(ShowFormat::Svg),
                Some("html") => Some(ShowFormat::Html),
                Some("json") => Some(ShowFormat::Json),
                _ => None,
            });
            let text = shown(&history, &view, format.or(by_name).unwrap_or(ShowFormat::Text));
            print_or_write(output.as_deref(), &text)?;
            Ok(Exit::Clean)
        }
    }
}

fn list(history: &History, format: ListFormat) -> Result<Exit, CliError> {
    let (runs, unreadable) = history.all();
    let runs: Vec<RunView> = runs.into_iter().map(|(_, view)| view).collect();
    for other in unreadable {
        print_error(&format!("{} cannot be read as a run: {}", other.path.display(), other.reason));
    }
    print(&match format {
        ListFormat::Json => pretty(&json!({ "version": 1, "runs": runs.iter().map(as_json).collect::<Vec<_>>() })),
        ListFormat::Text => table(&runs),
    })?;
    Ok(Exit::Clean)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn table(runs: &[RunView]) -> String {
    if runs.is_empty() {
        return "No runs yet. Type: sidestage run\n".to_owned();
    }
    let now = Timestamp::now();
    let mut text = String::new();
    let width = runs.iter().map(|run| run.record.title().chars().count() + indent(run)).max().unwrap_or_default();
    for run in runs {
        let title = format!("{}{}", " ".repeat(indent(run)), run.record.title());
        let padding = " ".repeat(width - title.chars().count());
        let duration = run.duration(now).map_or_else(|| "-".to_owned(), shown_duration);
        let again = run.record.repeats.as_ref().map_or(String::new(), |id| format!("  again {}", id.get(..8).unwrap_or(id)));
        // Writing to a string cannot fail.
        let row =
            format!("{}  {}  {title}{padding}  {:<11}  {duration:>6}{again}", run.record.short(), local(run.record.created), run.state);
        let _ = writeln!(text, "{}", look().indented(&row, "", "          "));
    }
    let rule = format!("\nThe last {KEPT} pipelines are kept, with their async runs; older ones go when a run starts.");
    let _ = writeln!(text, "{}", look().indented(&rule, "", ""));
    text
}

/// An async run stands below the one that has triggered it.
fn indent(run: &RunView) -> usize {
    if run.record.parent().is_some() { 2 } else { 0 }
}

fn local(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn shown(history: &History, view: &RunView, format: ShowFormat) -> String {
    let runs = history.started_by(view);
    match format {
        ShowFormat::Json => pretty(&json!({ "version": 1, "runs": std::iter::once(view).chain(&runs).map(as_json).collect::<Vec<_>>() })),
        ShowFormat::Svg => timeline::svg(view, &runs, Timestamp::now()),
        ShowFormat::Html => timeline::page(view, &runs, Timestamp::now()),
        ShowFormat::Text => {
            let began = view.started.unwrap_or(view.record.created);
            format!(
                "run {}, {}, of {} at {}\n{}{}\n{}",
                view.record.id,
                local(view.record.created),
                view.record.config,
                view.record.commit.get(..12).unwrap_or(&view.record.commit),
                summary::pipeline(view, history),
                summary::async_runs(view, &runs, began),
                timeline::text(view, &runs, Timestamp::now())
            )
        }
    }
}

/// A run, as `schemas/runs.schema.json` has it.
pub(in crate::cli) fn as_json(view: &RunView) -> Value {
    let now = Timestamp::now();
    let seconds = |duration: Option<std::time::Duration>| duration.map(|duration| duration.as_secs_f64());
    let stages: Vec<Value> = view
        .stages
        .iter()
        .map(|stage| {
            let fields = [
                ("stage", json!(stage.id)),
                ("state", json!(stage.state.name())),
                ("started", json!(stage.started)),
                ("ended", json!(stage.ended)),
                ("seconds", json!(seconds(stage.duration(now)))),
                ("exit", json!(stage.exit)),
                ("reason", json!(stage.reason)),
            ];
            given(fields)
        })
        .collect();
    given([
        ("id", json!(view.record.id)),
        ("what", json!(view.record.title())),
        ("state", json!(view.state.name())),
        ("created", json!(view.record.created)),
        ("started", json!(view.started)),
        ("ended", json!(view.ended)),
        ("seconds", json!(seconds(view.duration(now)))),
        ("config", json!(view.record.config)),
        ("commit", json!(view.record.commit)),
        ("parent", json!(view.record.parent())),
        ("repeats", json!(view.record.repeats)),
        ("reason", json!(view.reason)),
        ("stages", json!(stages)),
        ("async-runs", json!(view.async_runs)),
    ])
}

/// The members that have a value.
fn given<const N: usize>(members: [(&str, Value); N]) -> Value {
    members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
