//! The async runs of a run on a cluster: those that bear its label, and those that are registered and never appeared.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::kube::Kube;
use super::pod::Pod;
use super::trigger::{ACCEPTED, STAGE};
use crate::api::Failure;
use crate::async_runs::{AsyncRun, Wait, registered, registered_status, status_without_run};
use crate::run_store::RunStore;

/// All of them, in the order in which they were made. Where the API does not answer, their states are `unknown`.
///
/// # Errors
/// Where the register cannot be read, or the manifest has not given what the look needs.
pub fn list(pod: &Pod, store: RunStore, say: &mut dyn FnMut(&str)) -> Result<Vec<AsyncRun>, Failure> {
    let own = registered(store)?;
    let seen = match Kube::new(pod)?.started_by(&pod.run) {
        Ok(seen) => seen,
        Err(reason) => {
            say(&format!("note: the Kubernetes API does not answer ({reason}); states are listed as unknown."));
            return Ok(own);
        }
    };
    let mut list: BTreeMap<(String, String), AsyncRun> = BTreeMap::new();
    for run in &seen {
        let shown = shown(run);
        let created = run["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
        list.insert((created, shown.id.clone()), shown);
    }
    let missing = own.into_iter().filter(|run| !list.values().any(|seen| seen.id == run.id));
    let missing: Vec<AsyncRun> = missing.map(|run| without_run(store, run)).collect::<Result<_, _>>()?;
    Ok(list.into_values().chain(missing).collect())
}

/// The same, when all have ended, or the time is over.
///
/// # Errors
/// Where the register cannot be read, or the manifest has not given what the look needs.
pub fn wait(pod: &Pod, store: RunStore, wait: Wait, say: &mut dyn FnMut(&str)) -> Result<Vec<AsyncRun>, Failure> {
    wait.until_ended(&mut || list(pod, store, say))
}

/// A registered run that never appeared.
fn without_run(store: RunStore, run: AsyncRun) -> Result<AsyncRun, Failure> {
    let status = match registered_status(store, &run)?.as_str() {
        ACCEPTED => "deleted",
        other => status_without_run(other),
    };
    Ok(AsyncRun { status: status.to_owned(), ..run })
}

fn shown(run: &Value) -> AsyncRun {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&run["metadata"]["name"]);
    AsyncRun {
        stage: text(&run["metadata"]["labels"][STAGE]),
        status: status(run).to_owned(),
        url: String::new(),
        nonce: name.rsplit_once('-').map(|(_, nonce)| nonce.to_owned()).unwrap_or_default(),
        id: name,
    }
}

/// The words of the Pipeline API for the condition of a run.
fn status(run: &Value) -> &'static str {
    let conditions = run["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(condition) = conditions.iter().find(|condition| condition["type"] == "Succeeded") else { return "pending" };
    match (condition["status"].as_str(), condition["reason"].as_str().unwrap_or_default()) {
        (Some("True"), _) => "succeeded",
        (Some("False"), "Cancelled" | "CancelledRunFinally" | "StoppedRunFinally") => "cancelled",
        (Some("False"), _) => "failed",
        (_, "Started" | "PipelineRunPending" | "ResolvingPipelineRef") => "pending",
        _ => "running",
    }
}

/// The first exit code of the files that is not 0: how the steps before have ended.
pub fn end_of(files: &[String]) -> u8 {
    let code = |file: &String| fs::read_to_string(file).ok()?.trim().parse::<u8>().ok();
    files.iter().filter_map(code).find(|code| *code != 0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::status;

    #[test]
    fn conditions_have_the_words_of_the_pipeline_api() {
        for (condition, reason, expected) in [
            ("True", "Succeeded", "succeeded"),
            ("True", "Completed", "succeeded"),
            ("False", "Failed", "failed"),
            ("False", "PipelineRunTimeout", "failed"),
            ("False", "Cancelled", "cancelled"),
            ("Unknown", "Started", "pending"),
            ("Unknown", "Running", "running"),
        ] {
            let run = json!({ "status": { "conditions": [{ "type": "Succeeded", "status": condition, "reason": reason }] } });
            assert_eq!(status(&run), expected, "{condition} {reason}");
        }
        assert_eq!(status(&json!({})), "pending", "nobody has looked at it yet");
    }
}
