//! The comments that speak to sidestage.

pub(super) mod unused_ignore;
