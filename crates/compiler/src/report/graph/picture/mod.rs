//! The graph as a picture: the stages of a pipeline down one column, each async stage in a row to the right of its
//! trigger with the variables that it reads. It only grows downwards, by a row for each stage and trigger.

mod lanes;
mod layout;
mod measure;
mod scene;
mod story;
mod style;
mod svg;

pub(super) use scene::{Scene, scenes};
pub(super) use story::Story;
pub(super) use svg::element;

use crate::graph::Graph;
use crate::source::{PathsFrom, Sources};

/// What a picture is drawn from.
pub struct Pictured<'a> {
    /// The configuration, as it is named to the reader.
    pub name: &'a str,
    /// The graph of all pipelines together.
    pub whole: &'a Graph,
    /// The graph of each pipeline.
    pub each: &'a [Graph],
    /// The files.
    pub sources: &'a Sources,
    /// How their paths are shown.
    pub paths: &'a PathsFrom,
}

/// An SVG picture of all pipelines, one under the other; pipelines that do the same are drawn once.
pub fn svg(pictured: &Pictured<'_>) -> String {
    let story = Story::new(pictured);
    element(&scenes(pictured), &story)
}
