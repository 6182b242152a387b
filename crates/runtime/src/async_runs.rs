//! The async runs that this run has started, and how they are: what `list-async-runs.sh` does, without a script.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::api::{Client, Failure, FailureKind, encoded};
use crate::run_store::RunStore;
use crate::trigger::runs::{self, Run};
use crate::trigger::{REGISTER, register_key};

/// An async run, as the list shows it: `schemas/async-runs.schema.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AsyncRun {
    /// The stage that it runs.
    pub stage: String,
    /// Its id; empty where it is not known.
    pub id: String,
    /// What the service says of it, or `refused`, `not started`, `deleted`, `unknown`.
    pub status: String,
    /// The address of its page; empty where it is not known.
    pub url: String,
    /// The text by which its call is known.
    pub nonce: String,
}

/// How long ends are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// Between two looks.
    pub interval: Duration,
    /// In all.
    pub limit: Duration,
}

/// States that do not change any more.
const ENDED: [&str; 7] = ["succeeded", "failed", "error", "cancelled", "refused", "not started", "deleted"];

impl AsyncRun {
    /// Whether it will not change any more.
    pub fn has_ended(&self) -> bool {
        ENDED.contains(&self.status.as_str())
    }
}

/// All runs of the register, in the order of their start, with what is registered of them.
///
/// # Errors
/// Where the register cannot be read.
pub fn registered(store: RunStore) -> Result<Vec<AsyncRun>, Failure> {
    let mut list: Vec<AsyncRun> = store.data(REGISTER, None)?.lines().filter_map(entry).collect();
    list.sort_by(|left, right| left.nonce.cmp(&right.nonce));
    list.dedup_by(|left, right| left.nonce == right.nonce);
    for run in &mut list {
        let key = key(run);
        run.id = store.data(&key, Some("id"))?;
        run.url = store.data(&key, Some("url"))?;
    }
    Ok(list)
}

fn key(run: &AsyncRun) -> String {
    register_key(&run.stage, &run.nonce)
}

/// What the register says of how a run was started; empty where it says nothing.
pub(crate) fn registered_status(store: RunStore, run: &AsyncRun) -> Result<String, Failure> {
    store.data(&key(run), Some("status"))
}

/// The same, with what the API says of them. Where it does not answer, their states are `unknown`.
///
/// # Errors
/// Where the register cannot be read.
pub fn list(client: &mut Client, store: RunStore, trigger: &str, say: &mut dyn FnMut(&str)) -> Result<Vec<AsyncRun>, Failure> {
    let mut list = registered(store)?;
    let mut is_askable = true;
    for run in &mut list {
        if is_askable && let Err(failure) = ask(client, store, trigger, run) {
            is_askable = false;
            let first = failure.to_string().lines().next().unwrap_or_default().to_owned();
            say(&format!("note: the API does not answer ({first}); states are listed as unknown from here."));
        }
    }
    Ok(list)
}

/// The same, when all have ended, or the time is over.
///
/// # Errors
/// Where the register cannot be read.
pub fn wait(client: &mut Client, store: RunStore, trigger: &str, wait: Wait, say: &mut dyn FnMut(&str)) -> Result<Vec<AsyncRun>, Failure> {
    wait.until_ended(&mut || {
        client.begin_again();
        list(client, store, trigger, say)
    })
}

impl Wait {
    /// Looks at a list until all of it has ended, or the time is over.
    pub(crate) fn until_ended(self, look: &mut dyn FnMut() -> Result<Vec<AsyncRun>, Failure>) -> Result<Vec<AsyncRun>, Failure> {
        let started = Instant::now();
        loop {
            let list = look()?;
            if list.iter().all(AsyncRun::has_ended) || started.elapsed() + self.interval >= self.limit {
                return Ok(list);
            }
            std::thread::sleep(self.interval);
        }
    }
}

/// Nothing where all have succeeded.
///
/// # Errors
/// A run that has not, or that has not ended.
pub fn verdict(list: &[AsyncRun]) -> Result<(), Failure> {
    let named = |runs: Vec<&AsyncRun>| runs.iter().map(|run| format!("{} ({})", run.stage, run.status)).collect::<Vec<_>>().join(", ");
    let open: Vec<&AsyncRun> = list.iter().filter(|run| !run.has_ended()).collect();
    if !open.is_empty() {
        return Err(Failure::new(FailureKind::TimeOut, format!("the time is over, and these runs have not ended: {}", named(open)))
            .reason("They go on by themselves.")
            .help("Wait longer: --timeout SECONDS"));
    }
    let failed: Vec<&AsyncRun> = list.iter().filter(|run| run.status != "succeeded").collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Service, format!("these async runs did not succeed: {}", named(failed)))
        .reason("The pages of the list show why."))
}

/// `async-run-STAGE-NONCE`.
fn entry(line: &str) -> Option<AsyncRun> {
    let start = line.find("async-run-")?;
    let is_of_key = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
    let key: String = line[start + "async-run-".len()..].chars().take_while(is_of_key).collect();
    let (stage, nonce) = key.rsplit_once('-')?;
    // On a cluster a nonce is a part of the name of its run, and has to be shorter.
    let is_nonce = matches!(nonce.len(), 16 | 32) && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_nonce && !stage.is_empty()).then(|| AsyncRun {
        stage: stage.to_owned(),
        id: String::new(),
        status: "unknown".to_owned(),
        url: String::new(),
        nonce: nonce.to_owned(),
    })
}

/// What the API says of a run.
fn ask(client: &mut Client, store: RunStore, trigger: &str, run: &mut AsyncRun) -> Result<(), Failure> {
    if run.id.is_empty() {
        let Some(Run { id, url }) = runs::find(client, trigger, &run.nonce)? else {
            status_without_run(&registered_status(store, run)?).clone_into(&mut run.status);
            return Ok(());
        };
        (run.id, run.url) = (id, url);
    }
    let reply = client.find(&format!("/pipeline_runs/{}", encoded(&run.id)), "read the run")?;
    run.status = reply.map_or_else(|| "deleted".to_owned(), |reply| reply["status"].as_str().unwrap_or("unknown").to_owned());
    Ok(())
}

/// A registered run that the pipeline does not have: refused, not seen yet, or ended between register and call.
pub(crate) fn status_without_run(registered: &str) -> &'static str {
    match registered {
        "failed" => "refused",
        "unconfirmed" => "unknown",
        _ => "not started",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_known_by_their_form() {
        let nonce = "0123456789abcdef0123456789abcdef";
        for (line, stage) in [
            (format!("async-run-owasp-zap-{nonce}"), Some("owasp-zap")),
            (format!("  async-run-a-{nonce}: a"), Some("a")),
            (format!("async-run-{nonce}"), None),
            ("async-run-a-short".to_owned(), None),
            ("other".to_owned(), None),
        ] {
            assert_eq!(entry(&line).map(|run| run.stage).as_deref(), stage, "{line}");
        }
    }

    #[test]
    fn the_verdict_is_that_of_the_worst() {
        let run =
            |status: &str| entry("async-run-a-0123456789abcdef0123456789abcdef").map(|run| AsyncRun { status: status.to_owned(), ..run });
        for (statuses, code) in [
            (&["succeeded", "succeeded"][..], 0),
            (&[], 0),
            (&["succeeded", "failed"], 1),
            (&["cancelled"], 1),
            (&["not started"], 1),
            (&["failed", "running"], 8),
            (&["unknown"], 8),
        ] {
            let list: Vec<AsyncRun> = statuses.iter().filter_map(|status| run(status)).collect();
            assert_eq!(verdict(&list).map_or_else(|failure| failure.kind.exit_code(), |()| 0), code, "{statuses:?}");
        }
    }
}
