//! The graph as DOT, Mermaid, SVG and JSON.

mod draw;
mod json;
mod svg;

pub use draw::{dot, mermaid};
pub use json::{GraphOut, json};
pub use svg::{TooLarge, svg};
