//! What sourced scripts did: stages that begin by sourcing the same script do not have it run again.

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::ChangeId;
use super::machine::Machine;
use super::stage::StageFlow;
use super::state::Delta;
use super::value::Value;
use crate::platform::PipelineKind;
use crate::source::FileId;

/// A script that meets more settings than this is not met in an equal one: the first ones are kept.
const MAX_SETTINGS: usize = 64;

/// Everything that what a script does can depend on, where no stage came before.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Setting {
    script: FileId,
    state: u64,
    head: ChangeId,
    arguments: Option<Vec<Value>>,
    folder: Option<CompactString>,
    pipeline: Option<PipelineKind>,
    is_guarded: bool,
    is_certain: bool,
}

/// What a script did, to be done again without running it.
pub(super) struct Replay {
    delta: Delta,
    head: ChangeId,
    steps: usize,
    is_dead: bool,
    left_early: bool,
    ends: Vec<ChangeId>,
    failed_ends: Vec<ChangeId>,
    created: Vec<CompactString>,
    flow: StageFlow,
}

/// The scripts that were run, by their settings.
#[derive(Default)]
pub(super) struct Replays {
    by_setting: FxHashMap<Setting, Arc<Replay>>,
    /// How many settings of each script are kept.
    kept: FxHashMap<FileId, usize>,
}

/// How much had been noted before a script was run.
pub(super) struct Before {
    mark: super::state::Mark,
    steps: usize,
    ends: usize,
    failed_ends: usize,
    created: FxHashSet<CompactString>,
    flow: [usize; 9],
}

impl Machine<'_, '_> {
    /// The setting of a script that is about to be run; `None` where more matters than it holds.
    pub(super) fn setting(&self, script: FileId) -> Option<Setting> {
        // A list of calls, loops and surroundings would have to be part of it.
        (self.is_at_top() && self.surroundings.entry.is_none() && self.piped.is_none()).then(|| Setting {
            script,
            state: self.state.fingerprint(),
            head: self.state.head(),
            arguments: self.arguments.clone(),
            folder: self.script_folder.clone(),
            pipeline: self.surroundings.pipeline,
            is_guarded: self.guarded > 0,
            is_certain: self.is_certain(),
        })
    }

    pub(super) fn before(&self) -> Before {
        Before {
            mark: self.state.mark(),
            steps: self.steps,
            ends: self.ends.len(),
            failed_ends: self.failed_ends.len(),
            created: self.created.clone(),
            flow: self.flow.lengths(),
        }
    }

    /// Keeps what a script did since `before`.
    pub(super) fn keep(&mut self, setting: Setting, before: &Before) {
        let kept = self.library.replays.kept.entry(setting.script).or_default();
        if *kept == MAX_SETTINGS {
            return;
        }
        *kept += 1;
        let replay = Replay {
            delta: self.state.delta(before.mark),
            head: self.state.head(),
            steps: self.steps - before.steps,
            is_dead: self.dead,
            left_early: self.left_early,
            ends: self.ends[before.ends..].to_vec(),
            failed_ends: self.failed_ends[before.failed_ends..].to_vec(),
            created: self.created.difference(&before.created).cloned().collect(),
            flow: self.flow.since(&before.flow, before.steps as u32),
        };
        self.library.replays.by_setting.insert(setting, Arc::new(replay));
    }

    /// Does again what a script did in an equal setting; false where there was none.
    pub(super) fn replay(&mut self, setting: &Setting) -> bool {
        let Some(replay) = self.library.replays.by_setting.get(setting).cloned() else { return false };
        self.state.replay(&replay.delta, replay.head);
        self.flow.append(&replay.flow, self.steps as u32);
        self.steps += replay.steps;
        self.dead = replay.is_dead;
        self.left_early = replay.left_early;
        self.ends.extend(&replay.ends);
        self.failed_ends.extend(&replay.failed_ends);
        self.created.extend(replay.created.iter().cloned());
        true
    }
}

impl StageFlow {
    fn lengths(&self) -> [usize; 9] {
        [
            self.reads.len(),
            self.sets.len(),
            self.exports.len(),
            self.triggers.len(),
            self.shell_exports.len(),
            self.suspicious.len(),
            self.opaque.len(),
            self.missing.len(),
            self.programs.len(),
        ]
    }

    /// What was added since these lengths; the order counts from `first`.
    fn since(&self, lengths: &[usize; 9], first: u32) -> Self {
        let [reads, sets, exports, triggers, shell_exports, suspicious, opaque, missing, programs] = *lengths;
        let mut since = Self {
            reads: self.reads[reads..].to_vec(),
            sets: self.sets[sets..].to_vec(),
            exports: self.exports[exports..].to_vec(),
            triggers: self.triggers[triggers..].to_vec(),
            shell_exports: self.shell_exports[shell_exports..].to_vec(),
            suspicious: self.suspicious[suspicious..].to_vec(),
            opaque: self.opaque[opaque..].to_vec(),
            missing: self.missing[missing..].to_vec(),
            programs: self.programs[programs..].to_vec(),
            created: self.created.clone(),
            end: Vec::new(),
            depends_on_pipeline: self.depends_on_pipeline,
        };
        since.reads.iter_mut().for_each(|read| read.order -= first);
        since.triggers.iter_mut().for_each(|trigger| trigger.order -= first);
        since
    }

    /// Adds what another stage did first.
    fn append(&mut self, other: &Self, first: u32) {
        self.reads.extend(other.reads.iter().cloned().map(|read| super::Read { order: read.order + first, ..read }));
        self.sets.extend_from_slice(&other.sets);
        self.exports.extend_from_slice(&other.exports);
        self.triggers.extend(other.triggers.iter().cloned().map(|trigger| super::Trigger { order: trigger.order + first, ..trigger }));
        self.shell_exports.extend_from_slice(&other.shell_exports);
        self.suspicious.extend_from_slice(&other.suspicious);
        self.opaque.extend_from_slice(&other.opaque);
        self.missing.extend_from_slice(&other.missing);
        self.programs.extend_from_slice(&other.programs);
        self.created.extend(other.created.iter().cloned());
        self.depends_on_pipeline |= other.depends_on_pipeline;
    }
}
