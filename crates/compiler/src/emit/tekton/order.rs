//! The tasks of a pipeline, and what each waits for.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{PlannedPipeline, PlannedStage};
use crate::platform::tekton::OWN_TASKS;

/// A task of the pipeline: a stage of format 1, or the steps of a task of format 2.
#[derive(Debug)]
pub(super) struct Task<'a> {
    pub(super) name: &'a str,
    pub(super) steps: Vec<&'a PlannedStage>,
    /// The tasks that have ended before; none for one at the end.
    pub(super) after: Vec<String>,
    /// It runs at the end.
    pub(super) is_finally: bool,
}

/// Whether a stage is there on a cluster: what is skipped or has no script is not.
pub(super) fn is_there(stage: &PlannedStage) -> bool {
    !stage.skip && stage.script.is_some()
}

/// The tasks that are there, in an order that they can take.
pub(super) fn tasks(pipeline: &PlannedPipeline) -> Vec<Task<'_>> {
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for stage in pipeline.stages.iter().filter(|stage| is_there(stage)) {
        let name = stage.task.as_deref().unwrap_or(&stage.name);
        match tasks.iter_mut().find(|task| task.name == name) {
            Some(task) => task.steps.push(stage),
            None => tasks.push(Task { name, steps: vec![stage], after: Vec::new(), is_finally: stage.always }),
        }
    }
    let is_v1 = pipeline.stages.iter().all(|stage| stage.task.is_none());
    let after = if is_v1 { one_by_one(&tasks) } else { as_planned(pipeline, &tasks) };
    for (task, after) in tasks.iter_mut().zip(after) {
        task.after = after;
    }
    tasks
}

/// The stages of format 1: each waits for all that nothing waits for yet, unless it says itself what it waits for.
fn one_by_one(tasks: &[Task<'_>]) -> Vec<Vec<String>> {
    let mut open: BTreeMap<usize, &str> = BTreeMap::from([(0, OWN_TASKS[0])]);
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut after = Vec::new();
    for (place, task) in tasks.iter().enumerate() {
        if task.is_finally {
            after.push(Vec::new());
            continue;
        }
        let own = task.steps.iter().flat_map(|stage| &stage.run_after).map(String::as_str).filter(|name| known.contains(name));
        let own: Vec<&str> = own.collect();
        let waits = if own.is_empty() { open.values().copied().collect() } else { own };
        open.retain(|_, name| !waits.contains(name));
        open.insert(place + 1, task.name);
        known.insert(task.name);
        after.push(waits.into_iter().map(str::to_owned).collect());
    }
    after
}

/// The tasks of format 2: as the plan has it, through what is not there.
fn as_planned(pipeline: &PlannedPipeline, tasks: &[Task<'_>]) -> Vec<Vec<String>> {
    let by_id: BTreeMap<&str, &PlannedStage> = pipeline.stages.iter().map(|stage| (stage.id.as_str(), stage)).collect();
    let of = |task: &Task<'_>| {
        let mut after = BTreeSet::new();
        for step in &task.steps {
            awaited(step, &by_id, &mut BTreeSet::new(), &mut after);
        }
        after.remove(task.name);
        // In the order of the pipeline.
        let names: Vec<String> = tasks.iter().map(|task| task.name).filter(|name| after.contains(name)).map(str::to_owned).collect();
        if names.is_empty() { vec![OWN_TASKS[0].to_owned()] } else { names }
    };
    tasks.iter().map(|task| if task.is_finally { Vec::new() } else { of(task) }).collect()
}

/// The tasks that a step waits for.
fn awaited<'a>(
    step: &'a PlannedStage,
    by_id: &BTreeMap<&str, &'a PlannedStage>,
    seen: &mut BTreeSet<&'a str>,
    after: &mut BTreeSet<&'a str>,
) {
    for earlier in step.after.iter().filter_map(|id| by_id.get(id.as_str()).copied()) {
        if is_there(earlier) {
            after.insert(earlier.task.as_deref().unwrap_or(&earlier.name));
        } else if seen.insert(&earlier.id) {
            awaited(earlier, by_id, seen, after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tasks;
    use crate::plan::{PlannedPipeline, PlannedStage};

    fn stage(name: &str) -> PlannedStage {
        PlannedStage { id: name.into(), name: name.into(), script: Some("true".into()), ..PlannedStage::default() }
    }

    fn step(task: &str, name: &str, after: &[&str]) -> PlannedStage {
        let after = after.iter().map(ToString::to_string).collect();
        PlannedStage { id: format!("{task}/{name}"), task: Some(task.into()), after, ..stage(name) }
    }

    /// `task < what it waits for`, a line each.
    fn order(stages: Vec<PlannedStage>) -> Vec<String> {
        let pipeline = PlannedPipeline { pipeline: "ci".into(), stages };
        tasks(&pipeline).iter().map(|task| format!("{} < {}", task.name, task.after.join(" "))).collect()
    }

    #[test]
    fn stages_run_one_by_one_unless_they_say_otherwise() {
        let beside = PlannedStage { run_after: vec!["setup".into()], ..stage("test") };
        let skipped = PlannedStage { skip: true, ..stage("deploy") };
        let lost = PlannedStage { run_after: vec!["deploy".into()], ..stage("release") };
        let finish = PlannedStage { always: true, ..stage("finish") };
        assert_eq!(
            order(vec![stage("setup"), stage("scan"), beside, skipped, stage("check"), lost, finish]),
            ["setup < start", "scan < setup", "test < setup", "check < scan test", "release < check", "finish < "]
        );
    }

    #[test]
    fn tasks_wait_as_planned_through_what_is_not_there() {
        let without_script = |step: PlannedStage| PlannedStage { script: None, ..step };
        assert_eq!(
            order(vec![
                step("build", "setup", &[]),
                step("build", "make", &["build/setup"]),
                without_script(step("sign", "sign", &["build/make"])),
                step("deploy", "deploy", &["sign/sign"]),
            ]),
            ["build < start", "deploy < build"]
        );
    }
}
