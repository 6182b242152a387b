//! The body of a request.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{self, HttpBody};
use axum::extract::{FromRequest, Request};
use serde_json::Value;

use super::error::ApiError;
use super::store::Document;
use super::validation::BODY_LIMIT;

/// Bytes that are read of an authorized caller's body: who is still sending would not see the refusal. Nothing above
/// 512 KB is kept.
const READ_LIMIT: usize = 32 * BODY_LIMIT;

/// From the end of the headers to the end of the body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Marks the request of a caller who is known and has the role that it takes.
#[derive(Clone, Copy)]
pub(super) struct Authorized;

/// A request's body, of at most 512 KB.
pub(super) struct Body(pub(super) Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let is_authorized = request.extensions().get::<Authorized>().is_some();
        let read = read(request.into_body(), if is_authorized { READ_LIMIT } else { BODY_LIMIT });
        tokio::time::timeout(BODY_TIME, read).await.unwrap_or_else(|_| Err(ApiError::too_slow())).map(Self)
    }
}

/// Reads a body to its end, or until it is certain that it is too large.
async fn read(mut body: body::Body, limit: usize) -> Result<Vec<u8>, ApiError> {
    let (mut kept, mut length) = (Vec::new(), 0);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| ApiError::bad_request("the body ends early, or a chunk of it is malformed"))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length > limit {
            return Err(ApiError::too_large());
        }
        if length <= BODY_LIMIT {
            kept.extend_from_slice(&data);
        } else {
            kept = Vec::new();
        }
    }
    if length <= BODY_LIMIT { Ok(kept) } else { Err(ApiError::too_large()) }
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
