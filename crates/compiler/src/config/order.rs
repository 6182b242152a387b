//! What a pipeline runs, and which of two stages surely runs before the other.

use fixedbitset::FixedBitSet;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Format, Model, Named, StageId, Task, TaskId};
use crate::platform::{self, PipelineKind};

/// With more tasks than this their order is that of the file: the relation grows with their square.
const MAX_GROUPS: usize = 8_192;

/// The stages that a pipeline runs by itself, and what is sure about their order.
#[derive(Debug, Default)]
pub struct Order {
    /// In an order that the pipeline can take.
    pub stages: Vec<StageId>,
    /// The group of each of [`Order::stages`]: a task, or a stage of format 1. The stages of a group run one by one.
    groups: Vec<u32>,
    /// By group, the groups that have surely ended before it begins. Empty: all that stand before it.
    before: Vec<FixedBitSet>,
}

/// A stage or task and what it waits for.
#[derive(Debug, Clone, Copy)]
pub struct Wait<'a> {
    /// Its name.
    pub name: &'a str,
    /// The names after `runAfter`.
    pub after: &'a [Named],
}

impl Order {
    /// Whether the stage at one index of [`Order::stages`] has surely ended before the one at another begins.
    pub fn is_before(&self, earlier: usize, later: usize) -> bool {
        let (from, to) = (self.groups[earlier] as usize, self.groups[later] as usize);
        if from == to || self.before.is_empty() {
            return earlier < later;
        }
        self.before[to].contains(from)
    }

    /// What comes directly after what: pairs of these stages without those that follow from others. `runs` are the stages
    /// that are looked at, in the order of [`Order::stages`].
    pub fn links(&self, runs: &[StageId]) -> Vec<(StageId, StageId)> {
        let wanted: FxHashSet<StageId> = runs.iter().copied().collect();
        let mut spans: Vec<(usize, StageId, StageId)> = Vec::new();
        let mut links = Vec::new();
        for (stage, group) in self.stages.iter().zip(&self.groups).filter(|(stage, _)| wanted.contains(stage)) {
            match spans.last_mut().filter(|(known, _, _)| *known == *group as usize || self.before.is_empty()) {
                Some((_, _, last)) => links.push((std::mem::replace(last, *stage), *stage)),
                None => spans.push((*group as usize, *stage, *stage)),
            }
        }
        for (at, (group, first, _)) in spans.iter().enumerate().skip(1) {
            let mut covered = FixedBitSet::with_capacity(self.before.len());
            for (other, _, last) in spans[..at].iter().rev() {
                if self.before[*group].contains(*other) && !covered.contains(*other) {
                    covered.union_with(&self.before[*other]);
                    links.push((*last, *first));
                }
            }
        }
        links
    }

    /// Groups of stages, and for each group those that it waits for. Where they wait for each other, the order in
    /// which they are given holds.
    fn new(groups: &[Vec<StageId>], waits: &[Vec<usize>]) -> Self {
        let sorted = sorted(waits);
        let mut order = Self::default();
        for group in &sorted {
            for stage in &groups[*group] {
                order.stages.push(*stage);
                order.groups.push(*group as u32);
            }
        }
        if groups.len() > MAX_GROUPS {
            return order;
        }
        order.before = vec![FixedBitSet::with_capacity(groups.len()); groups.len()];
        let mut is_placed = vec![false; groups.len()];
        for group in sorted {
            let mut before = FixedBitSet::with_capacity(groups.len());
            for other in waits[group].iter().copied().filter(|other| is_placed[*other]) {
                before.insert(other);
                before.union_with(&order.before[other]);
            }
            order.before[group] = before;
            is_placed[group] = true;
        }
        order
    }
}

/// Everything after what it waits for, and otherwise as it is given.
fn sorted(waits: &[Vec<usize>]) -> Vec<usize> {
    let mut followers = vec![Vec::new(); waits.len()];
    let mut open: Vec<usize> = waits.iter().map(Vec::len).collect();
    for (group, others) in waits.iter().enumerate() {
        for other in others {
            followers[*other].push(group);
        }
    }
    let mut ready: std::collections::BinaryHeap<_> = (0..waits.len()).filter(|group| open[*group] == 0).map(std::cmp::Reverse).collect();
    let mut order = Vec::with_capacity(waits.len());
    let mut is_placed = vec![false; waits.len()];
    let mut next_stuck = 0;
    while order.len() < waits.len() {
        let group = match ready.pop() {
            Some(std::cmp::Reverse(group)) => group,
            // A circle: `dependency-cycle` speaks of it; here the first of the rest goes on.
            None => {
                while is_placed[next_stuck] {
                    next_stuck += 1;
                }
                next_stuck
            }
        };
        if std::mem::replace(&mut is_placed[group], true) {
            continue;
        }
        order.push(group);
        for follower in &followers[group] {
            open[*follower] = open[*follower].saturating_sub(1);
            if open[*follower] == 0 && !is_placed[*follower] {
                ready.push(std::cmp::Reverse(*follower));
            }
        }
    }
    order
}

impl Model {
    /// What a pipeline of this kind runs by itself. Nothing where the configuration has nothing for it.
    pub fn order(&self, kind: PipelineKind) -> Order {
        match self.format {
            Format::V1 => self.order_of_stages(kind),
            Format::V2 => self.order_of_tasks(kind),
        }
    }

    fn order_of_stages(&self, kind: PipelineKind) -> Order {
        let by_name = |name: &&str| self.stages().filter(|(_, stage)| stage.name.name == **name).last().map(|(id, _)| id);
        let stages: Vec<StageId> = platform::stage_order(kind).iter().filter_map(by_name).collect();
        let names: Vec<&str> = stages.iter().map(|id| self.stage(*id).name.name.as_str()).collect();
        let waits = stages.iter().enumerate().map(|(at, id)| {
            let stage = self.stage(*id);
            let own = stage.run_after.iter().filter_map(|after| names.iter().position(|name| *name == after.name));
            let mut waits: Vec<usize> = own.collect();
            let earlier = names[..at].iter().enumerate();
            let sure = earlier.filter(|(_, name)| platform::surely_runs_before(kind, name, &stage.name.name));
            waits.extend(sure.map(|(index, _)| index));
            waits.sort_unstable();
            waits.dedup();
            waits
        });
        let waits: Vec<Vec<usize>> = waits.collect();
        Order::new(&stages.iter().map(|id| vec![*id]).collect::<Vec<_>>(), &waits)
    }

    fn order_of_tasks(&self, kind: PipelineKind) -> Order {
        let base: Vec<&str> = platform::task_order(kind).map(|task| task.name).collect();
        if !self.runs_in(kind) {
            return Order::default();
        }
        let mut tasks: Vec<&Task> = self.tasks.iter().filter(|task| belongs(task, &base)).collect();
        let rank = |task: &Task| {
            let like = task.from.as_ref().map_or(&task.name.name, |from| &from.name);
            base.iter().position(|name| name == like).unwrap_or(base.len())
        };
        tasks.sort_by_key(|task| (task.is_finally, rank(task)));
        // Tasks of the platform that the file leaves out still stand between the others.
        let absent = base.iter().filter(|name| tasks.iter().all(|task| task.name.name != **name)).map(|name| (*name, None));
        let all: Vec<(&str, Option<&Task>)> = absent.chain(tasks.iter().map(|task| (task.name.name.as_str(), Some(*task)))).collect();
        let index: FxHashMap<&str, usize> = all.iter().enumerate().map(|(index, (name, _))| (*name, index)).collect();
        let is_finally = |group: usize| match all[group] {
            (_, Some(task)) => task.is_finally,
            (name, None) => platform::base_task(name).is_some_and(|task| task.is_finally),
        };
        let waits = (0..all.len()).map(|group| {
            if is_finally(group) && all.len() <= MAX_GROUPS {
                return (0..all.len()).filter(|other| !is_finally(*other)).collect();
            }
            let (name, task) = all[group];
            let mut waits: Vec<usize> = self.awaited(task, name).iter().filter_map(|name| index.get(name).copied()).collect();
            waits.sort_unstable();
            waits.dedup();
            waits
        });
        let waits: Vec<Vec<usize>> = waits.collect();
        let groups: Vec<Vec<StageId>> = all.iter().map(|(_, task)| task.map_or(Vec::new(), |task| task.steps.clone())).collect();
        Order::new(&groups, &waits)
    }

    /// The tasks that a task waits for: as it says itself, or as the task it copies, or as the platform has it.
    fn awaited<'a>(&'a self, task: Option<&'a Task>, name: &'a str) -> Vec<&'a str> {
        if let Some(task) = task {
            if !task.run_after.is_empty() {
                return task.run_after.iter().map(|after| after.name.as_str()).collect();
            }
            if let Some(from) = &task.from {
                let copied = self.tasks_by_name.get(&from.name).map(|TaskId(id)| &self.tasks[*id as usize]);
                let own = copied.filter(|copied| !copied.run_after.is_empty());
                return match own {
                    Some(copied) => copied.run_after.iter().map(|after| after.name.as_str()).collect(),
                    None => platform::base_task(&from.name).map(|task| task.after.to_vec()).unwrap_or_default(),
                };
            }
        }
        platform::base_task(name).map(|task| task.after.to_vec()).unwrap_or_default()
    }

    /// What waits for what, as the configuration says itself: stages of format 1, tasks of format 2.
    pub fn waits(&self) -> Vec<Wait<'_>> {
        match self.format {
            Format::V1 => self.stages.iter().map(|stage| Wait { name: &stage.name.name, after: &stage.run_after }).collect(),
            Format::V2 => self.tasks.iter().map(|task| Wait { name: &task.name.name, after: &task.run_after }).collect(),
        }
    }

    /// The kinds of pipeline that the configuration has something for.
    pub fn pipelines(&self) -> Vec<PipelineKind> {
        PipelineKind::ALL.into_iter().filter(|kind| self.runs_in(*kind)).collect()
    }

    /// Whether [`Self::order`] has stages.
    fn runs_in(&self, kind: PipelineKind) -> bool {
        match self.format {
            Format::V1 => self.stages.iter().any(|stage| platform::stage_order(kind).contains(&stage.name.name.as_str())),
            Format::V2 => {
                let base: Vec<&str> = platform::task_order(kind).map(|task| task.name).collect();
                self.tasks.iter().any(|task| base.contains(&task.name.name.as_str()))
                    && self.tasks.iter().any(|task| !task.steps.is_empty() && belongs(task, &base))
            }
        }
    }
}

/// Whether a pipeline with these base tasks runs a task. One of the user's own runs in each pipeline that has what
/// it is copied from, or what it waits for.
fn belongs(task: &Task, base: &[&str]) -> bool {
    let name = task.name.name.as_str();
    if name == platform::ASYNC_TASK {
        return false;
    }
    match platform::base_task(name) {
        Some(_) => base.contains(&name),
        None => {
            let anchors = task.from.iter().chain(&task.run_after);
            let mut known = anchors.filter_map(|anchor| platform::base_task(&anchor.name)).peekable();
            known.peek().is_none() || known.any(|task| base.contains(&task.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{self, Format};
    use crate::platform::PipelineKind;

    /// Pairs of neighbours in the order of a pipeline: `a<b` where that is sure, `a|b` where they may run at the same time.
    fn order(kind: PipelineKind, format: Format, text: &str) -> String {
        let document = crate::syntax::yaml::read(text);
        let model = config::read(&document, text, format);
        let order = model.order(kind);
        let name = |at: usize| model.stage(order.stages[at]).name.name.as_str();
        let mut line = String::new();
        for at in 0..order.stages.len() {
            if at > 0 {
                line.push_str(if order.is_before(at - 1, at) { " < " } else { " | " });
            }
            line.push_str(name(at));
        }
        line
    }

    /// What comes directly after what, in the CI pipeline: `a>b`.
    fn links(format: Format, text: &str, without: &[&str]) -> String {
        let document = crate::syntax::yaml::read(text);
        let model = config::read(&document, text, format);
        let order = model.order(PipelineKind::Ci);
        let name = |stage| model.stage(stage).name.name.as_str();
        let runs: Vec<_> = order.stages.iter().copied().filter(|stage| !without.contains(&name(*stage))).collect();
        let links = order.links(&runs);
        links.into_iter().map(|(from, to)| format!("{}>{}", name(from), name(to))).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_link_that_follows_from_others_is_none() {
        let text = "version: '1'\nsetup:\n  script: x\nstatic-scan:\n  script: x\ncontainerize:\n  script: x\ndeploy:\n  script: x\n";
        assert_eq!(links(Format::V1, text, &[]), "setup>static-scan setup>containerize containerize>deploy");
        assert_eq!(links(Format::V1, text, &["containerize"]), "setup>static-scan setup>deploy");
        let tasks = "version: '2'\ntasks:\n  a:\n    steps:\n      - name: a1\n        script: x\n      - name: a2\n        script: x\n  \
                     b:\n    runAfter: [a]\n    steps:\n      - name: b\n        script: x\n  c:\n    runAfter: [a, b]\n    steps:\n      - name: c\n        script: x\n  \
                     code-build:\n    steps:\n      - name: d\n        script: x\n";
        assert_eq!(links(Format::V2, tasks, &[]), "a1>a2 a2>b b>c");
        assert_eq!(links(Format::V2, tasks, &["b"]), "a1>a2 a2>c", "through what does not run");
    }

    fn v1(kind: PipelineKind, stages: &[&str]) -> String {
        let text: String = stages.iter().map(|stage| format!("{stage}:\n  script: x\n")).collect();
        order(kind, Format::V1, &format!("version: '1'\n{text}"))
    }

    #[test]
    fn stages_of_format_1_keep_the_order_that_all_releases_have() {
        use PipelineKind::{Cc, Cd, Ci, Pr};
        assert_eq!(v1(Ci, &["deploy", "containerize", "setup", "finish"]), "setup < containerize < deploy < finish");
        assert_eq!(v1(Ci, &["deploy", "dynamic-scan", "acceptance-test", "release"]), "deploy < dynamic-scan < acceptance-test < release");
        assert_eq!(v1(Ci, &["static-scan", "containerize", "deploy"]), "static-scan | containerize < deploy");
        assert_eq!(v1(Ci, &["static-scan", "deploy", "release"]), "static-scan | deploy < release");
        assert_eq!(v1(Pr, &["setup", "test", "compliance-checks", "finish"]), "setup < test < compliance-checks < finish");
        assert_eq!(v1(Cd, &["setup", "deploy", "acceptance-test", "finish"]), "setup < deploy < acceptance-test < finish");
        assert_eq!(v1(Cc, &["setup", "static-scan", "dynamic-scan", "finish"]), "setup < static-scan | dynamic-scan < finish");
    }

    #[test]
    fn run_after_makes_the_order_sure() {
        let text = "version: '1'\nstatic-scan:\n  script: x\n  runAfter: deploy\ndeploy:\n  script: x\n";
        assert_eq!(order(PipelineKind::Ci, Format::V1, text), "deploy < static-scan");
        let circle = "version: '1'\ndeploy:\n  script: x\n  runAfter: release\nrelease:\n  script: x\n";
        assert_eq!(order(PipelineKind::Ci, Format::V1, circle), "deploy < release", "a circle has no order of its own");
    }

    fn v2(tasks: &[(&str, &str)]) -> String {
        let text: String =
            tasks.iter().map(|(name, more)| format!("  {name}:\n{more}    steps:\n      - name: in-{name}\n        script: x\n")).collect();
        order(PipelineKind::Ci, Format::V2, &format!("version: '2'\ntasks:\n{text}"))
    }

    #[test]
    fn tasks_of_format_2_wait_as_they_say_or_as_the_platform_has_it() {
        assert_eq!(v2(&[("code-checks", ""), ("code-build", "")]), "in-code-checks | in-code-build");
        assert_eq!(v2(&[("deploy-checks", ""), ("code-build", "")]), "in-code-build < in-deploy-checks");
        assert_eq!(v2(&[("ci-start", ""), ("deploy-release", "")]), "in-ci-start < in-deploy-release", "through tasks that are left out");
        assert_eq!(v2(&[("code-build", ""), ("mine", "")]), "in-code-build | in-mine");
        assert_eq!(v2(&[("code-build", ""), ("mine", "    runAfter: [code-build]\n")]), "in-code-build < in-mine");
        assert_eq!(v2(&[("deploy-checks", ""), ("mine", "    from: deploy-checks\n")]), "in-deploy-checks | in-mine");
        assert_eq!(v2(&[("code-build", ""), ("mine", "    from: deploy-checks\n")]), "in-code-build < in-mine");
    }

    #[test]
    fn steps_of_a_task_run_one_by_one_and_finally_comes_last() {
        let text = "version: '2'\ntasks:\n  code-build:\n    steps:\n      - name: a\n        script: x\n      - name: b\n        script: x\n\
                    finally:\n  one:\n    steps:\n      - name: c\n        script: x\n  two:\n    steps:\n      - name: d\n        script: x\n";
        assert_eq!(order(PipelineKind::Ci, Format::V2, text), "a < b < c | d");
    }
}
