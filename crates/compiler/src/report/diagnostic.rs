//! Any diagnostic of the `miette` protocol, drawn as findings are: for errors of the program itself.

use annotate_snippets::{AnnotationKind, Group, Level, Snippet};
use miette::{Diagnostic, LabeledSpan, Severity};

use super::Look;
use super::findings::renderer;

/// The diagnostic with its frame, where it has a place, and its help.
pub fn diagnostic(diagnostic: &dyn Diagnostic, look: Look) -> String {
    let level = match diagnostic.severity() {
        None | Some(Severity::Error) => Level::ERROR,
        Some(Severity::Warning) => Level::WARNING,
        Some(Severity::Advice) => Level::NOTE,
    };
    let title = diagnostic.to_string();
    let title = look.wrapped(&title, 9).into_owned();
    let help = diagnostic.help().map(|help| help.to_string());
    let group = Group::with_title(level.primary_title(&title));
    let Some(Frame { path, line, text, mark, label }) = &frame(diagnostic) else {
        // Without a frame there is no margin for the help to hang on.
        let help = help.map_or_else(String::new, |help| format!("\n{}", look.indented(&help, "help: ", "      ")));
        return renderer(look).render(&[group]) + &help;
    };
    let annotation = AnnotationKind::Primary.span(mark.clone());
    let annotation = if label.is_empty() { annotation } else { annotation.label(label) };
    let mut group = group.element(Snippet::source(text).line_start(*line).path(path).annotation(annotation));
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(look.wrapped(help, 16)));
    }
    renderer(look).render(&[group])
}

/// The line of a place.
struct Frame {
    path: String,
    line: usize,
    text: String,
    mark: std::ops::Range<usize>,
    label: String,
}

fn frame(diagnostic: &dyn Diagnostic) -> Option<Frame> {
    let source = diagnostic.source_code()?;
    let place: LabeledSpan = diagnostic.labels()?.next()?;
    let lines = source.read_span(place.inner(), 1, 1).ok()?;
    let text = String::from_utf8_lossy(lines.data()).trim_end_matches(['\r', '\n']).to_owned();
    let start = place.offset().saturating_sub(lines.span().offset()).min(text.len());
    let end = (start + place.len()).min(text.len());
    Some(Frame {
        path: lines.name().unwrap_or_default().to_owned(),
        line: lines.line() + 1,
        text,
        mark: start..end,
        label: place.label().unwrap_or_default().to_owned(),
    })
}
