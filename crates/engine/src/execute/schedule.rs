//! The stages of a pipeline in their order, as many at once as may be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::Instant;

use sidestage_compiler::plan::PlannedStage;

use super::stage::{End, NO_SCRIPT};
use super::{condition, duration};
use crate::run::State;

/// What the schedule asks of whoever runs stages.
pub(super) trait Work: Sync {
    /// Runs the script of a stage to its end.
    fn run(&self, place: usize, stage: &PlannedStage, script: &str, deadline: Option<Instant>) -> End;
    /// The stage has begun.
    fn started(&self, stage: &PlannedStage);
    /// It has ended.
    fn ended(&self, stage: &PlannedStage, end: &End);
    /// It does not run, and why.
    fn skipped(&self, stage: &PlannedStage, reason: &str);
    /// All that can fail has ended; what runs in any case begins.
    fn closing(&self, has_failed: bool);
    /// Whether somebody wants the end.
    fn is_stopped(&self) -> bool;
    /// Whether the caller has left the stage out.
    fn leaves_out(&self, stage: &PlannedStage) -> bool;
    /// What `when` may speak of.
    fn known(&self) -> condition::Known<'_>;
}

/// Where a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Waiting,
    Running,
    Over,
}

struct Schedule<'a, W> {
    stages: &'a [PlannedStage],
    work: &'a W,
    jobs: usize,
    at: Vec<At>,
    /// Tasks that have begun, and when each must have ended.
    tasks: BTreeMap<&'a str, Option<Instant>>,
    failed_tasks: BTreeSet<&'a str>,
    has_failed: bool,
    is_closing: bool,
}

/// Runs all stages; gives the state of the pipeline.
pub(super) fn run<W: Work>(stages: &[PlannedStage], jobs: usize, work: &W) -> State {
    let schedule = Schedule {
        stages,
        work,
        jobs: jobs.max(1),
        at: vec![At::Waiting; stages.len()],
        tasks: BTreeMap::new(),
        failed_tasks: BTreeSet::new(),
        has_failed: false,
        is_closing: false,
    };
    schedule.run()
}

impl<'a, W: Work> Schedule<'a, W> {
    fn run(mut self) -> State {
        let (done, ends) = mpsc::channel::<(usize, End)>();
        std::thread::scope(|scope| {
            loop {
                // What is passed over may let others begin.
                while let Some(place) = self.next() {
                    if let Some(script) = self.begin(place) {
                        let (done, work, stage) = (done.clone(), self.work, &self.stages[place]);
                        let deadline = stage.task.as_deref().and_then(|task| self.tasks.get(task).copied().flatten());
                        self.at[place] = At::Running;
                        scope.spawn(move || {
                            let end = work.run(place, stage, script, deadline);
                            // The schedule waits for every end.
                            let _ = done.send((place, end));
                        });
                    } else {
                        self.at[place] = At::Over;
                    }
                }
                // Where stages wait for each other, nothing runs and nothing can: `check` reports that.
                if self.at.iter().all(|at| *at != At::Running) {
                    break;
                }
                let Ok((place, end)) = ends.recv() else { break };
                self.end(place, &end);
            }
        });
        match (self.work.is_stopped(), self.has_failed) {
            (true, _) => State::Cancelled,
            (false, true) => State::Failed,
            (false, false) => State::Succeeded,
        }
    }

    /// The first stage that may begin now.
    fn next(&mut self) -> Option<usize> {
        if self.at.iter().filter(|at| **at == At::Running).count() >= self.jobs {
            return None;
        }
        let is_over =
            |schedule: &Self, id: &str| schedule.stages.iter().zip(&schedule.at).all(|(stage, at)| stage.id != id || *at == At::Over);
        let ready = |schedule: &Self, stage: &PlannedStage| stage.after.iter().all(|id| is_over(schedule, id));
        let is_open = self.stages.iter().zip(&self.at).any(|(stage, at)| !stage.always && *at != At::Over);
        if !is_open && !self.is_closing {
            self.is_closing = true;
            self.work.closing(self.has_failed);
        }
        (0..self.stages.len()).find(|place| {
            let stage = &self.stages[*place];
            self.at[*place] == At::Waiting && (!stage.always || !is_open) && ready(self, stage)
        })
    }

    /// Begins a stage; gives its script, where it runs.
    fn begin(&mut self, place: usize) -> Option<&'a str> {
        let stage = &self.stages[place];
        if let Some(reason) = self.reason_to_skip(stage) {
            self.work.skipped(stage, &reason);
            return None;
        }
        for when in &stage.when {
            match condition::holds(when, &self.work.known()) {
                Ok(true) => {}
                Ok(false) => {
                    self.work.skipped(stage, &format!("`when: {when}` is false"));
                    return None;
                }
                Err(reason) => {
                    self.work.started(stage);
                    let end = End::failed(format!("`when: {when}` cannot be decided: {reason}"));
                    self.count(stage, &end);
                    self.work.ended(stage, &end);
                    return None;
                }
            }
        }
        if let Some(task) = stage.task.as_deref() {
            let limit = stage.task_timeout.as_deref().and_then(duration::limit);
            self.tasks.entry(task).or_insert_with(|| limit.map(|limit| Instant::now() + limit));
        }
        self.work.started(stage);
        stage.script.as_deref()
    }

    fn reason_to_skip(&self, stage: &PlannedStage) -> Option<String> {
        let task = stage.task.as_deref();
        if stage.skip {
            return Some("the configuration skips it".to_owned());
        }
        if self.work.leaves_out(stage) {
            return Some("left out on the command line".to_owned());
        }
        if stage.on_failure && !self.has_failed {
            return Some("it runs only where a stage has failed".to_owned());
        }
        if stage.script.is_none() {
            return Some(NO_SCRIPT.to_owned());
        }
        if self.work.is_stopped() {
            return Some("the run was stopped".to_owned());
        }
        if task.is_some_and(|task| self.failed_tasks.contains(task)) {
            return Some("a step before it in its task has failed".to_owned());
        }
        let has_begun = task.is_some_and(|task| self.tasks.contains_key(task));
        let runs_in_any_case = stage.always || has_begun;
        (self.has_failed && !runs_in_any_case).then(|| "a stage before it has failed".to_owned())
    }

    fn end(&mut self, place: usize, end: &End) {
        let stage = &self.stages[place];
        self.at[place] = At::Over;
        self.count(stage, end);
        self.work.ended(stage, end);
    }

    /// What its end means for the others.
    fn count(&mut self, stage: &'a PlannedStage, end: &End) {
        if end.state == State::Succeeded || stage.may_fail {
            return;
        }
        self.has_failed = true;
        self.failed_tasks.extend(stage.task.as_deref());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that panics has failed, as it should
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Stages by their scripts: what they would do, and what was told.
    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Work for Told {
        fn run(&self, _: usize, _: &PlannedStage, script: &str, _: Option<Instant>) -> End {
            let state = if script == "fail" { State::Failed } else { State::Succeeded };
            End { state, exit: None, reason: None }
        }
        fn started(&self, _: &PlannedStage) {}
        fn ended(&self, stage: &PlannedStage, end: &End) {
            self.0.lock().unwrap().push(format!("{} {}", stage.id, end.state));
        }
        fn skipped(&self, stage: &PlannedStage, reason: &str) {
            self.0.lock().unwrap().push(format!("{} - {reason}", stage.id));
        }
        fn closing(&self, _: bool) {}
        fn is_stopped(&self) -> bool {
            false
        }
        fn leaves_out(&self, stage: &PlannedStage) -> bool {
            stage.id == "left-out"
        }
        fn known(&self) -> condition::Known<'_> {
            condition::Known { pipeline: "ci", properties: BTreeMap::from([("go", "yes")]) }
        }
    }

    fn stage(id: &str, script: &str, after: &[&str]) -> PlannedStage {
        let task = id.split_once('/').map(|(task, _)| task.to_owned());
        let after = after.iter().map(|id| (*id).to_owned()).collect();
        PlannedStage { id: id.to_owned(), name: id.to_owned(), script: Some(script.to_owned()), task, after, ..PlannedStage::default() }
    }

    fn told(stages: &[PlannedStage]) -> (State, String) {
        let told = Told::default();
        let state = run(stages, 1, &told);
        let lines = told.0.into_inner().unwrap();
        (state, lines.join("; "))
    }

    #[test]
    fn a_failure_ends_what_follows_but_not_what_always_runs() {
        let finish = PlannedStage { always: true, ..stage("finish", "", &["deploy"]) };
        let rollback = PlannedStage { always: true, on_failure: true, ..stage("rollback", "", &["finish"]) };
        let (state, lines) = told(&[stage("setup", "fail", &[]), stage("deploy", "", &["setup"]), finish.clone(), rollback.clone()]);
        assert_eq!(
            (state, lines.as_str()),
            (State::Failed, "setup failed; deploy - a stage before it has failed; finish succeeded; rollback succeeded")
        );
        let may_fail = PlannedStage { may_fail: true, ..stage("setup", "fail", &[]) };
        let (state, lines) = told(&[may_fail, stage("deploy", "", &["setup"]), finish, rollback]);
        assert_eq!(
            (state, lines.as_str()),
            (State::Succeeded, "setup failed; deploy succeeded; finish succeeded; rollback - it runs only where a stage has failed")
        );
    }

    #[test]
    fn a_task_that_has_begun_goes_on_unless_it_failed_itself() {
        let stages = [
            stage("build/a", "fail", &[]),
            stage("checks/a", "", &[]),
            stage("build/b", "", &["build/a"]),
            stage("checks/b", "", &["checks/a"]),
            stage("deploy/a", "", &["build/b"]),
        ];
        // With one at a time the checks have not begun when the build fails.
        assert_eq!(
            told(&stages).1,
            "build/a failed; checks/a - a stage before it has failed; build/b - a step before it in its task has failed; \
             checks/b - a stage before it has failed; deploy/a - a stage before it has failed"
        );
        let stages = [stage("checks/a", "", &[]), stage("build/a", "fail", &[]), stage("checks/b", "", &["checks/a"])];
        assert_eq!(told(&stages).1, "checks/a succeeded; build/a failed; checks/b succeeded");
    }

    #[test]
    fn what_does_not_run_says_why() {
        let when = |id: &str, when: &str| PlannedStage { when: vec![when.to_owned()], ..stage(id, "", &[]) };
        let stages = [
            PlannedStage { skip: true, ..stage("a", "", &[]) },
            stage("left-out", "", &[]),
            PlannedStage { script: None, ..stage("own", "", &[]) },
            when("yes", "go == 'yes'"),
            when("no", "go == 'no'"),
            stage("b", "", &["a", "left-out", "own", "no"]),
            when("odd", "branch == 'main'"),
        ];
        assert_eq!(
            told(&stages).1,
            "a - the configuration skips it; left-out - left out on the command line; own - the platform's own script is not on this machine; \
             yes succeeded; no - `when: go == 'no'` is false; b succeeded; odd failed"
        );
    }
}
