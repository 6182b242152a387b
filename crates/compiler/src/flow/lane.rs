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
        debug_assert_eq!(sources.len(), 1, "the configuration has the first number in each lane");
        let stages = &subject.model.stages;
        let is_large = subject.text.len() >= PARALLEL_FROM;
        let size = if is_large { stages.len().div_ceil(MIN_LANES).clamp(1, MAX_STAGES) } else { stages.len().max(1) };
        let lane = |number: usize, changes: &Changes| {
            let own = stages.chunks(size).nth(number).unwrap_or_default();
            Self::new(sources.first(), ScriptFiles::new(repository, changes.clone())).interpret(subject, number * size, own)
        };
        if !is_large {
            return lane(0, changes);
        }
        let joined = Mutex::new(Joined::default());
        // The bridge hands lanes out in order, so that few of them wait for the one before.
        (0..stages.len().div_ceil(size)).par_bridge().for_each(|number| {
            let done = lane(number, changes);
            joined.lock().unwrap_or_else(PoisonError::into_inner).take(number, done, subject.file, lane);
        });
        let joined = joined.into_inner().unwrap_or_else(PoisonError::into_inner);
        joined.lane.unwrap_or_else(|| lane(0, changes))
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
    /// Takes a lane. One that should have known what stages before it change is interpreted again, with that.
    fn take(&mut self, number: usize, done: Lane<'a>, configuration: FileId, again: impl Fn(usize, &Changes) -> Lane<'a>) {
        self.waiting.insert(number, done);
        while let Some(next) = self.waiting.remove(&self.count) {
            match &mut self.lane {
                None => self.lane = Some(next),
                Some(lane) => {
                    let earlier = lane.scripts.changes();
                    let next = if next.scripts.has_missed(earlier) { again(self.count, &earlier.alone()) } else { next };
                    lane.absorb(next, configuration);
                }
            }
            self.count += 1;
        }
    }
}

/// The script of a stage, if it is the shell's.
pub(super) fn embedded(subject: Subjected<'_>, stage: &Stage) -> Option<Script> {
    let (text, map) = subject.document.script(subject.text, stage.script?)?;
    is_shell(&text).then(|| shell::parse(text.as_bytes(), &map))
}
