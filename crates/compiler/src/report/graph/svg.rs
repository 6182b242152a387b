//! The graph as a picture.

use layout::backends::svg::SVGWriter;
use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::geometry::Point;
use layout::core::style::{LineStyleKind, StyleAttr};
use layout::std_shapes::shapes::{Arrow, Element, LineEndKind, ShapeKind};
use layout::topo::layout::VisualGraph;

use super::draw::label;
use crate::graph::{EdgeKind, Graph};

/// Pictures of more nodes and edges than this are no help to anybody, and take long to lay out.
const MAX_PARTS: usize = 2_000;
/// One size only, so that the style sheet has one line.
const FONT: usize = 14;

/// The graph is too large for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    /// Its nodes and edges.
    pub parts: usize,
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the graph has {} nodes and edges, too many for a picture ({MAX_PARTS}); use `--format dot` or `json`", self.parts)
    }
}

impl std::error::Error for TooLarge {}

/// An SVG picture, laid out here.
pub fn svg(graph: &Graph) -> Result<String, TooLarge> {
    let parts = graph.nodes.len() + graph.edges.len();
    if parts > MAX_PARTS {
        return Err(TooLarge { parts });
    }
    let mut visual = VisualGraph::new(Orientation::LeftToRight);
    let color = |rgb: u32| Color::new((rgb << 8) | 0xff);
    let handles: Vec<_> = graph
        .nodes
        .iter()
        .map(|node| {
            let fill = if node.is_async { color(0x00e8_f0fe) } else { color(0x00ff_ffff) };
            let rounded = if node.is_async { 15 } else { 0 };
            let style = StyleAttr::new(color(0x0033_3333), 1, Some(fill), rounded, FONT);
            let letters = u32::try_from(node.stage.chars().count()).unwrap_or(u32::MAX);
            let size = Point::new(9.0 * f64::from(letters) + 24.0, 40.0);
            visual.add_node(Element::create(ShapeKind::new_box(&node.stage), style, Orientation::LeftToRight, size))
        })
        .collect();
    let place = |id: &str| graph.nodes.iter().position(|node| node.id == id).map(|index| handles[index]);
    for edge in &graph.edges {
        let (Some(from), Some(to)) = (place(&edge.from), place(&edge.to)) else { continue };
        let (line, rgb, text) = match edge.kind {
            EdgeKind::Trigger if edge.certain => (LineStyleKind::Normal, 0x001a_56c4, label(edge).join("\n")),
            EdgeKind::Trigger => (LineStyleKind::Dashed, 0x001a_56c4, label(edge).join("\n")),
            EdgeKind::Order => (LineStyleKind::Dotted, 0x0099_9999, String::new()),
        };
        let look = StyleAttr::new(color(rgb), 1, None, 0, FONT);
        let arrow = Arrow::new(LineEndKind::None, LineEndKind::Arrow, line, &text, &look, &None, &None);
        visual.add_edge(arrow, from, to);
    }
    let mut writer = SVGWriter::new();
    visual.do_it(false, false, false, &mut writer);
    Ok(writer.finalize())
}
