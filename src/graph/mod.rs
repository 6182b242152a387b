//! The graph of stages, triggers and exported variables.

mod cycles;

pub use cycles::cycles;
