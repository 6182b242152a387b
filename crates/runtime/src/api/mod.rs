//! The Pipeline API: one exchange at a time, retries, and what fails in words.

mod client;
mod retry;
mod token;

pub use crate::failure::{Failure, FailureKind};
pub(crate) use client::{ApiRequest, encoded};
pub use client::{Client, ClientConfig};
pub use retry::Retries;
pub use token::Token;
pub(crate) use token::random_bytes;
