//! The order of tasks.

use std::collections::BTreeSet;

/// The names in a circle, for edges that lead from a name to one that it waits for.
pub(super) fn circle<'a>(edges: &[(&'a str, &'a str)]) -> BTreeSet<&'a str> {
    let mut left: BTreeSet<(&str, &str)> = edges.iter().copied().collect();
    loop {
        let waiting: BTreeSet<&str> = left.iter().map(|(from, _)| *from).collect();
        let awaited: BTreeSet<&str> = left.iter().map(|(_, to)| *to).collect();
        let before = left.len();
        // An edge can only be in a circle where something leads to its start and something leads on from its end.
        left.retain(|(from, to)| awaited.contains(from) && waiting.contains(to));
        if left.len() == before {
            return waiting;
        }
    }
}
