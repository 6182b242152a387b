//! Runs: made by a call of the webhook or of the API. Where nothing executes them, they stay queued.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use serde_json::{Value, json};

use secrecy::SecretString;

use super::super::body::Body;
use super::super::context::Service;
use super::super::error::ApiError;
use super::super::executor::Order;
use super::super::store::{Change, Document, Kind, Read};
use super::super::validation;
use super::{Parameters, entries, text, triggers};

const PAGE: usize = 50;

/// Runs of one trigger that wait for others to end; further ones are cancelled.
const WAITING_LIMIT: usize = 20;

/// What a run is started with.
pub(crate) struct RunRequest {
    description: Option<Value>,
    event: String,
    headers: Option<String>,
    /// Properties that are added, or override those of pipeline and trigger.
    overrides: Vec<Document>,
}

impl RunRequest {
    /// A webhook's body: the text goes on as it is; its reserved members speak to the service.
    pub(crate) fn of_webhook(body: &Document, text: String) -> Self {
        let reserved = body.get("properties").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
        let overrides = reserved
            .map(|given| property(super::text(given, "name"), &super::text(given, "type").to_lowercase(), super::text(given, "value")))
            .collect();
        Self { description: body.get("description").cloned(), event: text, headers: None, overrides }
    }

    fn of_api(body: &Document, trigger: &Document) -> Result<Self, ApiError> {
        let object = |name: &str| trigger.get(name).filter(|value| !value.is_null());
        let mut overrides = Vec::new();
        for (name, kind) in [("properties", "text"), ("secure_properties", "secure")] {
            if let Some(given) = object(name) {
                overrides.extend(validation::texts(given, name)?.into_iter().map(|(name, value)| property(&name, kind, &value)));
            }
        }
        let shown: Document = overrides
            .iter()
            .filter(|given| super::text(given, "type") == "text")
            .map(|given| (super::text(given, "name").to_owned(), given["value"].clone()))
            .collect();
        let mut event = Document::new();
        event.insert("properties".to_owned(), shown.into());
        if let Some(given) = object("body") {
            event.insert("body".to_owned(), given.clone());
        }
        Ok(Self {
            description: body.get("description").cloned(),
            event: Value::Object(event).to_string(),
            headers: object("headers").map(Value::to_string),
            overrides,
        })
    }
}

fn property(name: &str, kind: &str, value: &str) -> Document {
    [("name", name), ("type", kind), ("value", value)].into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
}

/// A run that was added.
pub(crate) struct Added {
    /// As it is shown.
    pub(crate) shown: Document,
    /// What it is started with; nothing where it was cancelled at once.
    order: Option<Order>,
}

/// Adds a run of a trigger.
pub(crate) fn add(service: &Service, change: &Change, trigger: &Document, request: RunRequest) -> Result<Added, ApiError> {
    let id = uuid::Uuid::new_v4().to_string();
    let now = jiff::Timestamp::now();
    let worker = trigger.get("worker").and_then(|worker| worker["id"].as_str()).unwrap_or("public");
    let properties = effective(change, trigger, &request.overrides)?;
    let mut run = json!({
        "id": id, "status": admit(change, trigger)?, "pipeline_id": service.pipeline, "pipeline": { "id": service.pipeline },
        "definition_id": service.pipeline, "definition": { "id": service.pipeline },
        "worker": { "id": worker, "name": worker, "agent_id": worker },
        "listener_name": text(trigger, "event_listener"), "trigger": triggers::shown(service, trigger),
        "event_params_blob": request.event,
        "properties": properties.iter().map(|property| property.shown(service, text(trigger, "id"))).collect::<Vec<_>>(),
        "created_at": format!("{now:.3}"),
    });
    if let Some(description) = request.description {
        run["description"] = description;
    }
    if let Some(headers) = request.headers {
        run["trigger_headers"] = headers.into();
    }
    let run = run.as_object().cloned().unwrap_or_default();
    change.append_run(&run)?;
    let order = order(&run, properties.iter().map(|property| &property.document), None);
    Ok(Added { shown: shown(service, &run), order })
}

/// What a run is started with: its event, and properties in the clear.
fn order<'a>(run: &Document, properties: impl Iterator<Item = &'a Document>, repeats: Option<String>) -> Option<Order> {
    if validation::ENDED.contains(&text(run, "status")) {
        return None;
    }
    let (mut clear, mut secrets) = (Vec::new(), Vec::new());
    for property in properties {
        let (name, value) = (text(property, "name").to_owned(), text(property, "value").to_owned());
        if text(property, "type") == "secure" {
            secrets.push((name, SecretString::from(value)));
        } else {
            clear.push((name, value));
        }
    }
    let trigger = run.get("trigger").and_then(|trigger| trigger["name"].as_str()).unwrap_or_default().to_owned();
    Some(Order {
        id: text(run, "id").to_owned(),
        trigger,
        event: text(run, "event_params_blob").to_owned(),
        properties: clear,
        secrets,
        repeats,
    })
}

/// What a run that is in the store is started with; its secrets are those that hold now.
pub(crate) fn order_again(service: &Service, run: &Document) -> Result<Order, ApiError> {
    service.store.change(|change| {
        let trigger = run.get("trigger").and_then(Value::as_object).cloned().unwrap_or_default();
        let trigger = change.get(Kind::Trigger, text(&trigger, "id"))?.unwrap_or(trigger);
        let properties = kept_properties(service, change, run, &trigger)?;
        order(run, properties.iter(), None).ok_or_else(|| ApiError::conflict("the run has already ended"))
    })
}

/// The properties that a run was started with, and the secrets that hold now.
fn kept_properties(service: &Service, change: &Change, run: &Document, trigger: &Document) -> Result<Vec<Document>, ApiError> {
    let is_secure = |property: &Document| text(property, "type") == "secure";
    let kept = run.get("properties").and_then(Value::as_array).into_iter().flatten().filter_map(|property| property.as_object().cloned());
    let now: Vec<Document> = effective(change, trigger, &[])?.into_iter().map(|property| property.document).filter(is_secure).collect();
    let (secure, plain): (Vec<Document>, Vec<Document>) = kept.partition(is_secure);
    let is_gone = |property: &&Document| now.iter().all(|known| text(known, "name") != text(property, "name"));
    // Where nothing executes it, nothing misses it.
    if let Some(gone) = secure.iter().find(is_gone).filter(|_| service.executor.is_some()) {
        let name = text(gone, "name");
        return Err(ApiError::conflict(format!("the value of the secret `{name}` is not kept with a run; start a new run with it")));
    }
    Ok(plain.into_iter().chain(now).collect())
}

/// Hands a run that was added to whatever executes runs; gives it as it is shown then.
pub(crate) fn launch(service: &Service, added: Added) -> Result<Document, ApiError> {
    let status = text(&added.shown, "status").to_owned();
    if let Some(order) = added.order {
        service.launch(order, status == "waiting")?;
    }
    Ok(added.shown)
}

/// The status of a new run. Where a trigger may have only some at once, further ones wait; where too many wait, they are
/// cancelled. A trigger that lets only one wait keeps the newest.
fn admit(change: &Change, trigger: &Document) -> Result<&'static str, ApiError> {
    let Some(most) = trigger.get("max_concurrent_runs").and_then(Value::as_u64) else { return Ok("queued") };
    let open = change.open_runs(text(trigger, "id"))?;
    let (waiting, active): (Vec<_>, Vec<_>) = open.iter().partition(|(_, run)| text(run, "status") == "waiting");
    if (active.len() as u64) < most {
        return Ok("queued");
    }
    if trigger.get("limit_waiting_runs") == Some(&Value::Bool(true)) {
        for (key, run) in waiting {
            change.put(Kind::Run, key, &ended(run))?;
        }
        return Ok("waiting");
    }
    Ok(if waiting.len() >= WAITING_LIMIT { "cancelled" } else { "waiting" })
}

/// The run, cancelled now.
fn ended(run: &Document) -> Document {
    let mut run = run.clone();
    run.insert("status".to_owned(), "cancelled".into());
    run.insert("updated_at".to_owned(), format!("{:.3}", jiff::Timestamp::now()).into());
    run
}

/// A property that holds for a run, and whose it is.
struct Effective {
    document: Document,
    is_of_trigger: bool,
}

impl Effective {
    fn shown(&self, service: &Service, trigger: &str) -> Document {
        let mut shown = if self.is_of_trigger {
            triggers::shown_property(service, trigger, &self.document)
        } else {
            super::properties::shown(service, &self.document)
        };
        shown.remove("href");
        shown
    }
}

/// The properties of a run: the pipeline's, over them the trigger's, over them those of the call.
fn effective(change: &Change, trigger: &Document, overrides: &[Document]) -> Result<Vec<Effective>, ApiError> {
    let mut seen: Vec<Effective> = Vec::new();
    let of_pipeline = change.all(Kind::Property)?.into_iter().map(|(_, document)| Effective { document, is_of_trigger: false });
    let of_trigger = triggers::properties(trigger).into_iter().map(|document| Effective { document, is_of_trigger: true });
    for property in of_pipeline.chain(of_trigger) {
        seen.retain(|other| text(&other.document, "name") != text(&property.document, "name"));
        seen.push(property);
    }
    for given in overrides {
        let name = text(given, "name");
        let is_locked =
            |known: &Effective| text(&known.document, "name") == name && known.document.get("locked") == Some(&Value::Bool(true));
        if seen.iter().any(is_locked) {
            return Err(ApiError::bad_request(format!("the property `{name}` is locked, so a run cannot override it")));
        }
        seen.retain(|other| text(&other.document, "name") != name);
        seen.push(Effective { document: given.clone(), is_of_trigger: true });
    }
    Ok(seen)
}

fn find(from: &impl Read, id: &str) -> Result<(String, Document), ApiError> {
    let unknown = || ApiError::not_found("run", id);
    let key = from.run_key(id)?.ok_or_else(unknown)?;
    let run = from.get(Kind::Run, &key)?.ok_or_else(unknown)?;
    Ok((key, run))
}

/// A run as it is shown: with its addresses; its logs have operations of their own.
fn shown(service: &Service, run: &Document) -> Document {
    let mut shown = run.clone();
    shown.remove("logs");
    let id = text(run, "id");
    shown.insert("href".to_owned(), service.href(&format!("/pipeline_runs/{id}")).into());
    shown.insert("run_url".to_owned(), service.run_url(id).into());
    if let Some(trigger) = shown.get_mut("trigger").and_then(Value::as_object_mut) {
        triggers::address(service, trigger);
    }
    shown
}

/// `GET /pipeline_runs`
pub(crate) async fn list(service: Service, Query(query): Query<Parameters>) -> Result<Json<Value>, ApiError> {
    let page = service.work(move |service| {
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let limit = match value("limit").map(str::parse) {
            None => PAGE,
            Some(Ok(limit)) if limit > 0 => limit,
            _ => return Err(ApiError::bad_request("`limit` must be a whole number of at least 1")),
        };
        let start = match value("start") {
            None => None,
            Some(start) if start.len() == 20 && start.bytes().all(|byte| byte.is_ascii_digit()) => Some(start),
            _ => return Err(ApiError::bad_request("`start` must be what `next.href` of the page before says")),
        };
        let (statuses, names) = (entries(&query, "status"), entries(&query, "trigger.name"));
        if statuses.iter().any(|status| !validation::STATUSES.contains(status)) {
            return Err(ApiError::bad_request(format!("`status` must be one of {}", validation::STATUSES.join(", "))));
        }
        let mut runs = service.store.view()?.all(Kind::Run)?;
        runs.reverse();
        runs.retain(|(_, run)| statuses.is_empty() || statuses.contains(&text(run, "status")));
        runs.retain(|(_, run)| names.is_empty() || run["trigger"]["name"].as_str().is_some_and(|name| names.contains(&name)));
        // The page begins with the run that the token names, or with the first older one.
        let first = start.map_or(0, |start| runs.iter().take_while(|(key, _)| key.as_str() > start).count());
        let next = runs.get(first.saturating_add(limit)).map(|(key, _)| key.clone());
        let shown: Vec<Document> = runs.iter().skip(first).take(limit).map(|(_, run)| in_list(service, run)).collect();
        Ok(page(service, &query, &shown, limit, next.as_deref()))
    });
    page.await.map(Json)
}

fn in_list(service: &Service, run: &Document) -> Document {
    let mut run = shown(service, run);
    run.remove("properties");
    run
}

fn page(service: &Service, query: &Parameters, runs: &[Document], limit: usize, next: Option<&str>) -> Value {
    let href = |start: Option<&str>| {
        let kept = query.iter().filter(|(key, _)| !["start", "limit"].contains(&key.as_str()));
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(kept).append_pair("limit", &limit.to_string());
        if let Some(start) = start {
            text.append_pair("start", start);
        }
        format!("{}?{}", service.href("/pipeline_runs"), text.finish())
    };
    let mut page = json!({ "pipeline_runs": runs, "limit": limit, "first": { "href": href(None) } });
    if let Some(start) = next {
        page["next"] = json!({ "href": href(Some(start)) });
    }
    page
}

/// `POST /pipeline_runs`
pub(crate) async fn create(service: Service, body: Body) -> Result<(StatusCode, Json<Document>), ApiError> {
    let created = service.work(move |service| {
        let body = body.object()?;
        validation::description(&body)?;
        let request = named_trigger(&body)?;
        let name = text(&request, "name").to_owned();
        let added = service.store.change(|change| {
            let mut all = change.all(Kind::Trigger)?;
            all.sort_by(|(_, left), (_, right)| text(left, "created").cmp(text(right, "created")));
            let trigger = all
                .into_iter()
                .map(|(_, trigger)| trigger)
                .find(|trigger| text(trigger, "name") == name)
                .ok_or_else(|| ApiError::not_found("trigger", &name))?;
            if trigger.get("enabled") == Some(&Value::Bool(false)) {
                return Err(ApiError::bad_request(format!("the trigger `{name}` is disabled")));
            }
            add(service, change, &trigger, RunRequest::of_api(&body, &request)?)
        })?;
        launch(service, added)
    });
    Ok((StatusCode::CREATED, Json(created.await?)))
}

/// The trigger and what goes with it: an object, or, in the older form, members of the body.
fn named_trigger(body: &Document) -> Result<Document, ApiError> {
    if let Some(trigger) = body.get("trigger").and_then(Value::as_object) {
        if text(trigger, "name").is_empty() {
            return Err(validation::missing("trigger.name"));
        }
        return Ok(trigger.clone());
    }
    if text(body, "trigger_name").is_empty() {
        return Err(validation::missing("trigger"));
    }
    let members = [
        ("name", "trigger_name"),
        ("properties", "trigger_properties"),
        ("secure_properties", "secure_trigger_properties"),
        ("headers", "trigger_headers"),
        ("body", "trigger_body"),
    ];
    Ok(members.into_iter().filter_map(|(name, member)| Some((name.to_owned(), body.get(member)?.clone()))).collect())
}

/// `GET /pipeline_runs/{run}`
pub(crate) async fn get(
    service: Service,
    Path((_, id)): Path<(String, String)>,
    Query(query): Query<Parameters>,
) -> Result<Json<Document>, ApiError> {
    let found = service.work(move |service| {
        if let Some(other) = entries(&query, "includes").into_iter().find(|include| *include != "definitions") {
            return Err(ApiError::bad_request(format!("`includes` must be definitions, and not `{other}`")));
        }
        Ok(shown(service, &find(&service.store.view()?, &id)?.1))
    });
    found.await.map(Json)
}

/// `DELETE /pipeline_runs/{run}`
pub(crate) async fn delete(service: Service, Path((_, id)): Path<(String, String)>) -> Result<StatusCode, ApiError> {
    let deleted = service.work(move |service| {
        let removed = service.store.change(|change| {
            let (key, _) = find(change, &id)?;
            change.remove(Kind::Run, &key)
        })?;
        service.cancel(&id, true);
        Ok(removed)
    });
    deleted.await.map(|_| StatusCode::NO_CONTENT)
}

/// `POST /pipeline_runs/{run}/cancel`
pub(crate) async fn cancel(
    service: Service,
    Path((_, id)): Path<(String, String)>,
    body: Body,
) -> Result<(StatusCode, Json<Document>), ApiError> {
    let cancelled = service.work(move |service| {
        let body = body.object_if_any()?;
        if body.get("force").is_some_and(|force| !force.is_boolean()) {
            return Err(ApiError::bad_request("`force` must be true or false"));
        }
        let cancelled = service.store.change(|change| {
            let (key, run) = find(change, &id)?;
            if validation::ENDED.contains(&text(&run, "status")) {
                return Err(ApiError::conflict(format!("the run has already ended: {}", text(&run, "status"))));
            }
            let run = ended(&run);
            change.put(Kind::Run, &key, &run)?;
            Ok(shown(service, &run))
        })?;
        service.cancel(&id, body.get("force") == Some(&Value::Bool(true)));
        Ok(cancelled)
    });
    Ok((StatusCode::ACCEPTED, Json(cancelled.await?)))
}

/// `POST /pipeline_runs/{run}/rerun`: the same again, with the state that it had. Secrets are not kept with a run: they are
/// those that hold now.
pub(crate) async fn rerun(service: Service, Path((_, id)): Path<(String, String)>) -> Result<(StatusCode, Json<Document>), ApiError> {
    let repeated = service.work(move |service| again(service, &id));
    Ok((StatusCode::CREATED, Json(repeated.await?)))
}

/// Repeats a run.
pub(crate) fn again(service: &Service, id: &str) -> Result<Document, ApiError> {
    let added = service.store.change(|change| {
        let (_, mut run) = find(change, id)?;
        let trigger = run.get("trigger").and_then(Value::as_object).cloned().unwrap_or_default();
        let trigger = change.get(Kind::Trigger, text(&trigger, "id"))?.unwrap_or(trigger);
        for gone in ["updated_at", "error_message", "logs"] {
            run.remove(gone);
        }
        run.insert("id".to_owned(), uuid::Uuid::new_v4().to_string().into());
        run.insert("status".to_owned(), admit(change, &trigger)?.into());
        run.insert("created_at".to_owned(), format!("{:.3}", jiff::Timestamp::now()).into());
        change.append_run(&run)?;
        let properties = kept_properties(service, change, &run, &trigger)?;
        Ok(Added { shown: shown(service, &run), order: order(&run, properties.iter(), Some(id.to_owned())) })
    })?;
    launch(service, added)
}

/// The logs of a run: id, name and text. Those that were kept with it, else those of whatever executes runs.
fn logs_of(service: &Service, id: &str) -> Result<Vec<(String, String, Source)>, ApiError> {
    let (_, run) = find(&service.store.view()?, id)?;
    let kept = run.get("logs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let kept: Vec<_> =
        kept.map(|log| (text(log, "id").to_owned(), text(log, "name").to_owned(), Source::Kept(text(log, "data").to_owned()))).collect();
    if !kept.is_empty() {
        return Ok(kept);
    }
    let logs = service.executor.iter().flat_map(|executor| executor.logs(id));
    Ok(logs.enumerate().map(|(at, log)| ((at + 1).to_string(), log.name, Source::File(log.path))).collect())
}

/// Where the text of a log is.
enum Source {
    Kept(String),
    File(std::path::PathBuf),
}

/// `GET /pipeline_runs/{run}/logs`
pub(crate) async fn logs(service: Service, Path((_, id)): Path<(String, String)>) -> Result<Json<Value>, ApiError> {
    let logs = service.work(move |service| {
        let entry = |(log, name, _): &(String, String, Source)| json!({ "id": log, "name": name, "href": service.href(&format!("/pipeline_runs/{id}/logs/{log}")) });
        Ok(json!({ "logs": logs_of(service, &id)?.iter().map(entry).collect::<Vec<_>>() }))
    });
    logs.await.map(Json)
}

/// `GET /pipeline_runs/{run}/logs/{log}`
pub(crate) async fn log(service: Service, Path((_, id, log)): Path<(String, String, String)>) -> Result<Json<Value>, ApiError> {
    let found = service.work(move |service| {
        let logs = logs_of(service, &id)?;
        let (_, _, source) = logs.into_iter().find(|(known, _, _)| *known == log).ok_or_else(|| ApiError::not_found("log", &log))?;
        let data = match source {
            Source::Kept(text) => text,
            // It is there as soon as its stage has begun.
            Source::File(path) => std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default(),
        };
        Ok(json!({ "id": log, "data": data }))
    });
    found.await.map(Json)
}
