//! A node's disk: what was synced survives a crash, what was not may not.

use core::time::Duration;

use raft_core::{HardState, LogPosition};

use crate::rng::{Chance, Random};
use crate::time::nanos;

/// How a disk behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// The shortest time that a sync takes. Default: none.
    pub sync_min: Duration,
    /// The longest time that a sync takes; the time is uniform between the two. Default: none.
    pub sync_max: Duration,
    /// What the node does during a sync.
    pub syncing: Syncing,
}

impl Default for DiskOptions {
    fn default() -> Self {
        DiskOptions {
            sync_min: Duration::ZERO,
            sync_max: Duration::ZERO,
            syncing: Syncing::Blocks,
        }
    }
}

/// What a node does while its disk syncs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syncing {
    /// It waits: messages and timers are handled afterwards. A driver of one thread.
    Blocks,
    /// It steps on, and the actions queue behind the sync. A driver that pipelines.
    Pipelines,
    /// It goes on as if the write were durable. This breaks the core's contract, as a disk does that
    /// lies about its syncs, and votes are forgotten: something for the checker to find.
    IsIgnored,
}

/// The durable part of a node.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) options: DiskOptions,
    pub(crate) durable: HardState,
    /// The embedder's log lives on the same disk, and is durable when the node is told of it.
    pub(crate) last_log: LogPosition,
    unsynced: Option<HardState>,
    random: Random,
}

impl Disk {
    pub(crate) fn new(options: DiskOptions, random: Random) -> Self {
        Disk {
            options,
            durable: HardState::default(),
            last_log: LogPosition::default(),
            unsynced: None,
            random,
        }
    }

    /// Begins to write and returns how long the sync takes; zero if it is done already.
    pub(crate) fn write(&mut self, hard_state: HardState) -> Duration {
        let DiskOptions {
            sync_min, sync_max, ..
        } = self.options;
        if sync_max.is_zero() {
            self.durable = hard_state;
            return Duration::ZERO;
        }
        self.unsynced = Some(hard_state);
        Duration::from_nanos(self.random.between(nanos(sync_min), nanos(sync_max)))
    }

    pub(crate) fn is_syncing(&self) -> bool {
        self.unsynced.is_some()
    }

    /// Whether actions must wait for the disk.
    pub(crate) fn holds_actions(&self) -> bool {
        self.is_syncing() && self.options.syncing != Syncing::IsIgnored
    }

    /// Whether events must wait for the disk.
    pub(crate) fn holds_events(&self) -> bool {
        self.is_syncing() && self.options.syncing == Syncing::Blocks
    }

    pub(crate) fn synced(&mut self) {
        if let Some(hard_state) = self.unsynced.take() {
            self.durable = hard_state;
        }
    }

    /// The machine stops: an unsynced write is there or it is not (a file is replaced atomically, so it is never half there).
    pub(crate) fn crash(&mut self) {
        if let Some(hard_state) = self.unsynced.take()
            && self.random.chance(Chance::percent(50))
        {
            self.durable = hard_state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;
    use raft_core::Term;

    fn state(term: u64) -> HardState {
        HardState {
            current_term: Term(term),
            ..HardState::default()
        }
    }

    #[test]
    fn what_was_not_synced_may_or_may_not_survive_a_crash() {
        let options = DiskOptions {
            sync_max: Duration::from_millis(1),
            ..DiskOptions::default()
        };
        let mut seen = [false; 2];
        for seed in 0..20 {
            let mut disk = Disk::new(options, Random::new(seed, Stream::Disk { index: 0 }));
            disk.write(state(1));
            disk.synced();
            disk.write(state(2));
            assert!(disk.is_syncing());
            disk.crash();
            match disk.durable.current_term.0 {
                1 => seen[0] = true,
                2 => seen[1] = true,
                other => panic!("term {other} was never written"),
            }
        }
        assert_eq!(seen, [true, true]);
    }
}
