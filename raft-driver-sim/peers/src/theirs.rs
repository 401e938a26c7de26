//! The work on crate `raft`: its RawNode over its MemStorage, with the whole documented cycle (has_ready,
//! ready, send, append, store the hard state, apply, advance) after every step.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::OnceLock;

use raft::eraftpb::{HardState, Message, MessageType};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};
use slog::{Discard, Logger, o};

/// Does one unit of work `count` times, and says whether there is such a unit. The units are
/// `ours::UNITS`; what an end of part one is has no counterpart.
pub(crate) fn run(unit: &str, count: u64) -> bool {
    let repeat = |work: &dyn Fn()| (0..count).for_each(|_| work());
    match unit {
        "input" => {
            let group = Group::led(3);
            for _ in 0..count {
                black_box(group.heartbeat());
            }
        }
        "heartbeat" => {
            let mut group = Group::led(3);
            for _ in 0..count {
                let message = group.heartbeat();
                black_box(group.response_of_follower(black_box(message)));
            }
        }
        "round3" => rounds(3, count),
        "round5" => rounds(5, count),
        "restore3" | "build3" => repeat(&|| drop(black_box(Group::restored(3)))),
        "restore5" | "build5" => repeat(&|| drop(black_box(Group::restored(5)))),
        "restore7" | "build7" => repeat(&|| drop(black_box(Group::restored(7)))),
        "election3" => repeat(&|| drop(black_box(Group::led(3)))),
        "election5" => repeat(&|| drop(black_box(Group::led(5)))),
        "election7" => repeat(&|| drop(black_box(Group::led(7)))),
        _ => return false,
    }
    true
}

fn rounds(nodes: u64, count: u64) {
    let mut group = Group::led(nodes);
    for _ in 0..count {
        group.nodes[0].tick();
        group.pump(0);
        group.deliver_all();
    }
}

/// A group of voters 1 to n and the one queue of their messages.
pub(crate) struct Group {
    /// The nodes, by id less one.
    pub(crate) nodes: Vec<RawNode<MemStorage>>,
    queue: VecDeque<Message>,
}

impl Group {
    /// Empty logs, term 0.
    #[inline(never)]
    pub(crate) fn restored(nodes: u64) -> Self {
        let voters: Vec<u64> = (1..=nodes).collect();
        let restore = |id: &u64| {
            let config = Config {
                id: *id,
                election_tick: 10,
                heartbeat_tick: 1,
                max_size_per_msg: 1024 * 1024,
                max_inflight_msgs: 256,
                pre_vote: true,
                check_quorum: false,
                ..Config::default()
            };
            let storage = MemStorage::new_with_conf_state((voters.clone(), vec![]));
            RawNode::new(&config, storage, logger()).expect("a valid group")
        };
        Group {
            nodes: voters.iter().map(restore).collect(),
            queue: VecDeque::with_capacity(12),
        }
    }

    /// Node 1 campaigned and won, and everybody has its first entry committed.
    pub(crate) fn led(nodes: u64) -> Self {
        let mut group = Self::restored(nodes);
        group.nodes[0].campaign().expect("a voter");
        group.pump(0);
        group.deliver_all();
        assert_eq!(group.nodes[0].raft.state, StateRole::Leader);
        assert_eq!(group.nodes[1].raft.raft_log.committed, 1);
        group
    }

    /// Delivers messages until none is left.
    pub(crate) fn deliver_all(&mut self) {
        while let Some(message) = self.queue.pop_front() {
            let index = usize::try_from(message.to - 1).expect("a small id");
            self.nodes[index].step(message).expect("a valid message");
            self.pump(index);
        }
    }

    /// A heartbeat of node 1 to node 2.
    pub(crate) fn heartbeat(&self) -> Message {
        let leader = &self.nodes[0].raft;
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgHeartbeat);
        message.from = 1;
        message.to = 2;
        message.term = leader.term;
        message.commit = leader.raft_log.committed;
        message
    }

    /// Steps a message into node 2 and takes the message that it sends.
    #[inline(never)]
    pub(crate) fn response_of_follower(&mut self, message: Message) -> Option<Message> {
        self.nodes[1].step(message).expect("a valid message");
        self.pump(1);
        self.queue.pop_front()
    }

    #[inline(never)]
    fn pump(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        while node.has_ready() {
            let mut ready = node.ready();
            self.queue.extend(ready.take_messages());
            apply(ready.take_committed_entries());
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
            apply(light.take_committed_entries());
            node.advance_apply();
        }
    }
}

/// The entries are empty: there is nothing to do with them but to read them.
fn apply(entries: Vec<raft::eraftpb::Entry>) {
    for entry in entries {
        black_box(entry.index);
    }
}

fn logger() -> &'static Logger {
    static LOGGER: OnceLock<Logger> = OnceLock::new();
    LOGGER.get_or_init(|| Logger::root(Discard, o!()))
}
