//! The "State" box of the paper's Figure 2, less the log.

use crate::role::{Part, Role};
use crate::types::{HardState, LogPosition, NodeId, Round, Term};

/// Everything that decides what a node does next, but for the lengths of its timers: what a model checker
/// stores, compares and hashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct State {
    pub(crate) hard: HardState,
    pub(crate) last_log: LogPosition,
    /// Belongs to the term, not to the role.
    pub(crate) leader: Option<NodeId>,
    /// Of a leader the newest round that it began, of others the newest that they saw in the term.
    pub(crate) round: Round,
    pub(crate) pre_vote_nonce: u64,
    pub(crate) role: Role,
    pub(crate) paused: bool,
}

impl State {
    /// What the disk must hold, once all actions so far are carried out.
    pub fn hard_state(&self) -> HardState {
        self.hard
    }

    /// Figure 2's currentTerm.
    pub fn current_term(&self) -> Term {
        self.hard.current_term
    }

    /// Figure 2's votedFor.
    pub fn voted_for(&self) -> Option<NodeId> {
        self.hard.voted_for
    }

    /// The last entry of the node's log.
    pub fn last_log(&self) -> LogPosition {
        self.last_log
    }

    /// The leader of the current term, as far as this node knows. It may be lost by now.
    pub fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// The newest round of heartbeats in the current term: begun by this node if it leads, seen by it otherwise.
    pub fn round(&self) -> Round {
        self.round
    }

    /// The number of this node's latest pre-vote question.
    pub fn pre_vote_nonce(&self) -> u64 {
        self.pre_vote_nonce
    }

    /// What the node is at the moment. A driver never takes leadership from here, only from
    /// actions that it has carried out and a [`Lease`](crate::Lease) that is valid: the state runs ahead of the disk, and a leader that was
    /// cut off is one for longer than nobody else is.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Whether the node is paused.
    pub fn paused(&self) -> bool {
        self.paused
    }

    /// Whether this node refuses votes because the leader may be alive.
    pub fn in_part_one(&self) -> bool {
        matches!(&self.role, Role::Follower(follower) if follower.part == Part::LeaderAlive)
    }
}
