//! What the suites stand on: repositories in temporary folders, the service, a pipeline that uses it, and a proxy that fails.

#[cfg(feature = "http")]
pub(crate) mod cluster;
#[cfg(feature = "http")]
pub(crate) mod connection;
#[cfg(feature = "http")]
pub(crate) mod proxy;
pub(crate) mod repository;
#[cfg(feature = "http")]
pub(crate) mod service;
#[cfg(feature = "http")]
pub(crate) mod site;
