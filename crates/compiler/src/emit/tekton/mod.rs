//! Manifests that run the pipelines and their async stages on any cluster with Tekton Pipelines and Triggers.
//!
//! No script is in them: a run takes its scripts from its own commit. What they say of stages, order, images and flags has a
//! hash, by which a run finds out that its commit has others.

mod access;
mod asynchronous;
mod faults;
mod labels;
mod listener;
mod names;
mod objects;
mod order;
mod pipeline;
mod run;
mod structure;
mod task;
mod yaml;

use minijinja::Error;
use serde_saphyr::FlowSeq;

pub use faults::{Document, Fault, faults};
pub use structure::structure;

use super::Emission;
use crate::config::settings;
use crate::plan::{Plan, PlannedStage};
use crate::platform;
use crate::platform::duration::{self, HOUR};
use names::Names;
use objects::kustomize::{Kustomization, Place, Places};
use objects::{Metadata, lines};
use yaml::File;

/// How many hours a run may take, unless a stage may take longer.
const RUN_HOURS: u32 = 2;

/// What the manifests are to suit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// How the names of all objects begin.
    pub name: String,
    /// The namespace that they are in.
    pub namespace: String,
    /// The image with sidestage and git.
    pub image: String,
    /// The image of stages that name none.
    pub base_image: Option<String>,
    /// Values of `runtimeClassName`, and what they are called there.
    pub runtime_classes: Vec<(String, String)>,
    /// Parameters of the triggers that start parents: the run to start by hand names them.
    pub parameters: Vec<String>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            name: "pipeline".to_owned(),
            namespace: "default".to_owned(),
            image: concat!("sidestage:", env!("CARGO_PKG_VERSION")).to_owned(),
            base_image: None,
            runtime_classes: Vec::new(),
            parameters: Vec::new(),
        }
    }
}

impl Cluster {
    /// As the settings have it.
    pub fn of(settings: &settings::Settings) -> Self {
        let parameters = settings.trigger_parameters.iter().map(ToString::to_string).collect();
        let Some(own) = settings.tekton.clone() else { return Self { parameters, ..Self::default() } };
        let default = Self::default();
        Self {
            name: own.name.unwrap_or(default.name),
            namespace: own.namespace.unwrap_or(default.namespace),
            image: own.image.unwrap_or(default.image),
            base_image: own.base_image,
            runtime_classes: own.runtime_classes,
            parameters,
        }
    }
}

/// All that the files are made from.
struct Set<'a> {
    names: Names<'a>,
    namespace: &'a str,
    image: &'a str,
    base_image: &'a str,
    /// The configuration, relative to the root of its repository.
    config: &'a str,
    git_hosts: &'a [String],
    runtime_classes: &'a [(String, String)],
    parameters: &'a [String],
    /// The stages that triggers can start.
    asynchronous: Vec<&'a PlannedStage>,
    /// The first line of each file.
    head: String,
}

impl Set<'_> {
    /// The async stages that these stages start, or may start.
    fn triggered_by(&self, stages: &[&PlannedStage]) -> Vec<&str> {
        let may_start = |name: &str| stages.iter().any(|stage| stage.may_trigger || stage.triggers.iter().any(|other| other == name));
        self.asynchronous.iter().map(|stage| stage.name.as_str()).filter(|name| may_start(name)).collect()
    }

    /// Without async stages there is nobody to listen to.
    fn has_listener(&self) -> bool {
        !self.asynchronous.is_empty()
    }

    /// What every object of the set has.
    fn metadata(&self, name: impl Into<String>) -> Metadata {
        Metadata::managed(name).label(labels::PART_OF, self.names.prefix)
    }

    /// Whether async stages start others.
    fn is_chained(&self) -> bool {
        self.asynchronous.iter().any(|stage| !self.triggered_by(&[stage]).is_empty())
    }

    /// The class of a stage on the cluster.
    fn runtime_class(&self, stage: &PlannedStage) -> Option<&str> {
        let wanted = stage.runtime_class_name.as_ref()?;
        self.runtime_classes.iter().find(|(from, _)| from == wanted).map(|(_, class)| class.as_str())
    }
}

/// All files of the target.
pub(super) fn tekton(plan: &Plan, cluster: &Cluster, git_hosts: &[String]) -> Result<Emission, Error> {
    let set = Set {
        names: Names { prefix: &cluster.name },
        namespace: &cluster.namespace,
        image: &cluster.image,
        base_image: cluster.base_image.as_deref().unwrap_or_default(),
        config: &plan.config,
        git_hosts,
        runtime_classes: &cluster.runtime_classes,
        parameters: &cluster.parameters,
        asynchronous: async_stages(plan).collect(),
        head: format!("Written by `sidestage build --target tekton` from {}; do not edit: put an overlay on top.", plan.config),
    };
    let files = files(&set, plan)?;
    let documents: Vec<Document<'_>> =
        files.iter().flat_map(File::documents).filter(|document| document.value["kind"].is_string()).collect();
    let faults = faults(&documents);
    Ok(Emission { files: files.into_iter().map(File::emitted).collect(), faults })
}

fn files(set: &Set<'_>, plan: &Plan) -> Result<Vec<File>, Error> {
    let mut files = vec![access::access(set)?];
    let mut resources = vec!["access.yaml".to_owned()];
    for planned in plan.runs.iter().filter(|planned| !order::tasks(planned).is_empty()) {
        let path = format!("pipelines/{}.yaml", planned.pipeline);
        files.push(File::new(&path, &set.head).add(&pipeline::pipeline(set, planned))?);
        files.push(run::run(set, planned)?);
        resources.push(path);
    }
    for stage in &set.asynchronous {
        let path = format!("pipelines/async-{}.yaml", stage.name);
        files.push(File::new(&path, &set.head).add(&asynchronous::pipeline(set, stage))?);
        resources.push(path);
    }
    if set.has_listener() {
        files.push(listener::listener(set)?);
        resources.push("listener.yaml".to_owned());
    }
    files.extend(kustomization(set, resources)?);
    Ok(files)
}

/// How many hours the tasks of these stages may take: one more than the longest of them, if that is longer than usual. Without
/// a limit of its own a task would have an hour.
fn hours<'s>(stages: impl IntoIterator<Item = &'s PlannedStage>) -> u32 {
    let own = stages.into_iter().flat_map(|stage| [&stage.timeout, &stage.task_timeout]).flatten();
    let longest = own.filter_map(|text| duration::parse(text)).max().unwrap_or_default();
    let hours = u32::try_from((longest + HOUR - 1) / HOUR).unwrap_or(RUN_HOURS);
    if hours < RUN_HOURS { RUN_HOURS } else { hours + 1 }
}

/// The stages that have a pipeline of their own: those that no pipeline runs by itself, and those of one that are also
/// triggered.
pub fn async_stages(plan: &Plan) -> impl Iterator<Item = &PlannedStage> {
    let is_triggered = |name: &str| plan.triggers.iter().any(|trigger| trigger.stage == name);
    let is_async = move |target: &&PlannedStage| {
        order::is_there(target) && (plan.format == "v2" || !platform::is_built_in_stage(&target.name) || is_triggered(&target.name))
    };
    plan.targets.iter().filter(is_async)
}

fn kustomization(set: &Set<'_>, resources: Vec<String>) -> Result<[File; 2], Error> {
    let kustomization = Kustomization {
        api_version: "kustomize.config.k8s.io/v1beta1",
        kind: "Kustomization",
        namespace: set.namespace.to_owned(),
        resources,
        configurations: FlowSeq(vec!["kustomizeconfig.yaml"]),
    };
    let paths = [
        "spec/tasks/taskSpec/steps/image",
        "spec/tasks/taskSpec/sidecars/image",
        "spec/finally/taskSpec/steps/image",
        "spec/finally/taskSpec/sidecars/image",
    ];
    let places = Places { images: lines(paths.map(|path| Place { kind: "Pipeline", path })) };
    let words = "Where images stand in pipelines, so that `images:` of an overlay finds them.";
    Ok([
        File::new("kustomization.yaml", &format!("{}\n{WORDS}", set.head)).add(&kustomization)?,
        File::new("kustomizeconfig.yaml", words).add(&places)?,
    ])
}

const WORDS: &str = "
kubectl apply -k .
Other names are made by `--name`: `namePrefix` does not reach those that stand in arguments and expressions. The secret of the
token, and config map and secret of the properties, are yours.";
