//! What works inside a run: the store that its stages share, the set-up of the webhook, the start of async stages, their
//! receiving side, and their list.

#[cfg(feature = "http")]
pub mod api;
#[cfg(feature = "http")]
pub mod async_runs;
pub mod failure;
pub mod hash;
pub mod pipelinectl;
pub mod receive;
pub mod repository;
#[cfg(feature = "http")]
pub mod run_store;
#[cfg(feature = "http")]
pub mod setup;
#[cfg(feature = "http")]
pub mod tekton;
pub mod tools;
#[cfg(feature = "http")]
pub mod trigger;
