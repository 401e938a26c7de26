//! Many groups of crate `raft`: each node is ticked once a heartbeat interval, the least often that it can be.

use std::collections::VecDeque;
use std::time::Duration;

use raft::eraftpb::{HardState, Message};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};
use slog::{Discard, Logger, o};

use crate::Hosted;

pub(crate) struct Groups {
    /// Node i of group g is number 3 g + i.
    nodes: Vec<RawNode<MemStorage>>,
    heartbeat: Duration,
    ticked: u32,
    queue: VecDeque<Message>,
    messages: u64,
}

impl Groups {
    /// The whole documented cycle.
    fn pump(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        while node.has_ready() {
            let mut ready = node.ready();
            self.queue.extend(ready.take_messages());
            drop(ready.take_committed_entries());
            if !ready.entries().is_empty() {
                node.store().wl().append(ready.entries()).expect("in order");
            }
            if let Some(hard_state) = ready.hs() {
                node.store()
                    .wl()
                    .set_hardstate(HardState::clone(hard_state));
            }
            self.queue.extend(ready.take_persisted_messages());
            let mut light = node.advance(ready);
            if let Some(commit) = light.commit_index() {
                node.store().wl().mut_hard_state().set_commit(commit);
            }
            self.queue.extend(light.take_messages());
            drop(light.take_committed_entries());
            node.advance_apply();
        }
    }

    fn deliver_all(&mut self, first: usize) {
        while let Some(message) = self.queue.pop_front() {
            self.messages += 1;
            let to = first + message.to as usize - 1;
            // What it refuses (a response without a request, say) it has no use for.
            let _ = self.nodes[to].step(message);
            self.pump(to);
        }
    }
}

impl Hosted for Groups {
    fn new(groups: u32, heartbeat: Duration) -> Self {
        let logger = Logger::root(Discard, o!());
        let node = |index: usize| {
            let config = Config {
                id: index as u64 % 3 + 1,
                election_tick: 10,
                heartbeat_tick: 1,
                max_size_per_msg: 1024 * 1024,
                max_inflight_msgs: 256,
                pre_vote: true,
                check_quorum: true,
                ..Config::default()
            };
            let storage = MemStorage::new_with_conf_state((vec![1, 2, 3], vec![]));
            RawNode::new(&config, storage, &logger).expect("a valid group")
        };
        Groups {
            nodes: (0..groups as usize * 3).map(node).collect(),
            heartbeat,
            ticked: 0,
            queue: VecDeque::new(),
            messages: 0,
        }
    }

    fn run_until(&mut self, moment: Duration) {
        while self.heartbeat * (self.ticked + 1) <= moment {
            self.ticked += 1;
            for index in 0..self.nodes.len() {
                if self.nodes[index].tick() {
                    self.pump(index);
                    self.deliver_all(index - index % 3);
                }
            }
        }
    }

    fn led(&self) -> usize {
        let leads = |node: &&RawNode<_>| node.raft.state == StateRole::Leader;
        self.nodes.iter().filter(leads).count()
    }

    fn messages(&self) -> u64 {
        self.messages
    }
}
