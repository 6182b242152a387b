//! Cycles of named things.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

/// Of a tangle with more links than this only the first are followed: nobody reads a thousand circles.
const MAX_LINKS: usize = 1_000;

/// Every way round: for each link that is part of a circle, the shortest circle through it. Each circle is
/// given once, beginning with its smallest name; the shortest come first.
pub fn cycles<'a>(links: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Vec<&'a str>> {
    let graph: DiGraphMap<&str, ()> = DiGraphMap::from_edges(links);
    let mut found = BTreeSet::new();
    for component in tarjan_scc(&graph) {
        let members: BTreeSet<&str> = component.iter().copied().collect();
        let links = members.iter().flat_map(|from| graph.neighbors(from).map(|to| (*from, to)));
        for (from, to) in links.filter(|(_, to)| members.contains(to)).take(MAX_LINKS) {
            if let Some(mut cycle) = shortest_path(&graph, &members, to, from) {
                let smallest = cycle.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(index, _)| index);
                cycle.rotate_left(smallest);
                found.insert((cycle.len(), cycle));
            }
        }
    }
    found.into_iter().map(|(_, cycle)| cycle).collect()
}

fn shortest_path<'a>(graph: &DiGraphMap<&'a str, ()>, members: &BTreeSet<&'a str>, from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
    let mut before = BTreeMap::from([(from, from)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(name) = waiting.pop_front() {
        if name == to {
            let mut path = vec![to];
            let mut at = to;
            while at != from {
                at = before[at];
                path.push(at);
            }
            path.reverse();
            return Some(path);
        }
        for next in graph.neighbors(name).filter(|next| members.contains(next)) {
            if !before.contains_key(next) {
                before.insert(next, name);
                waiting.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::cycles;

    #[test]
    fn every_cycle_is_found_the_shortest_first() {
        let links = [("a", "b"), ("b", "c"), ("c", "a"), ("b", "a"), ("d", "d"), ("x", "a")];
        assert_eq!(cycles(links), [vec!["d"], vec!["a", "b"], vec!["a", "b", "c"]]);
        assert!(cycles([("a", "b"), ("b", "c")]).is_empty());
    }
}
