//! All integration tests, in one crate: the program is linked once.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that panics has failed, as it should

mod architecture;
mod bad_input;
mod baseline;
#[cfg(target_os = "linux")]
mod bash_judge;
mod build;
mod ci;
mod cli;
#[cfg(feature = "http")]
mod clients;
mod corpus;
mod emitted;
mod fixes;
mod fixtures;
mod formats;
mod harness;
mod kinds;
#[cfg(feature = "http")]
mod pages;
mod payload;
mod pictures;
mod pipelinectl;
mod plan;
mod pre_commit;
mod properties;
mod random;
mod receiving;
mod rule_pages;
#[cfg(all(feature = "http", target_os = "linux"))]
mod run;
#[cfg(all(feature = "http", target_os = "linux"))]
mod run_page;
mod schemas;
#[cfg(feature = "http")]
mod serve;
mod settings;
mod shell_syntax;
mod site;
mod suppression;
#[cfg(all(feature = "http", target_os = "linux"))]
mod tekton;
mod terminal;
mod terraform;
#[cfg(feature = "http")]
mod trigger;
mod value_fixes;
#[cfg(feature = "http")]
mod webhook_faults;
#[cfg(feature = "http")]
mod webhook_setup;
#[cfg(feature = "http")]
mod wiring;
#[cfg(not(feature = "http"))]
mod without_http;
