//! What stages declare about themselves.

pub(super) mod contract_mismatch;
