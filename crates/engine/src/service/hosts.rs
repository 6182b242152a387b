//! Which requests are answered at all: those that name this machine, and that no page of another site has sent.
//!
//! Without keys every caller is an editor, so a page in a browser must not become a caller: neither by a request across
//! sites, nor by a name of its own that it lets lead to this machine.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, header};

use super::error::{ApiError, StartError};

/// The address of this machine at which a request came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReachedAddress(pub(super) IpAddr);

/// The hosts by which the service may be called, next to this machine's own.
#[derive(Debug)]
pub(super) struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    pub(super) fn new(names: Vec<String>) -> Result<Self, StartError> {
        match names.iter().find(|name| !is_name(name)) {
            Some(name) => Err(StartError(format!("`{name}` is not the name of a host; --allow-host expects one without scheme and port"))),
            None => Ok(Self(names)),
        }
    }

    /// Refuses what names another host, or comes from a page of another site.
    pub(super) fn check(&self, request: &Request) -> Result<(), ApiError> {
        let reached = request.extensions().get::<ReachedAddress>().map(|address| address.0);
        let is_known = |host: Option<&str>| host.is_some_and(|host| self.is_allowed(host, reached));
        let headers = request.headers();
        let mut called = headers.get_all(header::HOST).iter().map(text).chain(request.uri().authority().map(Authority::as_str)).peekable();
        if called.peek().is_none() || !called.all(|authority| is_known(host_of(authority))) {
            return Err(ApiError::forbidden("the header `Host` names a host that is not allowed; --allow-host NAME allows one"));
        }
        if !headers
            .get_all(header::ORIGIN)
            .iter()
            .all(|origin| is_known(text(origin).split_once("://").and_then(|(_, rest)| host_of(rest))))
        {
            return Err(ApiError::forbidden("the header `Origin` names a site that is not allowed; --allow-host NAME allows one"));
        }
        if !headers.get_all("sec-fetch-site").iter().all(|site| ["none", "same-origin"].contains(&text(site))) {
            return Err(ApiError::forbidden("the request comes from a page of another site"));
        }
        Ok(())
    }

    fn is_allowed(&self, host: &str, reached: Option<IpAddr>) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if let Ok(address) = host.parse::<IpAddr>() {
            let address = address.to_canonical();
            return address.is_loopback() || reached.is_some_and(|reached| reached.to_canonical() == address) || self.is_given(&host);
        }
        host == "localhost" || host.ends_with(".localhost") || self.is_given(&host)
    }

    fn is_given(&self, host: &str) -> bool {
        self.0.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// The name or address of a host with or without a port; nothing where it is anything else.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').filter(|(host, _)| host.contains(':'))?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = port.strip_prefix(':').unwrap_or(port);
    (is_name(host) && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(host)
}

/// A name, or an address of IP.
fn is_name(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)))
}
