//! Why: every transition, refusal and dropped message, as data.

use crate::message::MessageKind;
use crate::role::RoleKind;
use crate::types::{NodeId, Term};
use crate::words::in_words;

/// Something that a driver may count or write down. Nothing depends on its being read; what an embedder asked for
/// and was refused is told here alone ([`Raft::transfer_target`](crate::Raft::transfer_target) tells before).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Report {
    /// The node's role, term or leader changed.
    Transition {
        /// The role now.
        role: RoleKind,
        /// The term now.
        term: Term,
        /// The leader of that term, as far as it is known.
        leader: Option<NodeId>,
        /// Why.
        reason: TransitionReason,
    },
    /// The node voted for a candidate.
    VoteGranted {
        /// The candidate.
        candidate: NodeId,
        /// The term.
        term: Term,
    },
    /// The node refused a vote or a pre-vote.
    VoteRefused {
        /// The candidate or pre-candidate.
        candidate: NodeId,
        /// The term for which it asked.
        term: Term,
        /// Whether it asked for a pre-vote.
        pre_vote: bool,
        /// Why it was refused.
        reason: RefusalReason,
    },
    /// This pre-candidate granted a rival's pre-vote, so it asks for its own anew, a little later.
    StoodBack {
        /// The rival.
        rival: NodeId,
    },
    /// A leader asked this node to campaign, and it will not.
    TimeoutNowRefused {
        /// The leader.
        from: NodeId,
        /// Why.
        reason: NoCampaignReason,
    },
    /// This node would campaign and may not.
    NoCampaign {
        /// Why.
        reason: NoCampaignReason,
    },
    /// A leadership transfer began. The leader has given up its lease.
    TransferStarted {
        /// The voter that is to take over.
        to: NodeId,
    },
    /// A leadership transfer was refused; nothing changed.
    TransferRefused {
        /// Why.
        reason: TransferRefusal,
    },
    /// A leader's lease is too long for this node's election timeout, so it is followed but its
    /// heartbeats are not answered: the configurations of the two nodes do not fit.
    LeaseTooLong {
        /// The leader.
        leader: NodeId,
    },
    /// A message changed nothing and got no answer.
    Dropped {
        /// Its sender.
        from: NodeId,
        /// Its kind.
        kind: MessageKind,
        /// Why it was dropped.
        reason: DropReason,
    },
}

/// Why a node's role, term or leader changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum TransitionReason {
    /// A message carried a higher term.
    HigherTerm,
    /// A heartbeat of the term's leader arrived.
    Heartbeat,
    /// The first part of the election timeout ended: the leader is presumed lost.
    LeaderSilent,
    /// The election timeout ended.
    ElectionTimeout,
    /// The candidacy or pre-candidacy ended without a majority, and another begins.
    NoMajority,
    /// A majority would vote for this node.
    PreVoteWon,
    /// A majority voted for this node.
    ElectionWon,
    /// The leader asked this node to take over.
    TimeoutNow,
    /// This node voted for another.
    VoteGranted,
    /// A majority has not answered this leader for [`Config::quorum_window`](crate::Config::quorum_window).
    QuorumLost,
    /// A leadership transfer ended without a successor.
    TransferTimedOut,
    /// The node was paused.
    Paused,
}

/// Why leadership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum LostReason {
    /// A message carried a higher term.
    HigherTerm,
    /// A majority has not answered for [`Config::quorum_window`](crate::Config::quorum_window).
    QuorumLost,
    /// The embedder asked for a transfer; the lease is given up before the target is asked.
    Transfer,
}

/// Why a vote or a pre-vote was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RefusalReason {
    /// "Reply false if term < currentTerm" (section 5.1); of a pre-vote, the term
    /// asked for is not above ours.
    StaleTerm,
    /// This node leads.
    Leading,
    /// The leader may be alive: the first part of the election timeout still runs.
    LeaderAlive,
    /// The leader of that term is known, and it is another.
    LeaderKnown,
    /// This node's vote in that term went to another.
    AlreadyVoted,
    /// This node's log is more up-to-date (section 5.4.1).
    LogBehind,
}

/// Why a node does not campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum NoCampaignReason {
    /// It is configured as a witness.
    Witness,
    /// It is paused.
    Paused,
    /// Its term is the last one.
    LastTerm,
}

/// Why a leadership transfer was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum TransferRefusal {
    /// This node does not lead.
    NotLeader,
    /// A transfer began in this term already.
    AlreadyStarted,
    /// The target is no other voter.
    UnknownTarget,
    /// No target was named and no voter that would campaign has answered yet.
    NobodyAnswered,
    /// The term is the last one: nobody could follow.
    LastTerm,
}

impl core::error::Error for TransferRefusal {}

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum DropReason {
    /// The sender is no voter of this cluster, or claims to be this node.
    UnknownSender,
    /// It was late or repeated: its term, round or question is not the current one.
    Stale,
    /// No correct node would have sent it: a second leader in a term, an answer to what was never
    /// asked, a transfer that nobody began.
    Impossible,
}

// "It" is the node.
in_words! {
    TransitionReason {
        HigherTerm => "a message carried a higher term",
        Heartbeat => "a heartbeat of the term's leader arrived",
        LeaderSilent => "the leader has been silent for T and is presumed lost",
        ElectionTimeout => "the election timeout ended",
        NoMajority => "no majority in time, so it begins again",
        PreVoteWon => "a majority would vote for it",
        ElectionWon => "a majority voted for it",
        TimeoutNow => "the leader asked it to take over",
        VoteGranted => "it voted for another",
        QuorumLost => "no majority has answered for more than 2T",
        TransferTimedOut => "the hand-over ended without a successor",
        Paused => "it was asked not to campaign",
    }
    LostReason {
        HigherTerm => "a message carried a higher term",
        QuorumLost => "no majority has answered for more than 2T",
        Transfer => "it hands over",
    }
    RefusalReason {
        StaleTerm => "the term is stale",
        Leading => "it leads",
        LeaderAlive => "the leader may be alive",
        LeaderKnown => "another leads that term",
        AlreadyVoted => "its vote went to another",
        LogBehind => "its own log is more up-to-date",
    }
    NoCampaignReason {
        Witness => "it is a witness",
        Paused => "it is paused",
        LastTerm => "its term is the last one",
    }
    TransferRefusal {
        NotLeader => "this node does not lead",
        AlreadyStarted => "a transfer began in this term already",
        UnknownTarget => "the target is no other voter of this cluster",
        NobodyAnswered => "no voter that could take over has answered yet: name one, or wait",
        LastTerm => "this is the last term: nobody could follow",
    }
    DropReason {
        UnknownSender => "the sender is no other voter",
        Stale => "it is late or repeated",
        Impossible => "no correct node would have sent it",
    }
}
