//! The work that is measured: groups of nodes in memory, messages delivered at once, in order,
//! without loss. The comparison with other crates includes this file too.
//!
//! What steps a node is never inlined into the loop that measures, as it would not be in a driver.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::hint::black_box;

use raft_core::{
    Action, Actions, AppendEntries, Config, Event, HardState, LogIndex, LogPosition, Message,
    NodeId, Options, Raft, Role, Round, State, Timer,
};
use rand_core::TryRng;

/// What can be measured, and what it is.
pub(crate) const UNITS: [(&str, &str); 13] = [
    ("input", "building a heartbeat, as `heartbeat` does"),
    (
        "heartbeat",
        "built, stepped into a follower of 3, its answer taken",
    ),
    (
        "round3",
        "a leader's round: sent, answered, confirmed; 3 nodes",
    ),
    ("round5", "the same, 5 nodes"),
    ("restore3", "restoring and dropping a group of 3 nodes"),
    ("restore5", "the same, 5 nodes"),
    ("restore7", "the same, 7 nodes"),
    (
        "build3",
        "restore3, and the end of every node's part one: the leader is presumed lost",
    ),
    ("build5", "the same, 5 nodes"),
    ("build7", "the same, 7 nodes"),
    (
        "election3",
        "build3, and an election with pre-vote until nothing is left to deliver",
    ),
    ("election5", "the same, 5 nodes"),
    ("election7", "the same, 7 nodes"),
];

/// Does one unit of work `count` times, and says whether there is such a unit.
pub(crate) fn run(unit: &str, count: u64) -> bool {
    match unit {
        "input" => {
            let group = Group::led(3);
            let mut round = group.newest_round();
            for _ in 0..count {
                black_box(group.heartbeat(&mut round));
            }
        }
        "heartbeat" => {
            let mut group = Group::led(3);
            let mut round = group.newest_round();
            for _ in 0..count {
                let event = group.heartbeat(&mut round);
                group.step_follower(black_box(event));
            }
        }
        "round3" => rounds(3, count),
        "round5" => rounds(5, count),
        "restore3" => (0..count).for_each(|_| drop(black_box(Group::restored(3)))),
        "restore5" => (0..count).for_each(|_| drop(black_box(Group::restored(5)))),
        "restore7" => (0..count).for_each(|_| drop(black_box(Group::restored(7)))),
        "build3" => (0..count).for_each(|_| drop(black_box(Group::leaderless(3)))),
        "build5" => (0..count).for_each(|_| drop(black_box(Group::leaderless(5)))),
        "build7" => (0..count).for_each(|_| drop(black_box(Group::leaderless(7)))),
        "election3" => (0..count).for_each(|_| drop(black_box(Group::led(3)))),
        "election5" => (0..count).for_each(|_| drop(black_box(Group::led(5)))),
        "election7" => (0..count).for_each(|_| drop(black_box(Group::led(7)))),
        _ => return false,
    }
    true
}

fn rounds(nodes: u64, count: u64) {
    let mut group = Group::led(nodes);
    for _ in 0..count {
        group.fire(0, Timer::Heartbeat);
        group.deliver_all();
    }
}

/// A generator of eight bytes (SplitMix64), so that the size of a node is its own.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(pub(crate) u64);

impl TryRng for SplitMix64 {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.try_next_u64()? >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let number = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
        Ok(())
    }
}

/// A node, and what its driver keeps for it.
pub(crate) struct Node {
    /// The node.
    pub(crate) raft: Raft<SplitMix64>,
    /// What it had persisted, in memory.
    pub(crate) disk: HardState,
}

/// A message under way.
struct Envelope {
    from: NodeId,
    to: NodeId,
    message: Message,
}

/// A group of voters 1 to n and the one queue of their messages.
pub(crate) struct Group {
    /// The nodes, by id less one.
    pub(crate) nodes: Vec<Node>,
    queue: VecDeque<Envelope>,
    /// Those of the latest step.
    actions: Actions,
}

impl Group {
    /// Restored from empty disks: every node is in part one of its timeout.
    #[inline(never)]
    pub(crate) fn restored(nodes: u64) -> Self {
        let voters: Vec<NodeId> = (1..=nodes).map(NodeId).collect();
        let restore = |id: &NodeId| {
            let config = Config::new(*id, &voters, Options::default()).expect("a valid group");
            let empty = HardState::first_boot();
            let generator = SplitMix64(id.0);
            let (raft, actions) = Raft::restore(config, empty, LogPosition::default(), generator)
                .expect("an empty disk");
            let mut node = Node { raft, disk: empty };
            for action in actions {
                if let Action::Persist(hard_state) = action {
                    node.disk = hard_state;
                }
            }
            node
        };
        Group {
            nodes: voters.iter().map(restore).collect(),
            queue: VecDeque::with_capacity(12),
            actions: Actions::default(),
        }
    }

    /// Restored, and part one has ended at every node: each grants votes, and would campaign next.
    pub(crate) fn leaderless(nodes: u64) -> Self {
        let mut group = Self::restored(nodes);
        for index in 0..group.nodes.len() {
            group.fire(index, Timer::Election);
        }
        group
    }

    /// Node 1 campaigned and won, and its first round of heartbeats is answered.
    pub(crate) fn led(nodes: u64) -> Self {
        let mut group = Self::leaderless(nodes);
        group.fire(0, Timer::Election);
        group.deliver_all();
        assert!(matches!(group.state(0).role(), Role::Leader(_)));
        group
    }

    /// Fires a timer of a node.
    pub(crate) fn fire(&mut self, index: usize, timer: Timer) {
        let number = self.nodes[index].raft.armed(timer).expect("a set timer");
        self.step(index, Event::TimerFired { timer, number });
    }

    /// Delivers messages until none is left.
    pub(crate) fn deliver_all(&mut self) {
        while let Some(Envelope { from, to, message }) = self.queue.pop_front() {
            let index = usize::try_from(to.0 - 1).expect("a small id");
            self.step(index, Event::Receive { from, message });
        }
    }

    /// The next heartbeat of node 1.
    pub(crate) fn heartbeat(&self, round: &mut Round) -> Event {
        let leader = &self.nodes[0].raft;
        round.0 += 1;
        let message = Message::AppendEntries(AppendEntries {
            term: leader.state().current_term(),
            prev_log: leader.state().last_log(),
            leader_commit: LogIndex(0),
            round: *round,
            lease: leader.config().lease().unwrap_or_default(),
        });
        let from = NodeId(1);
        Event::Receive { from, message }
    }

    /// Steps an event into node 2 and takes the message that it sends.
    #[inline(never)]
    pub(crate) fn step_follower(&mut self, event: Event) {
        self.nodes[1].raft.step_into(event, &mut self.actions);
        for action in &self.actions {
            if let Action::Send { to, message } = action {
                black_box((to, message));
            }
        }
    }

    /// The newest round of node 1.
    pub(crate) fn newest_round(&self) -> Round {
        self.state(0).round()
    }

    fn state(&self, index: usize) -> &State {
        self.nodes[index].raft.state()
    }

    #[inline(never)]
    fn step(&mut self, index: usize, event: Event) {
        let from = NodeId(index as u64 + 1);
        let node = &mut self.nodes[index];
        node.raft.step_into(event, &mut self.actions);
        for action in &self.actions {
            match *action {
                Action::Send { to, message } => {
                    self.queue.push_back(Envelope { from, to, message });
                }
                Action::Persist(hard_state) => node.disk = hard_state,
                Action::SetTimer { .. }
                | Action::CancelTimer(_)
                | Action::LeadershipGained { .. }
                | Action::StartRound { .. }
                | Action::LeadershipConfirmed { .. }
                | Action::LeadershipLost { .. }
                | Action::Report(_) => {}
            }
        }
    }
}
