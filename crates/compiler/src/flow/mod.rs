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
mod late_exports;
pub mod pipeline;
mod provided;
mod scripts;
pub mod stage;
mod state;
mod unfollowed;
mod value;

#[cfg(test)]
#[allow(clippy::format_push_string)] // readable in a test
mod tests;

use rayon::prelude::*;
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
use crate::config::{Model, Stage, StageId};
use crate::platform::PipelineKind;
use crate::source::{FileId, Files, Sources, Span};
use crate::syntax::shell::{self, Script, SyntaxError};
use crate::syntax::yaml::Document;
use interpret::PipelineContext;
use scripts::{ScriptFiles, is_shell};

/// A configuration of at least this many bytes is read and checked on all cores: below, starting threads costs more.
pub(crate) const PARALLEL_FROM: usize = 200_000;
/// How many scripts are held parsed at a time.
const BATCH: usize = 64;

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
    /// What a stage does by itself.
    pub fn stage(&self, id: StageId) -> &StageFlow {
        &self.stages[id.0 as usize]
    }
}

/// Analyses a configuration for these kinds of pipeline.
pub fn analyse(subject: Subjected<'_>, kinds: &[PipelineKind], detail: Detail, files: &dyn Files, sources: &mut Sources) -> Flow {
    let mut facts = Facts::default();
    let stages = subject.model.stages().map(|(_, stage)| stage.name.name.clone()).collect();
    let mut script_files = ScriptFiles::new(files, subject.path, stages, subject.settings);
    let mut alone = interpret_stages(subject, &mut facts, sources, &mut script_files);
    if script_files.is_stale {
        // A script was read that another stage changes: now all of them are known from the beginning.
        script_files.begin_again();
        facts = Facts::default();
        alone = interpret_stages(subject, &mut facts, sources, &mut script_files);
    }
    let StagesAlone { stages, mut syntax_errors, mut comments, mut scripts } = alone;
    let mut interpret = |id: StageId, surroundings: PipelineContext<'_>, facts: &mut Facts| -> Option<StageFlow> {
        let script = embedded(subject, subject.model.stage(id))?;
        Some(interpret::run(&script, subject.file, surroundings, facts, sources, &mut script_files))
    };
    let pipelines: Vec<PipelineFlow> =
        kinds.iter().filter_map(|kind| pipeline::compose(subject.model, *kind, detail, &stages, &mut facts, &mut interpret)).collect();
    let (files, emitted) = script_files.into_read();
    scripts += files.len();
    let broken = files.iter().filter(|script| !script.script.errors.is_empty());
    syntax_errors.extend(broken.map(|script| (script.file, script.script.errors.clone())));
    let commented = files.iter().filter(|script| !script.script.comments.is_empty());
    comments.extend(commented.map(|script| (script.file, script.script.comments.clone())));
    let elsewhere = all_elsewhere(&stages, &pipelines);
    Flow { stages, pipelines, elsewhere, facts, syntax_errors, comments, scripts, emitted }
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

/// What the stages do, each by itself.
#[derive(Default)]
struct StagesAlone {
    stages: Vec<Arc<StageFlow>>,
    syntax_errors: Vec<(FileId, Vec<SyntaxError>)>,
    comments: Vec<(FileId, Vec<Span>)>,
    /// How many scripts the configuration embeds.
    scripts: usize,
}

fn interpret_stages(subject: Subjected<'_>, facts: &mut Facts, sources: &mut Sources, script_files: &mut ScriptFiles<'_>) -> StagesAlone {
    let mut alone = StagesAlone::default();
    let mut interpret_batch = |batch: &[Stage], parsed: Vec<Option<Script>>| {
        for (stage, script) in batch.iter().zip(parsed) {
            let id = StageId(alone.stages.len() as u32);
            alone.scripts += usize::from(stage.script.is_some());
            let surroundings = PipelineContext { pipeline: None, entry: None, stage: id, may_fail: stage.may_fail };
            let flow = match &script {
                Some(script) => {
                    if !script.errors.is_empty() {
                        alone.syntax_errors.push((subject.file, script.errors.clone()));
                    }
                    if !script.comments.is_empty() {
                        alone.comments.push((subject.file, script.comments.clone()));
                    }
                    interpret::run(script, subject.file, surroundings, facts, sources, script_files)
                }
                None => StageFlow::without_shell(subject, stage),
            };
            alone.stages.push(Arc::new(flow));
        }
    };
    let mut batches = subject.model.stages.chunks(BATCH);
    if subject.text.len() < PARALLEL_FROM {
        for batch in batches {
            interpret_batch(batch, batch.iter().map(|stage| embedded(subject, stage)).collect());
        }
    } else if let Some(mut batch) = batches.next() {
        // While one batch is interpreted, the next one is parsed.
        let parse = |batch: &[Stage]| batch.par_iter().map(|stage| embedded(subject, stage)).collect::<Vec<_>>();
        let mut parsed = parse(batch);
        for next in batches {
            let ((), next_parsed) = rayon::join(|| interpret_batch(batch, parsed), || parse(next));
            (batch, parsed) = (next, next_parsed);
        }
        interpret_batch(batch, parsed);
    }
    alone
}

/// The script of a stage, if it is the shell's.
fn embedded(subject: Subjected<'_>, stage: &Stage) -> Option<Script> {
    let (text, map) = subject.document.script(subject.text, stage.script?)?;
    is_shell(&text).then(|| shell::parse(text.as_bytes(), &map))
}
