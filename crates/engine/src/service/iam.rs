//! The token exchange: an API key for a bearer token, and what such a token says.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::auth::{self, ApiKeys, Role};
use super::body::Body;
use super::context::Service;
use super::digest;

const GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

/// Seconds that a token is good for.
const LIFETIME: i64 = 3600;

#[derive(Serialize, Deserialize)]
struct Claims {
    iam_id: String,
    sub: String,
    iat: i64,
    exp: i64,
    /// The API key that it was given for, as a keyed hash.
    key: String,
}

/// `POST /identity/token`
pub(super) async fn token(service: Service, body: Body) -> Response {
    let form: Vec<(String, String)> = form_urlencoded::parse(&body.0).into_owned().collect();
    let field = |name: &str| form.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value);
    if field("grant_type") != GRANT {
        return oauth_error("BXNIM0105E", &format!("the grant type is not known; send grant_type={GRANT}"));
    }
    let key = field("apikey");
    let role = match &service.keys {
        Some(keys) => keys.role_of(key),
        None => Some(Role::Editor).filter(|_| !key.is_empty()),
    };
    let Some(role) = role else { return oauth_error("BXNIM0415E", "Provided API key could not be found.") };
    let (access, expiration) = token_of(&service, key, role);
    let reply = json!({
        "access_token": access, "refresh_token": "not_supported", "token_type": "Bearer",
        "expires_in": LIFETIME, "expiration": expiration, "scope": "ibm openid",
    });
    (StatusCode::OK, Json(reply)).into_response()
}

/// A bearer token for a key of an editor.
pub(crate) fn access_token(service: &Service, key: &str) -> String {
    token_of(service, key, Role::Editor).0
}

/// A token, and the second when it runs out.
fn token_of(service: &Service, key: &str, role: Role) -> (String, i64) {
    let now = jiff::Timestamp::now().as_second();
    let expiration = now + LIFETIME;
    let user = format!("IBMid-{}", role.name());
    let key = key_hash(key, &service.signing_key);
    (signed_token(&Claims { iam_id: user.clone(), sub: user, iat: now, exp: expiration, key }, &service.signing_key), expiration)
}

/// As IAM words it, which is not as the Pipeline API does.
fn oauth_error(code: &str, message: &str) -> Response {
    let body = json!({ "errorCode": code, "errorMessage": message, "context": { "requestId": uuid::Uuid::new_v4().to_string() } });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// A JSON Web Token, since the official clients decode it.
fn signed_token(claims: &Claims, key: &[u8]) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&json!(claims)));
    let signature = URL_SAFE_NO_PAD.encode(digest::sha256(key, text.as_bytes()));
    format!("{text}.{signature}")
}

/// What a token says instead of an API key.
fn key_hash(key: &str, signing_key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::sha256(signing_key, key.as_bytes()))
}

/// The role that a token gives; nothing where it is not ours, has run out, or its key is no longer known.
pub(crate) fn role_of(token: &str, keys: &ApiKeys, signing_key: &[u8]) -> Option<Role> {
    let (text, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !auth::is_same(&signature, &digest::sha256(signing_key, text.as_bytes())) {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(text.split_once('.')?.1).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let role = keys.role_where(|key| auth::is_same(key_hash(key, signing_key).as_bytes(), claims.key.as_bytes()));
    role.filter(|_| claims.exp > jiff::Timestamp::now().as_second())
}
