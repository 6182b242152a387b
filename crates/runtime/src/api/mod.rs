//! The Pipeline API: one exchange at a time, retries, and what fails in words.

mod client;
mod failure;
mod retry;
mod token;

pub(crate) use client::{ApiRequest, encoded};
pub use client::{Client, ClientConfig};
pub use failure::{Failure, FailureKind};
pub use retry::Retries;
pub use token::Token;
pub(crate) use token::random_bytes;
