//! The start of an async stage: what `trigger/STAGE.sh` does, without a script.
//!
//! The flow: what goes along (`variables`), the set-up of the webhook, the payload, the entry in the run's register, the call.

mod addresses;
mod call;
mod json;
mod payload;
mod properties;
pub(crate) mod runs;
mod surroundings;
mod variables;

use sidestage_compiler::emit::{Carried, Manifest};

pub use surroundings::Surroundings;

use crate::api::{Client, Failure, FailureKind, random_bytes};
use crate::hash::hex;
use crate::run_store::RunStore;
use call::Call;
use payload::{LIMIT, Source, Way};

/// The entry of the run's register that lists all async runs.
pub(crate) const REGISTER: &str = "async-runs";

/// The entry of a run itself.
pub(crate) fn register_key(stage: &str, nonce: &str) -> String {
    format!("async-run-{stage}-{nonce}")
}

/// What is started.
#[derive(Debug)]
pub struct Start<'a> {
    /// The name of the stage.
    pub stage: &'a str,
    /// What it gets, as far as it was foreseen.
    pub foreseen: Vec<Carried<'a>>,
    /// The configuration, relative to the root of its repository.
    pub config: &'a str,
    /// What the pipeline must have.
    pub manifest: &'a Manifest,
    /// What the environment says.
    pub surroundings: Surroundings,
}

/// A run that was accepted.
#[derive(Debug)]
pub struct Started {
    /// Its id.
    pub id: String,
    /// The address of its page; may be empty.
    pub url: String,
}

/// Starts the stage; what there is to say on the way goes to `say`.
///
/// # Errors
/// Why no run was started, or why it is not known, with the exit code that says so.
pub fn trigger(client: &mut Client, store: RunStore, start: &Start<'_>, say: &mut dyn FnMut(&str)) -> Result<Started, Failure> {
    let Start { stage, foreseen, config, manifest, surroundings } = start;
    let state = variables::state(store, stage, foreseen, &surroundings.config_folder, say)?;
    let nonce = nonce()?;
    let source = Source { store, surroundings, config, stage, nonce: &nonce };
    let mut call = Call { client, store, manifest, stage, nonce: &nonce, say };
    let webhook = call.make_sure(false)?;
    let name_of_service = || Ok(call.client.get("", "read the name of the pipeline")?["name"].as_str().unwrap_or_default().to_owned());
    let way = Way { pipeline: source.pipeline_name(name_of_service)?, properties: None, limit: Some(LIMIT) };
    let payload = source.payload(&state, way, call.say)?;
    // A call whose reply is lost must be looked up.
    call.client.sign_in_once()?;
    // The run is registered before the call and completed after it, so that no run is ever forgotten.
    let key = register_key(stage, &nonce);
    store.put_data(REGISTER, &key, stage)?;
    let run = call.send(webhook, &payload).map_err(|failed| {
        if failed.is_refusal {
            let _ = store.put_data(&key, "status", "failed");
        }
        failed.failure
    })?;
    register(store, &key, &run, stage)?;
    if run.id.is_empty() {
        let what = format!("the webhook took the call for the stage {stage}, but no run with the nonce {nonce} is to be seen");
        return Err(Failure::new(FailureKind::Unconfirmed, what)
            .reason("The run may appear later, or what answered was no webhook.")
            .help("Do not start it again before `sidestage async-runs`, which looks for it, says that there is none."));
    }
    Ok(Started { id: run.id, url: run.url })
}

/// What is started on a cluster.
pub(crate) struct StartOnCluster<'a> {
    pub(crate) stage: &'a str,
    pub(crate) foreseen: &'a [Carried<'a>],
    pub(crate) config: &'a str,
    pub(crate) nonce: &'a str,
}

/// The payload of a start on a cluster, where an async run does not see the properties of the pipeline: they go along.
///
/// # Errors
/// Where the contract of the stage is not kept, or the stage could not get what it needs.
pub(crate) fn payload_on_cluster(store: RunStore, start: &StartOnCluster<'_>, say: &mut dyn FnMut(&str)) -> Result<String, Failure> {
    let StartOnCluster { stage, foreseen, config, nonce } = start;
    let surroundings = Surroundings::read();
    let state = variables::state(store, stage, foreseen, &surroundings.config_folder, say)?;
    let source = Source { store, surroundings: &surroundings, config, stage, nonce };
    let properties = Some(properties::of(&surroundings.config_folder));
    let way = Way { pipeline: source.pipeline_name(|| Ok(surroundings.pipeline_id.clone()))?, properties, limit: None };
    source.payload(&state, way, say)
}

fn register(store: RunStore, key: &str, run: &runs::Run, stage: &str) -> Result<(), Failure> {
    // The webhook took the call, but nobody has seen the run.
    let status = if run.id.is_empty() { "unconfirmed" } else { "accepted" };
    let entries = [("id", run.id.as_str()), ("url", run.url.as_str()), ("status", status)];
    entries.iter().try_for_each(|(name, value)| store.put_data(key, name, value)).map_err(|_| {
        let known = |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
        let (id, url) = (known(&run.id, "id unknown"), known(&run.url, "address unknown"));
        Failure::new(FailureKind::Service, format!("the stage {stage} runs ({id}, {url}), but put_data failed"))
            .reason("`sidestage async-runs` finds it by its nonce only.")
            .help("Do not start it again; look why pipelinectl cannot write.")
    })
}

/// It begins with the microsecond of its making: the list of runs is in the order of their start.
fn nonce() -> Result<String, Failure> {
    let mut bytes = random_bytes::<16>()?;
    let microsecond = u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or(u64::MAX);
    bytes[..8].copy_from_slice(&microsecond.to_be_bytes());
    Ok(hex(&bytes))
}
