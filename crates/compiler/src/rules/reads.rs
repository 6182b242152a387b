//! What the rules about keys say alike: what happens where one is not there, and how the parent came by it.

use super::Context;
use crate::flow::{Read, Run, WithoutKey};
use crate::source::Location;

/// What a read without its key does, as the beginning of a label.
pub(crate) fn effect(read: &Read) -> &'static str {
    match read.without {
        _ if read.is_soft() => "the default is always used",
        WithoutKey::GoesOnEmpty => "the default is empty, so the async run goes on without a value",
        WithoutKey::GoesOn | WithoutKey::Fails => "fails here",
    }
}

/// How the parent of a run came by a value, at one of the places that tell it: it set it, or, itself an async stage, it was
/// sent it.
pub(crate) fn given(context: &Context<'_>, run: &Run, place: Location) -> String {
    let has_set = || context.flow.stage(run.from).sets().any(|set| set.place == place);
    if run.from_async && !has_set() { format!("sent to `{}` here", context.model.stage(run.from).name.name) } else { "set here".to_owned() }
}
