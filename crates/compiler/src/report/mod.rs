//! Answers as text and data, one file a format.

pub mod findings;
pub mod graph;
pub mod plan;
