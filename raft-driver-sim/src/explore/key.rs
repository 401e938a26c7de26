//! What tells two local states apart, as plain data that a permutation of the nodes can be applied to.

use raft_core::{Cause, NodeId, Part, Protocol, Role, State, Timer, VoterSet};
use serde::Serialize;

/// A promise that a voter made by answering a leader's round, and that has not lapsed: part one of its
/// timeout has not ended since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(super) struct Promise {
    pub(super) leader: u8,
    pub(super) term: u64,
    /// The newest round answered.
    pub(super) round: u64,
}

/// The lease that a former leader held when it learnt a higher term or crashed: what acted on it may not have
/// stopped yet. It is over when the node's own part one has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct Lease {
    pub(super) term: u64,
    /// The round that a majority answered.
    pub(super) round: u64,
    /// Those who answered it, itself included.
    pub(super) voters: u8,
}

/// A local state. Two nodes with the same key do the same from now on, whatever happens in the box.
///
/// Left out, because nothing in the box can tell them apart by it: the numbers of the timers (an old number
/// changes nothing), a leader's `last_to_answer` (it only picks the target of a transfer that names none, and
/// the search asks for every target by name), the rounds that voters have answered once nothing confirms rounds any more
/// (in plain Raft, and after a transfer began), its `armed_at` (it only decides whether a timer that runs is set anew,
/// and here a timer that runs may fire at any time), the number of the pre-vote question (there is one for
/// each term here, see [`Local::arrival`](super::local::Local::arrival)), and the disk (it holds the state's hard part
/// after every step, which is checked).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct Key {
    pub(super) me: u8,
    pub(super) term: u64,
    pub(super) voted_for: Option<u8>,
    pub(super) leader: Option<u8>,
    pub(super) round: u64,
    pub(super) role: KeyRole,
    pub(super) paused: bool,
    /// Which timers are set, by `Timer::index`.
    pub(super) armed: u8,
    /// Ascending.
    pub(super) promises: Vec<Promise>,
    pub(super) lease: Option<Lease>,
}

/// A role; sets of voters are bit masks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) enum KeyRole {
    Follower {
        part_one: bool,
    },
    PreCandidate {
        granted: u8,
        stood_back: bool,
    },
    Candidate {
        granted: u8,
        transfer: bool,
        stopped: bool,
    },
    Leader {
        answered: Vec<u64>,
        confirmed: u64,
        transfer: Option<u8>,
    },
}

/// Nodes are numbered by their ids, 0 to n - 1.
pub(super) fn number(id: NodeId) -> u8 {
    u8::try_from(id.0).unwrap_or(u8::MAX)
}

fn mask(set: VoterSet) -> u8 {
    (0..8)
        .filter(|i| set.contains(*i))
        .fold(0, |mask, i| mask | 1 << i)
}

impl Key {
    pub(super) fn new(
        me: u8,
        state: &State,
        protocol: Protocol,
        armed: impl Fn(Timer) -> bool,
        promises: &[Promise],
        lease: Option<Lease>,
    ) -> Key {
        let confirms = protocol == Protocol::Standard;
        let role = match state.role() {
            Role::Follower(follower) => KeyRole::Follower {
                part_one: follower.part == Part::LeaderAlive,
            },
            Role::PreCandidate(role) => KeyRole::PreCandidate {
                granted: mask(role.granted),
                stood_back: role.stood_back,
            },
            Role::Candidate(role) => KeyRole::Candidate {
                granted: mask(role.granted),
                transfer: role.cause != Cause::Timeout,
                stopped: role.cause == Cause::Transfer { stopped: true },
            },
            Role::Leader(leader) => KeyRole::Leader {
                answered: if confirms && leader.transfer.is_none() {
                    leader.answered.iter().map(|round| round.0).collect()
                } else {
                    Vec::new()
                },
                confirmed: leader.confirmed.0,
                transfer: leader.transfer.map(|transfer| number(transfer.to)),
            },
        };
        Key {
            me,
            term: state.current_term().0,
            voted_for: state.voted_for().map(number),
            leader: state.leader().map(number),
            round: state.round().0,
            role,
            paused: state.paused(),
            armed: Timer::ALL
                .into_iter()
                .filter(|timer| armed(*timer))
                .fold(0, |mask, timer| mask | 1 << timer.index()),
            promises: promises.to_vec(),
            lease,
        }
    }

    /// The same state after node i became node `image[i]`.
    pub(super) fn permuted(&self, image: &[u8]) -> Key {
        let node = |i: u8| image[usize::from(i)];
        let nodes = |set: u8| {
            (0..8)
                .filter(|i| set & 1 << i != 0)
                .fold(0, |mask, i| mask | 1 << node(i))
        };
        let role = match &self.role {
            KeyRole::Follower { part_one } => KeyRole::Follower {
                part_one: *part_one,
            },
            KeyRole::PreCandidate {
                granted,
                stood_back,
            } => KeyRole::PreCandidate {
                granted: nodes(*granted),
                stood_back: *stood_back,
            },
            KeyRole::Candidate {
                granted,
                transfer,
                stopped,
            } => KeyRole::Candidate {
                granted: nodes(*granted),
                transfer: *transfer,
                stopped: *stopped,
            },
            KeyRole::Leader {
                answered,
                confirmed,
                transfer,
            } => {
                let mut moved = answered.clone();
                for (i, round) in answered.iter().enumerate() {
                    moved[usize::from(image[i])] = *round;
                }
                KeyRole::Leader {
                    answered: moved,
                    confirmed: *confirmed,
                    transfer: transfer.map(node),
                }
            }
        };
        let mut promises: Vec<Promise> = self
            .promises
            .iter()
            .map(|promise| Promise {
                leader: node(promise.leader),
                ..*promise
            })
            .collect();
        promises.sort_unstable();
        Key {
            me: node(self.me),
            voted_for: self.voted_for.map(node),
            leader: self.leader.map(node),
            role,
            promises,
            lease: self.lease.map(|lease| Lease {
                voters: nodes(lease.voters),
                ..lease
            }),
            ..self.clone()
        }
    }

    /// The lease that it holds as a leader, or held.
    pub(super) fn held_lease(&self) -> Option<Lease> {
        match &self.role {
            KeyRole::Leader {
                answered,
                confirmed: round @ 1..,
                transfer: None,
            } => Some(Lease {
                term: self.term,
                round: *round,
                voters: (0..answered.len())
                    .filter(|voter| answered[*voter] >= *round)
                    .fold(0, |mask, voter| mask | 1 << voter),
            }),
            _ => self.lease,
        }
    }

    /// Whether this node leads, be it that it has begun to hand over.
    pub(super) fn leads(&self) -> bool {
        matches!(self.role, KeyRole::Leader { .. })
    }
}
