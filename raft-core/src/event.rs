//! What happens to a node.

use crate::message::Message;
use crate::types::{LogPosition, NodeId};

/// Something that happened. [`Raft::step`](crate::Raft::step) takes any of them, in any
/// order, from anyone, with any numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// A message arrived. The driver vouches for `from`.
    Receive {
        /// The node that sent the message.
        from: NodeId,
        /// The message.
        message: Message,
    },
    /// A timer that was set ([`Action::SetTimer`](crate::Action::SetTimer)) ran out. Late and
    /// repeated is safe, early breaks a lease. Any number but the latest changes nothing.
    TimerFired {
        /// The timer.
        timer: Timer,
        /// The number with which it was set.
        number: u64,
    },
    /// The embedder asks the leader to hand its leadership to another voter (thesis section 3.10).
    /// A node that does not lead, or has nobody to ask, refuses and changes nothing, with a report:
    /// [`Raft::transfer_target`](crate::Raft::transfer_target) tells before.
    ///
    /// The lease is over with the step's first action, and the target is asked later, so a process that wants to leave goes on with its
    /// loop: until there is nothing to carry out and the role is no longer a leader's.
    TransferLeadership {
        /// The voter to hand it to; `None` takes the voter that answered last.
        to: Option<NodeId>,
        /// Whether all that ran under this leadership, and under those before it, has surely stopped. If
        /// not, the target is asked T - L later.
        stopped: bool,
    },
    /// The last entry of the node's log changed: an embedder that replicates by its own means
    /// says so here, and the freshest voter wins elections (section 5.4.1). The position must
    /// be durable.
    LogTailMoved(LogPosition),
    /// Vote, but do not campaign, until [`Event::Resume`] (maintenance). A leader goes on
    /// leading: transfer its leadership first. Not remembered across a restart.
    Pause,
    /// Campaign again.
    Resume,
}

/// The three timers of a node. What each is for depends on the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Timer {
    /// A follower's two-part election timeout; the end of a candidacy or pre-candidacy; a
    /// leader's check-quorum, or the end of its leadership transfer.
    Election,
    /// A leader's next round of heartbeats.
    Heartbeat,
    /// The next repetition of what has not been answered: RequestVote, RequestPreVote, TimeoutNow.
    Repeat,
}

impl Timer {
    /// All timers, in the order of [`Timer::index`].
    pub const ALL: [Timer; 3] = [Timer::Election, Timer::Heartbeat, Timer::Repeat];

    /// A number below 3, for tables.
    pub const fn index(self) -> usize {
        self as usize
    }
}
