//! Text to trees with spans: YAML, and the shell of its scripts. Parsing never fails: what is not understood becomes an
//! error beside the tree.

pub mod shell;
pub mod yaml;
