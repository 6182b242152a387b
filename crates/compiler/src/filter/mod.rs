//! From all findings to those that are told: comments hide some, the baseline knows some, levels turn some off, and what
//! several configurations share is told once. Every command filters in this one order.

pub mod baseline;
mod chosen;
mod levels;
pub mod suppression;

use std::collections::HashSet;

pub use levels::Levels;

use crate::config::settings::Settings;
use crate::diagnostics::Finding;
use crate::flow::Elsewhere;
use crate::source::PathsFrom;
use crate::source::Sources;
use baseline::Baseline;
use suppression::Ignores;

/// The findings of one file that was compiled, and what decides about them.
pub struct Part<'a> {
    /// The files.
    pub sources: &'a Sources,
    /// The comments in them that hide findings; what they hide is gone already.
    pub ignores: Option<&'a Ignores>,
    /// The settings that hold for it.
    pub settings: &'a Settings,
    /// Where the repository is, as it is seen from the baseline's folder.
    pub from_baseline: PathsFrom,
    /// Which repository it belongs to: paths are unique in it.
    pub repository: &'a str,
    /// The configuration's path, and the triggers in it that start runs of others; nothing for settings.
    pub configuration: Option<(&'a str, &'a [Elsewhere])>,
    /// The findings.
    pub findings: &'a mut Vec<Finding>,
}

/// Leaves those findings that are told; returns how many the baseline knew.
pub fn apply(parts: &mut [Part<'_>], baseline: Option<&mut Baseline>, levels: &Levels) -> usize {
    chosen::apply(parts);
    suppression::merge(parts);
    // Before levels: what is turned off for once is not gone from the baseline.
    let known = baseline.map_or(0, |baseline| baseline.subtract(parts));
    for part in parts.iter_mut() {
        levels.apply(part.settings, part.findings);
    }
    tell_once(parts);
    known
}

/// Scripts that several configurations share are told of by the first.
fn tell_once(parts: &mut [Part<'_>]) {
    if parts.len() < 2 {
        return;
    }
    let mut told = HashSet::new();
    for part in parts {
        part.findings.retain(|finding| {
            let path = part.sources.get(finding.at.file).path().to_owned();
            told.insert((part.repository, path, finding.at.span, finding.rule, finding.line()))
        });
    }
}
