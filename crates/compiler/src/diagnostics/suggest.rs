//! "Did you mean".

/// Among more names than this none is looked for: for each misspelt one, all would be compared.
const MAX_CANDIDATES: usize = 1_000;

/// The one candidate that a misspelt name surely means; `None` where there is none, or more than one.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    let mut is_unique = true;
    let length = name.chars().count();
    let candidates: Vec<&str> = candidates.into_iter().take(MAX_CANDIDATES + 1).collect();
    if candidates.len() > MAX_CANDIDATES {
        return None;
    }
    for candidate in candidates {
        // As many separators may come or go as a name is long.
        if candidate.len() > length * 2 + allowed || candidate.len() * 2 + allowed < length {
            continue;
        }
        let Some(distance) = distance(name, candidate, allowed).filter(|_| candidate != name) else { continue };
        match best {
            Some((smallest, known)) if distance == smallest && known != candidate => is_unique = false,
            Some((smallest, _)) if distance >= smallest => {}
            _ => {
                best = Some((distance, candidate));
                is_unique = true;
            }
        }
    }
    best.filter(|_| is_unique).map(|(_, candidate)| candidate)
}

/// Edits between two names, if no more are needed than are allowed; a different case or separator is no more than one.
fn distance(left: &str, right: &str, allowed: usize) -> Option<usize> {
    if at_least(left, right) > allowed {
        return None;
    }
    if plain(left).eq(plain(right)) {
        return Some(1);
    }
    let (left, right) = differing(left, right);
    Some(strsim::osa_distance(left, right)).filter(|edits| *edits <= allowed)
}

/// Edits that are surely needed: one for each letter or digit that the other name does not have, in either case.
fn at_least(left: &str, right: &str) -> usize {
    let set = |text: &str| {
        let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
        letters.fold(0_u64, |set, byte| set | 1 << (byte.to_ascii_lowercase() & 63))
    };
    let (of_left, of_right) = (set(left), set(right));
    (of_left & !of_right).count_ones().max((of_right & !of_left).count_ones()) as usize
}

/// Two names without what they begin and end with alike, which costs no edit.
fn differing<'a>(left: &'a str, right: &'a str) -> (&'a str, &'a str) {
    let alike = |pairs: &mut dyn Iterator<Item = (char, char)>| pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let begin: usize = alike(&mut left.chars().zip(right.chars()));
    let (left, right) = (&left[begin..], &right[begin..]);
    let end: usize = alike(&mut left.chars().rev().zip(right.chars().rev()));
    (&left[..left.len() - end], &right[..right.len() - end])
}

fn plain(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{differing, nearest};

    #[test]
    fn one_near_name_is_meant_and_two_are_a_guess() {
        let stages = ["owasp-zap", "owasp-zap-ui", "deploy"];
        assert_eq!(nearest("owasp-zpa", stages), Some("owasp-zap"));
        assert_eq!(nearest("owasp_zap", stages), Some("owasp-zap"));
        assert_eq!(nearest("release", stages), None);
        assert_eq!(nearest("ab", ["ac", "ad"]), None, "two are as near");
        assert_eq!(nearest("imagePullPolicy", ["image_pull_policy", "image"]), Some("image_pull_policy"));
    }

    proptest! {
        #[test]
        fn what_is_alike_at_both_ends_costs_no_edit(left in "[aµb]{0,6}", right in "[aµb]{0,6}") {
            let (inner_left, inner_right) = differing(&left, &right);
            prop_assert_eq!(strsim::osa_distance(inner_left, inner_right), strsim::osa_distance(&left, &right));
        }
    }
}
