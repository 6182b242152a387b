//! One answer about an ignore in a script that several configurations reach.

use std::collections::BTreeMap;

use super::FileIgnores;
use crate::diagnostics::{RuleId, sort};
use crate::filter::Part;

/// Makes the findings about ignores those of all parts together: in a file that several of them read, an ignore is
/// unused only where none of them used it, and it is reported once, by the first.
pub(in crate::filter) fn merge(parts: &mut [Part<'_>]) {
    let mut readers: BTreeMap<(&str, &str), Vec<(usize, usize)>> = BTreeMap::new();
    for (part, each) in parts.iter().enumerate() {
        let files = each.ignores.iter().flat_map(|ignores| &ignores.files);
        for (index, file) in files.enumerate() {
            readers.entry((each.repository, &file.path)).or_default().push((part, index));
        }
    }
    let files = |(part, index): &(usize, usize)| parts[*part].ignores.and_then(|ignores| ignores.files.get(*index));
    let mut shared: Vec<(Vec<usize>, FileIgnores)> = Vec::new();
    for known in readers.into_values().filter(|known| known.len() > 1) {
        let mut all = known.iter().filter_map(files);
        let Some(mut joined) = all.next().cloned() else { continue };
        // Standard input may replace a file that exists too: those are two texts.
        if !known.iter().filter_map(files).all(|file| file.is_same(&joined)) {
            continue;
        }
        for other in all {
            joined.is_judged &= other.is_judged;
            for (ignore, again) in joined.ignores.iter_mut().zip(&other.ignores) {
                ignore.is_used |= again.is_used;
            }
        }
        shared.push((known.into_iter().map(|(part, _)| part).collect(), joined));
    }
    for (readers, joined) in shared {
        for reader in &readers {
            let Part { sources, findings, .. } = &mut parts[*reader];
            findings.retain(|finding| finding.rule != RuleId::UnusedIgnore || sources.get(finding.at.file).path() != joined.path);
        }
        if let Some(first) = readers.first().and_then(|first| parts.get_mut(*first)) {
            first.findings.extend(joined.unused());
            sort(first.findings, first.sources);
        }
    }
}
