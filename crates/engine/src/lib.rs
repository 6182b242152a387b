//! The local engine: the Pipeline API, the token exchange and the generic webhook on one machine.
//!
//! `server` leads to `api`, which answers, and to `webhook`, which takes calls; `store` keeps. A call makes a run, which stays queued: what executes runs will
//! take the oldest queued one from the store, and write its status and logs there.

mod access;
mod api;
mod content;
mod digest;
mod error;
mod identity;
mod server;
mod service;
mod store;
mod validation;
mod webhook;

pub use access::Keys;
pub use error::Unusable;
pub use server::serve;
pub use service::Options;
