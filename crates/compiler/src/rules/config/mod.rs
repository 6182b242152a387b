//! The configuration file itself: syntax, keys, order.

pub(super) mod dangling_run_after;
pub(super) mod dependency_cycle;
pub(super) mod duplicate_key;
pub(super) mod invalid_config;
pub(super) mod invalid_yaml;
mod keys;
pub(super) mod misplaced_key;
pub mod settings_file;
pub(super) mod unknown_key;
