//! The graph of stages, triggers and exported variables.

mod build;
mod cycles;

pub(crate) use build::node_id;
pub use build::{Edge, EdgeKind, Graph, Node, NodeKind, Spine, Variable, build, build_each, missing_triggers};
pub use cycles::cycles;
