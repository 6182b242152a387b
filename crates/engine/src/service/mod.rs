//! The local service: the Pipeline API, the token exchange, the generic webhook, and pages for people.
//!
//! `server` routes to `api`, which answers, to `webhook`, which takes calls, and to `pages`; `store` keeps. A call makes a run,
//! and `dispatch` hands it to the `executor`, where there is one.

mod api;
pub(crate) mod auth;
mod body;
mod connections;
mod context;
mod digest;
pub(crate) mod dispatch;
pub(crate) mod error;
pub(crate) mod executor;
mod hosts;
pub(crate) mod iam;
mod merge_patch;
mod pages;
pub(crate) mod random;
mod run_index;
pub(crate) mod server;
pub(crate) mod store;
mod store_file;
mod validation;
mod webhook;

pub(crate) use api::again;
pub use auth::ApiKeys;
pub use context::ServerOptions;
pub(crate) use context::{Companions, Service};
pub use error::StartError;
pub use pages::{PageReply, PageRequest, Pages};
pub use server::serve;
