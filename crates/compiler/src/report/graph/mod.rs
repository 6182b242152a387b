//! The graph as text (DOT, Mermaid), as JSON, as a picture, and as a page.

mod dot;
mod json;
mod label;
mod mermaid;
mod page;
mod picture;

pub use dot::dot;
pub use json::{GraphOut, json};
pub use mermaid::{TooLarge, mermaid};
pub use page::html;
pub use picture::{Pictured, svg};
