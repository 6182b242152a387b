//! Triggers.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use serde_json::{Value, json};
use sidestage_runtime::hash::masked;

use super::super::body::Body;
use super::super::context::Service;
use super::super::error::ApiError;
use super::super::merge_patch;
use super::super::store::{Change, Document, Kind, Read};
use super::super::validation;
use super::{Parameters, check_count, entries, text};

/// What a trigger has by default.
fn defaults() -> [(&'static str, Value); 4] {
    [("enabled", true.into()), ("favorite", false.into()), ("limit_waiting_runs", false.into()), ("tags", json!([]))]
}

pub(super) fn find(from: &impl Read, id: &str) -> Result<Document, ApiError> {
    from.get(Kind::Trigger, id)?.ok_or_else(|| ApiError::not_found("trigger", id))
}

/// The trigger's own properties, as they are kept.
pub(super) fn properties(trigger: &Document) -> Vec<Document> {
    let list = trigger.get("properties").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|property| property.as_object().cloned()).collect()
}

pub(super) fn shown_property(service: &Service, trigger: &str, property: &Document) -> Document {
    super::shown_property(property, &[&service.pipeline, trigger], property_href(service, trigger, text(property, "name")))
}

/// A trigger as it is shown: secrets are hashes, and the addresses are there.
pub(crate) fn shown(service: &Service, trigger: &Document) -> Document {
    let id = text(trigger, "id");
    let mut shown = trigger.clone();
    shown.remove("created");
    if let Some(value) = shown.get_mut("secret").and_then(|secret| secret.get_mut("value")) {
        let hash = masked(value.as_str().unwrap_or_default(), &[&service.pipeline, id]);
        *value = hash.into();
    }
    let properties: Vec<Document> = properties(trigger).iter().map(|property| shown_property(service, id, property)).collect();
    shown.insert("properties".to_owned(), json!(properties));
    // Every repository is reachable from here.
    if let Some(source) = shown.get_mut("source").and_then(|source| source["properties"].as_object_mut()) {
        source.entry("blind_connection").or_insert(false.into());
    }
    address(service, &mut shown);
    shown
}

/// Says where a shown trigger and its properties are.
pub(super) fn address(service: &Service, shown: &mut Document) {
    let id = text(shown, "id").to_owned();
    for property in shown.get_mut("properties").and_then(Value::as_array_mut).into_iter().flatten() {
        property["href"] = property_href(service, &id, property["name"].as_str().unwrap_or_default()).into();
    }
    shown.insert("href".to_owned(), service.href(&format!("/triggers/{id}")).into());
    if text(shown, "type") == "generic" {
        shown.insert("webhook_url".to_owned(), service.webhook_url(&id).into());
    }
}

fn property_href(service: &Service, trigger: &str, name: &str) -> String {
    service.href(&format!("/triggers/{trigger}/properties/{name}"))
}

/// The first of these members that the trigger's worker has: a worker without a name is called by its id.
fn worker<'a>(trigger: &'a Document, members: &[&str]) -> &'a str {
    let worker = trigger.get("worker");
    members.iter().find_map(|member| worker?[*member].as_str()).unwrap_or("inherit")
}

/// `GET /triggers`
pub(crate) async fn list(service: Service, Query(query): Query<Parameters>) -> Result<Json<Value>, ApiError> {
    let triggers = service.work(move |service| {
        let mut triggers: Vec<Document> = service.store.view()?.all(Kind::Trigger)?.into_iter().map(|(_, trigger)| trigger).collect();
        for kind in entries(&query, "type") {
            if !validation::TRIGGER_TYPES.contains(&kind) {
                return Err(ApiError::bad_request(format!("`type` must be one of {}", validation::TRIGGER_TYPES.join(", "))));
            }
        }
        for name in ["type", "name", "event_listener"] {
            let wanted = entries(&query, name);
            triggers.retain(|trigger| wanted.is_empty() || wanted.contains(&text(trigger, name)));
        }
        for (name, members) in [("worker.id", &["id"][..]), ("worker.name", &["name", "id"][..])] {
            let wanted = entries(&query, name);
            triggers.retain(|trigger| wanted.is_empty() || wanted.contains(&worker(trigger, members)));
        }
        let tags = entries(&query, "tags");
        let has_tag = |trigger: &Document| {
            trigger
                .get("tags")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .any(|tag| tag.as_str().is_some_and(|tag| tags.contains(&tag)))
        };
        triggers.retain(|trigger| tags.is_empty() || has_tag(trigger));
        match entries(&query, "disabled")[..] {
            [] => {}
            ["true"] => triggers.retain(|trigger| trigger.get("enabled") == Some(&Value::Bool(false))),
            ["false"] => triggers.retain(|trigger| trigger.get("enabled") != Some(&Value::Bool(false))),
            _ => return Err(ApiError::bad_request("`disabled` must be true or false")),
        }
        triggers.sort_by(|left, right| text(left, "created").cmp(text(right, "created")));
        Ok(triggers.iter().map(|trigger| shown(service, trigger)).collect::<Vec<_>>())
    });
    Ok(Json(json!({ "triggers": triggers.await? })))
}

/// `POST /triggers`
pub(crate) async fn create(service: Service, body: Body) -> Result<(StatusCode, Json<Document>), ApiError> {
    let created = service.work(move |service| {
        let asked = body.object()?;
        let trigger = service.store.change(|change| insert(change, &asked))?;
        Ok(shown(service, &trigger))
    });
    Ok((StatusCode::CREATED, Json(created.await?)))
}

/// Makes a trigger, with its defaults.
pub(crate) fn insert(change: &Change, asked: &Document) -> Result<Document, ApiError> {
    let mut trigger = validation::trigger(asked)?;
    for (name, value) in defaults() {
        trigger.entry(name).or_insert(value);
    }
    trigger.insert("properties".to_owned(), json!([]));
    add(change, &mut trigger)?;
    Ok(trigger)
}

fn add(change: &Change, trigger: &mut Document) -> Result<(), ApiError> {
    let known = change.all(Kind::Trigger)?;
    check_count(known.len(), "triggers")?;
    let id = uuid::Uuid::new_v4().to_string();
    // Times may be equal, and clocks go back: the order of creation is counted.
    let last = known.iter().map(|(_, trigger)| text(trigger, "created").parse().unwrap_or(0)).max().unwrap_or(0_u64);
    trigger.insert("id".to_owned(), id.as_str().into());
    trigger.insert("created".to_owned(), format!("{:020}", last + 1).into());
    change.put(Kind::Trigger, &id, trigger)
}

/// `GET /triggers/{trigger}`
pub(crate) async fn get(service: Service, Path((_, id)): Path<(String, String)>) -> Result<Json<Document>, ApiError> {
    service.work(move |service| Ok(shown(service, &find(&service.store.view()?, &id)?))).await.map(Json)
}

/// `PATCH /triggers/{trigger}`
pub(crate) async fn update(service: Service, Path((_, id)): Path<(String, String)>, body: Body) -> Result<Json<Document>, ApiError> {
    let updated = service.work(move |service| {
        let patch = body.object()?;
        service.store.change(|change| {
            let old = find(change, &id)?;
            let new = patched(service, &old, &patch)?;
            change.put(Kind::Trigger, &id, &new)?;
            Ok(shown(service, &new))
        })
    });
    updated.await.map(Json)
}

/// The trigger with a merge patch; it is looked at as a whole before it takes effect.
fn patched(service: &Service, old: &Document, patch: &Document) -> Result<Document, ApiError> {
    if patch.get("type").is_some_and(|kind| old.get("type") != Some(kind)) {
        return Err(ApiError::bad_request("`type` cannot be changed; delete the trigger and create another one"));
    }
    let merged = merge_patch::merged(Value::Object(old.clone()), &Value::Object(patch.clone()));
    let mut merged = merged.as_object().cloned().unwrap_or_default();
    // In a patch this is how the limit is taken away.
    if patch.get("max_concurrent_runs").is_some_and(|most| most == 0) {
        merged.remove("max_concurrent_runs");
    }
    let mut new = validation::trigger(&merged)?;
    for (name, value) in defaults() {
        new.entry(name).or_insert(value);
    }
    for kept in ["id", "created", "properties"] {
        if let Some(value) = old.get(kept) {
            new.insert(kept.to_owned(), value.clone());
        }
    }
    // Who sends the hash back that was shown means the secret that is there.
    let value_of = |trigger: &Document| trigger.get("secret").and_then(|secret| secret["value"].as_str()).map(str::to_owned);
    if let (Some(sent), Some(known)) = (value_of(&new), value_of(old))
        && sent == masked(&known, &[&service.pipeline, text(old, "id")])
    {
        new["secret"]["value"] = known.into();
    }
    Ok(new)
}

/// `DELETE /triggers/{trigger}`
pub(crate) async fn delete(service: Service, Path((_, id)): Path<(String, String)>) -> Result<StatusCode, ApiError> {
    let deleted = service.work(move |service| {
        let is_gone = service.store.change(|change| change.remove(Kind::Trigger, &id))?;
        if is_gone { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found("trigger", &id)) }
    });
    deleted.await
}

/// `POST /triggers/{trigger}/duplicate`
pub(crate) async fn duplicate(
    service: Service,
    Path((_, id)): Path<(String, String)>,
    body: Body,
) -> Result<(StatusCode, Json<Document>), ApiError> {
    let copied = service.work(move |service| {
        let name = validation::copy_name(&body.object()?)?;
        service.store.change(|change| {
            let mut copy = find(change, &id)?;
            copy.insert("name".to_owned(), name.into());
            add(change, &mut copy)?;
            Ok(shown(service, &copy))
        })
    });
    Ok((StatusCode::CREATED, Json(copied.await?)))
}
