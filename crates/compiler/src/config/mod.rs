//! A configuration of either format: what it is, its stages, scripts, targets and contracts, their order; its schema,
//! and what the project says about itself in `.sidestage.yaml`.

mod contract;
mod detect;
mod order;
pub(crate) mod pattern;
mod read;
pub mod schema;
pub mod settings;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

pub use contract::{Contract, DeclaredRead, Listed, Text};
pub use detect::{Detected, Unlike, detect, might_be_config};
pub use order::{Order, Wait};
pub use pattern::{Pattern, PatternError};
pub use read::read;

use crate::platform;
use crate::source::Span;
use crate::syntax::yaml::NodeId;

/// The format of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `version: '1'`: stages at the top.
    V1,
    /// `version: '2'`: tasks with steps.
    V2,
}

impl Format {
    /// `v1` or `v2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

/// A stage of [`Model::stages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StageId(pub u32);

/// A task of [`Model::tasks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u32);

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: CompactString,
    /// Where.
    pub span: Span,
}

/// Whether something runs at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// Nothing keeps it from running.
    Always,
    /// A condition decides that is not known here.
    Maybe,
    /// `skip: true` or `when: 'false'`.
    Never,
}

/// A piece of work with a script: a stage of format 1, a step of format 2.
#[derive(Debug)]
pub struct Stage {
    /// Its name, and where it stands.
    pub name: Named,
    /// The whole declaration.
    pub node: NodeId,
    /// The task that it is a step of.
    pub task: Option<TaskId>,
    /// Its script.
    pub script: Option<NodeId>,
    /// Whether it runs.
    pub runs: Runs,
    /// Whether the pipeline goes on when it fails.
    pub may_fail: bool,
    /// What it waits for, as it says itself.
    pub run_after: Vec<Named>,
    /// `x-async`.
    pub contract: Option<Contract>,
}

/// A task of format 2.
#[derive(Debug)]
pub struct Task {
    /// Its name, and where it stands.
    pub name: Named,
    /// The whole declaration.
    pub node: NodeId,
    /// Its steps, in order.
    pub steps: Vec<StageId>,
    /// Whether it runs.
    pub runs: Runs,
    /// What it waits for, as it says itself.
    pub run_after: Vec<Named>,
    /// The task that it copies.
    pub from: Option<Named>,
    /// Whether it stands below `finally`.
    pub is_finally: bool,
}

/// A configuration as the rest of the compiler sees it.
#[derive(Debug)]
pub struct Model {
    /// Its format.
    pub format: Format,
    /// All stages in the order of the file.
    pub stages: Vec<Stage>,
    /// All tasks in the order of the file; none in format 1.
    pub tasks: Vec<Task>,
    targets: FxHashMap<CompactString, StageId>,
    tasks_by_name: FxHashMap<CompactString, TaskId>,
    /// Steps of other tasks than `async-stage`, the first of each name.
    steps_elsewhere: FxHashMap<CompactString, StageId>,
}

/// What a triggered name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The stage that will run.
    Stage(StageId),
    /// Format 2: a task has this name, but only a step of `async-stage` can be triggered.
    IsTask(TaskId),
    /// Format 2: a step of another task has this name.
    StepElsewhere(StageId),
    /// Nothing has this name.
    Missing,
}

impl Model {
    /// A configuration without stages.
    pub fn empty(format: Format) -> Self {
        Self::new(format, Vec::new(), Vec::new())
    }

    /// A configuration of these stages and tasks.
    fn new(format: Format, stages: Vec<Stage>, tasks: Vec<Task>) -> Self {
        let mut targets = FxHashMap::default();
        let mut steps_elsewhere = FxHashMap::default();
        for (index, stage) in stages.iter().enumerate() {
            let id = StageId(index as u32);
            let is_target = match stage.task {
                None => true,
                Some(task) => {
                    let task = &tasks[task.0 as usize];
                    task.name.name == platform::ASYNC_TASK && !platform::is_platform_step(&stage.name.name)
                }
            };
            if is_target {
                targets.insert(stage.name.name.clone(), id);
            } else {
                steps_elsewhere.entry(stage.name.name.clone()).or_insert(id);
            }
        }
        let mut tasks_by_name = FxHashMap::default();
        for (index, task) in tasks.iter().enumerate() {
            tasks_by_name.entry(task.name.name.clone()).or_insert(TaskId(index as u32));
        }
        Self { format, stages, tasks, targets, tasks_by_name, steps_elsewhere }
    }

    /// The stage of an id.
    pub fn stage(&self, id: StageId) -> &Stage {
        &self.stages[id.0 as usize]
    }

    /// The task of an id.
    pub fn task(&self, id: TaskId) -> &Task {
        &self.tasks[id.0 as usize]
    }

    /// All stages with their ids.
    pub fn stages(&self) -> impl Iterator<Item = (StageId, &Stage)> {
        self.stages.iter().enumerate().map(|(index, stage)| (StageId(index as u32), stage))
    }

    /// What `trigger-task name` starts.
    pub fn target(&self, name: &str) -> Target {
        if let Some(id) = self.targets.get(name) {
            return Target::Stage(*id);
        }
        match (self.tasks_by_name.get(name), self.steps_elsewhere.get(name)) {
            (Some(task), _) => Target::IsTask(*task),
            (None, Some(step)) => Target::StepElsewhere(*step),
            (None, None) => Target::Missing,
        }
    }

    /// The names that can be triggered, in order.
    pub fn target_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.targets.keys().map(CompactString::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The step `run-stage` whose place an async stage of format 2 takes, where the file has one.
    pub fn replaced_by(&self, id: StageId) -> Option<StageId> {
        let task = self.task(self.stage(id).task?);
        let is_replaced = |step: &&StageId| self.stage(**step).name.name == "run-stage";
        task.steps.iter().find(is_replaced).copied().filter(|step| *step != id && self.is_async(id))
    }

    /// Whether a stage lives where async stages live: format 1, a stage that no pipeline runs by itself;
    /// format 2, a step of `async-stage`.
    pub fn is_async(&self, id: StageId) -> bool {
        let stage = self.stage(id);
        match stage.task {
            None => !platform::is_built_in_stage(&stage.name.name),
            Some(_) => self.targets.get(&stage.name.name) == Some(&id),
        }
    }
}
