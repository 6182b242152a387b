//! What a pipeline runs: the part of the plan that is executed, here or on a cluster.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::copies;
use crate::compilation::Compilation;
use crate::config::{Format, Model, Runs, StageId};
use crate::flow::{PipelineFlow, StageFlow};
use crate::graph::node_id;
use crate::platform;
use crate::syntax::yaml::NodeId;

/// A pipeline of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPipeline {
    /// Its kind: `pr`, `ci`, `cd`, `cc`, `simple`.
    pub pipeline: String,
    /// What it runs by itself, in an order that it can take. What the platform ignores is left out.
    pub stages: Vec<PlannedStage>,
}

/// A stage of format 1 or a step of format 2, as it is declared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own about the stage
pub struct PlannedStage {
    /// Unique in its pipeline: the stage's name in format 1, `task/step` in format 2.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The task that it is a step of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The line of its name in the configuration, from 1.
    pub line: usize,
    /// The ids of the stages that have ended before it begins, without those that follow from others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// What the configuration itself says that it waits for, in format 1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub run_after: Vec<String>,
    /// It runs at the end, whatever has happened: `finish`, and what stands below `finally`.
    #[serde(skip_serializing_if = "is_false")]
    pub always: bool,
    /// It runs at the end, only where a stage has failed: `rollback`.
    #[serde(skip_serializing_if = "is_false")]
    pub on_failure: bool,
    /// `skip: true`, or `when: 'false'`: it never runs.
    #[serde(skip_serializing_if = "is_false")]
    pub skip: bool,
    /// CEL expressions that must all be true: of its task, and its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<String>,
    /// The pipeline goes on when it fails.
    #[serde(skip_serializing_if = "is_false")]
    pub may_fail: bool,
    /// How long it may take, as a duration of Go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// How long its task may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_timeout: Option<String>,
    /// The image that its script runs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// `Always` or `IfNotPresent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,
    /// What runs beside it: `dind`, `docker-socket`, ...
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// The image of docker-in-docker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dind_image: Option<String>,
    /// The size or architecture of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_class_name: Option<String>,
    /// A config map that is mounted, or `$property` with its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configmap: Option<String>,
    /// A secret that is mounted, or `$property` with its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The async stages that it starts, or may start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<String>,
    /// It runs code that cannot be followed, which may start any async stage.
    #[serde(skip_serializing_if = "is_false")]
    pub may_trigger: bool,
    /// Its script; without one the platform runs its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_false(value: &bool) -> bool {
    !*value
}

/// What each of the pipelines that were looked at runs.
pub(super) fn pipelines(compilation: &Compilation) -> Vec<PlannedPipeline> {
    let of = |pipeline: &PipelineFlow| PlannedPipeline { pipeline: pipeline.kind.name().to_owned(), stages: stages(compilation, pipeline) };
    compilation.flow.pipelines.iter().map(of).collect()
}

/// Every stage that `trigger-task` can start, sorted by name.
pub(super) fn targets(compilation: &Compilation) -> Vec<PlannedStage> {
    let model = &compilation.model;
    let reader = Reader { compilation, model };
    let ids = model.target_names().into_iter().filter_map(|name| match model.target(name) {
        crate::config::Target::Stage(id) => Some(id),
        _ => None,
    });
    let target = |id| {
        // By itself it waits for nothing, and nothing that others are told of a failure concerns it.
        let mut stage = reader.stage(id, compilation.flow.pipelines.iter());
        stage.may_trigger |= compilation.flow.stage(id).may_trigger_anything();
        // It takes the place of the platform's step, with the surroundings of that.
        if let Some(replaced) = model.replaced_by(id).map(|id| reader.stage(id, std::iter::empty())) {
            stage.image = stage.image.or(replaced.image);
            stage.include.extend(replaced.include);
            stage.include.sort();
            stage.include.dedup();
        }
        PlannedStage { id: stage.name.clone(), always: false, on_failure: false, ..stage }
    };
    ids.map(target).collect()
}

fn stages(compilation: &Compilation, pipeline: &PipelineFlow) -> Vec<PlannedStage> {
    let model = &compilation.model;
    let reader = Reader { compilation, model };
    let is_run = |id: &&StageId| {
        let stage = model.stage(**id);
        let task = stage.task.map(|task| model.task(task));
        task.is_none_or(|task| platform::runs_step(&task.name.name, task.from.is_some() || task.is_finally, &stage.name.name))
    };
    let run: Vec<StageId> = pipeline.order.stages.iter().filter(is_run).copied().collect();
    let links = pipeline.order.links(&run);
    let mut taken = BTreeSet::new();
    let planned = run.iter().map(|id| {
        let mut stage = reader.stage(*id, std::iter::once(pipeline));
        // Two steps of one name are a fault that `check` reports; they still run.
        let plain = stage.id.clone();
        let mut again = 2;
        while !taken.insert(stage.id.clone()) {
            stage.id = format!("{plain}-{again}");
            again += 1;
        }
        (*id, stage)
    });
    let mut planned: Vec<(StageId, PlannedStage)> = planned.collect();
    let id_of = |id: StageId| planned.iter().find(|(other, _)| *other == id).map(|(_, stage)| stage.id.clone());
    let after: Vec<Vec<String>> = planned
        .iter()
        .map(|(id, _)| links.iter().filter(|(_, later)| later == id).filter_map(|(earlier, _)| id_of(*earlier)).collect())
        .collect();
    for ((_, stage), after) in planned.iter_mut().zip(after) {
        stage.after = after;
    }
    let mut planned = planned.into_iter().map(|(_, stage)| stage).collect();
    copies::add(model, &mut planned, &|task| reader.text(task.node, "when"));
    planned
}

struct Reader<'a> {
    compilation: &'a Compilation,
    model: &'a Model,
}

impl Reader<'_> {
    fn stage<'p>(&self, id: StageId, pipelines: impl Iterator<Item = &'p PipelineFlow> + Clone) -> PlannedStage {
        let declared = self.model.stage(id);
        let task = declared.task.map(|task| self.model.task(task));
        let node = declared.node;
        let text = |key| self.text(node, key);
        let of_task = |key| task.and_then(|task| self.text(task.node, key));
        let source = self.compilation.sources.get(self.compilation.file);
        let mut include = self.names(node, "include");
        include.extend(task.map(|task| self.names(task.node, "include")).unwrap_or_default());
        if text("dind").as_deref() == Some("true") {
            include.push("dind".to_owned());
        }
        include.sort();
        include.dedup();
        let condition = |when: Option<String>| when.filter(|_| self.model.format == Format::V2);
        let conditions = [condition(of_task("when")), condition(text("when"))]
            .into_iter()
            .flatten()
            .filter(|when| !matches!(when.as_str(), "true" | "false"));
        let may_trigger = pipelines.clone().filter_map(|pipeline| pipeline.flow(id)).any(StageFlow::may_trigger_anything);
        let triggers: BTreeSet<String> = pipelines
            .flat_map(|pipeline| pipeline.runs.iter().filter(|run| run.from == id))
            .map(|run| self.model.stage(run.target).name.name.to_string())
            .collect();
        PlannedStage {
            id: node_id(self.model, id),
            name: declared.name.name.to_string(),
            task: task.map(|task| task.name.name.to_string()),
            line: source.position(declared.name.span.start).line,
            after: Vec::new(),
            run_after: match self.model.format {
                Format::V1 => declared.run_after.iter().map(|after| after.name.to_string()).collect(),
                Format::V2 => Vec::new(),
            },
            always: match self.model.format {
                Format::V1 => platform::runs_at_the_end(&declared.name.name) || platform::runs_on_failure(&declared.name.name),
                Format::V2 => task.is_some_and(|task| task.is_finally),
            },
            on_failure: self.model.format == Format::V1 && platform::runs_on_failure(&declared.name.name),
            skip: declared.runs == Runs::Never,
            when: conditions.collect(),
            may_fail: declared.may_fail,
            timeout: text("timeout"),
            task_timeout: of_task("timeout"),
            image: text("image"),
            image_pull_policy: text("image_pull_policy"),
            include,
            dind_image: text("dind_image"),
            runtime_class_name: match self.model.format {
                Format::V1 => text("runtimeClassName"),
                Format::V2 => of_task("runtimeClassName"),
            },
            configmap: text("configmap"),
            secret: text("secret"),
            triggers: triggers.into_iter().collect(),
            may_trigger,
            script: declared.script.and_then(|script| self.compilation.document.string(source.text(), script)).map(Into::into),
        }
    }

    fn text(&self, node: NodeId, key: &str) -> Option<String> {
        let text = self.compilation.sources.get(self.compilation.file).text();
        let value = self.compilation.document.get(text, node, key)?;
        self.compilation.document.text(text, value).map(Into::into)
    }

    fn names(&self, node: NodeId, key: &str) -> Vec<String> {
        let text = self.compilation.sources.get(self.compilation.file).text();
        let document = &self.compilation.document;
        let Some(value) = document.get(text, node, key) else { return Vec::new() };
        document.items(value).iter().filter_map(|item| document.text(text, *item)).map(Into::into).collect()
    }
}
