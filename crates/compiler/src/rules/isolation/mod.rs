//! What never crosses to an async run.

pub(super) mod exported_secret;
pub(super) mod file_not_sent;
pub(super) mod one_way_data;
pub(super) mod repo_without_commit;
pub(super) mod secret_not_sent;
