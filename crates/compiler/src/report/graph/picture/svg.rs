//! A picture as SVG: for a file of its own, and as the elements of a page.

use std::fmt::Write;

use super::layout::{Chip, Drawing, Fate, Line, Meaning, Point, Shape};
use super::measure::{NAME, SMALL, width};
use super::scene::Scene;
use super::story::Story;
use super::style::STYLE;
use crate::graph::{Edge, NodeKind};
use crate::report::escaped;

const MARGIN: i32 = 16;
const TITLE: i32 = 36;
const BETWEEN: i32 = 28;
const LEGEND: i32 = 34;
const CORNER: i32 = 6;

/// All scenes, one under the other, with one legend.
pub(in crate::report::graph) fn element(scenes: &[Scene<'_>], story: &Story<'_>) -> String {
    let legend = legend(scenes);
    let mut body = String::new();
    let mut y = MARGIN;
    let mut right = legend.as_ref().map_or(0, |(_, width)| *width);
    for scene in scenes {
        let title = format!("{}: {}", scene.title, story.name);
        right = right.max(width(&title, NAME) * 14 / 12).max(scene.drawing.width);
        push(&mut body, format_args!("<text class=\"title\" x=\"{MARGIN}\" y=\"{}\">{}</text>\n", y + 14, escaped(&title)));
        push(&mut body, format_args!("<g transform=\"translate({MARGIN} {})\">\n", y + TITLE));
        drawn(&mut body, scene, story);
        body.push_str("</g>\n");
        y += TITLE + scene.drawing.height + BETWEEN;
    }
    if scenes.is_empty() {
        push(&mut body, format_args!("<text x=\"{MARGIN}\" y=\"{}\">{}: no stages</text>\n", y + 14, escaped(story.name)));
        right = right.max(width(story.name, NAME) + 120);
        y += TITLE;
    }
    if let Some((legend, _)) = legend {
        push(&mut body, format_args!("<g class=\"legend\" transform=\"translate({MARGIN} {y})\">\n{legend}</g>\n"));
        y += LEGEND;
    } else {
        y = y - BETWEEN + MARGIN;
    }
    let (width, height) = (right + 2 * MARGIN, y);
    format!(
        "<svg class=\"pic\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>Stages, triggers and exported variables of {}</title>\n<style>{STYLE}</style>\n{body}</svg>\n",
        escaped(story.name)
    )
}

fn drawn(out: &mut String, scene: &Scene<'_>, story: &Story<'_>) {
    let Drawing { shapes, chips, lines, labels, .. } = &scene.drawing;
    let edge = |indices: &[usize]| indices.iter().map(|index| &scene.graph.edges[*index]).collect::<Vec<&Edge>>();
    for line in lines {
        draw_line(out, line, &edge(&line.edges), story);
    }
    for label in labels {
        push(out, format_args!("<text class=\"task\" x=\"{}\" y=\"{}\">{}</text>\n", label.x, label.y, escaped(&label.text)));
    }
    for shape in shapes {
        let node = &scene.graph.nodes[shape.node];
        let class = match node.kind {
            NodeKind::Stage => "stage",
            NodeKind::Async => "async",
            NodeKind::Missing => "missing",
        };
        let again = if shape.is_again { " again" } else { "" };
        push(
            out,
            format_args!(
                "<g class=\"node {class}{again}\" data-node=\"{}\"><title>{}</title>",
                escaped(&node.id),
                escaped(&story.node(node))
            ),
        );
        draw_shape(out, shape, node.kind);
        out.push_str("</g>\n");
    }
    for chip in chips {
        let names = if chip.names.len() == 1 { format!(" data-variable=\"{}\"", escaped(&chip.names[0])) } else { String::new() };
        let (from, to) = edge(&chip.edges).first().map_or(("", ""), |edge| (edge.from.as_str(), edge.to.as_str()));
        push(
            out,
            format_args!(
                "<g class=\"chip {}\" data-from=\"{}\" data-to=\"{}\"{names}><title>{}</title>",
                fate(chip.fate),
                escaped(from),
                escaped(to),
                escaped(&story.chip(chip, scene.graph))
            ),
        );
        draw_chip(out, chip);
        out.push_str("</g>\n");
    }
}

fn draw_shape(out: &mut String, shape: &Shape, kind: NodeKind) {
    let Shape { x, y, width, height, text, .. } = shape;
    let round = if kind == NodeKind::Stage { 5 } else { height / 2 };
    push(out, format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>"));
    label(out, x + width / 2, y + height / 2 + 4, text);
}

fn draw_chip(out: &mut String, chip: &Chip) {
    let Chip { x, y, width, height, text, .. } = chip;
    push(out, format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\"/>"));
    label(out, x + width / 2, y + height / 2 + 4, text);
}

fn label(out: &mut String, x: i32, y: i32, text: &str) {
    push(out, format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>", escaped(text)));
}

fn draw_line(out: &mut String, line: &Line, edges: &[&Edge], story: &Story<'_>) {
    let mut class = match line.meaning {
        Meaning::Order => "edge order",
        Meaning::Trigger => "edge trigger",
        Meaning::Again => "edge again",
    }
    .to_owned();
    for (is, name) in [(line.is_dashed, " dashed"), (line.is_cycle, " cycle")] {
        if is {
            class.push_str(name);
        }
    }
    let (from, to) = edges.first().map_or(("", ""), |edge| (edge.from.as_str(), edge.to.as_str()));
    push(
        out,
        format_args!(
            "<g class=\"{class}\" data-from=\"{}\" data-to=\"{}\"><title>{}</title><path d=\"{}\"/>",
            escaped(from),
            escaped(to),
            escaped(&story.edges(edges)),
            path(&line.points)
        ),
    );
    if line.has_arrow {
        push(out, format_args!("<path class=\"head\" d=\"{}\"/>", head(&line.points)));
    }
    out.push_str("</g>\n");
}

/// Straight lines with rounded corners.
fn path(points: &[Point]) -> String {
    let mut path = String::new();
    for (at, (x, y)) in points.iter().copied().enumerate() {
        if at == 0 {
            push(&mut path, format_args!("M{x} {y}"));
            continue;
        }
        let Some((next_x, next_y)) = points.get(at + 1).copied() else {
            push(&mut path, format_args!("L{x} {y}"));
            continue;
        };
        let (before_x, before_y) = points[at - 1];
        let toward = |(to_x, to_y): Point| {
            let (wide, high) = (to_x - x, to_y - y);
            let step = CORNER.min(wide.abs().max(high.abs()) / 2);
            (x + wide.signum() * step, y + high.signum() * step)
        };
        let ((a, b), (c, d)) = (toward((before_x, before_y)), toward((next_x, next_y)));
        push(&mut path, format_args!("L{a} {b}Q{x} {y} {c} {d}"));
    }
    path
}

/// The arrow at the end.
fn head(points: &[Point]) -> String {
    let [.., (from_x, from_y), (x, y)] = points else { return String::new() };
    let (wide, high) = ((x - from_x).signum(), (y - from_y).signum());
    // Back from the tip, and to both sides.
    let (back_x, back_y) = (x - wide * 7, y - high * 7);
    format!("M{x} {y}L{} {}L{} {}Z", back_x - high * 4, back_y - wide * 4, back_x + high * 4, back_y + wide * 4)
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Lost => "lost",
        Fate::Partly => "partly",
        Fate::Sent => "sent",
        Fate::Unread => "unread",
    }
}

/// What occurs in the scenes, and how wide that is.
fn legend(scenes: &[Scene<'_>]) -> Option<(String, i32)> {
    let kinds =
        |kind: NodeKind| scenes.iter().any(|scene| scene.drawing.shapes.iter().any(|shape| scene.graph.nodes[shape.node].kind == kind));
    let fates = |fate: Fate| scenes.iter().any(|scene| scene.drawing.chips.iter().any(|chip| chip.fate == fate && !chip.names.is_empty()));
    let lines = |is: &dyn Fn(&Line) -> bool| scenes.iter().any(|scene| scene.drawing.lines.iter().any(is));
    let shapes = [
        (kinds(NodeKind::Stage), "node stage", 5, "stage"),
        (kinds(NodeKind::Async), "node async", 8, "async stage"),
        (kinds(NodeKind::Missing), "node missing", 8, "not in the configuration"),
        (fates(Fate::Sent), "chip sent", 4, "exported, read"),
        (fates(Fate::Lost), "chip lost", 4, "read, not exported"),
        (fates(Fate::Partly), "chip partly", 4, "exported on some paths"),
        (fates(Fate::Unread), "chip unread", 4, "exported, not read"),
    ];
    let strokes = [
        (lines(&|line| line.meaning == Meaning::Trigger && line.is_dashed), "edge trigger dashed", "under a condition"),
        (lines(&|line| line.meaning == Meaning::Again), "edge again dashed", "another trigger of it"),
        (lines(&|line| line.is_cycle), "edge cycle", "cycle"),
    ];
    let mut out = String::new();
    let mut x = 0;
    let words = |out: &mut String, x: &mut i32, text: &str| {
        push(out, format_args!("<text class=\"soft\" x=\"{}\" y=\"12\">{text}</text>\n", *x + 32));
        *x += 32 + width(text, SMALL) + 20;
    };
    for (_, class, round, text) in shapes.iter().filter(|(is, ..)| *is) {
        push(&mut out, format_args!("<g class=\"{class}\"><rect x=\"{x}\" width=\"26\" height=\"16\" rx=\"{round}\"/></g>"));
        words(&mut out, &mut x, text);
    }
    for (_, class, text) in strokes.iter().filter(|(is, ..)| *is) {
        push(&mut out, format_args!("<g class=\"{class}\"><path d=\"M{x} 8h26\"/></g>"));
        words(&mut out, &mut x, text);
    }
    (!out.is_empty()).then_some((out, x - 20))
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}
