//! `raft-core` on the scorecard's network.

use core::time::Duration;

use raft_core::{
    Action, Actions, Config, Deadlines, Event, HardState, LogPosition, Message, NodeId, Options,
    Protocol, Raft, RoleKind, wire,
};

use super::{Contender, ELECTION_TIMEOUT, HEARTBEAT_INTERVAL, Node, Outbox};
use crate::rng::{Random, Stream};

/// `raft-core`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ours(
    /// With all that is on by default, or without.
    pub Protocol,
);

impl Contender for Ours {
    type Node = OurNode;

    fn name(&self) -> String {
        match self.0 {
            Protocol::Standard => "raft-core".to_owned(),
            Protocol::Plain => "raft-core, plain".to_owned(),
        }
    }

    fn node(&self, nodes: usize, index: usize, seed: u64) -> OurNode {
        let voters: Vec<NodeId> = (0..nodes as u64).map(NodeId).collect();
        let options = Options {
            heartbeat_interval: Duration::from_millis(HEARTBEAT_INTERVAL),
            election_timeout: Duration::from_millis(ELECTION_TIMEOUT),
            protocol: self.0,
            ..Options::default()
        };
        let config = Config::new(NodeId(index as u64), &voters, options)
            .expect("the scorecard's clusters are valid");
        let random = Random::new(seed, Stream::Node { index, starts: 0 });
        let (raft, actions) = Raft::restore(
            config,
            HardState::first_boot(),
            LogPosition::default(),
            random,
        )
        .expect("an empty disk is valid");
        let mut node = OurNode {
            raft,
            deadlines: Deadlines::new(),
            now: Duration::ZERO,
            actions: Actions::default(),
        };
        // A node that starts sends nothing.
        for action in &actions {
            node.deadlines.carry_out(action, node.now);
        }
        node
    }
}

/// A node of [`Ours`].
#[derive(Debug)]
pub struct OurNode {
    raft: Raft<Random>,
    deadlines: Deadlines<Duration>,
    now: Duration,
    actions: Actions,
}

impl OurNode {
    fn step(&mut self, event: Event, outbox: &mut Outbox<Message>) {
        self.raft.step_into(event, &mut self.actions);
        for action in &self.actions {
            self.deadlines.carry_out(action, self.now);
            if let Action::Send { to, message } = *action {
                outbox.send(to.0 as usize, message);
            }
        }
    }
}

impl Node for OurNode {
    type Message = Message;

    fn tick(&mut self, outbox: &mut Outbox<Message>) {
        self.now += Duration::from_millis(1);
        while let Some(event) = self.deadlines.expire(self.now) {
            self.step(event, outbox);
        }
    }

    fn receive(&mut self, from: usize, message: Message, outbox: &mut Outbox<Message>) {
        let from = NodeId(from as u64);
        self.step(Event::Receive { from, message }, outbox);
    }

    fn term(&self) -> u64 {
        self.raft.state().current_term().0
    }

    fn leads(&self) -> bool {
        self.raft.state().role().kind() == RoleKind::Leader
    }

    fn bytes(message: &Message) -> u64 {
        wire::encode(message, &mut [0; wire::MAX_LEN]).len() as u64
    }
}
