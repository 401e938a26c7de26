//! What a node asks its driver to do.

use core::fmt;
use core::ops::Deref;
use core::time::Duration;

use smallvec::SmallVec;

use crate::event::Timer;
use crate::message::{Message, MessageKind};
use crate::report::{DropReason, LostReason, Report};
use crate::types::{HardState, NodeId, Round, Term};

/// Something to do. Exhaustive on purpose: a driver that overlooks a new action must fail
/// to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Action {
    /// Put this on stable storage, in place of what was there, before any later action is carried
    /// out. If that fails, drop the node and restore it from what the disk holds.
    Persist(HardState),
    /// Send a message. It may be lost, repeated, reordered and delayed.
    Send {
        /// The receiver.
        to: NodeId,
        /// The message.
        message: Message,
    },
    /// Set a timer, in place of the one of that name. It counts from a reading of the
    /// clock made after the event of this step was received.
    SetTimer {
        /// The timer.
        timer: Timer,
        /// A number to return in [`Event::TimerFired`](crate::Event::TimerFired).
        number: u64,
        /// How long it runs.
        after: Duration,
    },
    /// Clear a timer.
    CancelTimer(Timer),
    /// This node won the election of a term. It leads, but holds no lease before a round is confirmed.
    LeadershipGained {
        /// The term: a fencing token, greater than that of any leader before.
        term: Term,
        /// Whether the leader before handed over and had surely stopped what it was running.
        predecessor_stopped: bool,
    },
    /// The leader begins a round of heartbeats: read the clock now, before any later action.
    StartRound {
        /// The leader's term.
        term: Term,
        /// The round.
        round: Round,
    },
    /// A majority followed this leader at `round`: its lease ends L after the clock was read for
    /// that round's [`Action::StartRound`], which may be over already if the answers came late. Never emitted in plain Raft.
    LeadershipConfirmed {
        /// The leader's term.
        term: Term,
        /// The newest round that a majority has answered.
        round: Round,
    },
    /// The leadership of this node, and its lease, are over. Exactly one for each
    /// [`Action::LeadershipGained`], before any Persist or Send of its step.
    ///
    /// Not the moment to stop work: a leader that was cut off gives up some 2T after its last confirmed round, when
    /// another may lead already. What runs stops when the [`Lease`](crate::Lease) ends, which no action announces.
    LeadershipLost {
        /// The term that was led.
        term: Term,
        /// Why it ended.
        reason: LostReason,
    },
    /// Nothing to carry out: something worth a log line or a counter.
    Report(Report),
}

/// How many actions are kept inline: a heartbeat takes 2, a leader's round 1 and one a voter, and
/// the longest step of an election among three nodes 8.
const INLINE: usize = 8;

/// The actions of a step, in the order in which they are to be carried out. It derefs to a slice
/// and iterates by value.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
#[must_use = "carry out every action, in order"]
pub struct Actions {
    list: SmallVec<[Action; INLINE]>,
}

impl Actions {
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    #[inline]
    pub(crate) fn push(&mut self, action: Action) {
        self.list.push(action);
    }

    #[inline]
    pub(crate) fn send(&mut self, to: NodeId, message: Message) {
        self.push(Action::Send { to, message });
    }

    #[inline]
    pub(crate) fn send_to(&mut self, receivers: impl Iterator<Item = NodeId>, message: Message) {
        for to in receivers {
            self.send(to, message);
        }
    }

    /// Has the disk hold this state. Within a step the last state wins, in the first one's place:
    /// all that the step sends comes after both.
    pub(crate) fn persist(&mut self, state: HardState) {
        for index in 0..self.list.len() {
            if let Some(Action::Persist(earlier)) = self.list.get_mut(index) {
                *earlier = state;
                return;
            }
        }
        self.push(Action::Persist(state));
    }

    #[inline]
    pub(crate) fn report(&mut self, report: Report) {
        self.push(Action::Report(report));
    }

    #[cold]
    pub(crate) fn drop_message(&mut self, from: NodeId, kind: MessageKind, reason: DropReason) {
        self.report(Report::Dropped { from, kind, reason });
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Deref for Actions {
    type Target = [Action];

    #[inline]
    fn deref(&self) -> &[Action] {
        &self.list
    }
}

impl IntoIterator for Actions {
    type Item = Action;
    type IntoIter = IntoIter;

    #[inline]
    fn into_iter(self) -> IntoIter {
        IntoIter {
            list: self.list.into_iter(),
        }
    }
}

impl<'a> IntoIterator for &'a Actions {
    type Item = &'a Action;
    type IntoIter = core::slice::Iter<'a, Action>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Iterates over [`Actions`] by value.
#[derive(Clone, Debug)]
pub struct IntoIter {
    list: smallvec::IntoIter<[Action; INLINE]>,
}

impl Iterator for IntoIter {
    type Item = Action;

    #[inline]
    fn next(&mut self) -> Option<Action> {
        self.list.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.list.size_hint()
    }
}

impl ExactSizeIterator for IntoIter {}
