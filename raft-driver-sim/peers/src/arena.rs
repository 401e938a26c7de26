//! Crate `raft` on the scorecard's network, with the whole documented cycle after every step and tick.

use protobuf::Message as _;
use raft::eraftpb::{HardState, Message};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};
use raft_driver_sim::scorecard::{Contender, ELECTION_TIMEOUT, HEARTBEAT_INTERVAL, Node, Outbox};
use slog::{Discard, Logger, o};

/// Crate `raft` with some of its two switches on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theirs {
    pre_vote: bool,
    check_quorum: bool,
}

impl Theirs {
    /// First the setting that promises what `raft-core` does by default.
    pub(crate) const ALL: [Theirs; 4] = [
        Theirs::new(true, true),
        Theirs::new(false, false),
        Theirs::new(true, false),
        Theirs::new(false, true),
    ];

    const fn new(pre_vote: bool, check_quorum: bool) -> Self {
        Theirs {
            pre_vote,
            check_quorum,
        }
    }
}

impl Contender for Theirs {
    type Node = TheirNode;

    fn name(&self) -> String {
        let switches = match (self.pre_vote, self.check_quorum) {
            (true, true) => "pre-vote and check-quorum",
            (true, false) => "pre-vote only",
            (false, true) => "check-quorum only",
            (false, false) => "plain",
        };
        format!("raft, {switches}")
    }

    /// Its timers are drawn from the system's generator: the network is that of the seed, they are not.
    fn node(&self, nodes: usize, index: usize, _: u64) -> TheirNode {
        let voters: Vec<u64> = (1..=nodes as u64).collect();
        let config = Config {
            id: index as u64 + 1,
            election_tick: ELECTION_TIMEOUT as usize,
            heartbeat_tick: HEARTBEAT_INTERVAL as usize,
            max_size_per_msg: 1024 * 1024,
            max_inflight_msgs: 256,
            pre_vote: self.pre_vote,
            check_quorum: self.check_quorum,
            ..Config::default()
        };
        let storage = MemStorage::new_with_conf_state((voters, vec![]));
        let logger = Logger::root(Discard, o!());
        TheirNode(RawNode::new(&config, storage, &logger).expect("a valid group"))
    }
}

pub(crate) struct TheirNode(RawNode<MemStorage>);

impl TheirNode {
    fn pump(&mut self, outbox: &mut Outbox<Message>) {
        let mut send = |messages: Vec<Message>| {
            for message in messages {
                outbox.send(message.to as usize - 1, message);
            }
        };
        let node = &mut self.0;
        while node.has_ready() {
            let mut ready = node.ready();
            send(ready.take_messages());
            drop(ready.take_committed_entries());
            if !ready.entries().is_empty() {
                node.store().wl().append(ready.entries()).expect("in order");
            }
            if let Some(hard_state) = ready.hs() {
                node.store()
                    .wl()
                    .set_hardstate(HardState::clone(hard_state));
            }
            send(ready.take_persisted_messages());
            let mut light = node.advance(ready);
            if let Some(commit) = light.commit_index() {
                node.store().wl().mut_hard_state().set_commit(commit);
            }
            send(light.take_messages());
            drop(light.take_committed_entries());
            node.advance_apply();
        }
    }
}

impl Node for TheirNode {
    type Message = Message;

    fn tick(&mut self, outbox: &mut Outbox<Message>) {
        if self.0.tick() {
            self.pump(outbox);
        }
    }

    fn receive(&mut self, _: usize, message: Message, outbox: &mut Outbox<Message>) {
        // What it refuses (a response without a request, say) it has no use for.
        let _ = self.0.step(message);
        self.pump(outbox);
    }

    fn term(&self) -> u64 {
        self.0.raft.term
    }

    fn leads(&self) -> bool {
        self.0.raft.state == StateRole::Leader
    }

    fn bytes(message: &Message) -> u64 {
        u64::from(message.compute_size())
    }
}
