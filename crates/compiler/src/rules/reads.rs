//! What happens where a key that is read is not there.

use crate::flow::Read;
use crate::rules::Context;

/// What a read without its key does, as the beginning of a label.
pub(crate) fn effect(context: &Context<'_>, read: &Read) -> &'static str {
    if read.is_soft() {
        "the default is always used"
    } else if has_empty_default(context, read) {
        "the default is empty, so the async run goes on without a value"
    } else {
        "fails here"
    }
}

/// Whether `""` follows the key: the script goes on, with nothing.
pub(crate) fn has_empty_default(context: &Context<'_>, read: &Read) -> bool {
    let text = context.sources.get(read.place.file).text();
    let rest = text.get(read.place.span.end as usize..).unwrap_or_default();
    let argument = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
    let default = argument.trim_start_matches([' ', '\t']);
    default.len() < argument.len()
        && ["\"\"", "''"].iter().any(|empty| {
            let after = default.strip_prefix(empty).map(|after| after.chars().next());
            after.is_some_and(|next| next.is_none_or(|next| next.is_whitespace() || matches!(next, ')' | ';' | '|' | '&' | '`' | '}')))
        })
}
