//! Answers as text and data, one file a format.

mod diagnostic;
pub mod findings;
pub mod graph;
mod look;
mod markup;
pub mod plan;
mod rule_page;

pub use diagnostic::diagnostic;
pub use look::Look;
pub use markup::escaped;
pub use rule_page::rule_page;
