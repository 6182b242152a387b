//! The target tekton: what is written, and what runs of it without a cluster.

#[cfg(target_arch = "x86_64")]
mod anywhere;
mod cases;
mod execute;
mod faults;
mod manifests;
mod node;
mod refusals;
mod samples;
mod schemas;
mod server;
mod sets;
