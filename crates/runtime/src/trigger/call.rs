//! The call of the webhook. One that was answered with anything but acceptance is not repeated before the API was asked for a
//! run that carries the nonce.

use serde_json::Value;
use sidestage_compiler::emit::Manifest;

use super::runs::{self, Run};
use crate::api::{Client, Failure, FailureKind, Token};
use crate::run_store::RunStore;
use crate::setup::{self, SetupOptions, SetupOutcome, TokenUse};

/// One call: what it needs, and what is known of the webhook.
pub(super) struct Call<'a> {
    pub(super) client: &'a mut Client,
    pub(super) store: RunStore,
    pub(super) manifest: &'a Manifest,
    pub(super) stage: &'a str,
    pub(super) nonce: &'a str,
    pub(super) say: &'a mut dyn FnMut(&str),
}

impl Call<'_> {
    /// Calls until the run is accepted. The run has no id where the webhook took the call, and no run is to be seen.
    pub(super) fn send(&mut self, mut webhook: SetupOutcome, payload: &str) -> Result<Run, CallFailure> {
        let mut is_doubtful = false;
        let mut problem = String::new();
        let mut status = 0;
        for attempt in 1..=self.client.tries() {
            let token = self.token()?;
            let reply = self.client.call_webhook(&webhook.webhook_url, &webhook.header, &token, payload);
            if reply.is_good() {
                return Ok(self.named_run(reply.body.as_ref()));
            }
            (problem, status) = (reply.problem, reply.status);
            is_doubtful |= reply.is_transient && reply.may_have_arrived && status != 429;
            let may_repeat = reply.is_transient || matches!(status, 401 | 403 | 404);
            let is_in_time = !may_repeat || self.client.back_off(attempt, reply.retry_after);
            if reply.may_have_arrived
                && let Some(run) = self.accepted_run(is_doubtful, &problem)?
            {
                return Ok(run);
            }
            if !may_repeat || !is_in_time {
                break;
            }
            // Another parent may have replaced the token; a new trigger may not be known yet, or was withdrawn.
            if !reply.is_transient {
                webhook = self.make_sure(status != 404)?;
            }
        }
        Err(self.not_started(is_doubtful, status, &problem))
    }

    fn token(&self) -> Result<Token, Failure> {
        let name = &self.manifest.property.name;
        self.store.secret(name)?.ok_or_else(|| Failure::new(FailureKind::Setting, format!("the run has lost its secret {name}")))
    }

    /// The webhook as it has to be, and how to reach it.
    pub(super) fn make_sure(&mut self, is_refused: bool) -> Result<SetupOutcome, Failure> {
        let token = if is_refused { TokenUse::Doubt } else { TokenUse::Keep };
        let options = SetupOptions { token, ..SetupOptions::default() };
        let outcome = setup::apply(self.client, self.store, self.manifest, options, &mut std::io::sink())?;
        for remark in &outcome.notes {
            (self.say)(&format!("note: {remark}"));
        }
        Ok(outcome)
    }

    /// The run was accepted. Its id may be in the reply, in any of several fields, or appear a little later.
    fn named_run(&mut self, reply: Option<&Value>) -> Run {
        let mut run = reply.map(runs::named).unwrap_or_default();
        for attempt in 1..=3 {
            if !run.id.is_empty() {
                break;
            }
            match runs::find(self.client, &self.manifest.trigger.name, self.nonce) {
                Ok(Some(found)) => run = found,
                Ok(None) if self.client.back_off(attempt, None) => {}
                _ => break,
            }
        }
        run
    }

    /// A run that carries the nonce, although the webhook did not say so. Where the API does not tell, only a clear
    /// refusal of the webhook is believed.
    fn accepted_run(&mut self, is_doubtful: bool, problem: &str) -> Result<Option<Run>, Failure> {
        match runs::find(self.client, &self.manifest.trigger.name, self.nonce) {
            Err(failure) if is_doubtful => {
                let what =
                    format!("the call of the webhook was cut off, and the API does not say whether it arrived: {problem}; then {failure}");
                Err(Failure::new(FailureKind::Service, what)
                    .reason(format!("The stage {} may run or not. It was not called again, since it would then run twice.", self.stage))
                    .help(format!("Look at the pipeline's runs for the nonce {}, and run this again if there is none.", self.nonce)))
            }
            found => Ok(found.ok().flatten()),
        }
    }

    fn not_started(&self, is_doubtful: bool, status: u16, problem: &str) -> CallFailure {
        let what = format!("could not start the stage {}: {problem}", self.stage);
        let failure = |kind, reason: &str, help: &str| Failure::new(kind, what.clone()).reason(reason).help(help);
        if is_doubtful {
            let reason = format!("One of the calls may still have arrived: no run carries the nonce {} so far.", self.nonce);
            return failure(FailureKind::Service, &reason, "Type `sidestage async-runs` before you run this again.").into();
        }
        let failure = match status {
            401 | 403 => failure(
                FailureKind::Rights,
                "Trigger and property hold the token of this run, as far as can be seen, and still it is not taken.",
                &format!(
                    "Delete the property {} on the pipeline's Environment properties page, and run the pipeline again.",
                    self.manifest.property.name
                ),
            ),
            _ => failure(FailureKind::Service, "No run was started.", "Run this again when the cause is gone."),
        };
        CallFailure { failure, is_refusal: true }
    }
}

/// Why no run was started, as far as is known.
pub(super) struct CallFailure {
    pub(super) failure: Failure,
    /// Whether it is certain that none was.
    pub(super) is_refusal: bool,
}

impl From<Failure> for CallFailure {
    fn from(failure: Failure) -> Self {
        Self { failure, is_refusal: false }
    }
}
