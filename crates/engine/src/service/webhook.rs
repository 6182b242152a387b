//! The generic webhook: a call that proves itself makes a run.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::api::runs::{self, RunRequest};
use super::auth;
use super::body::Body;
use super::context::Service;
use super::digest;
use super::error::ApiError;
use super::store::{Document, Kind, Read};
use super::validation;

/// `POST /v1/tekton-webhook/{pipeline}/run/{trigger}`
pub(super) async fn call(
    service: Service,
    Path((pipeline, trigger)): Path<(String, String)>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    raw: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    service
        .work(move |service| {
            if pipeline != service.pipeline {
                return Err(ApiError::not_found("pipeline", &pipeline));
            }
            let added = service.store.change(|change| {
                let found = change.get(Kind::Trigger, &trigger)?.filter(|found| found["type"] == "generic");
                let found = found.ok_or_else(|| ApiError::not_found("webhook", &trigger))?;
                // Who does not know the token learns nothing of the rest.
                let body = raw.object();
                let empty = Document::new();
                verify_secret(&found, &headers, &query, body.as_ref().unwrap_or(&empty), &raw.0)?;
                let body = body?;
                if found.get("enabled") == Some(&Value::Bool(false)) {
                    return Err(ApiError::forbidden("the trigger is disabled"));
                }
                validation::payload(&body)?;
                let text = String::from_utf8(raw.0.clone()).map_err(|_| ApiError::bad_request("the body is not UTF-8"))?;
                runs::add(service, change, &found, RunRequest::of_webhook(&body, text))
            })?;
            let run = runs::launch(service, added)?;
            let reply = json!({ "id": run["id"], "href": run["href"], "run_url": run["run_url"], "status": run["status"] });
            Ok((StatusCode::CREATED, Json(reply)))
        })
        .await
}

/// The call carries the token, or a signature by it, where the trigger says.
fn verify_secret(
    trigger: &Document,
    headers: &HeaderMap,
    query: &[(String, String)],
    body: &Document,
    text: &[u8],
) -> Result<(), ApiError> {
    let Some(secret) = trigger.get("secret") else { return Ok(()) };
    let field = |name: &str| secret[name].as_str().unwrap_or_default();
    let name = field("key_name");
    let given = match field("source") {
        "header" => headers.get(name).and_then(|value| value.to_str().ok()),
        "query" => query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()),
        _ => body.get(name).and_then(Value::as_str),
    };
    let given = given.unwrap_or_default();
    let is_proven = match field("type") {
        "token_matches" => auth::is_same(given.as_bytes(), field("value").as_bytes()),
        "digest_matches" => {
            let signature = digest::signature(field("algorithm"), field("value"), text);
            // Many senders put the algorithm before the signature.
            let given = given.rsplit_once('=').map_or(given, |(_, signature)| signature);
            signature.is_some_and(|signature| auth::is_same(given.to_ascii_lowercase().as_bytes(), signature.as_bytes()))
        }
        _ => true,
    };
    if is_proven { Ok(()) } else { Err(ApiError::unauthorized("the call does not carry the secret of the trigger")) }
}
