//! The pipeline itself.

use axum::Json;
use serde_json::{Value, json};

use super::super::context::Service;
use super::super::error::ApiError;
use super::super::store::{Kind, Read};
use super::{properties, triggers};

/// What this service says where the real one has an account, a toolchain and definitions.
const SINCE: &str = "2026-01-01T00:00:00.000Z";

/// `GET /tekton_pipelines/{pipeline}`
pub(crate) async fn get(service: Service) -> Result<Json<Value>, ApiError> {
    let shown = service.work(|service| {
        let view = service.store.view()?;
        let properties: Vec<_> = view.all(Kind::Property)?.iter().map(|(_, property)| properties::shown(service, property)).collect();
        let triggers: Vec<_> = view.all(Kind::Trigger)?.iter().map(|(_, trigger)| triggers::shown(service, trigger)).collect();
        let runs = view.all(Kind::Run)?.len();
        Ok(json!({
            "id": service.pipeline, "name": "sidestage", "status": "configured", "enabled": true,
            "resource_group": { "id": "local" },
            "toolchain": { "id": service.pipeline, "crn": format!("crn:v1:local:sidestage:toolchain::::{}::", service.pipeline) },
            "definitions": [], "properties": properties, "triggers": triggers,
            "worker": { "id": "public", "name": "local", "type": "public" },
            "created_at": SINCE, "updated_at": SINCE,
            "href": service.href(""), "runs_url": service.href("/pipeline_runs"),
            "build_number": runs, "next_build_number": runs + 1,
            "enable_notifications": false, "enable_partial_cloning": false,
        }))
    });
    shown.await.map(Json)
}
