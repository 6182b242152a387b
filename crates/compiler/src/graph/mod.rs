//! The graph of stages, triggers and exported variables.

mod build;
mod cycles;

pub use build::{Edge, EdgeKind, Graph, Node, Variable, build};
pub use cycles::cycles;
