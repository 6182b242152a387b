//! Processes: the supervisor above each stage, the list of those that the engine has started itself, and what the kernel
//! tells of all others.

pub(crate) mod children;
mod kernel;
pub(crate) mod supervisor;

pub(crate) use kernel::{has_mounts, kill};
