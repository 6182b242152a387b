//! The set-up of the webhook: what `setup-webhook.sh` does, without a script.
//!
//! `state` decides, `api` talks: after every step the pipeline is observed again, so that this can be ended anywhere, meet
//! another parent, or lose a reply, and still goes by what is true.

mod state;

use std::io::Write;

use serde::Serialize;
use serde_json::Value;
use sidestage_compiler::emit::Manifest;

use crate::api::{ApiRequest, Client, Failure, FailureKind, Token, encoded};
use crate::run_store::RunStore;
use state::{Listing, LocalState, Pipeline, Step, Suspect, Trigger};

/// What becomes of the token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TokenUse {
    /// The one that this run knows is kept; what cannot be compared is believed.
    #[default]
    Keep,
    /// The webhook has refused it: what cannot be compared is not believed.
    Doubt,
    /// It is replaced by a random one.
    Rotate,
}

/// What the user asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct SetupOptions {
    /// Send nothing that changes anything: say what would be sent.
    pub is_dry: bool,
    /// Enable the trigger where it is disabled.
    pub enable: bool,
    /// What becomes of the token.
    pub token: TokenUse,
}

impl SetupOptions {
    fn rotates(self) -> bool {
        self.token == TokenUse::Rotate
    }
}

/// How the pipeline is now.
#[derive(Debug, Serialize)]
pub struct SetupOutcome {
    /// The trigger that starts async runs; nothing in a dry run that would create it.
    pub trigger_id: String,
    /// Its address.
    pub webhook_url: String,
    /// The header that carries the token.
    pub header: String,
    /// Whether anything was changed.
    pub changed: bool,
    /// What the user should know.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// After these, what was written may not be shown yet.
const QUICK_OBSERVATIONS: u32 = 8;

/// Parents that write the same token never meet. Where somebody replaces even that one this often, whoever is last wins
/// with a random one.
const DERIVED_REPLACEMENTS: u32 = 3;

/// Brings the pipeline to what the manifest says. In a dry run the requests go to `out`, with the token masked.
///
/// # Errors
/// Why it could not be done, with the exit code that says so.
pub fn apply(
    client: &mut Client,
    store: RunStore,
    manifest: &Manifest,
    options: SetupOptions,
    out: &mut dyn Write,
) -> Result<SetupOutcome, Failure> {
    let mut local = LocalState::new(options, store.is_available(), client.pipeline_id());
    if !options.rotates() {
        local.token = store.secret(&manifest.property.name)?;
        local.is_mounted = local.token.as_ref().is_some_and(|token| store.is_mounted(&manifest.property.name, token));
        let is_refused = options.token == TokenUse::Doubt;
        local.suspect = Suspect { property: is_refused && !local.is_mounted, trigger: is_refused };
        local.derived = client.derived_token(&manifest.trigger.name);
        local.derived.iter().for_each(|token| client.redact(token));
    }
    let mut session = Session {
        client,
        store,
        manifest,
        options,
        has_sent: false,
        is_doubtful: false,
        failures: 0,
        replacements: 0,
        notes: Vec::new(),
        out,
    };
    let mut pipeline = session.observe()?;
    for number in 0_u32.. {
        match local.listing(&pipeline, session.client.tries()) {
            Listing::Complete => {}
            Listing::Late(wait) if session.client.back_off(wait, None) => {
                pipeline = session.observe()?;
                continue;
            }
            Listing::Late(_) => return Err(session.client.unsettled()),
            Listing::Lacks(id) => pipeline.add(&session.client.get(&format!("/triggers/{id}"), "read the trigger that was created")?),
        }
        if number >= QUICK_OBSERVATIONS {
            session.client.rest(2)?;
        }
        let Some(step) = state::next_step(&pipeline, &local, manifest)? else {
            return session.outcome(&pipeline, &local);
        };
        session.perform(&step, &pipeline, &mut local)?;
        pipeline = if options.is_dry { state::after(&step, pipeline, &local, manifest) } else { session.observe()? };
    }
    Err(session.client.unsettled())
}

/// One set-up in progress: what it talks to, and what it has tried.
struct Session<'a> {
    client: &'a mut Client,
    store: RunStore,
    manifest: &'a Manifest,
    options: SetupOptions,
    /// A change may have arrived although its reply did not.
    has_sent: bool,
    /// Whether the last change may have arrived although its reply did not.
    is_doubtful: bool,
    failures: u32,
    replacements: u32,
    notes: Vec<String>,
    out: &'a mut dyn Write,
}

impl Session<'_> {
    fn observe(&mut self) -> Result<Pipeline, Failure> {
        let properties = self.client.get("/properties", "read the properties of the pipeline")?;
        let path = format!("/triggers?name={}", encoded(&self.manifest.trigger.name));
        let triggers = self.client.get(&path, "list the triggers of the pipeline")?;
        Ok(Pipeline::read(&properties, &triggers, &self.manifest.trigger.name))
    }

    fn perform(&mut self, step: &Step, pipeline: &Pipeline, local: &mut LocalState) -> Result<(), Failure> {
        match step {
            Step::Wait => {
                local.waits += 1;
                return self.client.rest(1);
            }
            Step::Look => {
                local.lost_create -= 1;
                return self.client.rest(self.client.tries() - local.lost_create);
            }
            Step::AdoptToken(token) => {
                // A token that is shown as text, or that is derived, needs no replacement.
                local.token = Some(token.clone());
                local.is_mounted = false;
                return self.keep_token(token);
            }
            Step::ReplaceToken => self.replace_token(local)?,
            Step::CreateProperty if local.token.is_none() => self.make_token(local)?,
            _ => {}
        }
        // Only the steps that need no token come without one.
        let token = local.token.clone();
        let Some(request) = state::request(step, pipeline, self.manifest, token.as_ref().map_or("", Token::expose_secret)) else {
            return Ok(());
        };
        if self.options.is_dry {
            local.record(step, None);
            return self.show(step, pipeline);
        }
        self.has_sent = true;
        match self.write(&request)? {
            Some(reply) => local.record(step, reply["id"].as_str()),
            None if matches!(step, Step::CreateTrigger) && self.is_doubtful => local.lost_create = self.client.tries(),
            None => {}
        }
        Ok(())
    }

    fn replace_token(&mut self, local: &mut LocalState) -> Result<(), Failure> {
        // A parent that is doing the same is given time to call the webhook first.
        if self.replacements > 0 {
            self.client.rest(self.replacements.min(4))?;
        }
        self.replacements += 1;
        if self.options.rotates() {
            self.notes.push(
                "runs that have begun do not know the new token: where they start a stage, they put another one in its place. Rotate when none is running."
                    .to_owned(),
            );
        } else {
            self.notes.push("the token that the pipeline holds is not known here, so a new one replaces it".to_owned());
        }
        self.make_token(local)
    }

    /// The token is kept before the pipeline has it: whatever ends this, none is lost.
    fn make_token(&mut self, local: &mut LocalState) -> Result<(), Failure> {
        let token = match &local.derived {
            Some(derived) if self.replacements <= DERIVED_REPLACEMENTS => derived.clone(),
            _ => self.other_token(local)?,
        };
        self.keep_token(&token)?;
        local.is_mounted = false;
        local.token = Some(token);
        local.suspect = Suspect { property: true, trigger: true };
        Ok(())
    }

    /// Another process of this very run may have made one in the meantime.
    fn other_token(&self, local: &LocalState) -> Result<Token, Failure> {
        let kept = if self.options.rotates() { None } else { self.store.secret(&self.manifest.property.name)? };
        let is_other = |kept: &Token| [&local.token, &local.derived].into_iter().flatten().all(|known| known != kept);
        kept.filter(is_other).map_or_else(Token::random, Ok)
    }

    fn keep_token(&mut self, token: &Token) -> Result<(), Failure> {
        self.client.redact(token);
        if self.options.is_dry { Ok(()) } else { self.store.set_secret(&self.manifest.property.name, token) }
    }

    fn show(&mut self, step: &Step, pipeline: &Pipeline) -> Result<(), Failure> {
        let Some(request) = state::request(step, pipeline, self.manifest, "***") else { return Ok(()) };
        let body = request.body.as_ref().map_or_else(String::new, |body| format!("{body:#}\n"));
        let text = format!("# {}\n{} {}\n{body}\n", request.what, request.method, self.client.address(&request.path));
        self.out
            .write_all(text.as_bytes())
            .map_err(|error| Failure::new(FailureKind::Setting, format!("standard output cannot be written: {error}")))
    }

    /// One request that changes something; gives the reply where it was accepted. It is never repeated blindly: the
    /// next look shows whether it arrived.
    fn write(&mut self, request: &ApiRequest) -> Result<Option<Value>, Failure> {
        let reply = self.client.send(request)?;
        self.is_doubtful = reply.is_transient && reply.may_have_arrived;
        if reply.is_good() {
            return Ok(Some(reply.body.unwrap_or(Value::Null)));
        }
        if reply.status == 409 {
            // Somebody else was faster: they need a moment to use what they made.
            return self.client.rest(3).map(|()| None);
        }
        let is_gone = reply.status == 404 && request.method != "POST";
        self.failures += 1;
        let may_repeat = (reply.is_transient || is_gone) && self.failures < self.client.tries();
        if may_repeat && self.client.back_off(self.failures, reply.retry_after) {
            return Ok(None);
        }
        Err(reply.error(&request.what, &self.client.address("")))
    }

    fn outcome(mut self, pipeline: &Pipeline, local: &LocalState) -> Result<SetupOutcome, Failure> {
        self.notes.extend(pipeline.remarks(local, self.manifest));
        let Some(trigger) = pipeline.chosen(local) else {
            return Err(Failure::new(FailureKind::Service, "the pipeline has no trigger after all"));
        };
        let url = self.webhook_url(trigger)?;
        Ok(SetupOutcome {
            trigger_id: trigger.id.clone(),
            webhook_url: url,
            header: trigger.header().unwrap_or(&self.manifest.trigger.secret.key_name).to_owned(),
            changed: local.changed || self.has_sent,
            notes: self.notes,
        })
    }

    /// The address of the webhook is the service's to say: it is never put together here.
    fn webhook_url(&mut self, trigger: &Trigger) -> Result<String, Failure> {
        if trigger.id.is_empty() {
            return Ok(String::new()); // a dry run has created nothing
        }
        let mut url = trigger.webhook_url.clone().unwrap_or_default();
        if url.is_empty() {
            let path = format!("/triggers/{}", trigger.id);
            let reply = self.client.get(&path, &format!("read the trigger {}", trigger.id))?;
            reply["webhook_url"].as_str().unwrap_or_default().clone_into(&mut url);
        }
        if self.client.is_safe_url(&url) {
            return Ok(url);
        }
        Err(Failure::new(
            FailureKind::Service,
            format!("the trigger `{}` ({}) has no safe webhook address: '{url}'", trigger.name, trigger.id),
        )
        .reason("Without it no stage can be started.")
        .help("Look at the trigger on the pipeline's Triggers page; delete it and run this again if it is broken."))
    }
}
