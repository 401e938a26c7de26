//! The checker of invariants. It looks at every step of every node and at every action that is carried out, and
//! keeps the history that the invariants speak of: who voted for whom, and who led, in each term.
//!
//! The state form of an invariant ("no two nodes lead in one term now") misses what the history form
//! catches ("no two nodes ever led in one term"), so nothing here is asked of a moment that can be asked of all time.

mod alone;
mod history;
mod lease;
mod quorum;
#[cfg(test)]
mod step_tests;
mod steps;
#[cfg(test)]
mod tests;
mod timers;
mod transfer;
#[cfg(test)]
mod transfer_tests;

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;

use raft_core::{HardState, NodeId, Protocol, RestoreError, RoleKind, Round, State, Term};

pub(crate) use self::alone::check_alone;
use self::quorum::Rounds;
pub(crate) use self::steps::Step;
use self::transfer::Transfer;
use crate::settings::Settings;
use crate::time::{LocalTime, Time};

/// What must hold in every world, whatever its faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Invariant {
    /// Of all nodes that ever led in a term, and that ever sent a heartbeat in it, there is one.
    OneLeaderPerTerm,
    /// A voter ever votes for one candidate in a term, itself included.
    VoteOncePerTerm,
    /// A leader has the votes of a majority of distinct voters, sent in its term.
    QuorumBacked,
    /// No term of a node ever falls, on its disk or in its memory, also across a restart; no message
    /// carries a term that its sender has not reached.
    TermMonotone,
    /// No message leaves that says more than its sender's disk holds, and a restarted node knows what its disk holds.
    Durability,
    /// Within a term a vote changes from none to somebody, and never again.
    VoteImmutable,
    /// Nobody votes for a candidate whose log is behind the voter's (section 5.4.1).
    UpToDateGrant,
    /// A pre-vote changes no term, vote, role or timer.
    PreVotePure,
    /// Roles and terms change only as the paper and the thesis say.
    Transitions,
    /// What the core itself says must be true of a node after every step ([`State::check`]).
    State,
    /// No vote, no pre-vote and no change of term for a candidate while the leader may be alive, save in a leadership transfer.
    Stickiness,
    /// A leader that no majority answers for [`Config::quorum_window`](raft_core::Config::quorum_window), by its own clock, no longer leads.
    CheckQuorum,
    /// Timers run for what the protocol says, and only what the protocol names postpones an election.
    Timers,
    /// Leadership is gained after the `Persist` of its step, lost before it, and lost once for each time that it is gained.
    LeadershipOrder,
    /// No two nodes hold a valid lease at the same time. Nobody leads before what acted on an earlier lease had the
    /// time to stop: T after its last confirmed round began, less what clocks may drift, or T - L after a transfer began, unless
    /// it was said to have stopped.
    OneLease,
}

/// An invariant that does not hold: a bug, in the core or in what was built on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When it was seen, in the world's time.
    pub time: Time,
    /// The node that broke it, or was seen to.
    pub node: NodeId,
    /// What does not hold.
    pub invariant: Invariant,
    /// What was seen.
    pub explanation: String,
    /// The world's seed.
    pub seed: u64,
    /// The command that repeats the run, if the world was told ([`Settings::replay`]).
    pub replay: Option<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is violated at {} s by node {}: {} (seed {})",
            self.invariant, self.time, self.node, self.explanation, self.seed
        )?;
        match &self.replay {
            Some(command) => write!(f, "; to repeat it: {command}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Violation {}

/// What a node looked like after its last step.
#[derive(Clone, Copy, Debug)]
struct Seen {
    term: Term,
    voted_for: Option<NodeId>,
    kind: RoleKind,
    in_part_one: bool,
    paused: bool,
    /// When this follower last promised not to vote: it heard its leader, granted a vote, or started.
    contact: Option<LocalTime>,
    /// The newest round that it heard in its term.
    heard: Round,
    /// The newest round that had begun when check-quorum was last armed, if the node leads.
    armed_at: Round,
    /// When check-quorum last began to count, if the node leads.
    quorum_since: LocalTime,
    /// The term in which it leads, by the actions carried out since its start.
    leading: Option<Term>,
    /// The newest round for which the clock was read.
    round: Round,
    round_term: Term,
    /// Until when, on the node's own clock, nobody else may lead because it led in this term. It outlasts a crash and the
    /// loss of leadership, because what acted on it may.
    undisturbed: Option<(Term, LocalTime)>,
}

impl Default for Seen {
    fn default() -> Self {
        Seen {
            term: Term(0),
            voted_for: None,
            kind: RoleKind::Follower,
            in_part_one: false,
            paused: false,
            contact: None,
            heard: Round(0),
            armed_at: Round(0),
            quorum_since: LocalTime::default(),
            leading: None,
            round: Round(0),
            round_term: Term(0),
            undisturbed: None,
        }
    }
}

/// The checker of one world.
#[derive(Clone, Debug)]
pub(crate) struct Checker {
    seen: Vec<Seen>,
    rounds: Vec<Rounds>,
    /// Who led in each term.
    leaders: BTreeMap<Term, usize>,
    /// Whom each voter voted for in each term, by what left it.
    votes: BTreeMap<(Term, usize), NodeId>,
    /// The transfer that the leader of each term began.
    transfers: BTreeMap<Term, Transfer>,
    violation: Option<Violation>,
    protocol: Protocol,
    election_timeout: Duration,
    heartbeat_interval: Duration,
    leases_count: bool,
    seed: u64,
    replay: Option<String>,
}

impl Checker {
    pub(crate) fn new(settings: &Settings, seed: u64) -> Self {
        Checker {
            seen: vec![Seen::default(); settings.nodes],
            rounds: vec![Rounds::new(); settings.nodes],
            leaders: BTreeMap::new(),
            votes: BTreeMap::new(),
            transfers: BTreeMap::new(),
            violation: None,
            protocol: settings.options.protocol,
            election_timeout: settings.options.election_timeout,
            heartbeat_interval: settings.options.heartbeat_interval,
            leases_count: true,
            seed,
            replay: settings.replay.clone(),
        }
    }

    pub(crate) fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// A clock ran as no lease allows for: leases prove nothing from now on.
    pub(crate) fn forgive_leases(&mut self) {
        self.leases_count = false;
    }

    /// A node starts from its disk.
    pub(crate) fn restored(
        &mut self,
        time: Time,
        index: usize,
        local: LocalTime,
        state: &State,
        durable: &HardState,
    ) {
        if (state.current_term(), state.voted_for()) != (durable.current_term, durable.voted_for) {
            self.violate(time, index, Invariant::Durability, || {
                format!("the disk holds {durable:?}, the restarted node {state:?}")
            });
        }
        let seen = &mut self.seen[index];
        *seen = Seen {
            term: state.current_term(),
            voted_for: state.voted_for(),
            in_part_one: state.in_part_one(),
            contact: Some(local),
            undisturbed: seen.undisturbed,
            ..Seen::default()
        };
    }

    pub(crate) fn refused_restore(&mut self, time: Time, index: usize, error: &RestoreError) {
        self.violate(time, index, Invariant::Durability, || {
            format!("the node cannot be restored from what it wrote: {error}")
        });
    }

    /// Notes the first violation; what follows from it is of no interest.
    #[cold]
    fn violate(
        &mut self,
        time: Time,
        index: usize,
        invariant: Invariant,
        explanation: impl FnOnce() -> String,
    ) {
        if self.violation.is_none() {
            self.violation = Some(Violation {
                time,
                node: NodeId(index as u64),
                invariant,
                explanation: explanation(),
                seed: self.seed,
                replay: self.replay.clone(),
            });
        }
    }
}
