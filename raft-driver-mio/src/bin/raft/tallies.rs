//! What is counted around the node, for the metrics. A process runs one member.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often a program ended by itself and waits to be started again.
pub(crate) static CHILD_RESTARTS: Tally = Tally(AtomicU64::new(0));
/// How often a hook failed, or ran for too long.
pub(crate) static HOOK_FAILURES: Tally = Tally(AtomicU64::new(0));

pub(crate) struct Tally(AtomicU64);

impl Tally {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
