//! The words of the paper's Figure 2: ids, terms, log positions, durable state.

use core::fmt;
use core::time::Duration;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $name(
            /// The number itself.
            pub u64,
        );

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The identity of a node. Any number will do; a node whose durable state was
    /// lost must come back under a new one (see [`HardState`]). There is no default one, for two nodes would share it.
    NodeId
}

number! {
    /// A Raft term (paper section 5.1): a logical clock that numbers elections.
    /// Terms begin at 0, in which nobody votes or leads. A node in
    /// [`Term::MAX`] cannot campaign, so that a term never overflows.
    #[derive(Default)]
    Term
}

impl Term {
    /// The last term. No election can follow it.
    pub const MAX: Term = Term(u64::MAX);

    /// The term after this one, or `None` after [`Term::MAX`].
    #[must_use]
    pub const fn next(self) -> Option<Term> {
        match self.0.checked_add(1) {
            Some(next) => Some(Term(next)),
            None => None,
        }
    }
}

number! {
    /// The index of a log entry. The first entry has index 1; 0 stands before it.
    #[derive(Default)]
    LogIndex
}

number! {
    /// The number of a leader's broadcast of heartbeats within its term. The first is 1; a
    /// follower that has seen none in its term is at 0.
    #[derive(Default)]
    Round
}

/// The position of a log entry, in practice of a log's last one.
///
/// Its order *is* the rule of section 5.4.1: "If the logs have last entries with
/// different terms, then the log with the later term is more up-to-date. If the
/// logs end with the same term, then whichever log is longer is more up-to-date."
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LogPosition {
    /// The term in which the entry was made. It comes first: the order depends on it.
    pub term: Term,
    /// The entry's index.
    pub index: LogIndex,
}

/// What a node must have on stable storage before it acts on it: Figure 2's
/// "Persistent state on all servers", less the log, and the promise that a
/// restart must not break.
///
/// It has no default: a node reads it from its disk, and only a first boot makes one
/// up ([`HardState::first_boot`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HardState {
    /// "Latest term server has seen (initialized to 0 on first boot, increases monotonically)."
    pub current_term: Term,
    /// "CandidateId that received vote in current term (or null if none)."
    pub voted_for: Option<NodeId>,
    /// The longest election timeout under which this node may have promised a leader not
    /// to vote. A restarted node keeps silent for the longer of this and of
    /// its configured election timeout. Zero where no promise was ever made: a node that never
    /// ran, or runs plain Raft.
    pub election_timeout: Duration,
}

impl HardState {
    /// The state of a node that never ran: Figure 2's "initialized to 0 on first boot", no
    /// vote, no promise.
    ///
    /// Only a first boot that an operator has asked for may use it. A voter that begins
    /// again with this state has forgotten its vote and could vote twice in a term, so
    /// that two leaders share it: one that has lost its disk comes back under a new [`NodeId`].
    #[must_use]
    pub const fn first_boot() -> Self {
        HardState {
            current_term: Term(0),
            voted_for: None,
            election_timeout: Duration::ZERO,
        }
    }
}
