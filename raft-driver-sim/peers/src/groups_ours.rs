//! Many groups of `raft-core`: a `Node` for each voter, and one timer wheel.

use std::collections::VecDeque;
use std::time::Duration;

use raft_core::{
    Action, Config, Event, HardState, LogPosition, Message, Next, Node, NodeId, Options,
};

use crate::Hosted;
use crate::units::SplitMix64;
use crate::wheel::Wheel;

const VOTERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

struct Delivery {
    from: NodeId,
    to: usize,
    message: Message,
}

pub(crate) struct Groups {
    /// Node i of group g is number 3 g + i.
    nodes: Vec<Node<SplitMix64, Duration>>,
    disks: Vec<HardState>,
    wheel: Wheel,
    now: Duration,
    queue: VecDeque<Delivery>,
    messages: u64,
}

impl Groups {
    /// Carries out what a node asks for.
    fn pump(&mut self, index: usize) {
        let now = self.now;
        loop {
            match self.nodes[index].next(|| now) {
                Next::CarryOut(Action::Persist(state)) => self.disks[index] = state,
                Next::CarryOut(Action::Send { to, message }) => {
                    let first = index - index % 3;
                    self.queue.push_back(Delivery {
                        from: VOTERS[index % 3],
                        to: first + to.0 as usize - 1,
                        message,
                    });
                }
                Next::CarryOut(_) => {}
                Next::Wait(until) => {
                    if let Some(until) = until {
                        self.wheel.set(index as u32, until);
                    }
                    return;
                }
            }
        }
    }

    fn deliver_all(&mut self) {
        while let Some(Delivery { from, to, message }) = self.queue.pop_front() {
            self.messages += 1;
            self.nodes[to].step(Event::Receive { from, message });
            self.pump(to);
        }
    }
}

impl Hosted for Groups {
    fn new(groups: u32, heartbeat: Duration) -> Self {
        let options = Options {
            heartbeat_interval: heartbeat,
            election_timeout: heartbeat * 10,
            ..Options::default()
        };
        let count = groups as usize * 3;
        let node = |index: usize| {
            let config = Config::new(VOTERS[index % 3], &VOTERS, options).expect("three voters");
            let rng = SplitMix64(index as u64);
            Node::restore(config, HardState::first_boot(), LogPosition::default(), rng)
                .expect("a first start")
        };
        let mut all = Groups {
            nodes: (0..count).map(node).collect(),
            disks: vec![HardState::first_boot(); count],
            wheel: Wheel::new(count, heartbeat / 50),
            now: Duration::ZERO,
            queue: VecDeque::new(),
            messages: 0,
        };
        (0..count).for_each(|index| all.pump(index));
        all
    }

    fn run_until(&mut self, moment: Duration) {
        let mut ready = Vec::new();
        while self.wheel.next() <= moment {
            self.now = self.wheel.next();
            self.wheel.advance(self.now, &mut ready);
            for index in ready.drain(..) {
                self.pump(index as usize);
                self.deliver_all();
            }
        }
    }

    fn led(&self) -> usize {
        let leads = |node: &&Node<_, _>| node.lease().valid_at(self.now).is_some();
        self.nodes.iter().filter(leads).count()
    }

    fn messages(&self) -> u64 {
        self.messages
    }
}
