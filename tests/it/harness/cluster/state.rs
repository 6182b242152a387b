//! What the cluster knows, and its runs as Kubernetes shows them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Fault, GetFault, NAMESPACE, Run, Status};

pub(super) struct Shared(Mutex<State>);

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    /// The state of this moment: runs whose time has come are there.
    pub(super) fn now(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().expect("the cluster");
        state.settle();
        state
    }
}

#[derive(Default)]
pub(super) struct State {
    /// Stage to pipeline.
    pub(super) pipelines: HashMap<String, String>,
    pub(super) stage_token: String,
    pub(super) api_token: String,
    pub(super) runs: BTreeMap<String, Record>,
    /// Runs that are still to be created, and when.
    orders: Vec<(Timestamp, Run)>,
    /// By name of the run.
    pub(super) creations: HashMap<String, usize>,
    pub(super) posts: usize,
    pub(super) gets: Vec<String>,
    pub(super) post_faults: VecDeque<Fault>,
    pub(super) get_faults: VecDeque<GetFault>,
    pub(super) listener_is_away: bool,
    pub(super) page_size: Option<usize>,
}

impl State {
    pub(super) fn new(stages: &[(&str, &str)], token: &str) -> Self {
        let pipelines = stages.iter().map(|&(stage, pipeline)| (stage.to_owned(), pipeline.to_owned())).collect();
        Self { pipelines, stage_token: token.to_owned(), ..Self::default() }
    }

    pub(super) fn order(&mut self, run: Run, delay: Duration) {
        self.orders.push((Timestamp::now() + delay, run));
        self.settle();
    }

    /// No thread has to wait for a late run: it is created when somebody looks.
    fn settle(&mut self) {
        let now = Timestamp::now();
        self.orders.sort_by_key(|(at, _)| *at);
        let due = self.orders.partition_point(|(at, _)| *at <= now);
        for (at, run) in self.orders.drain(..due).collect::<Vec<_>>() {
            if !self.runs.contains_key(&run.name) {
                *self.creations.entry(run.name.clone()).or_default() += 1;
                self.keep(run, at);
            }
        }
    }

    pub(super) fn insert(&mut self, run: Run) {
        assert!(!self.runs.contains_key(&run.name), "there is a run `{}`", run.name);
        self.keep(run, Timestamp::now());
    }

    fn keep(&mut self, run: Run, created: Timestamp) {
        let pipeline = self.pipelines.get(&run.stage).cloned().unwrap_or_else(|| "foreign".to_owned());
        self.runs.insert(run.name.clone(), Record { run, pipeline, created, status: Some(Status::RUNNING) });
    }
}

/// A run that exists.
pub(super) struct Record {
    pub(super) run: Run,
    pipeline: String,
    created: Timestamp,
    pub(super) status: Option<Status>,
}

impl Record {
    fn labels(&self) -> [(&str, &str); 3] {
        [
            ("app.kubernetes.io/managed-by", "sidestage"),
            ("sidestage.dev/parent", self.run.parent.as_str()),
            ("sidestage.dev/stage", self.run.stage.as_str()),
        ]
    }

    pub(super) fn has(&self, label: &str, value: &str) -> bool {
        self.labels().contains(&(label, value))
    }

    /// The `PipelineRun`.
    pub(super) fn object(&self) -> Value {
        let mut object = json!({
            "apiVersion": "tekton.dev/v1",
            "kind": "PipelineRun",
            "metadata": {
                "name": self.run.name,
                "namespace": NAMESPACE,
                "creationTimestamp": format!("{:.0}", self.created),
                "labels": self.labels().into_iter().collect::<BTreeMap<_, _>>(),
            },
            "spec": {
                "pipelineRef": { "name": self.pipeline },
                "params": [{ "name": "payload", "value": self.run.payload }],
            },
        });
        if let Some(status) = self.status {
            object["status"] = status_object(status);
        }
        object
    }
}

fn status_object(status: Status) -> Value {
    let condition = json!({ "type": "Succeeded", "status": status.succeeded, "reason": status.reason });
    let mut object = json!({ "conditions": [condition] });
    for (name, time) in [("startTime", status.started), ("completionTime", status.completed)] {
        if let Some(time) = time {
            object[name] = json!(time);
        }
    }
    object
}
