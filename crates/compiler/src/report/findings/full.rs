//! `--format full`: code frames, related places and help, as a compiler shows them.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::Checked;
use crate::diagnostics::{Finding, Severity};
use crate::source::{FileId, Source, Span};

/// Lines of context around a marked line.
const CONTEXT: usize = 1;
/// Wider lines are cut around the mark by the renderer.
const WIDTH: usize = 120;

/// The findings, with colour codes: the stream that they are written to takes them out where they are not wanted.
pub fn full(checked: &Checked<'_>) -> String {
    let renderer = renderer();
    let mut text = String::new();
    for finding in checked.findings {
        text.push_str(&one(&renderer, checked, finding));
        text.push_str("\n\n");
    }
    text
}

/// How frames are drawn.
pub(crate) fn renderer() -> Renderer {
    Renderer::styled().decor_style(DecorStyle::Unicode).term_width(WIDTH)
}

fn one(renderer: &Renderer, checked: &Checked<'_>, finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level.primary_title(&finding.message).id(finding.rule.name());
    let label = finding.label.as_deref().unwrap_or_default();
    let own = Mark { span: finding.at.span, label, is_primary: true };
    let mut by_file: Vec<(FileId, Vec<Mark<'_>>)> = vec![(finding.at.file, vec![own])];
    for related in &finding.related {
        let mark = Mark { span: related.at.span, label: &related.message, is_primary: false };
        match by_file.iter_mut().find(|(file, _)| *file == related.at.file) {
            Some((_, marks)) => marks.push(mark),
            None => by_file.push((related.at.file, vec![mark])),
        }
    }
    let mut group = Group::with_title(title);
    for (file, marks) in by_file {
        let source = checked.sources.get(file);
        for window in windows(source, &checked.paths.show(source.path()), marks) {
            group = group.element(window);
        }
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
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

struct Mark<'a> {
    span: Span,
    label: &'a str,
    is_primary: bool,
}

/// The part of a file that holds marks. Only that part is given to the renderer: a large file is not read again
/// for each finding.
fn windows<'a>(source: &'a Source, path: &str, mut marks: Vec<Mark<'a>>) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let table = source.line_table();
    let text: &str = source.text();
    // The frame of the primary mark comes first: its line is the one that is printed after the arrow.
    marks.sort_by_key(|mark| (!mark.is_primary, mark.span));
    let mut frames: Vec<(usize, usize, Vec<Mark<'a>>)> = Vec::new();
    for mark in marks {
        let first = source.position(mark.span.start).line;
        let last = source.position(mark.span.end).line;
        match frames.iter_mut().find(|(start, end, _)| first + 40 >= *start && last <= *end + 40) {
            Some((start, end, marks)) => {
                *start = (*start).min(first);
                *end = (*end).max(last);
                marks.push(mark);
            }
            None => frames.push((first, last, vec![mark])),
        }
    }
    let snippets = frames.into_iter().map(|(first, last, marks)| {
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
