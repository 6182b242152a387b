//! Properties of a trigger. They are kept in the trigger.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::body::Body;
use super::super::context::Service;
use super::super::error::ApiError;
use super::super::store::{Change, Document, Kind};
use super::super::validation;
use super::{Parameters, arranged, check_count, replacement, text, triggers};

fn unknown(name: &str) -> ApiError {
    ApiError::not_found("property of the trigger", name)
}

fn position(properties: &[Document], name: &str) -> Option<usize> {
    properties.iter().position(|property| text(property, "name") == name)
}

fn put(change: &Change, mut trigger: Document, properties: Vec<Document>) -> Result<(), ApiError> {
    let id = text(&trigger, "id").to_owned();
    trigger.insert("properties".to_owned(), properties.into_iter().map(Value::Object).collect());
    change.put(Kind::Trigger, &id, &trigger)
}

/// `GET /triggers/{trigger}/properties`
pub(crate) async fn list(
    service: Service,
    Path((_, trigger)): Path<(String, String)>,
    Query(query): Query<Parameters>,
) -> Result<Json<Value>, ApiError> {
    let properties = service.work(move |service| {
        let found = triggers::find(&service.store.view()?, &trigger)?;
        arranged(
            triggers::properties(&found).iter().map(|property| triggers::shown_property(service, &trigger, property)).collect(),
            &query,
        )
    });
    Ok(Json(json!({ "properties": properties.await? })))
}

/// `POST /triggers/{trigger}/properties`
pub(crate) async fn create(
    service: Service,
    Path((_, trigger)): Path<(String, String)>,
    body: Body,
) -> Result<(StatusCode, Json<Document>), ApiError> {
    let created = service.work(move |service| {
        service.store.change(|change| {
            let found = triggers::find(change, &trigger)?;
            let property = validation::property(&body.object()?)?;
            let name = text(&property, "name");
            let mut properties = triggers::properties(&found);
            if position(&properties, name).is_some() {
                return Err(ApiError::conflict(format!("the trigger already has a property `{name}`; PUT replaces its value")));
            }
            check_count(properties.len(), "properties of the trigger")?;
            let shown = triggers::shown_property(service, &trigger, &property);
            properties.push(property);
            put(change, found, properties)?;
            Ok(shown)
        })
    });
    Ok((StatusCode::CREATED, Json(created.await?)))
}

/// `GET /triggers/{trigger}/properties/{name}`
pub(crate) async fn get(service: Service, Path((_, trigger, name)): Path<(String, String, String)>) -> Result<Json<Document>, ApiError> {
    let found = service.work(move |service| {
        let properties = triggers::properties(&triggers::find(&service.store.view()?, &trigger)?);
        let property = position(&properties, &name).and_then(|index| properties.get(index)).ok_or_else(|| unknown(&name))?;
        Ok(triggers::shown_property(service, &trigger, property))
    });
    found.await.map(Json)
}

/// `PUT /triggers/{trigger}/properties/{name}`
pub(crate) async fn replace(
    service: Service,
    Path((_, trigger, name)): Path<(String, String, String)>,
    body: Body,
) -> Result<Json<Document>, ApiError> {
    let replaced = service.work(move |service| {
        service.store.change(|change| {
            let found = triggers::find(change, &trigger)?;
            let mut properties = triggers::properties(&found);
            let index = position(&properties, &name).ok_or_else(|| unknown(&name))?;
            let new = replacement(&properties[index], validation::property(&body.object()?)?, &[&service.pipeline, &trigger])?;
            let shown = triggers::shown_property(service, &trigger, &new);
            properties[index] = new;
            put(change, found, properties)?;
            Ok(shown)
        })
    });
    replaced.await.map(Json)
}

/// `DELETE /triggers/{trigger}/properties/{name}`
pub(crate) async fn delete(service: Service, Path((_, trigger, name)): Path<(String, String, String)>) -> Result<StatusCode, ApiError> {
    let deleted = service.work(move |service| {
        service.store.change(|change| {
            let found = triggers::find(change, &trigger)?;
            let mut properties = triggers::properties(&found);
            let index = position(&properties, &name).ok_or_else(|| unknown(&name))?;
            properties.remove(index);
            put(change, found, properties)
        })
    });
    deleted.await.map(|()| StatusCode::NO_CONTENT)
}
