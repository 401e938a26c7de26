//! The roles of section 5.1, as an enum of structs: what a role does not have, its state cannot hold.

use alloc::boxed::Box;

use crate::quorum::VoterSet;
use crate::types::{NodeId, Round};
use crate::words::in_words;

/// What a node is at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// It answers requests, and waits.
    Follower(Follower),
    /// It asks whether it could win an election.
    PreCandidate(PreCandidate),
    /// It asks for votes.
    Candidate(Candidate),
    /// It sends heartbeats. Another may lead a later term by now: only a [`Lease`](crate::Lease) excludes that.
    Leader(Leader),
}

impl Role {
    /// The role's name.
    pub const fn kind(&self) -> RoleKind {
        match self {
            Role::Follower(_) => RoleKind::Follower,
            Role::PreCandidate(_) => RoleKind::PreCandidate,
            Role::Candidate(_) => RoleKind::Candidate,
            Role::Leader(_) => RoleKind::Leader,
        }
    }
}

/// A role without what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RoleKind {
    /// [`Role::Follower`].
    Follower,
    /// [`Role::PreCandidate`].
    PreCandidate,
    /// [`Role::Candidate`].
    Candidate,
    /// [`Role::Leader`].
    Leader,
}

in_words! {
    RoleKind {
        Follower => "follower",
        PreCandidate => "pre-candidate",
        Candidate => "candidate",
        Leader => "leader",
    }
}

/// A follower's election timeout, uniform in [T, 2T), is spent in two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Part {
    /// Part one, T: the leader may be alive. While it runs the node refuses votes and pre-votes,
    /// which is the promise that a leader's lease rests on.
    LeaderAlive,
    /// Part two, uniform in [0, T): the leader is presumed lost. The node grants votes, and campaigns
    /// when it ends. In plain Raft there is only this part, uniform in [T, 2T).
    LeaderLost,
}

/// A follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Follower {
    /// The part of the election timeout that runs.
    pub part: Part,
}

/// A pre-candidate (thesis section 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PreCandidate {
    /// The voters that would vote for this node, itself among them.
    pub granted: VoterSet,
    /// Whether it stood back for a rival, which it does once at the most.
    pub stood_back: bool,
}

/// A candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Candidate {
    /// The voters that voted for this node, itself among them.
    pub granted: VoterSet,
    /// Why it campaigns.
    pub cause: Cause,
}

/// Why a candidate campaigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Cause {
    /// Its election timeout ended.
    Timeout,
    /// The leader of the term before asked it to ([`TimeoutNow`](crate::TimeoutNow)).
    Transfer {
        /// Whether that leader had surely stopped what it was running.
        stopped: bool,
    },
}

/// A leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Leader {
    /// The newest round that each voter has answered, in the order of
    /// [`Config::voters`](crate::Config::voters); its own is the newest that it began.
    pub answered: Box<[Round]>,
    /// The newest round that a majority has answered.
    pub confirmed: Round,
    /// The newest round that had begun when check-quorum was last armed: only a round begun since then
    /// is surely young enough to arm it again.
    pub armed_at: Round,
    /// The voter that answered last among those that would campaign.
    pub last_to_answer: Option<NodeId>,
    /// The transfer that this leader began, which ends its leadership whatever becomes of it.
    pub transfer: Option<Transfer>,
}

/// A leadership transfer under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Transfer {
    /// The voter that is to take over.
    pub to: NodeId,
    /// Whether what this leader was running has surely stopped.
    pub stopped: bool,
}
