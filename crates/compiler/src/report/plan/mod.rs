//! The plan as text; its JSON is derived from its types.

mod text;

pub use text::text;
