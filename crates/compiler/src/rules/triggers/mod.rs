//! Which stages are triggered, and whether they are there.

pub(super) mod invalid_stage_name;
pub(super) mod missing_stage;
pub(super) mod trigger_cycle;
pub(super) mod unreachable_stage;
pub(super) mod unresolved_trigger;
