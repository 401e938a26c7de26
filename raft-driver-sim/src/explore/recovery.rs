//! Liveness without a clock: there are no dead ends. From every state, whatever went before, if all that is under way
//! is lost, the first part of every node's timeout ends and then one node's second part, that node leads and all
//! others follow it within two rounds of a network that loses nothing. This kills bugs that no safety
//! check sees: a cluster that never elects again breaks no invariant.
//!
//! What can be asked where some links do not work is said in [`cut`](super::cut).

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use raft_core::{Event, Protocol, Raft, Role, Timer};

use super::bounds::Bounds;
use super::cluster::Cluster;
use super::cut::{self, TURNS};
use super::links::Links;
use super::local::Zero;

/// How many times a node's timeout may end before it leads.
const ROUNDS: usize = 2;

/// A state that the cluster does not find out of.
#[derive(Clone, Debug)]
pub(super) struct DeadEnd {
    pub(super) what: String,
    /// The links that worked, if not all did.
    pub(super) links: Option<Links>,
}

/// The recoveries that are tried, and what came of them.
pub(super) struct Recovery {
    /// Whether to try with all links.
    whole: bool,
    /// The networks with other links.
    networks: Vec<Links>,
    /// The nodes' states tried so far. Messages are lost first, so only these matter.
    tried: Mutex<HashSet<[u32; Bounds::MAX_NODES]>>,
    counts: Mutex<Counts>,
}

/// How long recoveries took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// How many took one round, and how many two.
    pub(super) rounds: [u64; ROUNDS],
    /// How many took one turn, two turns, and so on.
    pub(super) turns: [u64; TURNS],
}

impl Recovery {
    pub(super) fn new(whole: bool, networks: Vec<Links>) -> Recovery {
        Recovery {
            whole,
            networks,
            tried: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    /// Lets every node that can be elected recover the cluster from this state, unless that was tried.
    pub(super) fn check<'a>(
        &self,
        locals: &[u32; Bounds::MAX_NODES],
        rafts: impl FnOnce() -> Vec<Raft<Zero>> + 'a,
    ) -> Result<(), DeadEnd> {
        if !self.whole && self.networks.is_empty() {
            return Ok(());
        }
        let new = self
            .tried
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(*locals);
        if new { self.try_all(&rafts()) } else { Ok(()) }
    }

    /// Lets every node that can be elected recover the cluster.
    pub(super) fn try_all(&self, rafts: &[Raft<Zero>]) -> Result<(), DeadEnd> {
        let mut counts = Counts::default();
        for node in 0..rafts.len() {
            if self.whole {
                let taken = recover(rafts, node).map_err(|what| DeadEnd { what, links: None })?;
                counts.rounds[taken] += 1;
            }
            let electable = |links: &&Links| links.reaches_majority(node, rafts.len());
            for links in self.networks.iter().filter(electable) {
                let taken = cut::find_leader(rafts, *links, node).map_err(|what| DeadEnd {
                    what,
                    links: Some(*links),
                })?;
                counts.turns[taken] += 1;
            }
        }
        let mut sums = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (sum, more) in sums.rounds.iter_mut().zip(counts.rounds) {
            *sum += more;
        }
        for (sum, more) in sums.turns.iter_mut().zip(counts.turns) {
            *sum += more;
        }
        Ok(())
    }

    /// How long recoveries took.
    pub(super) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has `node` recover the cluster, and says how many rounds it took, less one.
fn recover(rafts: &[Raft<Zero>], node: usize) -> Result<usize, String> {
    let nodes = rafts.len();
    let mut cluster = Cluster::new(rafts, Links::all(nodes));
    settle(&mut cluster, node);
    for round in 0..ROUNDS {
        end_part_ones(&mut cluster);
        if !cluster.leads(node) {
            cluster.fire(node, Timer::Election);
            cluster.deliver()?;
        }
        // The others' candidacies are not repeated: it is this node's turn.
        cluster.fire(node, Timer::Repeat);
        for leader in 0..nodes {
            cluster.fire(leader, Timer::Heartbeat);
        }
        cluster.deliver()?;
        let mut others = (0..nodes).filter(|other| *other != node);
        if cluster.leads(node) && others.all(|other| cluster.follows(other, node)) {
            return Ok(round);
        }
    }
    Err(format!(
        "DeadEnd: node {node} does not lead all others after {ROUNDS} rounds: {}",
        cluster.show()
    ))
}

/// Brings the nodes to where `node` may campaign: nobody is paused, a transfer that came to nothing has
/// timed out; and of two voters the other, without whose vote nobody is elected, has given up leading.
fn settle(cluster: &mut Cluster, node: usize) {
    let two = cluster.rafts.len() == 2;
    for index in 0..cluster.rafts.len() {
        cluster.step(index, Event::Resume);
        let raft = &cluster.rafts[index];
        let standard = raft.config().protocol() == Protocol::Standard;
        if let Role::Leader(leader) = raft.state().role() {
            let stuck = two && standard && index != node;
            if leader.transfer.is_some() || stuck {
                cluster.fire(index, Timer::Election);
            }
        }
    }
    cluster.lose();
}

fn end_part_ones(cluster: &mut Cluster) {
    for index in 0..cluster.rafts.len() {
        if cluster.rafts[index].state().in_part_one() {
            cluster.fire(index, Timer::Election);
        }
    }
}
