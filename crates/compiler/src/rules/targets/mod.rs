//! What a target makes of the configuration: told where it is to run there.

pub(super) mod tekton_difference;
pub(super) mod tekton_unsupported;

use rustc_hash::FxHashSet;

use super::Context;
use crate::config::{Runs, Stage, StageId, Task};
use crate::diagnostics::{Finding, RuleId};
use crate::platform::{self, PipelineKind};
use crate::source::Span;
use crate::syntax::yaml::NodeId;

/// A stage or step that a cluster would run.
struct Subject<'a> {
    id: StageId,
    stage: &'a Stage,
    task: Option<&'a Task>,
    /// Whether a trigger starts it.
    is_async: bool,
    /// The pipelines that run it by themselves.
    pipelines: Vec<PipelineKind>,
}

/// All of them, in the order of the file.
fn subjects<'a>(context: &'a Context<'_>) -> Vec<Subject<'a>> {
    let triggered: FxHashSet<StageId> =
        context.flow.pipelines.iter().flat_map(|pipeline| pipeline.runs.iter().map(|run| run.target)).collect();
    let run_by = context.flow.pipelines.iter().map(|pipeline| (pipeline.kind, pipeline.stages.iter().map(|(id, _)| *id).collect()));
    let run_by: Vec<(PipelineKind, FxHashSet<StageId>)> = run_by.collect();
    let subject = |(id, stage): (StageId, &'a Stage)| {
        let task = stage.task.map(|task| context.model.task(task));
        let is_known =
            task.is_none_or(|task| platform::runs_step(&task.name.name, task.from.is_some() || task.is_finally, &stage.name.name));
        let pipelines: Vec<PipelineKind> =
            run_by.iter().filter(|(_, stages)| is_known && stages.contains(&id)).map(|(kind, _)| *kind).collect();
        let is_async = context.model.is_async(id) || triggered.contains(&id);
        let runs = stage.runs != Runs::Never && (is_async || !pipelines.is_empty());
        runs.then_some(Subject { id, stage, task, is_async, pipelines })
    };
    context.model.stages().filter_map(subject).collect()
}

/// The value of a key, and its text. One that its schema does not allow is told by `invalid-config`.
fn value(context: &Context<'_>, node: NodeId, key: &str) -> Option<(NodeId, String)> {
    let value = context.document.get(context.text, node, key).filter(|value| is_sound(context, context.document.span(*value)))?;
    Some((value, context.document.text(context.text, value)?.into_owned()))
}

/// Whether its schema allows what stands at a place.
fn is_sound(context: &Context<'_>, span: Span) -> bool {
    context.violations.iter().all(|violation| violation.span.start != span.start)
}

/// The items of a list.
fn items(context: &Context<'_>, node: NodeId, key: &str) -> Vec<(NodeId, String)> {
    let list = context.document.get(context.text, node, key);
    let items = list.map(|list| context.document.items(list)).unwrap_or_default();
    items.iter().filter_map(|item| Some((*item, context.document.text(context.text, *item)?.into_owned()))).collect()
}

/// A finding about a stage, at a node of the configuration.
fn at(context: &Context<'_>, rule: RuleId, node: NodeId, subject: &Subject<'_>, message: impl Into<String>) -> Finding {
    about(Finding::new(rule, context.at(context.document.span(node)), message), subject)
}

/// A finding about a stage, at its name.
fn at_name(context: &Context<'_>, rule: RuleId, subject: &Subject<'_>, message: impl Into<String>) -> Finding {
    about(Finding::new(rule, context.at(subject.stage.name.span), message), subject)
}

fn about(finding: Finding, subject: &Subject<'_>) -> Finding {
    let mut finding = finding.stage(subject.stage.name.name.clone());
    finding.pipelines.clone_from(&subject.pipelines);
    finding
}
