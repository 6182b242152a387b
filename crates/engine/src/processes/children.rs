//! The processes that the engine itself has started. When a supervisor is killed, what it held becomes the engine's child:
//! everything that is not in this list is such an orphan.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::kernel;

static KNOWN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn known() -> MutexGuard<'static, BTreeSet<u32>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child that is on the list until this is dropped.
pub(crate) struct Known(pub(crate) Child);

impl Drop for Known {
    fn drop(&mut self) {
        known().remove(&self.0.id());
    }
}

/// Starts a process.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Known> {
    // Held while it starts: it must not be seen before it is known.
    let mut list = known();
    let child = command.spawn()?;
    list.insert(child.id());
    Ok(Known(child))
}

/// Runs a process to its end, without input.
pub(crate) fn output(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut known = spawn(command)?;
    let errors = known.0.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        errors.map(|mut errors| io::Read::read_to_end(&mut errors, &mut text)).transpose().map(|_| text)
    });
    let mut stdout = Vec::new();
    if let Some(mut output) = known.0.stdout.take() {
        io::Read::read_to_end(&mut output, &mut stdout)?;
    }
    let stderr = reader.join().unwrap_or_else(|_| Ok(Vec::new()))?;
    let status = known.0.wait()?;
    Ok(Output { status, stdout, stderr })
}

/// From now on orphans come to this process.
pub(crate) fn adopt_orphans() {
    kernel::adopt_orphans();
}

/// Ends all orphans.
pub(crate) fn end_orphans() {
    for _ in 0..50 {
        let orphans: BTreeSet<i32> = {
            let list = known();
            let is_own = |pid: &i32| u32::try_from(*pid).is_ok_and(|pid| list.contains(&pid));
            kernel::children_of("self").into_iter().filter(|pid| !is_own(pid)).collect()
        };
        if orphans.is_empty() {
            return;
        }
        kernel::end(&orphans);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}
