//! The webhook's set-up by the binary itself: what `setup-webhook.sh` does, without a script.
//!
//! `state` decides, `client` talks: every step is followed by another look, so that this can be ended anywhere, meet
//! another parent, or lose a reply, and still goes by what is true.

mod client;
mod fault;
mod keeper;
mod retry;
mod state;
mod token;

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

pub use client::{Client, Surroundings};
pub use fault::{Fault, Kind};
pub use keeper::Keeper;
pub use retry::Retries;
use sidestage_compiler::emit::Manifest;
use state::{Doubts, Knowledge, Pipeline, Request, Step, Trigger};
pub use token::Token;

/// What the user asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Send nothing that changes anything: say what would be sent.
    pub is_dry: bool,
    /// Enable the trigger where it is disabled.
    pub enable: bool,
    /// Replace the token by a new one.
    pub rotate: bool,
}

/// How the pipeline is now.
#[derive(Debug, Serialize)]
pub struct Outcome {
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

/// More looks than any sequence of steps needs, unless others change things all the time.
const LOOKS: u32 = 40;

/// After these, what was written may not be shown yet.
const QUICK_LOOKS: u32 = 8;

/// Brings the pipeline to what the manifest says. In a dry run the requests go to `out`, with the token masked.
///
/// # Errors
/// Why it could not be done, with the exit code that says so.
pub fn apply(client: &mut Client, keeper: Keeper, manifest: &Manifest, options: Options, out: &mut dyn Write) -> Result<Outcome, Fault> {
    let mut knowledge = Knowledge::new(options, keeper.is_there(), client.pipeline_id());
    if !options.rotate {
        knowledge.token = keeper.secret(&manifest.property.name)?;
    }
    let mut work = Work { client, keeper, manifest, options, has_sent: false, failures: 0, replacements: 0, notes: Vec::new(), out };
    let mut pipeline = work.look()?;
    for number in 0..LOOKS {
        if let Some(wait) = knowledge.awaits(&pipeline, work.client.tries()) {
            work.client.back_off(wait, None);
            pipeline = work.look()?;
            continue;
        }
        if number >= QUICK_LOOKS {
            work.client.back_off(2, None);
        }
        let Some(step) = state::next_step(&pipeline, &knowledge, manifest)? else {
            return work.outcome(&pipeline, &knowledge);
        };
        work.take(&step, &pipeline, &mut knowledge)?;
        pipeline = if options.is_dry { state::after(&step, pipeline, &knowledge, manifest) } else { work.look()? };
    }
    Err(Fault::new(Kind::Service, format!("trigger and token did not come to rest after {LOOKS} looks"))
        .because("Other runs seem to change them all the time.")
        .so("Run this again when they have ended."))
}

struct Work<'a> {
    client: &'a mut Client,
    keeper: Keeper,
    manifest: &'a Manifest,
    options: Options,
    /// A change may have arrived although its reply did not.
    has_sent: bool,
    failures: u32,
    replacements: u32,
    notes: Vec<String>,
    out: &'a mut dyn Write,
}

impl Work<'_> {
    fn look(&mut self) -> Result<Pipeline, Fault> {
        let properties = self.client.get("/properties", "read the properties of the pipeline")?;
        let path = format!("/triggers?name={}", client::encoded(&self.manifest.trigger.name));
        let triggers = self.client.get(&path, "list the triggers of the pipeline")?;
        Ok(Pipeline::read(&properties, &triggers, &self.manifest.trigger.name))
    }

    fn take(&mut self, step: &Step, pipeline: &Pipeline, knowledge: &mut Knowledge) -> Result<(), Fault> {
        match step {
            Step::Wait => {
                knowledge.waits += 1;
                self.client.back_off(1, None);
                return Ok(());
            }
            Step::AdoptToken(token) => {
                // A token that stands there as text needs no replacement.
                knowledge.token = Some(token.clone());
                return self.keep(token);
            }
            Step::ReplaceToken => {
                // A parent that is doing the same is given time to call the webhook first.
                if self.replacements > 0 {
                    self.client.back_off(self.replacements.min(4), None);
                }
                self.replacements += 1;
                if !self.options.rotate {
                    self.notes.push("the token that the pipeline holds is not known here, so a new one takes its place".to_owned());
                }
                self.make_token(knowledge)?;
            }
            Step::CreateProperty if knowledge.token.is_none() => self.make_token(knowledge)?,
            _ => {}
        }
        // Only the steps that need no token come without one.
        let token = knowledge.token.clone();
        let Some(request) = state::request(step, pipeline, self.manifest, token.as_ref().map_or("", Token::reveal)) else { return Ok(()) };
        if self.options.is_dry {
            knowledge.taken(step, None);
            return self.show(step, pipeline);
        }
        self.has_sent = true;
        if let Some(reply) = self.write(&request)? {
            knowledge.taken(step, reply["id"].as_str());
        }
        Ok(())
    }

    /// The token is kept before the pipeline has it: whatever ends this, none is lost.
    fn make_token(&mut self, knowledge: &mut Knowledge) -> Result<(), Fault> {
        // Another process of this very run may have made one in the meantime.
        let kept = if self.options.rotate { None } else { self.keeper.secret(&self.manifest.property.name)? };
        let newer = kept.filter(|kept| knowledge.token.as_ref().is_none_or(|known| known.reveal() != kept.reveal()));
        let token = match newer {
            Some(token) => token,
            None => Token::random()?,
        };
        self.keep(&token)?;
        knowledge.token = Some(token);
        knowledge.doubts = Doubts { property: true, trigger: true };
        Ok(())
    }

    fn keep(&mut self, token: &Token) -> Result<(), Fault> {
        self.client.hide(token);
        if self.options.is_dry { Ok(()) } else { self.keeper.keep(&self.manifest.property.name, token) }
    }

    fn show(&mut self, step: &Step, pipeline: &Pipeline) -> Result<(), Fault> {
        let Some(request) = state::request(step, pipeline, self.manifest, "***") else { return Ok(()) };
        let body = request.body.as_ref().map_or_else(String::new, |body| format!("{body:#}\n"));
        let text = format!("# {}\n{} {}\n{body}\n", request.what, request.method, self.client.address(&request.path));
        self.out
            .write_all(text.as_bytes())
            .map_err(|error| Fault::new(Kind::Setting, format!("standard output cannot be written: {error}")))
    }

    /// One request that changes something; gives the reply where it was accepted. It is never repeated blindly: the
    /// next look shows whether it arrived.
    fn write(&mut self, request: &Request) -> Result<Option<Value>, Fault> {
        let reply = self.client.send(request)?;
        if reply.is_good() {
            return Ok(Some(reply.body.unwrap_or(Value::Null)));
        }
        if reply.status == 409 {
            // Somebody else was faster: they need a moment to use what they made.
            self.client.back_off(3, None);
            return Ok(None);
        }
        let is_gone = reply.status == 404 && request.method != "POST";
        self.failures += 1;
        if (reply.is_passing || is_gone) && self.failures < self.client.tries() {
            self.client.back_off(self.failures, reply.retry_after);
            return Ok(None);
        }
        Err(reply.fault(&request.what, &self.client.address("")))
    }

    fn outcome(mut self, pipeline: &Pipeline, knowledge: &Knowledge) -> Result<Outcome, Fault> {
        self.notes.extend(pipeline.remarks(knowledge, self.manifest));
        let Some(trigger) = pipeline.chosen(knowledge) else {
            return Err(Fault::new(Kind::Service, "the pipeline has no trigger after all"));
        };
        let url = self.webhook_url(trigger)?;
        Ok(Outcome {
            trigger_id: trigger.id.clone(),
            webhook_url: url,
            header: trigger.header().unwrap_or(&self.manifest.trigger.secret.key_name).to_owned(),
            changed: knowledge.changed || self.has_sent,
            notes: self.notes,
        })
    }

    /// The address of the webhook is the service's to say: it is never put together here.
    fn webhook_url(&mut self, trigger: &Trigger) -> Result<String, Fault> {
        if trigger.id.is_empty() {
            return Ok(String::new()); // a dry run has created nothing
        }
        let mut url = trigger.webhook_url.clone().unwrap_or_default();
        if url.is_empty() {
            let path = format!("/triggers/{}", trigger.id);
            let reply = self.client.get(&path, &format!("read the trigger {}", trigger.id))?;
            reply["webhook_url"].as_str().unwrap_or_default().clone_into(&mut url);
        }
        if self.client.may_call(&url) {
            return Ok(url);
        }
        Err(Fault::new(Kind::Service, format!("the trigger `{}` ({}) has no safe webhook address: '{url}'", trigger.name, trigger.id))
            .because("Without it no stage can be started.")
            .so("Look at the trigger on the pipeline's Triggers page; delete it and run this again if it is broken."))
    }
}
