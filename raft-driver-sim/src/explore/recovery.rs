//! Liveness without a clock: there are no dead ends. From every state, whatever went before, if all that is under way
//! is lost, the first part of every node's timeout ends and then one node's second part, that node leads and all
//! others follow it within two rounds of a network that loses nothing. This kills bugs that no safety
//! check sees: a cluster that never elects again breaks no invariant.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use raft_core::{Action, Event, Message, NodeId, Protocol, Raft, Role, Timer};

use super::bounds::Bounds;
use super::local::Zero;
use super::model::Model;
use super::symmetry::Global;

/// How many times a node's timeout may end before it leads.
const ROUNDS: usize = 2;
/// More messages than any two rounds take: a network that talks for ever is a dead end too.
const STORM: usize = 100_000;

/// The dead ends looked for so far. Messages are lost first, so only the local states matter.
#[derive(Default)]
pub(super) struct Recovery {
    tried: Mutex<HashSet<[u32; Bounds::MAX_NODES]>>,
    /// How many recoveries took one round, and how many took two.
    rounds: Mutex<[u64; ROUNDS]>,
}

impl Recovery {
    /// Lets every node recover the cluster from this state.
    pub(super) fn check(&self, model: &Model, state: &Global) -> Result<(), String> {
        let new = self
            .tried
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(state.locals);
        if !new {
            return Ok(());
        }
        for node in 0..model.bounds().nodes {
            let rounds = recover(model, state, node)?;
            let mut counts = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
            counts[rounds] += 1;
        }
        Ok(())
    }

    /// How many recoveries took one round, and how many took two.
    pub(super) fn rounds(&self) -> [u64; ROUNDS] {
        *self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has `node` recover the cluster, and says how many rounds it took, less one.
fn recover(model: &Model, state: &Global, node: usize) -> Result<usize, String> {
    let nodes = model.bounds().nodes;
    let mut cluster = Cluster {
        rafts: state.locals[..nodes]
            .iter()
            .map(|local| model.local(*local).raft.clone())
            .collect(),
        network: VecDeque::new(),
    };
    cluster.settle(node);
    cluster.network.clear();
    for round in 0..ROUNDS {
        cluster.end_part_ones();
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
        if cluster.follows(node) {
            return Ok(round);
        }
    }
    let states: Vec<_> = cluster.rafts.iter().map(Raft::state).collect();
    Err(format!(
        "DeadEnd: node {node} does not lead all others after {ROUNDS} rounds: {states:?}"
    ))
}

struct Cluster {
    rafts: Vec<Raft<Zero>>,
    network: VecDeque<(NodeId, NodeId, Message)>,
}

impl Cluster {
    /// Brings the nodes to where `node` may campaign: nobody is paused, a transfer that came to nothing has
    /// timed out; and of two voters the other, without whose vote nobody is elected, has given up leading.
    fn settle(&mut self, node: usize) {
        let two = self.rafts.len() == 2;
        for index in 0..self.rafts.len() {
            self.step(index, Event::Resume);
            let raft = &self.rafts[index];
            let standard = raft.config().protocol() == Protocol::Standard;
            if let Role::Leader(leader) = raft.state().role() {
                let stuck = two && standard && index != node;
                if leader.transfer.is_some() || stuck {
                    self.fire(index, Timer::Election);
                }
            }
        }
    }

    fn end_part_ones(&mut self) {
        for index in 0..self.rafts.len() {
            if self.rafts[index].state().in_part_one() {
                self.fire(index, Timer::Election);
            }
        }
    }

    fn fire(&mut self, index: usize, timer: Timer) {
        if let Some(number) = self.rafts[index].armed(timer) {
            self.step(index, Event::TimerFired { timer, number });
        }
    }

    fn step(&mut self, index: usize, event: Event) {
        let from = NodeId(index as u64);
        for action in self.rafts[index].step(event) {
            if let Action::Send { to, message } = action {
                self.network.push_back((from, to, message));
            }
        }
    }

    /// Delivers all messages, and all that come of them.
    fn deliver(&mut self) -> Result<(), String> {
        for _ in 0..STORM {
            let Some((from, to, message)) = self.network.pop_front() else {
                return Ok(());
            };
            self.step(to.0 as usize, Event::Receive { from, message });
        }
        Err(format!("DeadEnd: {STORM} messages and no end"))
    }

    fn leads(&self, node: usize) -> bool {
        matches!(self.rafts[node].state().role(), Role::Leader(_))
    }

    /// Whether `node` leads and all others follow it.
    fn follows(&self, node: usize) -> bool {
        let term = self.rafts[node].state().current_term();
        let leader = NodeId(node as u64);
        self.leads(node)
            && self.rafts.iter().enumerate().all(|(index, raft)| {
                let state = raft.state();
                let follows = matches!(state.role(), Role::Follower(_));
                state.current_term() == term
                    && state.leader() == Some(leader)
                    && (follows || index == node)
            })
    }
}
