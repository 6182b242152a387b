//! How many may run at once.

use std::sync::{Condvar, Mutex, PoisonError};

/// Places that are taken one by one, in no order.
#[derive(Debug)]
pub(super) struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place that is given back when this is dropped.
pub(super) struct Place<'a>(&'a Places);

impl Places {
    /// So many; none: without end.
    pub(super) fn new(most: Option<usize>) -> Self {
        Self { free: Mutex::new(most.unwrap_or(usize::MAX).max(1)), freed: Condvar::new() }
    }

    /// Waits for a place.
    pub(super) fn take(&self) -> Place<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
