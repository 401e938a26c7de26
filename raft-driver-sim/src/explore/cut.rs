//! Liveness where links do not work, and never will. From every state, if all that is under way is lost, a
//! leader comes that hears from a majority, and stays.
//!
//! What can be asked: only a node that talks to a majority in both directions (itself counted) can be elected and stay,
//! because a vote takes a question and an answer, and so does a round. Where no node does, as after an even split, nobody can lead and nothing
//! is asked. Otherwise it is asked for every such node, if among those that can be elected it is always the first to time out:
//!
//! - within [`TURNS`] turns some node leads and all its rounds are answered by a majority (that node, or another that can be
//!   elected and was faster: it led when the links failed, or had the votes already);
//! - it leads in the same term for [`STAYS`] turns more. A node that hears nothing of it must not depose it.
//!
//! Those that cannot be elected are as slow as they can be in one trial, and faster than all others in a second.
//!
//! The random part of the same node's timeouts is the shortest turn after turn with a chance, however small, in every real run. So there, as long as
//! the links stay as they are, a leader comes with probability 1 (and where draws are taken in turns by preference, it is the first of
//! those that can be elected whose draws are the shortest).
//!
//! A turn stands for T, the time that part one takes. In it leaders heartbeat and what is unanswered is asked again, and
//! all arrives at once that the links carry; then those timers run out that nothing has set anew for as long as
//! they take: part one and a transfer one turn, check-quorum (2T and half a heartbeat interval) three, the random part of a timeout none for a fast node and one for a slow one, a
//! candidacy one turn and two.
//!
//! The bound: a node that cannot be elected may still be when the links fail, with votes that it has already and others that reach it one way. Its candidacy
//! lasts two turns, and voters may be free only in the second; without a majority that answers it leads for three turns more; those who heard of it in the last of these let it
//! go in the sixth; and in the seventh the chosen node, which has won its election by then, has its rounds answered. Whoever has a higher term than the chosen
//! node and is heard by it teaches it the term within these turns, in refusals or in requests.

use raft_core::{Event, NodeId, Part, Protocol, Raft, Role, Timer};

use super::bounds::Bounds;
use super::cluster::Cluster;
use super::links::Links;
use super::local::Zero;

/// How many turns it may take until a leader's rounds are answered by a majority.
pub(super) const TURNS: usize = 7;
/// For how many turns more that leader must stay.
const STAYS: usize = 4;
/// How often a node begins part two anew in a turn: once for each higher term that a refusal teaches.
const TERMS: usize = 3;

/// Where `first` can be elected, has the cluster find a leader on these links, and says in which turn, from 0, it had one:
/// the later of two, if there are nodes that cannot be elected.
pub(super) fn find_leader(
    rafts: &[Raft<Zero>],
    links: Links,
    first: usize,
) -> Result<usize, String> {
    let nodes = rafts.len();
    let hopeless: Vec<usize> = (0..nodes)
        .filter(|node| !links.reaches_majority(*node, nodes))
        .collect();
    let turn = try_to(rafts, links, first, &[])?;
    if hopeless.is_empty() {
        return Ok(turn);
    }
    Ok(turn.max(try_to(rafts, links, first, &hopeless)?))
}

/// The same with nodes that are faster still than `first`.
fn try_to(
    rafts: &[Raft<Zero>],
    links: Links,
    first: usize,
    faster: &[usize],
) -> Result<usize, String> {
    let mut trial = Trial {
        cluster: Cluster::new(rafts, links),
        first,
        faster,
        ages: [(None, 0); Bounds::MAX_NODES],
    };
    for node in 0..rafts.len() {
        trial.cluster.step(node, Event::Resume);
    }
    trial.cluster.lose();
    let mut turn = 0;
    let leader = loop {
        trial.turn()?;
        if let Some(leader) = trial.leader() {
            break leader;
        }
        turn += 1;
        if turn == TURNS {
            return Err(trial.fails(&format!("nobody leads a majority after {TURNS} turns")));
        }
    };
    for _ in 0..STAYS {
        trial.turn()?;
        if trial.leader() != Some(leader) {
            let (node, term) = leader;
            return Err(trial.fails(&format!(
                "node {node} did not stay the leader of term {term}"
            )));
        }
    }
    Ok(turn)
}

struct Trial<'a> {
    cluster: Cluster,
    first: usize,
    faster: &'a [usize],
    /// The number of each election timer, and for how many turns it has been set.
    ages: [(Option<u64>, u8); Bounds::MAX_NODES],
}

impl Trial<'_> {
    fn turn(&mut self) -> Result<(), String> {
        let nodes = self.cluster.rafts.len();
        self.note_new_timers();
        for _ in 0..2 {
            for node in 0..nodes {
                self.cluster.fire(node, Timer::Heartbeat);
                self.cluster.fire(node, Timer::Repeat);
            }
            self.cluster.deliver()?;
        }
        self.grow_older();
        let waits = |role: &Role| match role {
            Role::Follower(follower) => follower.part == Part::LeaderAlive,
            Role::Leader(_) => true,
            Role::PreCandidate(_) | Role::Candidate(_) => false,
        };
        for node in 0..nodes {
            if waits(self.cluster.rafts[node].state().role()) {
                self.fire_if_due(node)?;
            }
        }
        for node in self.faster {
            self.fire_if_due(*node)?;
        }
        for _ in 0..TERMS {
            self.fire_if_due(self.first)?;
        }
        for node in 0..nodes {
            self.fire_if_due(node)?;
        }
        Ok(())
    }

    /// What was set since it was last looked at has just been set.
    fn note_new_timers(&mut self) {
        for (raft, age) in self.cluster.rafts.iter().zip(&mut self.ages) {
            let number = raft.armed(Timer::Election);
            if number != age.0 {
                *age = (number, 0);
            }
        }
    }

    fn grow_older(&mut self) {
        let before = self.ages;
        self.note_new_timers();
        for (age, before) in self.ages.iter_mut().zip(before) {
            if age.0 == before.0 {
                age.1 = age.1.saturating_add(1);
            }
        }
    }

    fn fire_if_due(&mut self, node: usize) -> Result<(), String> {
        self.note_new_timers();
        let raft = &self.cluster.rafts[node];
        let slow = u8::from(node != self.first && !self.faster.contains(&node));
        let turns = match raft.state().role() {
            Role::Follower(follower) if follower.part == Part::LeaderAlive => 1,
            Role::Follower(_) if raft.config().protocol() == Protocol::Standard => slow,
            Role::Leader(leader) if leader.transfer.is_some() => 1,
            Role::Leader(_) => 3,
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => 1 + slow,
        };
        if self.ages[node].1 >= turns {
            self.cluster.fire(node, Timer::Election);
            self.cluster.deliver()?;
        }
        Ok(())
    }

    /// The node that leads, and its term, if a majority has answered its latest round.
    fn leader(&self) -> Option<(usize, u64)> {
        let cluster = &self.cluster;
        let nodes = cluster.rafts.len();
        let leads = |node: &usize| {
            let state = cluster.rafts[*node].state();
            let Role::Leader(leader) = state.role() else {
                return false;
            };
            let standard = cluster.rafts[*node].config().protocol() == Protocol::Standard;
            let confirmed = !standard || leader.confirmed == state.round();
            let hears = |other: &usize| {
                *other == *node
                    || cluster.links.both_ways(*node, *other)
                        && cluster.follows(*other, *node)
                        && cluster.rafts[*other].state().round() == state.round()
            };
            confirmed && (0..nodes).filter(hears).count() * 2 > nodes
        };
        let node = (0..nodes).find(leads)?;
        Some((node, cluster.rafts[node].state().current_term().0))
    }

    fn fails(&self, what: &str) -> String {
        let cluster = &self.cluster;
        let first = NodeId(self.first as u64);
        let faster = match self.faster {
            [] => String::new(),
            faster => format!(" but for {faster:?}"),
        };
        format!(
            "DeadEnd: where only the links {} work and node {first} is always the first to time out{faster}, {what}: {}",
            cluster.links,
            cluster.show()
        )
    }
}
