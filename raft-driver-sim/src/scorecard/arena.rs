//! The network of the scorecard: steps of 1 ms.

use crate::rng::{Chance, Random, Stream};

use super::{Contender, Node};

/// Where a node puts what it sends.
#[derive(Debug)]
pub struct Outbox<M> {
    messages: Vec<(usize, M)>,
}

impl<M> Outbox<M> {
    /// Sends a message to node number `to`.
    pub fn send(&mut self, to: usize, message: M) {
        self.messages.push((to, message));
    }
}

/// The longest delay, in milliseconds. The shortest is 1.
const DELAY_MAX: usize = 5;

/// A cluster on the network.
pub(super) struct Arena<N: Node> {
    /// None has crashed.
    pub(super) nodes: Vec<Option<N>>,
    /// In milliseconds.
    pub(super) now: u64,
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// How often a node became leader.
    pub(super) elections: u64,
    cut: Vec<bool>,
    loss: Chance,
    random: Random,
    /// What arrives in each of the next milliseconds, in the order of sending.
    due: [Vec<(usize, usize, N::Message)>; DELAY_MAX + 1],
    outbox: Outbox<N::Message>,
    led: Vec<bool>,
    /// Who led in the terms so far.
    leaders: Vec<(u64, usize)>,
}

impl<N: Node> Arena<N> {
    pub(super) fn new<C: Contender<Node = N>>(
        contender: &C,
        nodes: usize,
        loss: u32,
        seed: u64,
    ) -> Self {
        Arena {
            nodes: (0..nodes)
                .map(|index| Some(contender.node(nodes, index, seed)))
                .collect(),
            now: 0,
            messages: 0,
            bytes: 0,
            elections: 0,
            cut: vec![false; nodes * nodes],
            loss: Chance::percent(loss),
            random: Random::new(seed, Stream::Network),
            due: core::array::from_fn(|_| Vec::new()),
            outbox: Outbox {
                messages: Vec::new(),
            },
            led: vec![false; nodes],
            leaders: Vec::new(),
        }
    }

    /// One millisecond.
    pub(super) fn step(&mut self) {
        self.now += 1;
        let slot = self.slot(0);
        let mut arriving = core::mem::take(&mut self.due[slot]);
        for (from, to, message) in arriving.drain(..) {
            if let Some(node) = &mut self.nodes[to] {
                node.receive(from, message, &mut self.outbox);
                self.post(to);
                self.note(to);
            }
        }
        self.due[slot] = arriving;
        for index in 0..self.nodes.len() {
            if let Some(node) = &mut self.nodes[index] {
                node.tick(&mut self.outbox);
                self.post(index);
                self.note(index);
            }
        }
    }

    /// Steps until `done`, or until `limit` milliseconds have passed; whether it is done.
    pub(super) fn step_until(&mut self, limit: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        while self.now < end && !done(self) {
            self.step();
        }
        done(self)
    }

    /// The live leader of the highest term, and that term.
    pub(super) fn leader(&self) -> Option<(usize, u64)> {
        self.nodes
            .iter()
            .enumerate()
            .filter_map(|(index, node)| Some((index, node.as_ref()?)))
            .filter(|(index, _)| self.led[*index])
            .map(|(index, node)| (index, node.term()))
            .max_by_key(|(_, term)| *term)
    }

    /// The highest term of a live node.
    pub(super) fn term(&self) -> u64 {
        let terms = self.nodes.iter().flatten().map(Node::term);
        terms.max().unwrap_or_default()
    }

    pub(super) fn crash(&mut self, index: usize) {
        self.nodes[index] = None;
        self.led[index] = false;
    }

    /// What `from` sends to `to` from now on is lost, or is not.
    pub(super) fn set_cut(&mut self, from: usize, to: usize, cut: bool) {
        let nodes = self.nodes.len();
        self.cut[from * nodes + to] = cut;
    }

    /// Whether somebody leads who can hear a majority and be heard by it.
    pub(super) fn is_available(&self) -> bool {
        let nodes = self.nodes.len();
        let linked = |a: usize, b: usize| {
            self.nodes[b].is_some() && !self.cut[a * nodes + b] && !self.cut[b * nodes + a]
        };
        let reached = |leader: usize| (0..nodes).filter(|other| linked(leader, *other)).count();
        (0..nodes).any(|leader| self.led[leader] && reached(leader) > nodes / 2)
    }

    fn slot(&self, after: usize) -> usize {
        (self.now as usize + after) % (DELAY_MAX + 1)
    }

    fn post(&mut self, from: usize) {
        let mut messages = core::mem::take(&mut self.outbox.messages);
        for (to, message) in messages.drain(..) {
            self.messages += 1;
            self.bytes += N::bytes(&message);
            let lost = self.random.chance(self.loss);
            let delay = self.random.between(1, DELAY_MAX as u64) as usize;
            if !lost && !self.cut[from * self.nodes.len() + to] {
                let slot = self.slot(delay);
                self.due[slot].push((from, to, message));
            }
        }
        self.outbox.messages = messages;
    }

    /// Notes a change of leadership.
    fn note(&mut self, index: usize) {
        let Some(node) = &self.nodes[index] else {
            return;
        };
        let leads = node.leads();
        if leads && !self.led[index] {
            let term = node.term();
            let other = self
                .leaders
                .iter()
                .find(|(led, leader)| *led == term && *leader != index);
            assert!(other.is_none(), "two nodes lead in term {term}");
            self.leaders.push((term, index));
            self.elections += 1;
        }
        self.led[index] = leads;
    }
}
