//! A node with its timers and its lease: the rules of the loop, kept for drivers that carry out one action at a time.

use alloc::collections::VecDeque;
use core::ops::Add;
use core::time::Duration;

use rand_core::Rng;

use crate::action::Action;
use crate::config::Config;
use crate::deadlines::Deadlines;
use crate::event::Event;
use crate::lease::Lease;
use crate::raft::{Raft, RestoreError};
use crate::types::{HardState, LogPosition};

/// A [`Raft`] with its [`Deadlines`], its [`Lease`] and the actions that are still to be carried out. `I` is the
/// driver's instant.
///
/// Ask it what is [`next`](Node::next), do that, ask again: so the actions are carried out in order, no timer and no
/// reading of the clock is forgotten, and due timers come before messages. A driver that syncs its disk once for
/// many events, or keeps many nodes, builds its loop on the parts.
///
/// A clone is for whoever explores what a node might do: two that run under one id vote twice.
///
/// ```
/// use core::time::Duration;
/// use raft_core::{Action, Config, HardState, LogPosition, Next, Node, NodeId, Options, Term};
/// # struct Zero;
/// # impl rand_core::TryRng for Zero {
/// #     type Error = core::convert::Infallible;
/// #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { Ok(0) }
/// #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { Ok(0) }
/// #     fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> { Ok(bytes.fill(0)) }
/// # }
/// # let generator = Zero;
///
/// let config = Config::new(NodeId(1), &[NodeId(1)], Options::default())?;
/// let mut node = Node::restore(config, HardState::first_boot(), LogPosition::default(), generator)?;
/// let (mut now, mut disk) = (Duration::ZERO, HardState::first_boot());
/// while node.lease().valid_at(now).is_none() {
///     match node.next(|| now) {
///         Next::CarryOut(Action::Persist(state)) => disk = state,
///         Next::CarryOut(_) => {}
///         Next::Wait(until) => now = until.expect("a lone voter that does not lead waits for its timer"),
///     }
/// }
/// assert_eq!(disk.current_term, Term(1));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Node<R, I> {
    raft: Raft<R>,
    deadlines: Deadlines<I>,
    lease: Lease<I>,
    pending: VecDeque<Action>,
}

/// What a driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "carry out every action, in order"]
pub enum Next<I> {
    /// Carry this out to its end before the next call, a [`Persist`](Action::Persist) until it is on stable storage: the next call
    /// says that it was done, so do not cancel it half-way and go on. If it fails, drop the node. Timers and the lease have been seen to already.
    CarryOut(Action),
    /// Wait for an event until this moment, for as long as it takes with `None`. [`Step`](Node::step) what came, if
    /// anything did, and call again.
    Wait(Option<I>),
}

impl<R: Rng, I: Copy + Ord + Add<Duration, Output = I>> Node<R, I> {
    /// Makes a node from what its disk holds: [`Raft::restore`], which says what the arguments are.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] when no node can have written `hard_state` under this configuration.
    pub fn restore(
        config: Config,
        hard_state: HardState,
        last_log: LogPosition,
        rng: R,
    ) -> Result<Self, RestoreError> {
        let lease = Lease::new(config.lease());
        let (raft, actions) = Raft::restore(config, hard_state, last_log, rng)?;
        Ok(Node {
            raft,
            deadlines: Deadlines::new(),
            lease,
            pending: actions.into_iter().collect(),
        })
    }

    /// The next action, a due timer's among them, or how long to wait. `now` reads the clock, which must be monotonic
    /// and count the time in which the machine is suspended; it must not return a cached time.
    pub fn next(&mut self, now: impl Fn() -> I) -> Next<I> {
        loop {
            if let Some(action) = self.pending.pop_front() {
                self.deadlines.carry_out(&action, now());
                self.lease.carry_out(&action, &now);
                return Next::CarryOut(action);
            }
            match self.deadlines.expire(now()) {
                Some(event) => self.step(event),
                None => return Next::Wait(self.deadlines.earliest()),
            }
        }
    }

    /// Takes an event. What is to be done about it follows what [`next`](Node::next) has not returned yet, so several
    /// may be taken in a row.
    pub fn step(&mut self, event: Event) {
        self.pending.extend(self.raft.step(event));
    }

    /// Whether this node leads undisturbed: ask it with your own clock, at the moment of acting.
    pub fn lease(&self) -> &Lease<I> {
        &self.lease
    }

    /// The state machine, to look at. Its state runs ahead of the actions that were carried out.
    pub fn raft(&self) -> &Raft<R> {
        &self.raft
    }
}
