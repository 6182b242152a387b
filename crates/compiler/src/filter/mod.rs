//! From all findings to those that are told.

pub mod baseline;
pub mod suppression;
