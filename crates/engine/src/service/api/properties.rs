//! Properties of the pipeline.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::body::Body;
use super::super::context::Service;
use super::super::error::ApiError;
use super::super::store::{Document, Kind, Read};
use super::super::validation;
use super::{Parameters, arranged, check_count, replacement, shown_property, text};

pub(super) fn shown(service: &Service, property: &Document) -> Document {
    shown_property(property, &[&service.pipeline], service.href(&format!("/properties/{}", text(property, "name"))))
}

fn unknown(name: &str) -> ApiError {
    ApiError::not_found("property", name)
}

/// `GET /properties`
pub(crate) async fn list(service: Service, Query(query): Query<Parameters>) -> Result<Json<Value>, ApiError> {
    let properties = service.work(move |service| {
        let properties = service.store.view()?.all(Kind::Property)?.into_iter().map(|(_, property)| shown(service, &property)).collect();
        arranged(properties, &query)
    });
    Ok(Json(json!({ "properties": properties.await? })))
}

/// `POST /properties`
pub(crate) async fn create(service: Service, body: Body) -> Result<(StatusCode, Json<Document>), ApiError> {
    let created = service.work(move |service| {
        let property = validation::property(&body.object()?)?;
        let name = text(&property, "name");
        service.store.change(|change| {
            if change.get(Kind::Property, name)?.is_some() {
                return Err(ApiError::conflict(format!("there is already a property `{name}`; PUT replaces its value")));
            }
            check_count(change.all(Kind::Property)?.len(), "properties")?;
            change.put(Kind::Property, name, &property)
        })?;
        Ok(shown(service, &property))
    });
    Ok((StatusCode::CREATED, Json(created.await?)))
}

/// `GET /properties/{name}`
pub(crate) async fn get(service: Service, Path((_, name)): Path<(String, String)>) -> Result<Json<Document>, ApiError> {
    let found = service.work(move |service| {
        let property = service.store.view()?.get(Kind::Property, &name)?.ok_or_else(|| unknown(&name))?;
        Ok(shown(service, &property))
    });
    found.await.map(Json)
}

/// `PUT /properties/{name}`
pub(crate) async fn replace(service: Service, Path((_, name)): Path<(String, String)>, body: Body) -> Result<Json<Document>, ApiError> {
    let replaced = service.work(move |service| {
        service.store.change(|change| {
            let old = change.get(Kind::Property, &name)?.ok_or_else(|| unknown(&name))?;
            let new = replacement(&old, validation::property(&body.object()?)?, &[&service.pipeline])?;
            change.put(Kind::Property, &name, &new)?;
            Ok(shown(service, &new))
        })
    });
    replaced.await.map(Json)
}

/// `DELETE /properties/{name}`
pub(crate) async fn delete(service: Service, Path((_, name)): Path<(String, String)>) -> Result<StatusCode, ApiError> {
    let deleted = service.work(move |service| {
        let is_gone = service.store.change(|change| change.remove(Kind::Property, &name))?;
        if is_gone { Ok(StatusCode::NO_CONTENT) } else { Err(unknown(&name)) }
    });
    deleted.await
}
