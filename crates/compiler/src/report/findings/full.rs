//! `--format full`: code frames, related places and help, as a compiler shows them.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::Checked;
use crate::diagnostics::{Finding, Severity};
use crate::report::Look;
use crate::source::{FileId, Location, Source, Span};

/// Lines of context around a marked line.
const CONTEXT: usize = 1;
/// Marks that are fewer lines apart than this are in one frame.
const NEAR: usize = 40;
/// What stands left of a line of code.
const GUTTER: usize = 8;
/// What stands before a help or a note, at most.
const MARGIN: usize = 16;

/// The findings, with colour codes where the look has colours.
pub fn full(checked: &Checked<'_>, look: Look) -> String {
    let renderer = renderer(look);
    let mut text = String::new();
    for finding in checked.findings {
        text.push_str(&one(&renderer, checked, finding, look));
        text.push_str("\n\n");
    }
    text
}

/// How frames are drawn: in ASCII, which every font has. Wider lines are cut around the mark.
pub(crate) fn renderer(look: Look) -> Renderer {
    let renderer = if look.colours { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(look.frame()).hyperlink(look.links)
}

fn one(renderer: &Renderer, checked: &Checked<'_>, finding: &Finding, look: Look) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let name = finding.rule.name();
    let title = look.wrapped(&finding.message, finding.severity.name().len() + name.len() + 4);
    let title = level.primary_title(title).id(name).id_url(finding.rule.url());
    let label = finding.label.as_deref().unwrap_or_default();
    // What has no room beside its mark goes below the frame.
    let mut below = Vec::new();
    let mut beside = |at: Location, text: &str| {
        let source = checked.sources.get(at.file);
        let end = source.position(at.span.end);
        if look.fits(text, GUTTER + end.column) {
            return true;
        }
        below.push(format!("{}:{}: {text}", checked.paths.show(source.path()), end.line));
        false
    };
    let has_room = beside(finding.at, label);
    let own = Mark { span: finding.at.span, label: if has_room { label } else { "" }, is_primary: true };
    let mut by_file: Vec<(FileId, Vec<Mark<'_>>)> = vec![(finding.at.file, vec![own])];
    for related in &finding.related {
        let has_room = beside(related.at, &related.message);
        let mark = Mark { span: related.at.span, label: if has_room { &related.message } else { "" }, is_primary: false };
        match by_file.iter_mut().find(|(file, _)| *file == related.at.file) {
            Some((_, marks)) => marks.push(mark),
            None => by_file.push((related.at.file, vec![mark])),
        }
    }
    let mut group = Group::with_title(title);
    for (file, marks) in by_file {
        let source = checked.sources.get(file);
        for window in windows(source, &checked.paths.show(source.path()), marks, look) {
            group = group.element(window);
        }
    }
    for text in &below {
        group = group.element(Level::NOTE.message(look.wrapped(text, MARGIN)));
    }
    if !finding.pipelines.is_empty() && finding.pipelines.len() < 3 {
        let names: Vec<String> = finding.pipelines.iter().map(|pipeline| pipeline.name().to_uppercase()).collect();
        group = group.element(Level::NOTE.message(format!(
            "in the {} pipeline{}",
            names.join(" and "),
            if names.len() == 1 { "" } else { "s" }
        )));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(look.wrapped(help, MARGIN)));
    }
    renderer.render(&[group])
}

struct Mark<'a> {
    span: Span,
    label: &'a str,
    is_primary: bool,
}

/// Marks that are shown together: first and last line and column.
struct Frame<'a> {
    lines: (usize, usize),
    columns: (usize, usize),
    marks: Vec<Mark<'a>>,
}

impl<'a> Frame<'a> {
    /// Whether a mark is near by lines, and no line must be cut between it and the others.
    fn is_near(&self, lines: (usize, usize), columns: (usize, usize), look: Look) -> bool {
        let is_near = lines.0 + NEAR >= self.lines.0 && lines.1 <= self.lines.1 + NEAR;
        let width = self.columns.1.max(columns.1) - self.columns.0.min(columns.0);
        is_near && look.columns.is_none_or(|room| width + 2 * GUTTER <= room)
    }

    fn add(&mut self, mark: Mark<'a>, lines: (usize, usize), columns: (usize, usize)) {
        self.lines = (self.lines.0.min(lines.0), self.lines.1.max(lines.1));
        self.columns = (self.columns.0.min(columns.0), self.columns.1.max(columns.1));
        self.marks.push(mark);
    }
}

/// The part of a file that holds marks. Only that part is given to the renderer: a large file is not read again
/// for each finding.
fn windows<'a>(
    source: &'a Source,
    path: &str,
    mut marks: Vec<Mark<'a>>,
    look: Look,
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let table = source.line_table();
    let text: &str = source.text();
    // The frame of the primary mark comes first: its line is the one that is printed after the arrow.
    marks.sort_by_key(|mark| (!mark.is_primary, mark.span));
    let mut frames: Vec<Frame<'a>> = Vec::new();
    for mark in marks {
        let (start, end) = (source.position(mark.span.start), source.position(mark.span.end));
        let columns = (start.column, if start.line == end.line { end.column } else { start.column });
        match frames.iter_mut().find(|frame| frame.is_near((start.line, end.line), columns, look)) {
            Some(frame) => frame.add(mark, (start.line, end.line), columns),
            None => frames.push(Frame { lines: (start.line, end.line), columns, marks: vec![mark] }),
        }
    }
    let snippets = frames.into_iter().map(|Frame { lines: (first, last), marks, .. }| {
        let first = first.saturating_sub(CONTEXT).max(1);
        let start = table.line_start(first);
        let end = if last + CONTEXT >= table.lines() { text.len() } else { table.line_start(last + CONTEXT + 1) };
        let window = text[start..end].trim_end_matches(['\r', '\n']);
        let annotations = marks.into_iter().map(|mark| {
            let from = (mark.span.start as usize).saturating_sub(start).min(window.len());
            let to = (mark.span.end as usize).saturating_sub(start).clamp(from, window.len());
            let kind = if mark.is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(from..to);
            if mark.label.is_empty() { annotation } else { annotation.label(mark.label) }
        });
        Snippet::source(window).line_start(first).path(path.to_owned()).annotations(annotations)
    });
    snippets.collect()
}
