//! The page of `serve --page` and `run --page`: the graph with live states, the runs with timeline and logs, what crossed into
//! each async run, findings. Rendered here; its script fetches what changes.

mod live;
mod render;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use sidestage_compiler::graph::{build, build_each};
use sidestage_compiler::report::Look;
use sidestage_compiler::report::findings::concise;
use sidestage_compiler::report::graph::{Pictured, svg};
use sidestage_engine::execute::{Engine, Handle};
use sidestage_engine::run::{History, RunView};
use sidestage_engine::{PageReply, PageRequest, Pages};

use crate::workspace::Configuration;

const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// What the pages show.
pub(crate) struct Page {
    /// The name of the configuration; there may be none.
    name: String,
    graph: String,
    findings: String,
    key: SecretString,
    /// Set when the engine has started.
    runs: OnceLock<Runs>,
}

struct Runs {
    history: History,
    // Handles are passed between the threads of the service.
    engine: Mutex<Handle>,
}

impl Page {
    /// The pages of a configuration, or of runs alone.
    pub(crate) fn new(configuration: Option<&Configuration>) -> Self {
        let (name, graph, findings) = configuration.map(drawn).unwrap_or_default();
        let key = uuid::Uuid::new_v4().simple().to_string() + &uuid::Uuid::new_v4().simple().to_string();
        Self { name, graph, findings, key: key.into(), runs: OnceLock::new() }
    }

    /// From now on the runs of an engine are shown; gives the whole address, with its key.
    pub(crate) fn attach(&self, engine: &Engine) -> String {
        let _ = self.runs.set(Runs { history: engine.history().clone(), engine: Mutex::new(engine.handle()) });
        format!("{}/?key={}", engine.address(), self.key.expose_secret())
    }
}

fn drawn(configuration: &Configuration) -> (String, String, String) {
    let compilation = &configuration.compilation;
    let whole = build(&compilation.model, &compilation.flow, compilation.file);
    let each = build_each(&compilation.model, &compilation.flow, compilation.file);
    let name = configuration.shown_path();
    let paths = &configuration.folder.paths;
    let graph = svg(&Pictured { name: &name, whole: &whole, each: &each, sources: &compilation.sources, paths });
    let findings = concise(&configuration.checked(), Look::PLAIN);
    (name, graph, findings)
}

/// All runs, the newest first, and under each the runs that it has triggered, the oldest first.
fn ordered(history: &History) -> Vec<RunView> {
    let runs: Vec<RunView> = history.runs().into_iter().map(|(_, view)| view).collect();
    let mut children: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut open = Vec::new();
    for (at, view) in runs.iter().enumerate() {
        match view.record.parent().filter(|parent| runs[..at].iter().any(|other| other.record.id == *parent)) {
            Some(parent) => children.entry(parent).or_default().push(at),
            None => open.push(at),
        }
    }
    let mut order = Vec::new();
    while let Some(at) = open.pop() {
        order.push(at);
        open.extend(children.get(runs[at].record.id.as_str()).into_iter().flatten().rev());
    }
    order.into_iter().map(|at| runs[at].clone()).collect()
}

impl Pages for Page {
    fn key(&self) -> &str {
        self.key.expose_secret()
    }

    fn reply(&self, request: &PageRequest) -> PageReply {
        let content = |kind, body: String| PageReply::Content { kind, body: body.into_bytes() };
        let Some(runs) = self.runs.get() else { return PageReply::Failed("the engine is starting; try again".to_owned()) };
        let parts: Vec<&str> = request.path.split('/').filter(|part| !part.is_empty()).collect();
        let view = |id: &str| runs.history.find(id).ok();
        match (request.is_post, parts.as_slice()) {
            (false, []) => content(HTML, render::overview(&self.name, &self.graph, &self.findings, &runs.history)),
            (false, ["page.js"]) => content("text/javascript; charset=utf-8", SCRIPT.to_owned()),
            (false, ["state.json"]) => content(JSON, live::state(&runs.history)),
            // The address of a run in the API.
            (false, ["devops", "pipelines", "tekton", _, "runs", id]) => PageReply::See(format!("/runs/{id}")),
            (false, ["runs", id]) => match view(id) {
                Some((folder, view)) => content(HTML, render::run(&folder, &view, &runs.history)),
                None => PageReply::Missing,
            },
            (false, ["runs", id, "timeline.svg"]) => match view(id) {
                Some((_, view)) => content("image/svg+xml", render::timeline(&view, &runs.history)),
                None => PageReply::Missing,
            },
            (false, ["runs", id, "logs", place]) => match view(id).and_then(|found| live::log(&found, place, &request.query)) {
                Some(text) => content(TEXT, text),
                None => PageReply::Missing,
            },
            (true, ["runs", id, "rerun"]) => match view(id) {
                Some((_, view)) => {
                    let engine = runs.engine.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    match engine.rerun(&view.record.id) {
                        Ok(id) => PageReply::See(format!("/runs/{id}")),
                        Err(error) => PageReply::Failed(error.to_string()),
                    }
                }
                None => PageReply::Missing,
            },
            _ => PageReply::Missing,
        }
    }
}
