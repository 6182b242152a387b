//! What the suites stand on: repositories in temporary folders, the service, a pipeline beside it, and a proxy that fails.

pub(crate) mod proxy;
pub(crate) mod repository;
pub(crate) mod service;
pub(crate) mod site;
