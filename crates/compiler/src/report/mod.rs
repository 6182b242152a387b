//! Answers as text and data, one file a format.

mod diagnostic;
pub mod findings;
pub mod graph;
pub mod plan;

pub use diagnostic::diagnostic;
