//! Tasks with `from`: they run the steps of another task under their own name, beside it.

use super::PlannedStage;
use crate::config::{Model, Runs, Task};

/// Adds the steps of tasks that copy another one, and lets wait for them who says so.
/// `when_of` gives the condition of a task.
pub(super) fn add(model: &Model, planned: &mut Vec<PlannedStage>, when_of: &dyn Fn(&Task) -> Option<String>) {
    for task in model.tasks.iter().filter(|task| task.steps.is_empty()) {
        let Some(from) = task.from.as_ref() else { continue };
        let of_source = planned.iter().filter(|stage| stage.task.as_deref() == Some(from.name.as_str()) && stage.always == task.is_finally);
        let mut copies: Vec<PlannedStage> = of_source.cloned().collect();
        let first_after = if task.run_after.is_empty() { None } else { Some(last_of(task, planned)) };
        let mut last: Option<String> = None;
        for copy in &mut copies {
            copy.skip |= task.runs == Runs::Never;
            copy.when.extend(when_of(task).filter(|_| task.runs == Runs::Maybe));
            copy.task = Some(task.name.name.to_string());
            copy.id = format!("{}/{}", task.name.name, copy.name);
            copy.after = match (&last, &first_after) {
                (Some(last), _) => vec![last.clone()],
                (None, Some(after)) => after.clone(),
                (None, None) => std::mem::take(&mut copy.after),
            };
            last = Some(copy.id.clone());
        }
        let Some(last) = last else { continue };
        for waiting in model.tasks.iter().filter(|other| other.run_after.iter().any(|after| after.name == task.name.name)) {
            if let Some(first) = planned.iter_mut().find(|stage| stage.task.as_deref() == Some(waiting.name.name.as_str())) {
                first.after.push(last.clone());
            }
        }
        // Before what waits for it, and before the end.
        let end = planned.iter().position(|stage| stage.after.contains(&last) || stage.always != task.is_finally && stage.always);
        let end = end.unwrap_or(planned.len());
        planned.splice(end..end, copies);
    }
}

/// The last steps of the tasks that a task waits for.
fn last_of(task: &Task, planned: &[PlannedStage]) -> Vec<String> {
    let last = |name: &str| planned.iter().rev().find(|stage| stage.task.as_deref() == Some(name)).map(|stage| stage.id.clone());
    task.run_after.iter().filter_map(|after| last(&after.name)).collect()
}
