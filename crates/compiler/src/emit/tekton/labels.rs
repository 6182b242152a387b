//! Labels and annotations of the objects.

/// The set that an object belongs to.
pub(super) const PART_OF: &str = "app.kubernetes.io/part-of";
/// The kind of a pipeline.
pub(super) const PIPELINE: &str = "sidestage.dev/pipeline";
/// The async stage that a pipeline or a run is of.
pub(super) const STAGE: &str = "sidestage.dev/stage";
/// The run that has started a run.
pub(super) const PARENT: &str = "sidestage.dev/parent";
/// What a pipeline was made from.
pub(super) const STRUCTURE: &str = "sidestage.dev/structure";
