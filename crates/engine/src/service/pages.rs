//! Pages for people, beside the API. What they show is the program's; here is who may see it.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sidestage_compiler::report::escaped;

use super::auth;
use super::context::Service;
use super::error::ApiError;

/// A request for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Whether something is to be done, and not only shown.
    pub is_post: bool,
    /// The path, with `/` before it.
    pub path: String,
    /// The parameters of the query.
    pub query: Vec<(String, String)>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageReply {
    /// Content of a type.
    Content {
        /// The type: `text/html; charset=utf-8`.
        kind: &'static str,
        /// The content.
        body: Vec<u8>,
    },
    /// Look there.
    See(String),
    /// There is no such page.
    Missing,
    /// What was to be done could not be done.
    Failed(String),
}

/// What is shown.
pub trait Pages: Send + Sync {
    /// Answers a request of somebody who may see the pages.
    fn reply(&self, request: &PageRequest) -> PageReply;

    /// What the address of a page must carry once.
    fn key(&self) -> &str;
}

/// The cookie that keeps the key. Browsers do not tell ports apart, so its name does.
fn cookie(service: &Service) -> String {
    let port = service.origin.rsplit(':').next().filter(|port| port.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or("80");
    format!("sidestage-page-{port}")
}

/// Nothing is fetched from elsewhere, and no other site may show the pages in its own.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Answers what no path of the API takes.
pub(super) async fn answer(service: Service, request: Request) -> Response {
    let Some(pages) = service.pages.clone() else { return ApiError::no_such_path().into_response() };
    let is_post = *request.method() == Method::POST;
    if !is_post && *request.method() != Method::GET {
        return ApiError::wrong_method().into_response();
    }
    let query: Vec<(String, String)> = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    let path = request.uri().path().to_owned();
    let given = query.iter().find(|(name, _)| name == "key").map(|(_, key)| key.as_str());
    if let Some(key) = given.filter(|key| auth::is_same(key.as_bytes(), pages.key().as_bytes())) {
        // The key stays in no address that is shown, kept or passed on.
        let cookie = format!("{}={key}; Path=/; HttpOnly; SameSite=Strict", cookie(&service));
        return (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, path)]).into_response();
    }
    let name = cookie(&service);
    let cookies = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut kept =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().strip_prefix(name.as_str())?.strip_prefix('='));
    if !kept.any(|key| auth::is_same(key.as_bytes(), pages.key().as_bytes())) {
        return refusal(StatusCode::UNAUTHORIZED, "Open the whole address that sidestage has printed, with its key.");
    }
    let asked = PageRequest { is_post, path, query };
    let reply = service.work(move |_| Ok(pages.reply(&asked))).await;
    match reply {
        Ok(PageReply::Content { kind, body }) => content(kind, body),
        Ok(PageReply::See(path)) => (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response(),
        Ok(PageReply::Missing) => refusal(StatusCode::NOT_FOUND, "There is no such page; the run may have been removed."),
        Ok(PageReply::Failed(reason)) => refusal(StatusCode::CONFLICT, &reason),
        Err(error) => error.into_response(),
    }
}

/// A page that says what is wrong, to people.
fn refusal(status: StatusCode, words: &str) -> Response {
    let words = escaped(words);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>sidestage</title>\n\
         <p>{words}</p>\n<p><a href=\"/\">All runs</a></p>\n</html>\n"
    );
    let mut response = content("text/html; charset=utf-8", page.into_bytes());
    *response.status_mut() = status;
    response
}

fn content(kind: &'static str, body: Vec<u8>) -> Response {
    let mut response = Bytes::from(body).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer` a form would name no origin, and be refused.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
