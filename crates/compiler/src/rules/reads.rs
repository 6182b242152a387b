//! What happens where a key that is read is not there.

use crate::flow::{Read, WithoutKey};

/// What a read without its key does, as the beginning of a label.
pub(crate) fn effect(read: &Read) -> &'static str {
    match read.without {
        _ if read.is_soft() => "the default is always used",
        WithoutKey::GoesOnEmpty => "the default is empty, so the async run goes on without a value",
        WithoutKey::GoesOn | WithoutKey::Fails => "fails here",
    }
}
