//! The pages as HTML.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::Value;
use sidestage_compiler::report::escaped;
use sidestage_engine::execute::shown_duration;
use sidestage_engine::run::{History, RunFolder, RunView, What};
use sidestage_engine::timeline;

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} - sidestage</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{}</style>\n</head>\n<body>\n{body}\
         <p class=\"note\" role=\"status\" hidden>sidestage does not answer; this is the last known state</p>\n\
         <script src=\"/page.js\"></script>\n</body>\n</html>\n",
        escaped(title),
        super::STYLE
    )
}

/// The graph, the runs and the findings.
pub(super) fn overview(name: &str, graph: &str, findings: &str, history: &History) -> String {
    let title = if name.is_empty() { "Runs" } else { name };
    let kind = if graph.is_empty() { "overview" } else { "overview drawn" };
    let mut body = format!("<header><h1>{}</h1></header>\n<main class=\"{kind}\">\n", escaped(title));
    if !graph.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(body, "<section class=\"graph\" aria-label=\"Graph\" tabindex=\"0\">\n{graph}</section>");
    }
    let all = super::ordered(history);
    let _ = writeln!(
        body,
        "<section class=\"runs\" aria-label=\"Runs\">\n<h2>Runs</h2>\n{}<p class=\"empty\"{}>Nothing has run yet.</p>\n</section>",
        table(&all),
        hidden(!all.is_empty())
    );
    let list = if findings.is_empty() {
        "<p>Nothing was found.</p>".to_owned()
    } else {
        let items: String = findings.lines().map(|line| format!("<li>{}</li>\n", escaped(line))).collect();
        format!("<ul>\n{items}</ul>")
    };
    if !name.is_empty() {
        let _ = writeln!(body, "<section class=\"findings\" aria-label=\"Findings\">\n<h2>Findings</h2>\n{list}\n</section>");
    }
    body.push_str("</main>\n");
    page(title, &body)
}

fn hidden(is_hidden: bool) -> &'static str {
    if is_hidden { " hidden" } else { "" }
}

/// Runs, each with a link to its page.
fn table(runs: &[RunView]) -> String {
    let now = Timestamp::now();
    let rows: String = runs.iter().map(|view| row(view, now)).collect();
    format!("<table>\n<thead><tr><th>Run</th><th>What</th><th>State</th><th>Time</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n")
}

fn row(view: &RunView, now: Timestamp) -> String {
    let child = if view.record.parent().is_some() { " class=\"child\"" } else { "" };
    format!(
        "<tr data-run=\"{}\"{child}><td><a href=\"/runs/{}\">{}</a></td><td>{}</td><td><span class=\"state {}\">{}</span></td><td class=\"took\">{}</td></tr>\n",
        view.record.id,
        view.record.id,
        view.record.short(),
        escaped(&view.record.title()),
        view.state,
        view.state,
        view.duration(now).map(shown_duration).unwrap_or_default()
    )
}

/// The timeline of a run and of what it has triggered.
pub(super) fn timeline(view: &RunView, history: &History) -> String {
    timeline::svg(view, &history.started_by(view), Timestamp::now())
}

/// One run.
pub(super) fn run(folder: &RunFolder, view: &RunView, history: &History) -> String {
    let record = &view.record;
    let now = Timestamp::now();
    let mut body = format!(
        "<header><nav><a href=\"/\">All runs</a></nav><h1>{}</h1><span class=\"state {}\" data-run-state>{}</span>\
         <span class=\"took\" data-run-time>{}</span>\
         <form method=\"post\" action=\"/runs/{}/rerun\"><button{}>Run again</button></form></header>\n<main class=\"run\" data-run=\"{}\">\n",
        escaped(&record.title()),
        view.state,
        view.state,
        view.duration(now).map(shown_duration).unwrap_or_default(),
        record.id,
        if view.state.is_ended() { "" } else { " disabled" },
        record.id
    );
    // Writing to a string cannot fail.
    let link = |id: &str| format!("<a href=\"/runs/{id}\">{}</a>", escaped(id.get(..8).unwrap_or(id)));
    let mut facts = vec![("Run", escaped(&record.id)), ("Configuration", escaped(&record.config)), ("Commit", escaped(&record.commit))];
    facts.extend(record.parent().map(|parent| ("Triggered by", link(parent))));
    facts.extend(record.repeats.as_ref().map(|earlier| ("Repeats", link(earlier))));
    let facts: String = facts.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>")).collect();
    let _ = writeln!(body, "<dl>{facts}</dl>");
    let reason = escaped(view.reason.as_deref().unwrap_or_default());
    let _ = writeln!(body, "<p class=\"failure\" data-run-reason{}>{reason}</p>", hidden(reason.is_empty()));
    let _ = writeln!(
        body,
        "<section class=\"timeline\" aria-label=\"Timeline\">\n<h2>Timeline</h2>\n<div data-timeline tabindex=\"0\">{}</div>\n</section>",
        timeline(view, history)
    );
    let triggered = history.started_by(view);
    let _ = writeln!(
        body,
        "<section class=\"runs\" aria-label=\"Async runs\"{}>\n<h2>Async runs</h2>\n{}</section>",
        hidden(triggered.is_empty()),
        table(&triggered)
    );
    if let (What::Async { .. }, Some(payload)) = (&record.what, folder.payload()) {
        let _ = writeln!(
            body,
            "<section class=\"crossed\" aria-label=\"What crossed\">\n<h2>What crossed</h2>\n{}</section>",
            crossed(&payload, &record.hidden)
        );
    }
    body.push_str("<section class=\"stages\" aria-label=\"Logs\">\n<h2>Logs</h2>\n");
    for (place, stage) in view.stages.iter().enumerate() {
        let open = if view.stages.len() == 1 || matches!(stage.state.name(), "failed" | "running") { " open" } else { "" };
        let _ = writeln!(
            body,
            "<details data-log=\"{place}\" data-stage=\"{}\"{open}><summary><span class=\"name\">{}</span> <span class=\"state {}\">{}</span> \
             <span class=\"took\">{}</span> <span class=\"reason\">{}</span></summary>\n<pre tabindex=\"0\"></pre></details>",
            escaped(&stage.id),
            escaped(&stage.id),
            stage.state,
            stage.state,
            stage.duration(now).map(shown_duration).unwrap_or_default(),
            escaped(&stage.why().unwrap_or_default())
        );
    }
    body.push_str("</section>\n</main>\n");
    page(&format!("{} {}", record.title(), record.short()), &body)
}

/// The variables, repositories and artifacts of a payload.
fn crossed(payload: &str, hidden: &[String]) -> String {
    let payload: Value = serde_json::from_str(payload).unwrap_or_default();
    let state = &payload["state"];
    let mut text = String::new();
    for (title, part) in [("Variables", "env"), ("Repositories", "repos"), ("Artifacts", "artifacts")] {
        let members: Vec<_> = state[part].as_object().into_iter().flatten().collect();
        if members.is_empty() {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "<h3>{title}</h3>\n<dl class=\"values\">");
        for (name, value) in members {
            let value = if part == "env" && hidden.contains(name) { "***".to_owned() } else { shown(value) };
            let _ = writeln!(text, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(&value));
        }
        text.push_str("</dl>\n");
    }
    if text.is_empty() { "<p>Nothing.</p>\n".to_owned() } else { text }
}

/// A value as text; of an object a line for each member.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => members.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect::<Vec<_>>().join("\n"),
        _ => value.to_string(),
    }
}
