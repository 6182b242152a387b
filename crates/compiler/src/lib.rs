//! The compiler of sidestage: the text of a pipeline configuration and of its scripts in, findings, graph, plan and
//! emitted files out. It touches no file, clock, network or process: files come in through [`source::Files`].
//!
//! Data flows one way through the modules, in the order in which they are listed here; `ARCHITECTURE.md` has the map.

// `clippy.toml` beside the manifest lists what reaches the machine.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod source;

pub mod syntax;

pub mod platform;

pub mod config;

pub mod diagnostics;

pub mod flow;

pub mod origin;

pub mod proof;

pub mod graph;

pub mod rules;

pub mod filter;

pub mod compilation;

pub mod fix;

pub mod plan;

pub mod emit;

pub mod report;
