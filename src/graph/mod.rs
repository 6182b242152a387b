//! The graph of stages, triggers and exported variables.

mod build;
mod cycles;
mod draw;
mod svg;

pub use build::{Edge, EdgeKind, Graph, Node, Variable, build};
pub use cycles::cycles;
pub use draw::{dot, mermaid};
pub use svg::{TooLarge, svg};
