//! Where everything is: rows from top to bottom, and the lines between them. Sizes are pixels.

use std::collections::{BTreeMap, HashMap};

use super::lanes::lanes;
use super::measure::{NAME, SMALL, cut, width};
use crate::graph::{Edge, EdgeKind, Graph, NodeKind, Variable};

/// From stage to stage.
const ROW: i32 = 44;
/// From async stage to async stage.
const ASYNC_ROW: i32 = 38;
const BOX: i32 = 28;
const CHIP: i32 = 20;
const CHIP_LINE: i32 = 25;
const LANE: i32 = 12;
/// Between the column of the stages and the async stages.
const GAP: i32 = 64;
const INDENT: i32 = 28;
/// Deeper ones are drawn under each other.
const MAX_INDENTS: i32 = 8;
/// Chips go on in a new line here, as seen from the left edge of the async stages.
const CHIPS_END: i32 = 760;
/// More variables than this are counted.
const MAX_CHIPS: usize = 24;
const TASK_LABEL: i32 = 20;

/// A point.
pub(super) type Point = (i32, i32);

/// A picture without words about places.
#[derive(Default)]
pub(in crate::report::graph) struct Drawing {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) shapes: Vec<Shape>,
    pub(super) chips: Vec<Chip>,
    pub(super) lines: Vec<Line>,
    pub(super) labels: Vec<Label>,
}

/// A stage.
pub(super) struct Shape {
    pub(super) node: usize,
    /// Whether its own shape is elsewhere: this is one more trigger of it.
    pub(super) is_again: bool,
    pub(super) text: String,
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Shape {
    fn right(&self) -> i32 {
        self.x + self.width
    }

    fn middle(&self) -> i32 {
        self.y + self.height / 2
    }
}

/// What happens to a variable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fate {
    /// It is read and not exported.
    Lost,
    /// It is read, and exported on only some paths.
    Partly,
    /// It is exported and read.
    Sent,
    /// It is exported and not read.
    Unread,
}

/// A variable beside an async stage.
pub(super) struct Chip {
    pub(super) fate: Fate,
    /// The names that it stands for.
    pub(super) names: Vec<String>,
    pub(super) text: String,
    /// The edges that carry it.
    pub(super) edges: Vec<usize>,
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// What a line means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// One stage after the other.
    Order,
    /// A trigger.
    Trigger,
    /// From one more trigger to the stage that it starts.
    Again,
}

/// A line with an arrow at its end.
pub(super) struct Line {
    pub(super) meaning: Meaning,
    pub(super) is_dashed: bool,
    pub(super) is_cycle: bool,
    pub(super) has_arrow: bool,
    pub(super) points: Vec<Point>,
    pub(super) edges: Vec<usize>,
}

/// A text beside something.
pub(super) struct Label {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) text: String,
}

/// All triggers of one stage by another.
struct Call {
    to: usize,
    edges: Vec<usize>,
}

/// Draws a pipeline.
pub(super) fn drawing(graph: &Graph) -> Drawing {
    let spine: Vec<&str> = graph.pipelines.iter().flat_map(|spine| spine.stages.iter().map(String::as_str)).collect();
    column(graph, &spine)
}

fn column(graph: &Graph, spine: &[&str]) -> Drawing {
    let mut layout = Layout::new(graph, spine);
    for id in spine {
        layout.stage(id);
    }
    layout.finish()
}

/// Draws stages that are part of no pipeline: beside each other, or one under the other where they wait for each other.
pub(super) fn rest(graph: &Graph, nodes: &[usize]) -> Drawing {
    let ids: Vec<&str> = nodes.iter().map(|node| graph.nodes[*node].id.as_str()).collect();
    let is_tangled = |edge: &Edge| edge.kind == EdgeKind::Order && ids.contains(&edge.from.as_str()) && ids.contains(&edge.to.as_str());
    if graph.edges.iter().any(is_tangled) {
        return column(graph, &ids);
    }
    let mut drawing = Drawing::default();
    let (mut x, mut y) = (0, 0);
    for node in nodes {
        let text = cut(&graph.nodes[*node].stage);
        let width = width(&text, NAME) + 28;
        if x > 0 && x + width > CHIPS_END {
            (x, y) = (0, y + ASYNC_ROW);
        }
        drawing.shapes.push(Shape { node: *node, is_again: false, text, x, y, width, height: BOX });
        drawing.width = drawing.width.max(x + width);
        drawing.height = y + BOX;
        x += width + 10;
    }
    drawing
}

struct Layout<'a> {
    graph: &'a Graph,
    index: HashMap<&'a str, usize>,
    /// By node, what it triggers in the order of the triggers.
    calls: HashMap<usize, Vec<Call>>,
    drawing: Drawing,
    /// By node of the column, its row.
    rows: HashMap<usize, usize>,
    /// By node, its shape.
    placed: HashMap<usize, usize>,
    /// The right end of each row of an async stage, by its shape.
    ends: BTreeMap<usize, i32>,
    /// One more trigger: its shape, the node that it starts, and its edges.
    again: Vec<(usize, usize, Vec<usize>)>,
    spine_x: i32,
    async_x: i32,
    /// Where the next row begins.
    y: i32,
    task: Option<&'a str>,
    /// Links that do not lead to the next row: source, target, edge.
    left: Vec<(usize, usize, usize)>,
    left_lanes: BTreeMap<usize, usize>,
}

impl<'a> Layout<'a> {
    fn new(graph: &'a Graph, spine: &[&'a str]) -> Self {
        let index: HashMap<&str, usize> = graph.nodes.iter().enumerate().map(|(index, node)| (node.id.as_str(), index)).collect();
        let rows: HashMap<usize, usize> = spine.iter().enumerate().filter_map(|(row, id)| Some((*index.get(id)?, row))).collect();
        let mut calls: HashMap<usize, Vec<Call>> = HashMap::new();
        let mut known: HashMap<(usize, usize), usize> = HashMap::new();
        let mut left = Vec::new();
        for (edge, drawn) in graph.edges.iter().enumerate() {
            let (Some(from), Some(to)) = (index.get(drawn.from.as_str()), index.get(drawn.to.as_str())) else { continue };
            if drawn.kind == EdgeKind::Order {
                if let (Some(from), Some(to)) = (rows.get(from), rows.get(to)) {
                    left.push((*from, *to, edge));
                }
                continue;
            }
            let of_stage = calls.entry(*from).or_default();
            let call = *known.entry((*from, *to)).or_insert_with(|| {
                of_stage.push(Call { to: *to, edges: Vec::new() });
                of_stage.len() - 1
            });
            of_stage[call].edges.push(edge);
        }
        let (straight, left): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|(from, to, edge)| *to == *from + 1 && !graph.edges[*edge].is_cycle);
        // All that lead to one row share a lane.
        let mut intervals: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (from, to, _) in &left {
            let interval = intervals.entry(*to).or_insert((*to, *to));
            *interval = (interval.0.min(*from), interval.1.max(*from));
        }
        let of_targets = lanes(&intervals.values().copied().collect::<Vec<_>>());
        let left_lanes: BTreeMap<usize, usize> = intervals.keys().copied().zip(of_targets).collect();
        let lane_count = left_lanes.values().max().map_or(0, |lane| i32::try_from(*lane).unwrap_or(0) + 1);
        let spine_x = lane_count * LANE + if lane_count > 0 { 8 } else { 0 };
        let column = spine.iter().filter_map(|id| index.get(id)).map(|node| box_width(&graph.nodes[*node].stage)).max().unwrap_or(0);
        let mut layout = Self {
            graph,
            index,
            calls,
            drawing: Drawing::default(),
            rows,
            placed: HashMap::new(),
            ends: BTreeMap::new(),
            again: Vec::new(),
            spine_x,
            async_x: spine_x + column + GAP,
            y: 0,
            task: None,
            left,
            left_lanes,
        };
        layout.left.extend(straight);
        layout
    }

    /// A stage of the pipeline, and under it what it triggers.
    fn stage(&mut self, id: &str) {
        let Some(node) = self.index.get(id).copied() else { return };
        let declared = &self.graph.nodes[node];
        let task = declared.task.as_deref();
        if task.is_some() && task != self.task {
            self.drawing.labels.push(Label { x: self.spine_x + 30, y: self.y + 12, text: cut(task.unwrap_or_default()) });
            self.y += TASK_LABEL;
        }
        self.task = task;
        let text = cut(&declared.stage);
        let width = box_width(&declared.stage);
        let shape = Shape { node, is_again: false, text, x: self.spine_x, y: self.y, width, height: BOX };
        let top = self.y;
        let own = self.push(shape);
        self.placed.insert(node, own);
        self.below(own);
        self.y = self.y.max(top + ROW);
    }

    fn push(&mut self, shape: Shape) -> usize {
        self.drawing.width = self.drawing.width.max(shape.right());
        self.drawing.shapes.push(shape);
        self.drawing.shapes.len() - 1
    }

    /// What a stage triggers, and what that triggers: a row each.
    fn below(&mut self, stage: usize) {
        // The shape that triggers, which of its calls is next, how deep it is, and where the line of the next begins.
        let start = (self.drawing.shapes[stage].right(), self.drawing.shapes[stage].middle());
        let mut open = vec![(stage, 0_usize, 0_i32, start)];
        while let Some((parent, next, depth, from)) = open.pop() {
            let node = self.drawing.shapes[parent].node;
            let Some(Call { to, edges }) = self.calls.get(&node).and_then(|calls| calls.get(next)) else { continue };
            let (to, edges) = (*to, edges.clone());
            let shape = self.row(to, &edges, depth);
            let from = self.connect(parent, shape, depth, from, &edges);
            open.push((parent, next + 1, depth, from));
            if self.drawing.shapes[shape].is_again {
                self.again.push((shape, to, edges));
            } else {
                let child = &self.drawing.shapes[shape];
                let start = (child.x + INDENT / 2, child.y + child.height);
                open.push((shape, 0, depth + 1, start));
            }
        }
    }

    /// A triggered stage with its chips.
    fn row(&mut self, node: usize, edges: &[usize], depth: i32) -> usize {
        let x = self.async_x + depth.min(MAX_INDENTS) * INDENT;
        let text = cut(&self.graph.nodes[node].stage);
        let width = width(&text, NAME) + 28;
        let is_again = self.placed.contains_key(&node) || self.rows.contains_key(&node);
        let shape = self.push(Shape { node, is_again, text, x, y: self.y, width, height: BOX });
        if !is_again {
            self.placed.insert(node, shape);
        }
        let lines = self.chips(shape, edges);
        self.y += ASYNC_ROW.max(lines * CHIP_LINE + 10);
        shape
    }

    /// The chips of a row; how many lines they take.
    fn chips(&mut self, shape: usize, edges: &[usize]) -> i32 {
        let (left, top) = (self.drawing.shapes[shape].right() + 10, self.drawing.shapes[shape].y + (BOX - CHIP) / 2);
        let end = (self.async_x + CHIPS_END).max(left + 240);
        let (mut x, mut y) = (left, top);
        let mut right = self.drawing.shapes[shape].right();
        let mut end_of_first = right;
        let mut lines = 1;
        let node = &self.graph.nodes[self.drawing.shapes[shape].node];
        for (fate, names, text) in chips(self.graph, edges, node.kind == NodeKind::Missing) {
            let width = width(&text, SMALL) + 16;
            if x > left && x + width > end {
                (x, y, lines) = (left, y + CHIP_LINE, lines + 1);
            }
            right = right.max(x + width);
            if lines == 1 {
                end_of_first = x + width;
            }
            self.drawing.chips.push(Chip { fate, names, text, edges: edges.to_vec(), x, y, width, height: CHIP });
            x += width + 6;
        }
        self.drawing.width = self.drawing.width.max(right);
        self.ends.insert(shape, end_of_first);
        lines
    }

    /// The line to a triggered stage; where that of the next one begins.
    fn connect(&mut self, parent: usize, shape: usize, depth: i32, from: Point, edges: &[usize]) -> Point {
        let (parent, child) = (&self.drawing.shapes[parent], &self.drawing.shapes[shape]);
        let middle = child.middle();
        let (points, next) = if depth == 0 {
            let bus = self.async_x - 26;
            (vec![from, (bus, from.1), (bus, middle), (child.x, middle)], (bus, middle))
        } else if child.x > parent.x {
            (vec![from, (from.0, middle), (child.x, middle)], (from.0, middle))
        } else {
            (vec![from, (from.0, child.y)], (from.0, child.y + child.height))
        };
        let points = if from.1 == middle { vec![from, (child.x, middle)] } else { points };
        let is_dashed = edges.iter().all(|edge| !self.graph.edges[*edge].certain);
        let is_cycle = edges.iter().any(|edge| self.graph.edges[*edge].is_cycle);
        let edges = edges.to_vec();
        self.drawing.lines.push(Line { meaning: Meaning::Trigger, is_dashed, is_cycle, has_arrow: true, points, edges });
        next
    }

    fn finish(mut self) -> Drawing {
        self.order_lines();
        self.lines_to_first();
        let bottoms = self.drawing.shapes.iter().map(|shape| shape.y + shape.height);
        let chips = self.drawing.chips.iter().map(|chip| chip.y + chip.height);
        self.drawing.height = bottoms.chain(chips).max().unwrap_or(0);
        self.drawing
    }

    /// From stage to stage: to the next row straight down, to others by a lane on the left.
    fn order_lines(&mut self) {
        let of_row: HashMap<usize, usize> = self.rows.iter().filter_map(|(node, row)| Some((*row, *self.placed.get(node)?))).collect();
        let mut reached: BTreeMap<usize, bool> = BTreeMap::new();
        let links = std::mem::take(&mut self.left);
        for (from, to, edge) in links {
            let (Some(source), Some(target)) = (of_row.get(&from), of_row.get(&to)) else { continue };
            let (source, target) = (&self.drawing.shapes[*source], &self.drawing.shapes[*target]);
            let is_cycle = self.graph.edges[edge].is_cycle;
            let (points, has_arrow) = match self.left_lanes.get(&to).filter(|_| to != from + 1 || is_cycle) {
                None => (vec![(source.x + 18, source.y + source.height), (target.x + 18, target.y)], true),
                Some(lane) => {
                    let x = self.spine_x - 8 - LANE / 2 - i32::try_from(*lane).unwrap_or(0) * LANE;
                    let is_first = !std::mem::replace(reached.entry(to).or_default(), true);
                    let (leaves, enters) = (source.middle() + 5, target.middle() - 5);
                    let stub = vec![(source.x, leaves), (x, leaves), (x, enters), (target.x, enters)];
                    (stub, is_first)
                }
            };
            self.drawing.lines.push(Line { meaning: Meaning::Order, is_dashed: false, is_cycle, has_arrow, points, edges: vec![edge] });
        }
    }

    /// From each further trigger to the stage's own shape, by a lane on the right.
    fn lines_to_first(&mut self) {
        let mut intervals: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (shape, node, _) in &self.again {
            let own = self.placed[node];
            let interval = intervals.entry(own).or_insert((own, own));
            *interval = (interval.0.min(*shape), interval.1.max(*shape));
        }
        let of_targets = lanes(&intervals.values().copied().collect::<Vec<_>>());
        let lane_of: BTreeMap<usize, usize> = intervals.keys().copied().zip(of_targets).collect();
        let base = self.drawing.width + 14;
        for (shape, node, edges) in std::mem::take(&mut self.again) {
            let own = self.placed[&node];
            let x = base + i32::try_from(lane_of[&own]).unwrap_or(0) * LANE;
            let end = |shape: usize| self.ends.get(&shape).copied().unwrap_or_else(|| self.drawing.shapes[shape].right()) + 4;
            let (from, to) = (&self.drawing.shapes[shape], &self.drawing.shapes[own]);
            let points = vec![(end(shape), from.middle()), (x, from.middle()), (x, to.middle()), (end(own), to.middle())];
            let is_cycle = edges.iter().any(|edge| self.graph.edges[*edge].is_cycle);
            self.drawing.lines.push(Line { meaning: Meaning::Again, is_dashed: true, is_cycle, has_arrow: true, points, edges });
            self.drawing.width = self.drawing.width.max(x + 4);
        }
    }
}

fn box_width(name: &str) -> i32 {
    width(&cut(name), NAME) + 24
}

/// The chips of some triggers of one stage: fate, names and text; the worst first.
fn chips(graph: &Graph, edges: &[usize], is_missing: bool) -> Vec<(Fate, Vec<String>, String)> {
    if is_missing {
        return vec![(Fate::Lost, Vec::new(), "no such stage".to_owned())];
    }
    let mut fates: BTreeMap<&str, Fate> = BTreeMap::new();
    for variable in edges.iter().flat_map(|edge| &graph.edges[*edge].variables) {
        let fate = fate(variable);
        fates.entry(&variable.name).and_modify(|known| *known = fate.min(*known)).or_insert(fate);
    }
    let (unread, read): (Vec<_>, Vec<_>) = fates.into_iter().partition(|(_, fate)| *fate == Fate::Unread);
    let mut read = read;
    read.sort_by_key(|(_, fate)| *fate);
    let more = read.split_off(read.len().min(MAX_CHIPS));
    let mut chips: Vec<(Fate, Vec<String>, String)> = read
        .into_iter()
        .map(|(name, fate)| {
            let text = match fate {
                Fate::Lost => format!("{} \u{d7}", cut(name)),
                Fate::Partly => format!("{}?", cut(name)),
                Fate::Sent | Fate::Unread => cut(name),
            };
            (fate, vec![name.to_owned()], text)
        })
        .collect();
    let names = |all: Vec<(&str, Fate)>| all.into_iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    if let Some((_, fate)) = more.first() {
        chips.push((*fate, Vec::new(), format!("+{} more read", more.len())));
        chips.last_mut().into_iter().for_each(|chip| chip.1 = names(more.clone()));
    }
    if !unread.is_empty() {
        let text = format!("+{} not read", unread.len());
        chips.push((Fate::Unread, names(unread), text));
    }
    chips
}

fn fate(variable: &Variable) -> Fate {
    match (variable.read.is_empty(), variable.exported.is_empty()) {
        (true, _) => Fate::Unread,
        (false, true) => Fate::Lost,
        (false, false) if variable.exported_surely => Fate::Sent,
        (false, false) => Fate::Partly,
    }
}
