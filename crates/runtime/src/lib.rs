//! What works inside a run: the store that its stages share, the set-up of the webhook, the start of async stages, and their
//! list.

#[cfg(feature = "http")]
pub mod api;
#[cfg(feature = "http")]
pub mod async_runs;
pub mod hash;
pub mod pipelinectl;
#[cfg(feature = "http")]
pub mod run_store;
#[cfg(feature = "http")]
pub mod setup;
#[cfg(feature = "http")]
pub mod trigger;
