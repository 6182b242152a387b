//! Findings as text, as JSON, and in the formats of other tools.

mod concise;
mod diff;
mod full;
mod github;
mod gitlab;
mod json;
mod junit;
mod located;
mod narrated;
mod proof;
mod sarif;

pub use concise::concise;
pub use diff::diff;
pub use full::full;
pub(crate) use full::renderer;
pub use github::github;
pub use gitlab::gitlab;
pub use json::{Report, Summary, json};
pub use junit::junit;
pub use narrated::narrated;
pub use proof::proof;
pub use sarif::sarif;

use crate::diagnostics::{Finding, Safety};
use crate::proof::Proof;
use crate::source::PathsFrom;
use crate::source::{Location, Place, Sources};

/// The findings of one configuration with the files that they are about.
pub struct Checked<'a> {
    /// The files.
    pub sources: &'a Sources,
    /// The findings.
    pub findings: &'a [Finding],
    /// How much of what crosses is known; nothing for a settings file.
    pub proof: Option<&'a Proof>,
    /// How its paths are written.
    pub paths: &'a PathsFrom,
}

impl Checked<'_> {
    /// A place with its path as it is written.
    fn place(&self, at: Location) -> Place {
        Place::new(self.sources, at).shown(|path| self.paths.show(path))
    }
}

/// How many findings have a safe fix, and how many an unsafe one: `2 can be fixed with --fix`. Empty where none has.
pub fn fixable(checked: &[Checked<'_>]) -> String {
    let fixes = || checked.iter().flat_map(|checked| checked.findings).filter_map(|finding| finding.fix.as_ref());
    let of = |safety| fixes().filter(|fix| fix.safety == safety).count();
    match (of(Safety::Safe), of(Safety::Unsafe)) {
        (0, 0) => String::new(),
        (safe, 0) => format!("{safe} can be fixed with `--fix`.\n"),
        (0, not) => format!("{not} can be fixed with `--fix --unsafe-fixes`: review the change.\n"),
        (safe, not) => format!("{safe} can be fixed with `--fix`, {not} more with `--unsafe-fixes`.\n"),
    }
}

/// `1 error, 2 warnings`.
pub fn tally(summary: &Summary) -> String {
    let count = |number: usize, name: &str| format!("{number} {name}{}", if number == 1 { "" } else { "s" });
    let mut parts = vec![count(summary.errors, "error"), count(summary.warnings, "warning")];
    if summary.infos > 0 {
        parts.push(count(summary.infos, "note"));
    }
    parts.join(", ")
}
