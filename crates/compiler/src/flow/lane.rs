//! Stages that are interpreted one after the other, each by itself. A large configuration has several lanes at the same
//! time: each numbers files, subjects and changes by itself, and one takes over what the others found, in order. So the
//! result is the same on any number of cores.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::facts::Facts;
use super::interpret::{self, PipelineContext};
use super::repository::{Repository, is_shell};
use super::scripts::{Changes, ScriptFiles};
use super::stage::StageFlow;
use super::{PARALLEL_FROM, Subjected};
use crate::config::{Stage, StageId};
use crate::source::{FileId, MovedFiles, Sources, Span};
use crate::syntax::shell::{self, Script, SyntaxError};

/// Of so many stages, scripts that several of them run are followed once.
const MAX_STAGES: usize = 64;
/// So many lanes are worth their start.
const MIN_LANES: usize = 4;

/// What the stages of a lane do, and what became known on the way.
pub(super) struct Lane<'a> {
    pub(super) stages: Vec<StageFlow>,
    pub(super) facts: Facts,
    pub(super) sources: Sources,
    pub(super) scripts: ScriptFiles<'a>,
    /// What is no shell in the scripts that the configuration embeds.
    pub(super) syntax_errors: Vec<(FileId, Vec<SyntaxError>)>,
    /// The comments in them that speak to sidestage.
    pub(super) comments: Vec<(FileId, Vec<Span>)>,
    /// How many scripts it embeds.
    pub(super) embedded: usize,
}

impl<'a> Lane<'a> {
    /// All stages of a configuration, each by itself. `sources` holds the configuration alone; what stages change in the
    /// repository may be known.
    pub(super) fn of_all(subject: Subjected<'_>, sources: &Sources, repository: &'a Repository<'a>, changes: &Changes) -> Self {
        let stages = &subject.model.stages;
        let interpreted = |first: usize, stages: &[Stage]| {
            let lane = Self::new(sources.first(), ScriptFiles::new(repository, changes.clone()));
            lane.interpret(subject, first, stages)
        };
        let size = stages.len().div_ceil(MIN_LANES).min(MAX_STAGES);
        if subject.text.len() < PARALLEL_FROM || size == 0 {
            return interpreted(0, stages);
        }
        let joined = Mutex::new(Joined::default());
        // The bridge hands lanes out in order, so that few of them wait for the one before.
        stages.chunks(size).enumerate().par_bridge().for_each(|(number, stages)| {
            let lane = interpreted(number * size, stages);
            joined.lock().unwrap_or_else(PoisonError::into_inner).take(number, lane, subject.file);
        });
        let joined = joined.into_inner().unwrap_or_else(PoisonError::into_inner);
        joined.lane.unwrap_or_else(|| interpreted(0, stages))
    }

    fn new(sources: Sources, scripts: ScriptFiles<'a>) -> Self {
        Self { stages: Vec::new(), facts: Facts::default(), sources, scripts, syntax_errors: Vec::new(), comments: Vec::new(), embedded: 0 }
    }

    /// Interprets these stages, of which there are so many before them.
    fn interpret(mut self, subject: Subjected<'_>, before: usize, stages: &[Stage]) -> Self {
        for (index, stage) in stages.iter().enumerate() {
            self.embedded += usize::from(stage.script.is_some());
            let Some(script) = embedded(subject, stage) else {
                self.stages.push(StageFlow::without_shell(subject, stage));
                continue;
            };
            let stage_id = StageId((before + index) as u32);
            let surroundings = PipelineContext { pipeline: None, entry: None, stage: stage_id, may_fail: stage.may_fail };
            let flow = interpret::run(&script, subject.file, surroundings, &mut self.facts, &mut self.sources, &mut self.scripts);
            self.stages.push(flow);
            if !script.errors.is_empty() {
                self.syntax_errors.push((subject.file, script.errors));
            }
            if !script.comments.is_empty() {
                self.comments.push((subject.file, script.comments));
            }
        }
        self
    }

    /// Takes over what the lane behind it found. The configuration has this number.
    fn absorb(&mut self, other: Self, configuration: FileId) {
        let mut files = vec![configuration];
        files.extend(self.scripts.absorb(other.scripts, &mut self.sources));
        let files = MovedFiles::new(files);
        let facts = self.facts.absorb(other.facts, &files);
        self.stages.extend(other.stages.into_iter().map(|mut flow| {
            flow.renumber(&files, &facts);
            flow
        }));
        self.syntax_errors.extend(other.syntax_errors);
        self.comments.extend(other.comments);
        self.embedded += other.embedded;
    }
}

/// One lane of those that are done, as far as none before them is missing.
#[derive(Default)]
struct Joined<'a> {
    lane: Option<Lane<'a>>,
    /// How many lanes it is.
    count: usize,
    /// Those that wait for one before them, by their numbers.
    waiting: BTreeMap<usize, Lane<'a>>,
}

impl<'a> Joined<'a> {
    fn take(&mut self, number: usize, lane: Lane<'a>, configuration: FileId) {
        self.waiting.insert(number, lane);
        while let Some(next) = self.waiting.remove(&self.count) {
            self.count += 1;
            match &mut self.lane {
                Some(lane) => lane.absorb(next, configuration),
                None => self.lane = Some(next),
            }
        }
    }
}

/// The script of a stage, if it is the shell's.
pub(super) fn embedded(subject: Subjected<'_>, stage: &Stage) -> Option<Script> {
    let (text, map) = subject.document.script(subject.text, stage.script?)?;
    is_shell(&text).then(|| shell::parse(text.as_bytes(), &map))
}
