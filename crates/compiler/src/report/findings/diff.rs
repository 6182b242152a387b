//! `--diff`: what fixes change, as `git apply` and `patch -p1` read it.

use similar::TextDiff;

/// Lines around a change.
const CONTEXT: usize = 3;

/// The difference between two texts of a file, as a unified diff; empty where there is none.
pub fn diff(path: &str, before: &str, after: &str) -> String {
    // For a patch only `\n` ends a line.
    let lines = |text| str::split_inclusive(text, '\n').collect::<Vec<_>>();
    let (before, after) = (lines(before), lines(after));
    let diff = TextDiff::configure().newline_terminated(true).diff_slices(&before, &after);
    // Behind a tab a name may hold blanks.
    let end = if path.contains(' ') { "\t" } else { "" };
    diff.unified_diff().context_radius(CONTEXT).header(&format!("a/{path}{end}"), &format!("b/{path}{end}")).to_string()
}
