//! The heart: a node is restored, and steps from event to event.

use core::fmt;
use core::time::Duration;

use rand_core::Rng;

use crate::action::Actions;
use crate::config::Config;
use crate::event::{Event, Timer};
use crate::state::State;
use crate::types::{HardState, LogPosition, NodeId, Term};

/// A Raft node: a pure state machine. It has no clock, no socket and no disk; [`step`](Raft::step)
/// tells it what happened and returns what is to be done.
#[derive(Clone, Debug)]
pub struct Raft<R> {
    config: Config,
    state: State,
    /// The numbers of the timers that were set last, beside the state so that a model
    /// checker does not see them grow.
    timers: [u64; 3],
    rng: R,
}

impl<R: Rng> Raft<R> {
    /// Makes a node from what its disk holds: also the first time, with the default
    /// [`HardState`] (which only an explicit first start may do), and after every crash.
    ///
    /// `last_log` is the last entry of the node's log, [`LogPosition::default`] without one. `rng` must be
    /// seeded afresh at every restore, differently on each node; fixed seeds are for simulation.
    ///
    /// The node begins as a follower in part one of its timeout, so that it cannot break a
    /// promise that it forgot.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] when no node can have written `hard_state` under this configuration.
    pub fn restore(
        config: Config,
        hard_state: HardState,
        last_log: LogPosition,
        rng: R,
    ) -> Result<(Self, Actions), RestoreError> {
        let _ = (config, hard_state, last_log, rng);
        todo!()
    }

    /// Takes one event and returns what is to be done about it, in order.
    ///
    /// Total: any event, in any order, from anyone, with any numbers. It never panics, blocks or fails.
    pub fn step(&mut self, event: Event) -> Actions {
        let _ = (event, &mut self.rng);
        todo!()
    }

    /// Everything that decides what this node does next.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The number with which `timer` was last set or cancelled: an explorer that fires timers at will
    /// passes it back in [`Event::TimerFired`]. A driver uses the number in the action.
    pub fn timer_number(&self, timer: Timer) -> u64 {
        match timer {
            Timer::Election => self.timers[0],
            Timer::Heartbeat => self.timers[1],
            Timer::Repeat => self.timers[2],
        }
    }
}

/// Why a node cannot be made from what its disk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// A vote is recorded in term 0, in which there are none.
    VoteInTermZero {
        /// The recorded vote.
        voted_for: NodeId,
    },
    /// The recorded election timeout is longer than [`Config::MAX_ELECTION_TIMEOUT`].
    ElectionTimeout {
        /// The recorded election timeout.
        value: Duration,
    },
    /// The state records a promise to leaders, which plain Raft would break.
    PromiseInPlainRaft {
        /// The recorded election timeout.
        value: Duration,
        /// The recorded term.
        term: Term,
    },
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            RestoreError::VoteInTermZero { voted_for } => {
                write!(f, "voted_for: a vote for node {voted_for} in term 0, which has no elections")
            }
            RestoreError::ElectionTimeout { value } => {
                let most = Config::MAX_ELECTION_TIMEOUT;
                write!(f, "election_timeout: the stored {value:?} is longer than {most:?}")
            }
            RestoreError::PromiseInPlainRaft { value, term } => write!(
                f,
                "election_timeout: this state (term {term}) holds a promise of {value:?} not to \
                 vote, which plain Raft would break: start plain Raft on a state of its own"
            ),
        }
    }
}

impl core::error::Error for RestoreError {}

