//! The local engine: the Pipeline API, the token exchange and the generic webhook on one machine.
//!
//! `server` routes to `api`, which answers, and to `webhook`, which takes calls; `store` keeps. A call makes a run, which
//! stays queued: what executes runs will take the oldest queued one from the store, and write its status and logs there.

mod api;
mod auth;
mod body;
mod connections;
mod digest;
mod error;
mod hosts;
mod iam;
mod merge_patch;
mod run_index;
mod server;
mod service;
mod store;
mod store_file;
mod validation;
mod webhook;

pub use auth::ApiKeys;
pub use error::StartError;
pub use server::serve;
pub use service::ServerOptions;
