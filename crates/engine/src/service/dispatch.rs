//! From accepted runs to executed ones: which may begin, and what is known of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use secrecy::SecretString;
use serde_json::json;
use sidestage_runtime::hash::hex;

use super::api::runs;
use super::context::Service;
use super::error::ApiError;
use super::executor::Order;
use super::random;
use super::run_index::trigger_of;
use super::store::{Change, Document, Kind, Read, text};
use super::validation::{self, ENDED};

/// Runs that wait until another one of their trigger has ended.
pub(crate) type Waiting = Mutex<BTreeMap<String, Order>>;

impl Service {
    /// Hands a run over, at once or when it may begin.
    pub(crate) fn launch(&self, order: Order, is_waiting: bool) -> Result<(), ApiError> {
        let Some(executor) = &self.executor else { return Ok(()) };
        if is_waiting {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(order.id.clone(), order);
            return Ok(());
        }
        let id = order.id.clone();
        executor.accept(order).map_err(|reason| {
            // What cannot be executed is not left in the queue.
            let _ = self.set_status(&id, "error");
            ApiError::internal(format!("the run cannot be executed: {reason}"))
        })
    }

    /// Ends a run that is cancelled.
    pub(crate) fn cancel(&self, id: &str, is_forced: bool) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(executor) = &self.executor {
            executor.cancel(id, is_forced);
        }
    }

    /// Notes the status of a run. What has ended stays so, and lets one begin that waits for it.
    pub(crate) fn set_status(&self, id: &str, status: &str) -> Result<(), ApiError> {
        let trigger = self.store.change(|change| {
            let Some(key) = change.run_key(id)? else { return Ok(None) };
            let Some(mut run) = change.get(Kind::Run, &key)? else { return Ok(None) };
            if !ENDED.contains(&text(&run, "status")) {
                run.insert("status".to_owned(), status.into());
                run.insert("updated_at".to_owned(), format!("{:.3}", jiff::Timestamp::now()).into());
                change.put(Kind::Run, &key, &run)?;
            }
            Ok(ENDED.contains(&status).then(|| trigger_of(&run).to_owned()))
        })?;
        trigger.map_or(Ok(()), |trigger| self.admit_next(&trigger))
    }

    /// Lets the oldest run begin that waits for a place of its trigger.
    fn admit_next(&self, trigger: &str) -> Result<(), ApiError> {
        if self.executor.as_ref().is_some_and(|executor| executor.is_ending()) {
            return Ok(());
        }
        let next = self.store.change(|change| queue_next(change, trigger))?;
        let order = next.and_then(|next| self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&next));
        order.map_or(Ok(()), |order| self.launch(order, false))
    }

    /// What a service that has just begun knows of runs of the one before: those that nobody had taken over are handed over,
    /// the others have the status that `known` tells.
    pub(crate) fn resume(&self, known: impl Fn(&str) -> Option<&'static str>) -> Result<(), ApiError> {
        let all = self.store.view()?.all(Kind::Run)?;
        let open = all.into_iter().map(|(_, run)| run).filter(|run| !ENDED.contains(&text(run, "status")));
        let (taken, fresh): (Vec<_>, Vec<_>) = open.map(|run| (known(text(&run, "id")), run)).partition(|(known, _)| known.is_some());
        let (waiting, queued): (Vec<_>, Vec<_>) = fresh.into_iter().map(|(_, run)| run).partition(|run| text(run, "status") == "waiting");
        // Those that wait are known first: what has ended lets them begin.
        for run in waiting.iter().chain(&queued) {
            match runs::order_again(self, run) {
                Ok(order) => self.launch(order, text(run, "status") == "waiting")?,
                // Secrets of the call were not kept.
                Err(_) => self.set_status(text(run, "id"), "error")?,
            }
        }
        for (status, run) in &taken {
            self.set_status(text(run, "id"), status.unwrap_or("error"))?;
        }
        waiting.iter().try_for_each(|run| self.admit_next(trigger_of(run)))
    }

    /// Makes the webhook of async stages as it has to be; gives its token.
    pub(crate) fn provide_webhook(&self, name: &str, listener: &str, header: &str, property: &str) -> Result<String, ApiError> {
        let token = hex(&random::bytes().map_err(ApiError::internal)?);
        let trigger = json!({
            "type": "generic", "name": name, "event_listener": listener,
            "secret": { "type": "token_matches", "value": token, "source": "header", "key_name": header },
        });
        self.store.change(|change| {
            super::api::triggers::insert(change, trigger.as_object().unwrap_or(&Document::new()))?;
            put_property(change, property, &token, true)
        })?;
        Ok(token)
    }

    /// The secure properties of the pipeline, in the clear.
    pub(crate) fn secure_properties(&self) -> Result<Vec<(String, SecretString)>, ApiError> {
        let all = self.store.view()?.all(Kind::Property)?.into_iter().map(|(_, property)| property);
        let secure = all.filter(|property| text(property, "type") == "secure");
        Ok(secure.map(|property| (text(&property, "name").to_owned(), text(&property, "value").into())).collect())
    }
}

/// Sets a property of the pipeline.
pub(crate) fn put_property(change: &Change, name: &str, value: &str, is_secure: bool) -> Result<(), ApiError> {
    let property = json!({ "name": name, "type": if is_secure { "secure" } else { "text" }, "value": value });
    let property = validation::property(property.as_object().unwrap_or(&Document::new()))?;
    change.put(Kind::Property, name, &property)
}

/// The oldest run that waits for a place of a trigger, where there is one: now it is queued.
fn queue_next(change: &Change, trigger: &str) -> Result<Option<String>, ApiError> {
    let open = change.open_runs(trigger)?;
    let (waiting, active): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, run)| text(run, "status") == "waiting");
    let most = change.get(Kind::Trigger, trigger)?.and_then(|trigger| trigger.get("max_concurrent_runs")?.as_u64());
    let has_place = most.is_none_or(|most| (active.len() as u64) < most);
    let Some((key, mut run)) = waiting.into_iter().next().filter(|_| has_place) else { return Ok(None) };
    run.insert("status".to_owned(), "queued".into());
    change.put(Kind::Run, &key, &run)?;
    Ok(Some(text(&run, "id").to_owned()))
}
