//! What is exported for an async stage, and when.

mod before_trigger;
pub(super) mod conditional_export;
pub(super) mod export_without_trigger;
pub(super) mod late_export;
pub(super) mod orphan_export;
pub(super) mod payload_too_large;
pub(super) mod shell_variable_not_sent;
pub(super) mod unexported_parameter;
pub(super) mod unexported_variable;
pub(super) mod unproven_export;
pub(super) mod unused_export;
