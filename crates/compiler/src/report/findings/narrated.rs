//! `--format narrated`: findings in sentences, without frames or glyphs, for screen readers.

use miette::NarratableReportHandler;

use super::Checked;
use crate::diagnostics::Located;

/// Lines around a marked line.
const CONTEXT: usize = 1;

/// The findings, one paragraph each.
pub fn narrated(checked: &Checked<'_>) -> String {
    let handler = NarratableReportHandler::new().with_context_lines(CONTEXT);
    let mut text = String::new();
    for finding in checked.findings {
        let located = Located::new(checked.sources, checked.paths, finding);
        // Writing to a string cannot fail, and every span is inside its file.
        let _ = handler.render_report(&mut text, &located);
        text.push('\n');
    }
    text
}
