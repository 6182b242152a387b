//! The body of a request.

use axum::body::{self, Bytes};
use axum::extract::{FromRequest, Request};
use serde_json::Value;

use super::error::ApiError;
use super::store::Document;
use super::validation::BODY_LIMIT;

/// Bytes of a request's body that are read at all.
const READ_LIMIT: usize = 32 * BODY_LIMIT;

/// A request's body, of at most 512 KB.
pub(super) struct Body(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        // More is read than is taken: who is still sending would not see the refusal.
        let read = body::to_bytes(request.into_body(), READ_LIMIT).await;
        read.ok().filter(|body| body.len() <= BODY_LIMIT).map(Self).ok_or_else(ApiError::too_large)
    }
}

impl Body {
    pub(super) fn object(&self) -> Result<Document, ApiError> {
        match serde_json::from_slice(&self.0) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(ApiError::bad_request("the body must be a JSON object")),
            Err(error) => Err(ApiError::bad_request(format!("the body is not valid JSON: {error}"))),
        }
    }

    /// The same, where a body may be left out.
    pub(super) fn object_if_any(&self) -> Result<Document, ApiError> {
        if self.0.is_empty() { Ok(Document::new()) } else { self.object() }
    }
}
