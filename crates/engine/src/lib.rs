//! The local engine: the platform on one machine.
//!
//! `service` is the Pipeline API and the webhook, and keeps what it is told; `execute` runs what reaches it, each stage below
//! a supervisor (`processes`); `run` is what a run leaves on disk, and `timeline` draws it.

pub mod execute;
mod processes;
pub mod run;
mod service;
pub mod timeline;

pub use service::{ApiKeys, PageReply, PageRequest, Pages, ServerOptions, StartError, serve};
