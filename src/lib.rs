//! sidestage: a compiler for async pipeline stages.
//!
//! It reads a pipeline configuration and the scripts that it reaches, proves that every async stage exists and
//! gets the data that it reads, draws the graph, and emits what triggers the stages. Data flows one way through
//! the modules, in the order in which they stand here; `ARCHITECTURE.md` has the map.

pub mod source;

pub mod yaml;

pub mod shell;

pub mod platform;

pub mod model;

pub mod schema;

pub mod settings;

pub mod flow;

pub mod graph;

pub mod rules;

pub mod suppression;

pub mod baseline;

pub mod compilation;

pub mod fix;

pub mod plan;

pub mod emit;

pub mod report;

pub mod apply;

pub mod pipelinectl;

pub mod run;

pub mod cli;
