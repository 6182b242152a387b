//! Bytes to a spanned tree, with comments and errors. Reading never fails: it returns what it understood.

mod bytes;
mod fault;
mod read;
mod scalar;
#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests;
mod tree;

pub use bytes::read_bytes;
pub use read::read;
pub use scalar::{ScalarKind, is_plain, written};
pub use tree::{Document, Duplicate, Entry, Node, NodeId, NodeKind, Scalar, ScalarStyle, YamlError};
