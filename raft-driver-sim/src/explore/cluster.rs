//! A few nodes on a network that loses nothing but what its links do not carry: where recoveries are tried.

use std::collections::VecDeque;

use raft_core::{Action, Event, Message, NodeId, Raft, Role, Timer};

use super::links::Links;
use super::local::Zero;

/// More messages than any recovery takes: a network that talks for ever is a dead end too.
const STORM: usize = 100_000;

pub(super) struct Cluster {
    pub(super) rafts: Vec<Raft<Zero>>,
    pub(super) links: Links,
    network: VecDeque<(NodeId, NodeId, Message)>,
}

impl Cluster {
    pub(super) fn new(rafts: &[Raft<Zero>], links: Links) -> Cluster {
        Cluster {
            rafts: rafts.to_vec(),
            links,
            network: VecDeque::new(),
        }
    }

    /// Lets a timer run out, if it is set.
    pub(super) fn fire(&mut self, index: usize, timer: Timer) {
        if let Some(number) = self.rafts[index].armed(timer) {
            self.step(index, Event::TimerFired { timer, number });
        }
    }

    pub(super) fn step(&mut self, index: usize, event: Event) {
        let from = NodeId(index as u64);
        for action in self.rafts[index].step(event) {
            if let Action::Send { to, message } = action
                && self.links.carry(index, to.0 as usize)
            {
                self.network.push_back((from, to, message));
            }
        }
    }

    /// Delivers all messages, and all that come of them.
    pub(super) fn deliver(&mut self) -> Result<(), String> {
        for _ in 0..STORM {
            let Some((from, to, message)) = self.network.pop_front() else {
                return Ok(());
            };
            self.step(to.0 as usize, Event::Receive { from, message });
        }
        Err(format!("DeadEnd: {STORM} messages and no end"))
    }

    /// Loses all that is under way.
    pub(super) fn lose(&mut self) {
        self.network.clear();
    }

    pub(super) fn leads(&self, node: usize) -> bool {
        matches!(self.rafts[node].state().role(), Role::Leader(_))
    }

    /// Whether `node` follows `leader` in the leader's term.
    pub(super) fn follows(&self, node: usize, leader: usize) -> bool {
        let (state, its) = (self.rafts[node].state(), self.rafts[leader].state());
        matches!(state.role(), Role::Follower(_))
            && state.current_term() == its.current_term()
            && state.leader() == Some(NodeId(leader as u64))
    }

    /// The states of the nodes, for a reader.
    pub(super) fn show(&self) -> String {
        let states: Vec<_> = self.rafts.iter().map(Raft::state).collect();
        format!("{states:?}")
    }
}
