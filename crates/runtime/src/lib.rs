//! What works inside a run: the store that its stages share, and the set-up of the webhook.

pub mod hash;
pub mod pipelinectl;
#[cfg(feature = "http")]
pub mod setup;
