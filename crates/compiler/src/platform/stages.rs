//! The pipelines, their stages and tasks, and the order in which they run.

/// A kind of pipeline that one configuration can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PipelineKind {
    /// Pull request.
    Pr,
    /// Continuous integration.
    Ci,
    /// Continuous deployment.
    Cd,
    /// Continuous compliance.
    Cc,
    /// A pipeline of one stage.
    Simple,
}

impl PipelineKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Pr, Self::Ci, Self::Cd, Self::Cc, Self::Simple];

    /// The short name: `pr`, `ci`, `cd`, `cc`, `simple`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pr => "pr",
            Self::Ci => "ci",
            Self::Cd => "cd",
            Self::Cc => "cc",
            Self::Simple => "simple",
        }
    }
}

impl std::fmt::Display for PipelineKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The built-in stages of format 1 in the order in which a pipeline runs them. Names that mean the same
/// stage in different releases stand side by side; a configuration has one of them.
pub fn stage_order(kind: PipelineKind) -> &'static [&'static str] {
    match kind {
        PipelineKind::Pr => &["setup", "detect-secrets", "test", "unit-test", "unit-tests", "compliance-checks", "finish"],
        PipelineKind::Ci => &[
            "setup",
            "detect-secrets",
            "test",
            "unit-test",
            "unit-tests",
            "peer-review",
            "static-scan",
            "compliance-checks",
            "containerize",
            "build-artifact",
            "sign-artifact",
            "scan-artifact",
            "deploy",
            "dynamic-scan",
            "acceptance-test",
            "release",
            "finish",
        ],
        PipelineKind::Cd => {
            &["setup", "verify-peer-review", "verify-artifact", "deploy", "deployment", "acceptance-test", "finish", "rollback"]
        }
        PipelineKind::Cc => &["setup", "detect-secrets", "static-scan", "dynamic-scan", "compliance-checks", "scan-artifact", "finish"],
        PipelineKind::Simple => &["execute"],
    }
}

/// Whether a stage of format 1 has surely ended before another begins, in every release of the pipeline.
/// Early releases run all stages one by one, later ones run the checks beside build and deployment.
pub fn surely_runs_before(kind: PipelineKind, earlier: &str, later: &str) -> bool {
    let order = stage_order(kind);
    let rank = |name: &str| order.iter().position(|stage| *stage == name);
    let (Some(from), Some(to)) = (rank(earlier), rank(later)) else { return false };
    if from >= to {
        return false;
    }
    if earlier == "setup" || later == "finish" {
        return true;
    }
    match kind {
        PipelineKind::Pr | PipelineKind::Cd | PipelineKind::Simple => true,
        PipelineKind::Cc => false,
        PipelineKind::Ci => match (is_check(earlier), is_check(later)) {
            (false, false) => true,
            (true, true) => earlier == "detect-secrets" || later == "static-scan",
            (true, false) => later == "release",
            (false, true) => false,
        },
    }
}

/// Whether a stage of CI belongs to the checks that run beside build and deployment.
fn is_check(stage: &str) -> bool {
    matches!(stage, "detect-secrets" | "peer-review" | "static-scan" | "compliance-checks")
}

/// Whether a stage of format 1 runs at the end, whatever happened before.
pub fn runs_at_the_end(stage: &str) -> bool {
    stage == "finish"
}

/// Whether a stage of format 1 runs only where one before it has failed.
pub fn runs_on_failure(stage: &str) -> bool {
    stage == "rollback"
}

/// Whether some pipeline runs a stage of this name by itself.
pub fn is_built_in_stage(name: &str) -> bool {
    PipelineKind::ALL.iter().any(|kind| stage_order(*kind).contains(&name))
}

/// The names of all stages that some pipeline runs by itself.
pub fn built_in_stages() -> Vec<&'static str> {
    let mut names: Vec<&str> = PipelineKind::ALL.iter().flat_map(|kind| stage_order(*kind)).copied().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A task of format 2 that a pipeline has by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseTask {
    /// Its name.
    pub name: &'static str,
    /// The pipeline that runs it; `None` for the pipeline of async runs.
    pub pipeline: Option<PipelineKind>,
    /// Its steps in order; empty where they are not known.
    pub steps: &'static [&'static str],
    /// The tasks that it waits for.
    pub after: &'static [&'static str],
    /// Whether it runs at the end, whatever happened.
    pub is_finally: bool,
}

const fn task(
    name: &'static str,
    pipeline: Option<PipelineKind>,
    steps: &'static [&'static str],
    after: &'static [&'static str],
    is_finally: bool,
) -> BaseTask {
    BaseTask { name, pipeline, steps, after, is_finally }
}

const BASE_TASKS: &[BaseTask] = &[
    task("pr-start", Some(PipelineKind::Pr), &[], &[], false),
    task(
        "pr-code-checks",
        Some(PipelineKind::Pr),
        &["checks-setup", "detect-secrets", "unit-test", "compliance-checks"],
        &["pr-start"],
        false,
    ),
    task("code-pr-finish", Some(PipelineKind::Pr), &[], &[], true),
    task("ci-start", Some(PipelineKind::Ci), &[], &[], false),
    task(
        "code-checks",
        Some(PipelineKind::Ci),
        &["checks-setup", "detect-secrets", "compliance-checks", "peer-review", "static-scan"],
        &["ci-start"],
        false,
    ),
    task(
        "code-build",
        Some(PipelineKind::Ci),
        &["setup", "unit-test", "build-artifact", "sign-artifact", "scan-artifact"],
        &["ci-start"],
        false,
    ),
    task("deploy-checks", Some(PipelineKind::Ci), &["deploy", "dynamic-scan", "acceptance-test"], &["code-build"], false),
    task("deploy-release", Some(PipelineKind::Ci), &["run-stage"], &["code-checks", "deploy-checks"], false),
    task("code-ci-finish", Some(PipelineKind::Ci), &["evaluate", "prepare", "run-stage"], &[], true),
    task("cd-start", Some(PipelineKind::Cd), &[], &[], false),
    task("cd-deploy", Some(PipelineKind::Cd), &[], &["cd-start"], false),
    task("cd-finish", Some(PipelineKind::Cd), &[], &[], true),
    task("cc-start", Some(PipelineKind::Cc), &[], &[], false),
    task("cc-finish", Some(PipelineKind::Cc), &[], &[], true),
    task("simple-execute", Some(PipelineKind::Simple), &["execute"], &[], false),
    task(super::ASYNC_TASK, None, &["start", "run-stage", "finish"], &[], false),
];

/// All base tasks.
pub fn base_tasks() -> &'static [BaseTask] {
    BASE_TASKS
}

/// The base task of a name.
pub fn base_task(name: &str) -> Option<&'static BaseTask> {
    BASE_TASKS.iter().find(|task| task.name == name)
}

/// The base tasks of a pipeline in the order in which they may be taken to run.
pub fn task_order(kind: PipelineKind) -> impl Iterator<Item = &'static BaseTask> {
    BASE_TASKS.iter().filter(move |task| task.pipeline == Some(kind))
}

/// Whether a pipeline runs a step of a task: it ignores tasks that are none of its own and copy none, and steps that its own
/// tasks do not have, as far as those are known.
pub fn runs_step(task: &str, is_copy: bool, step: &str) -> bool {
    match base_task(task) {
        Some(base) => base.steps.is_empty() || base.steps.contains(&step),
        None => is_copy,
    }
}

/// Whether a step of `async-stage` belongs to the platform and is no async stage.
pub fn is_platform_step(name: &str) -> bool {
    matches!(name, "start" | "run-stage" | "finish" | "collect-evidence")
}
