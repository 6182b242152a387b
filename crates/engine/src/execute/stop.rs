//! The wish to end: asked once it is obeyed politely, asked again at once.

use std::io::{PipeWriter, Write};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::processes::supervisor::{KILL, TERMINATE};

/// How urgent it is.
const NOT: u8 = 0;
const POLITE: u8 = 1;
const AT_ONCE: u8 = 2;

/// What the supervisor of a stage listens to. Where it is dropped, the supervisor ends everything.
pub(super) type Lifeline = Mutex<PipeWriter>;

/// Whether a run, or all of them, are to end.
#[derive(Debug, Default)]
pub(super) struct Stop {
    urgency: AtomicU8,
    stages: Mutex<Vec<Weak<Lifeline>>>,
}

impl Stop {
    /// Whether anything new may begin.
    pub(super) fn is_asked(&self) -> bool {
        self.urgency.load(Ordering::SeqCst) != NOT
    }

    /// Asks for the end; gives whether it is now at once.
    pub(super) fn ask(&self, is_forced: bool) -> bool {
        let before = self.urgency.load(Ordering::SeqCst);
        let now = if is_forced || before != NOT { AT_ONCE } else { POLITE };
        self.urgency.store(now, Ordering::SeqCst);
        for lifeline in self.stages.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade) {
            send(&lifeline, if now == AT_ONCE { KILL } else { TERMINATE });
        }
        now == AT_ONCE
    }

    /// A stage that has begun; it may have to end already.
    pub(super) fn watch(&self, lifeline: &Arc<Lifeline>) {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        stages.retain(|stage| stage.strong_count() > 0);
        stages.push(Arc::downgrade(lifeline));
        drop(stages);
        match self.urgency.load(Ordering::SeqCst) {
            NOT => {}
            POLITE => send(lifeline, TERMINATE),
            _ => send(lifeline, KILL),
        }
    }
}

/// Fails only where the supervisor has ended by itself.
pub(super) fn send(lifeline: &Lifeline, word: u8) {
    let _ = lifeline.lock().unwrap_or_else(PoisonError::into_inner).write_all(&[word]);
}
