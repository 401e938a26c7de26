//! What can be asked of a [`World`].

use core::time::Duration;

use raft_core::{HardState, LogPosition, NodeId, Role, RoleKind, State, Term};

use crate::checker::Violation;
use crate::disk::DiskOptions;
use crate::network::Conditions;
use crate::node::Process;
use crate::observer::Observer;
use crate::stats::Stats;
use crate::time::{LocalTime, Time};
use crate::world::World;

/// Questions. None of them changes anything.
impl<O: Observer> World<O> {
    /// The world's time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The seed that it came from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// All nodes, ascending.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<O> {
        (0..self.nodes.len() as u64).map(NodeId)
    }

    /// Whether what either of two nodes sends to the other may arrive: no link between them is cut.
    pub fn are_linked(&self, a: NodeId, b: NodeId) -> bool {
        let (a, b) = (self.index(a), self.index(b));
        !self.network.is_cut(a, b) && !self.network.is_cut(b, a)
    }

    /// What a node's core knows; `None` while it is down.
    pub fn state(&self, node: NodeId) -> Option<&State> {
        self.process(node).map(|process| process.raft.state())
    }

    /// What a node's disk holds.
    pub fn durable(&self, node: NodeId) -> HardState {
        self.nodes[self.index(node)].disk.durable
    }

    /// Where the log on a node's disk ends.
    pub fn last_log(&self, node: NodeId) -> LogPosition {
        self.nodes[self.index(node)].disk.last_log
    }

    /// What a node's clock shows.
    pub fn local_time(&self, node: NodeId) -> LocalTime {
        self.local_now(self.index(node))
    }

    /// Whether what one node sends to another is lost.
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.network.is_cut(self.index(from), self.index(to))
    }

    /// How long a node's election timer still runs by its clock, and how long it was set to; `None` while it does not run.
    pub fn election_timer(&self, node: NodeId) -> Option<(Duration, Duration)> {
        let now = self.local_time(node);
        let (due, set_to) = self.process(node)?.election_timer()?;
        Some((due - now, set_to))
    }

    /// How a node's disk behaves.
    pub fn disk(&self, node: NodeId) -> DiskOptions {
        self.nodes[self.index(node)].disk.options
    }

    /// How requests and responses travel where a link has no conditions of its own.
    pub fn conditions(&self) -> (Conditions, Conditions) {
        (self.network.requests, self.network.responses)
    }

    /// Whether a node's process stands still.
    pub fn is_paused(&self, node: NodeId) -> bool {
        self.nodes[self.index(node)].stands_still
    }

    /// The term that a node leads in, by the actions that it has carried out. It may have been replaced
    /// without knowing it.
    pub fn leading(&self, node: NodeId) -> Option<Term> {
        self.process(node).and_then(|process| process.leading)
    }

    /// The leader of the highest term among the nodes that run, and that term.
    pub fn leader(&self) -> Option<(NodeId, Term)> {
        self.node_ids()
            .filter_map(|node| Some((node, self.leading(node)?)))
            .max_by_key(|(_, term)| *term)
    }

    /// The term in which a node holds a valid lease by its own clock.
    pub fn lease(&self, node: NodeId) -> Option<Term> {
        let now = self.local_time(node);
        self.process(node)?.lease.valid_at(now)
    }

    /// The node that all nodes follow, itself included: all run, are in one term and know its leader.
    pub fn agreed_leader(&self) -> Option<NodeId> {
        let (leader, term) = self.leader()?;
        self.node_ids()
            .all(|node| {
                self.state(node).is_some_and(|state| {
                    let kind = state.role().kind();
                    state.current_term() == term
                        && state.leader() == Some(leader)
                        && matches!(kind, RoleKind::Follower | RoleKind::Leader)
                })
            })
            .then_some(leader)
    }

    /// The highest term that any node is in; nodes that are down count with what is on their disks.
    pub fn highest_term(&self) -> Term {
        self.node_ids()
            .map(|node| match self.state(node) {
                Some(state) => state.current_term(),
                None => self.durable(node).current_term,
            })
            .max()
            .unwrap_or_default()
    }

    /// What a node is, if it runs.
    pub fn role(&self, node: NodeId) -> Option<&Role> {
        self.state(node).map(State::role)
    }

    /// Counters since the beginning.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The violation that stopped this world, if one did.
    pub fn violation(&self) -> Option<&Violation> {
        self.checker.violation()
    }

    fn process(&self, node: NodeId) -> Option<&Process> {
        self.nodes[self.index(node)].process.as_ref()
    }

    pub(crate) fn index(&self, node: NodeId) -> usize {
        let index = node.0 as usize;
        assert!(
            index < self.nodes.len(),
            "the world has the nodes 0 to {}, not {node}",
            self.nodes.len() - 1
        );
        index
    }
}
