//! The last line of text: how much is proven.

use std::collections::BTreeSet;

use super::Checked;
use crate::proof::Proof;
use crate::source::Location;

/// More places than this are counted.
const MAX_PLACES: usize = 3;

/// ``2 triggers, 9 variables cross: 8 proven, 1 not: `scripts/x:14` cannot be followed``. Empty where nothing triggers.
pub fn proof(checked: &[Checked<'_>]) -> String {
    let proofs = || checked.iter().filter_map(|checked| Some((checked, checked.proof?)));
    let sum = |count: fn(&Proof) -> usize| proofs().map(|(_, proof)| count(proof)).sum::<usize>();
    let (triggers, proven, unproven) = (sum(|proof| proof.triggers), sum(|proof| proof.proven), sum(|proof| proof.unproven.len()));
    let mut unfollowed = BTreeSet::new();
    let mut cut = BTreeSet::new();
    for (checked, proof) in proofs() {
        let is_cut = |at: &Location| proof.cut.contains(at);
        let because = proof.unproven.iter().map(|unproven| unproven.because.place);
        unfollowed.extend(because.filter(|at| !is_cut(at)).map(|at| line_of(checked, at)));
        cut.extend(proof.cut.iter().map(|at| line_of(checked, *at)));
    }
    let mut unseen = (BTreeSet::new(), BTreeSet::new());
    for (checked, one) in proofs().flat_map(|(checked, proof)| proof.unseen.iter().map(move |unseen| (checked, unseen))) {
        unseen.0.insert(format!("`{}`", one.stage));
        unseen.1.insert(line_of(checked, one.because.place));
    }
    let mut reasons = Vec::new();
    if !unfollowed.is_empty() {
        reasons.push(format!("{} cannot be followed", listed(&unfollowed)));
    }
    if !cut.is_empty() {
        reasons.push(format!("the script is too long to follow from {}", listed(&cut)));
    }
    let reasons = reasons.join("; ");
    if triggers == 0 {
        return if cut.is_empty() { String::new() } else { format!("No trigger found: {reasons}.\n") };
    }
    let crossing = match proven + unproven {
        0 => "no variable crosses".to_owned(),
        1 => format!("1 variable crosses: {proven} proven"),
        number => format!("{number} variables cross: {proven} proven"),
    };
    let not = if unproven == 0 { String::new() } else { format!(", {unproven} not") };
    let because = if reasons.is_empty() { String::new() } else { format!(": {reasons}") };
    let plural = if triggers == 1 { "" } else { "s" };
    let reads = if unseen.0.is_empty() {
        String::new()
    } else {
        let (stages, places) = (first_of(unseen.0.into_iter().collect()), listed(&unseen.1));
        format!(" Not all that {stages} may read is known: {places} cannot be followed.")
    };
    format!("{triggers} trigger{plural}, {crossing}{not}{because}.{reads}\n")
}

/// File and line, as they are sorted.
fn line_of(checked: &Checked<'_>, at: Location) -> (String, usize) {
    let source = checked.sources.get(at.file);
    (checked.paths.show(source.path()), source.position(at.span.start).line)
}

/// `` `a:1`, `b:2` and 4 more``.
fn listed(places: &BTreeSet<(String, usize)>) -> String {
    first_of(places.iter().map(|(path, line)| format!("`{path}:{line}`")).collect())
}

/// `a, b and 4 more`.
fn first_of(mut parts: Vec<String>) -> String {
    if parts.len() > MAX_PLACES {
        let more = format!("{} more", parts.len() - MAX_PLACES);
        parts.truncate(MAX_PLACES);
        parts.push(more);
    }
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::listed;

    #[test]
    fn three_places_are_named_and_the_rest_is_counted() {
        let places = |number: usize| (1..=number).map(|line| ("x".to_owned(), line)).collect::<BTreeSet<_>>();
        assert_eq!(listed(&places(1)), "`x:1`");
        assert_eq!(listed(&places(2)), "`x:1` and `x:2`");
        assert_eq!(listed(&places(3)), "`x:1`, `x:2` and `x:3`");
        assert_eq!(listed(&places(5)), "`x:1`, `x:2`, `x:3` and 2 more");
    }
}
