//! Runs what manifests say on this machine, as a node would: tasks in their order, steps with the environment and the files of
//! their pod. It knows nothing but the manifests; mounts are folders below one of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::manifests::Manifests;
use crate::harness::cluster::{Cluster, NAMESPACE};

/// The node, with what its user has put into the cluster.
pub(super) struct Node<'a> {
    pub(super) manifests: &'a Manifests,
    pub(super) cluster: &'a Cluster,
    /// Config maps and secrets by name: their keys and values.
    pub(super) volumes: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
    /// Variables that win over those of the manifest.
    pub(super) environment: BTreeMap<&'static str, &'static str>,
    /// A folder of programs that the images would have.
    pub(super) tools: Option<PathBuf>,
    folder: tempfile::TempDir,
}

/// How a run went.
#[derive(Debug)]
pub(super) struct Ended {
    /// How each step ended: `task/step`, its exit code and its output.
    pub(super) steps: Vec<(String, i32, String)>,
    /// Whether the run succeeded.
    pub(super) is_good: bool,
}

impl Ended {
    /// The output of a step.
    pub(super) fn output(&self, step: &str) -> &str {
        let found = self.steps.iter().find(|(name, _, _)| name == step);
        &found.unwrap_or_else(|| panic!("there is no step {step} in {self:#?}")).2
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.steps.iter().map(|(name, _, _)| name.as_str()).collect()
    }
}

/// What a value may refer to.
struct Pod<'a> {
    parameters: BTreeMap<String, Value>,
    /// How the tasks before have ended.
    status: &'static str,
    labels: BTreeMap<&'a str, &'a str>,
    root: PathBuf,
    workspace: PathBuf,
    /// The paths of mounts, and the folders that stand for them.
    mounts: Vec<(String, PathBuf)>,
}

impl<'a> Node<'a> {
    pub(super) fn new(manifests: &'a Manifests, cluster: &'a Cluster) -> Self {
        Self {
            manifests,
            cluster,
            volumes: BTreeMap::new(),
            environment: BTreeMap::new(),
            tools: None,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs a pipeline to its end: those of its tasks whose time has come, then those at the end.
    pub(super) fn run(&self, pipeline: &str, run: &str, parameters: &[(&str, Value)]) -> Ended {
        let spec = &self.manifests.object("Pipeline", pipeline)["spec"];
        let root = self.folder.path().join(run);
        let workspace = root.join("workspace");
        fs::create_dir_all(&workspace).unwrap();
        let mut given: BTreeMap<String, Value> =
            items(spec, "params").map(|param| (text(&param["name"]), param["default"].clone())).collect();
        given.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let labels = BTreeMap::from([("tekton.dev/pipelineRun", run), ("tekton.dev/pipeline", pipeline)]);
        let mut ended = Ended { steps: Vec::new(), is_good: true };
        let mut states: BTreeMap<String, &str> = BTreeMap::new();
        let pod = |task: &Value| Pod {
            parameters: given.clone(),
            status: "",
            labels: labels.clone(),
            root: root.join(text(&task["name"])),
            workspace: workspace.clone(),
            mounts: Vec::new(),
        };
        let mut waiting: Vec<&Value> = items(spec, "tasks").collect();
        while let Some(at) = waiting.iter().position(|task| items(task, "runAfter").all(|name| states.contains_key(name.as_str().unwrap())))
        {
            let task = waiting.remove(at);
            if !ended.is_good {
                break;
            }
            let is_good = self.task(task, pod(task), &mut ended.steps);
            states.insert(text(&task["name"]), if is_good { "Succeeded" } else { "Failed" });
            ended.is_good &= is_good || task["onError"] == "continue";
        }
        assert!(waiting.is_empty() || !ended.is_good, "tasks that wait for ever: {waiting:?}");
        let mut at_end = true;
        let all = if ended.is_good { "Succeeded" } else { "Failed" };
        for task in items(spec, "finally") {
            let is_due = items(task, "when").all(|when| {
                let name = text(&when["input"]).trim_start_matches("$(tasks.").trim_end_matches(".status)").to_owned();
                items(when, "values").any(|value| states.get(&name).is_some_and(|state| *value == **state))
            });
            if is_due {
                let mut pod = pod(task);
                pod.status = all;
                at_end &= self.task(task, pod, &mut ended.steps);
            }
        }
        ended.is_good &= at_end;
        ended
    }

    /// The workspace of a run.
    pub(super) fn workspace(&self, run: &str) -> PathBuf {
        self.folder.path().join(run).join("workspace")
    }

    /// The token of the listener goes away from the task that triggers.
    pub(super) fn remove_token(&self, run: &str) {
        fs::remove_file(self.folder.path().join(run).join("dynamic-scan/sidestage/token/token")).unwrap();
    }

    /// Runs a task of a run once more; gives what its steps say.
    pub(super) fn step_again(&self, pipeline: &str, task: &str, run: &str) -> String {
        let spec = &self.manifests.object("Pipeline", pipeline)["spec"];
        let task = items(spec, "tasks").chain(items(spec, "finally")).find(|known| known["name"] == task).unwrap();
        let root = self.folder.path().join(run).join("again");
        let _ = fs::remove_dir_all(&root);
        let labels = BTreeMap::from([("tekton.dev/pipelineRun", run), ("tekton.dev/pipeline", pipeline)]);
        let pod = Pod { parameters: BTreeMap::new(), status: "", labels, root, workspace: self.workspace(run), mounts: Vec::new() };
        let mut steps = Vec::new();
        self.task(task, pod, &mut steps);
        steps.into_iter().map(|(_, _, said)| said).collect()
    }

    fn task(&self, task: &Value, mut pod: Pod<'_>, steps: &mut Vec<(String, i32, String)>) -> bool {
        let own: BTreeMap<String, Value> = items(task, "params").map(|param| (text(&param["name"]), pod.value(&param["value"]))).collect();
        pod.parameters = own;
        let spec = &task["taskSpec"];
        let mount = &items(spec, "workspaces").next().unwrap()["mountPath"];
        pod.mounts.push((text(mount), pod.workspace.clone()));
        self.mount(spec, &mut pod);
        let mut is_good = true;
        for step in items(spec, "steps") {
            if !is_good {
                break;
            }
            let (code, output) = self.step(spec, step, &pod);
            let name = text(&step["name"]);
            let ends = pod.root.join("steps").join(format!("step-{name}"));
            fs::create_dir_all(&ends).unwrap();
            fs::write(ends.join("exitCode"), code.to_string()).unwrap();
            steps.push((format!("{}/{name}", text(&task["name"])), code, output));
            is_good = code == 0 || step["onError"] == "continue";
        }
        is_good
    }

    /// Volumes to folders; what the user has not made is empty, as `optional` has it.
    fn mount(&self, spec: &Value, pod: &mut Pod<'_>) {
        let template = items(&spec["stepTemplate"], "volumeMounts").collect::<Vec<_>>();
        for volume in items(spec, "volumes") {
            let name = text(&volume["name"]);
            let Some(path) = template.iter().find(|mount| mount["name"] == name).map(|mount| text(&mount["mountPath"])) else { continue };
            // A mount inside a mount, as on a cluster.
            let outer = pod.mounts.iter().find_map(|(outer, folder)| Some(folder.join(path.strip_prefix(outer)?.strip_prefix('/')?)));
            let folder = outer.unwrap_or_else(|| pod.root.join(path.trim_start_matches('/')));
            if volume["projected"].is_null() {
                fs::create_dir_all(&folder).unwrap();
            } else {
                fs::create_dir_all(folder.parent().unwrap()).unwrap();
                // One that an earlier pod of this name has left.
                let _ = fs::remove_file(&folder);
                std::os::unix::fs::symlink(self.cluster.kube_folder(), &folder).unwrap();
            }
            let source = volume["configMap"]["name"].as_str().or(volume["secret"]["secretName"].as_str()).unwrap_or_default();
            for (key, value) in self.volumes.get(source).into_iter().flatten() {
                fs::write(folder.join(key), value).unwrap();
            }
            pod.mounts.push((path, folder));
        }
        // The longest path first: that of a mount inside a mount.
        pod.mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    }

    fn step(&self, spec: &Value, step: &Value, pod: &Pod<'_>) -> (i32, String) {
        assert!(step.get("script").is_none(), "no script is in a manifest");
        let words: Vec<String> = items(step, "command").chain(items(step, "args")).flat_map(|word| pod.words(word)).collect();
        let mut command = Command::new(&words[0]);
        let program = Path::new(env!("CARGO_BIN_EXE_sidestage")).parent().unwrap();
        let tools = self.tools.as_deref().unwrap_or(program);
        let path = format!("{}:{}:{}", tools.display(), program.display(), std::env::var("PATH").unwrap());
        command.args(&words[1..]).env_clear().env("PATH", path).env("HOME", &pod.root).stdin(Stdio::null());
        let api = self.cluster.api_address();
        command.env("KUBERNETES_SERVICE_HOST", api.ip().to_string()).env("KUBERNETES_SERVICE_PORT", api.port().to_string());
        let listener = self.cluster.listener();
        let (host, port) = listener.trim_start_matches("http://").split_once(':').unwrap();
        for service in self.services() {
            command.env(format!("{service}_SERVICE_HOST"), host).env(format!("{service}_SERVICE_PORT"), port);
        }
        for entry in items(&spec["stepTemplate"], "env").chain(items(step, "env")) {
            command.env(text(&entry["name"]), pod.variable(entry));
        }
        command.envs(&self.environment).current_dir(&pod.workspace);
        let output = command.output().unwrap_or_else(|error| panic!("{words:?}: {error}"));
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }

    /// The variables that a cluster gives for the services of the listeners.
    fn services(&self) -> BTreeSet<String> {
        let listeners = self.manifests.documents.iter().filter(|(_, value)| value["kind"] == "EventListener");
        listeners.map(|(_, value)| format!("el-{}", text(&value["metadata"]["name"])).to_uppercase().replace('-', "_")).collect()
    }
}

impl Pod<'_> {
    /// A variable of the environment; its paths are those of the folders that stand for the mounts.
    fn variable(&self, entry: &Value) -> String {
        let value = match entry["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
            Some("metadata.namespace") => NAMESPACE.to_owned(),
            Some(path) => {
                let label = path.trim_start_matches("metadata.labels['").trim_end_matches("']");
                self.labels[label].to_owned()
            }
            None => text(&self.value(&entry["value"])),
        };
        let mounted = self.mounts.iter().find_map(|(path, folder)| {
            let rest = value.strip_prefix(path.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
            Some(format!("{}{rest}", folder.display()))
        });
        mounted.unwrap_or(value)
    }

    /// The words that an argument becomes: a list that stands alone becomes several.
    fn words(&self, word: &Value) -> Vec<String> {
        match self.value(word) {
            Value::Array(words) => words.iter().map(text).collect(),
            other => vec![text(&other)],
        }
    }

    fn value(&self, value: &Value) -> Value {
        let Value::String(given) = value else {
            let Value::Array(items) = value else { return value.clone() };
            let all = items.iter().map(|item| self.value(item));
            return all.flat_map(|item| if let Value::Array(items) = item { items } else { vec![item] }).collect();
        };
        if let Some(name) = given.strip_prefix("$(params.").and_then(|rest| rest.strip_suffix("[*])")) {
            return self.parameters[name].clone();
        }
        let mut told = given.replace("$(workspaces.run.path)", self.workspace.to_str().unwrap()).replace("$(tasks.status)", self.status);
        for (name, value) in &self.parameters {
            if let Value::String(value) = value {
                told = told.replace(&format!("$(params.{name})"), value);
            }
        }
        while let Some((head, rest)) = told.split_once("$(steps.") {
            let (step, tail) = rest.split_once(".exitCode.path)").unwrap();
            told = format!("{head}{}/steps/{step}/exitCode{tail}", self.root.display());
        }
        // A user's value may hold what looks like a reference: it is not looked at again.
        Value::String(told)
    }
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
