//! A node's disk: what was synced survives a crash of the machine, what was not may not. In between, a process that starts again reads
//! it from the page cache.

use core::time::Duration;

use raft_core::{HardState, LogPosition};
use serde::{Deserialize, Serialize};

use crate::rng::{Chance, Random};
use crate::time::nanos;

/// How a disk behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
            durable: HardState::first_boot(),
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

    /// The process stops and the machine goes on: an unsynced write stays visible, if it had come that far.
    pub(crate) fn kill(&mut self) {
        if self.random.chance(Chance::percent(50)) {
            self.unsynced = None;
        }
    }

    /// What a process reads when it starts. It may be what another wrote and nobody synced: a crash of the machine
    /// could still take it away, so it is synced before anything rests on it.
    pub(crate) fn open(&mut self) -> HardState {
        self.synced();
        self.durable
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
            ..HardState::first_boot()
        }
    }

    /// What the disk holds after a write of term 2 over term 1 that is under way, and these steps.
    fn terms_after(steps: impl Fn(&mut Disk)) -> Vec<u64> {
        let options = DiskOptions {
            sync_max: Duration::from_millis(1),
            ..DiskOptions::default()
        };
        let mut terms: Vec<u64> = (0..40)
            .map(|seed| {
                let mut disk = Disk::new(options, Random::new(seed, Stream::Disk { index: 0 }));
                disk.write(state(1));
                disk.synced();
                disk.write(state(2));
                steps(&mut disk);
                disk.durable.current_term.0
            })
            .collect();
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    #[test]
    fn what_was_not_synced_may_or_may_not_survive_a_crash() {
        assert_eq!(terms_after(Disk::crash), [1, 2]);
    }

    #[test]
    fn what_a_killed_process_wrote_is_lost_with_the_power_unless_another_read_and_synced_it() {
        let killed_late = |disk: &mut Disk| {
            disk.kill();
            assert_eq!(disk.durable, state(1));
            disk.is_syncing()
        };
        let lost = terms_after(|disk| {
            let visible = killed_late(disk);
            disk.crash();
            assert!(visible || disk.durable == state(1));
        });
        assert_eq!(lost, [1, 2]);
        let kept = terms_after(|disk| {
            let visible = killed_late(disk);
            let read = disk.open();
            assert_eq!(read, state(if visible { 2 } else { 1 }));
            disk.crash();
            assert_eq!(disk.durable, read);
        });
        assert_eq!(kept, [1, 2]);
    }
}
