//! What is set, exported, triggered and read, and when: abstract interpretation of the scripts of a
//! configuration, stage by stage, then composed in the order of each pipeline.
//!
//! * [`stage`] holds what one stage does, `interpret` runs its script, `commands` gives commands their meaning.
//! * [`facts`] and `state` are what is known at each point; `value` the texts and folders in it.
//! * [`pipeline`] puts the stages of a pipeline in order and follows triggers into async runs.

mod certainty;
mod commands;
mod elsewhere;
mod emitted;
pub mod facts;
mod interpret;
mod lane;
mod late_exports;
mod moved;
pub mod pipeline;
mod provided;
mod repository;
mod scripts;
pub mod stage;
mod state;
mod unfollowed;
mod value;

#[cfg(test)]
#[allow(clippy::format_push_string)] // readable in a test
mod tests;

use std::sync::Arc;

pub use certainty::Certainty;
pub use elsewhere::Elsewhere;
pub use facts::{Fact, Facts, Subject};
pub use pipeline::{Crossing, Leak, LeftBehind, PipelineFlow, RepoUse, Run};
pub(crate) use stage::is_made;
pub use stage::{
    Access, Event, Export, MissingScript, Opaque, Read, ShellExport, ShellRead, StageFlow, Suspicious, SuspiciousKind, Trigger, WithoutKey,
};
pub use unfollowed::Unfollowed;
pub use value::{Cause, Secret};

use crate::config::settings::Settings;
use crate::config::{Model, StageId};
use crate::platform::PipelineKind;
use crate::source::{FileId, Files, Sources, Span};
use crate::syntax::shell::SyntaxError;
use crate::syntax::yaml::Document;
use interpret::PipelineContext;
use lane::{Lane, embedded};
use repository::Repository;
use scripts::Changes;

/// A configuration of at least this many bytes is analysed on rayon's threads: below, starting them costs more. They
/// recurse as deep as scripts do, so who calls gives them the stack.
pub const PARALLEL_FROM: usize = 200_000;

/// A configuration to analyse.
#[derive(Clone, Copy)]
pub struct Subjected<'a> {
    /// Its tree.
    pub document: &'a Document,
    /// Its text.
    pub text: &'a str,
    /// Its file in the sources.
    pub file: FileId,
    /// Its path from the repository's root.
    pub path: &'a str,
    /// Its stages.
    pub model: &'a Model,
    /// What the project says about itself.
    pub settings: &'a Settings,
}

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What the rules need.
    Findings,
    /// Also all that is exported at each trigger: the size of the answer itself grows with triggers times exports.
    Exports,
}

/// The result of the analysis.
#[derive(Debug)]
pub struct Flow {
    /// What each stage does by itself, by [`StageId`].
    pub stages: Vec<Arc<StageFlow>>,
    /// The pipelines that the configuration serves.
    pub pipelines: Vec<PipelineFlow>,
    /// The triggers whose run may read another configuration.
    pub elsewhere: Vec<Elsewhere>,
    /// All facts that the stages speak of.
    pub facts: Facts,
    /// What is no shell, file by file.
    pub syntax_errors: Vec<(FileId, Vec<SyntaxError>)>,
    /// Comments that speak to sidestage, script by script.
    pub comments: Vec<(FileId, Vec<Span>)>,
    /// How many scripts were read: embedded ones and files.
    pub scripts: usize,
    /// Files that sidestage wrote and that scripts call, from the repository's root.
    pub emitted: Vec<String>,
}

impl Flow {
    /// Lets go of what stages and pipelines do; what was read stays.
    pub(crate) fn forget_stages(&mut self) {
        (self.stages, self.pipelines, self.facts) = (Vec::new(), Vec::new(), Facts::default());
    }

    /// What a stage does by itself.
    pub fn stage(&self, id: StageId) -> &StageFlow {
        &self.stages[id.0 as usize]
    }
}

/// Analyses a configuration for these kinds of pipeline. `sources` hold it alone, and are given all scripts that are read.
pub fn analyse(subject: Subjected<'_>, kinds: &[PipelineKind], detail: Detail, files: &dyn Files, sources: &mut Sources) -> Flow {
    let names = subject.model.stages().map(|(_, stage)| stage.name.name.clone()).collect();
    let repository = Repository::new(files, subject.path, names, subject.settings);
    let mut lane = Lane::of_all(subject, sources, &repository, &Changes::default());
    // A script was run that another stage changes: now that is known from the beginning.
    if let Some(changes) = lane.scripts.changes().known_again() {
        let before = std::mem::replace(&mut lane, Lane::of_all(subject, sources, &repository, &changes));
        // What was run at first is a part of the pipeline all the same.
        lane.scripts.absorb(before.scripts, &mut lane.sources);
    }
    let Lane { stages, mut facts, sources: read, mut scripts, mut syntax_errors, mut comments, embedded: number } = lane;
    *sources = read;
    let stages: Vec<Arc<StageFlow>> = stages.into_iter().map(Arc::new).collect();
    let mut interpret = |id: StageId, surroundings: PipelineContext<'_>, facts: &mut Facts| -> Option<StageFlow> {
        let script = embedded(subject, subject.model.stage(id))?;
        Some(interpret::run(&script, subject.file, surroundings, facts, sources, &mut scripts))
    };
    let pipelines: Vec<PipelineFlow> =
        kinds.iter().filter_map(|kind| pipeline::compose(subject.model, *kind, detail, &stages, &mut facts, &mut interpret)).collect();
    for file in scripts.read() {
        let script = file.script();
        if !script.errors.is_empty() {
            syntax_errors.push((file.file, script.errors.clone()));
        }
        if !script.comments.is_empty() {
            comments.push((file.file, script.comments.clone()));
        }
    }
    let elsewhere = all_elsewhere(&stages, &pipelines);
    let number = number + scripts.read().len();
    Flow { stages, pipelines, elsewhere, facts, syntax_errors, comments, scripts: number, emitted: scripts.emitted().to_vec() }
}

/// Every trigger whose run may read another configuration, once for each pipeline that comes by.
fn all_elsewhere(stages: &[Arc<StageFlow>], pipelines: &[PipelineFlow]) -> Vec<Elsewhere> {
    let mut composed = vec![false; stages.len()];
    let mut all = Vec::new();
    for pipeline in pipelines {
        all.extend(pipeline.elsewhere.iter().cloned());
        for (id, _) in pipeline.flows() {
            composed[id.0 as usize] = true;
        }
    }
    let alone = stages.iter().zip(&composed).filter(|(_, composed)| !**composed);
    all.extend(alone.flat_map(|(flow, _)| elsewhere::elsewhere_alone(flow)));
    all
}
