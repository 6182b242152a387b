//! The local engine: the platform on one machine. The Pipeline API, the token exchange and the generic webhook; runs, and what
//! executes them.
//!
//! `server` routes to `api`, which answers, to `webhook`, which takes calls, and to `pages`; `store` keeps. A call makes a run,
//! and `dispatch` hands it to the `executor`, where there is one. `execute` is that one; `run` is what it leaves on disk, and
//! `timeline` draws it.

mod api;
mod auth;
mod body;
mod connections;
mod digest;
mod dispatch;
mod error;
pub mod execute;
mod executor;
mod hosts;
mod iam;
mod merge_patch;
mod pages;
mod processes;
pub mod run;
mod run_index;
mod server;
mod service;
mod store;
mod store_file;
pub mod timeline;
mod validation;
mod webhook;

pub use auth::ApiKeys;
pub use error::StartError;
pub use pages::{PageReply, PageRequest, Pages};
pub use server::serve;
pub use service::ServerOptions;
