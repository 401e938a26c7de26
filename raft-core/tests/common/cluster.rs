//! A cluster in memory: messages wait in one queue, links can be cut, timers run out when a test says so
//! or as time passes. It checks that no term has two leaders and that no two leases overlap.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use raft_core::{
    Action, Actions, Deadlines, Event, HardState, Lease, Message, NodeId, Options, RoleKind, Timer,
};

use super::Node;

pub(crate) struct Cluster {
    nodes: BTreeMap<u64, Node>,
    deadlines: BTreeMap<u64, Deadlines<Duration>>,
    leases: BTreeMap<u64, Lease<Duration>>,
    /// Sent and not delivered: sender, receiver, message.
    pub(crate) queue: VecDeque<(u64, u64, Message)>,
    /// Directed links that lose everything.
    cut: BTreeSet<(u64, u64)>,
    /// Picks messages that are lost besides.
    lost: Option<fn(u64, u64, &Message) -> bool>,
    now: Duration,
    /// The leader of each term that had one.
    pub(crate) leaders: BTreeMap<u64, u64>,
    /// Messages sent so far.
    pub(crate) sent: u64,
}

impl Cluster {
    pub(crate) fn new(n: u64) -> Cluster {
        Cluster::with(n, |_| Options::default())
    }

    /// Fresh nodes with default options, and timers that depend on `seed`.
    pub(crate) fn seeded(n: u64, seed: u64) -> Cluster {
        let node = |id| {
            let seed = seed * 1_000 + id;
            Node::seeded(id, n, Options::default(), HardState::first_boot(), seed)
        };
        Cluster::of((1..=n).map(node).collect())
    }

    pub(crate) fn with(n: u64, options: impl Fn(u64) -> Options) -> Cluster {
        Cluster::of((1..=n).map(|id| Node::with(id, n, options(id))).collect())
    }

    /// Nodes of one cluster, as they are.
    pub(crate) fn of(nodes: Vec<Node>) -> Cluster {
        let mut cluster = Cluster {
            nodes: BTreeMap::new(),
            deadlines: BTreeMap::new(),
            leases: BTreeMap::new(),
            queue: VecDeque::new(),
            cut: BTreeSet::new(),
            lost: None,
            now: Duration::ZERO,
            leaders: BTreeMap::new(),
            sent: 0,
        };
        for node in nodes {
            cluster.start(node);
        }
        cluster
    }

    fn start(&mut self, node: Node) {
        let id = node.raft.config().id().0;
        let lease = Lease::new(node.raft.config().lease());
        let booted = node.booted.clone();
        self.nodes.insert(id, node);
        self.deadlines.insert(id, Deadlines::new());
        self.leases.insert(id, lease);
        self.carry_out(id, &booted);
    }

    /// A crash, and a restore from the disk.
    pub(crate) fn restart(&mut self, id: u64) {
        let node = self.node(id).restarted();
        self.start(node);
    }

    pub(crate) fn node(&self, id: u64) -> &Node {
        &self.nodes[&id]
    }

    fn ids(&self) -> Vec<u64> {
        self.nodes.keys().copied().collect()
    }

    pub(crate) fn step(&mut self, id: u64, event: Event) -> Actions {
        let node = self.nodes.get_mut(&id).expect("a node of the cluster");
        let actions = node.step(event);
        self.carry_out(id, &actions);
        actions
    }

    fn carry_out(&mut self, id: u64, actions: &Actions) {
        let now = self.now;
        for action in actions {
            self.deadlines.get_mut(&id).unwrap().carry_out(action, now);
            self.leases.get_mut(&id).unwrap().carry_out(action, || now);
            match *action {
                Action::Send { to, message } => {
                    self.sent += 1;
                    self.queue.push_back((id, to.0, message));
                }
                Action::LeadershipGained { term, .. } => {
                    let other = self.leaders.insert(term.0, id);
                    assert_eq!(other, None, "two leaders in term {term}");
                    let undisturbed = self.lease_holders().is_empty();
                    assert!(undisturbed, "a lease runs while another begins to lead");
                }
                _ => {}
            }
        }
        assert!(self.lease_holders().len() <= 1, "two leases at once");
    }

    pub(crate) fn fire(&mut self, id: u64, timer: Timer) -> Actions {
        let number = self.node(id).raft.armed(timer).expect("the timer is set");
        self.step(id, Event::TimerFired { timer, number })
    }

    /// Ends part one wherever it runs.
    pub(crate) fn presume_lost(&mut self) {
        for id in self.ids() {
            if self.node(id).in_part_one() {
                let _ = self.fire(id, Timer::Election);
            }
        }
    }

    /// Cuts a link in one direction.
    pub(crate) fn cut_one_way(&mut self, from: u64, to: u64) {
        self.cut.insert((from, to));
    }

    pub(crate) fn cut(&mut self, a: u64, b: u64) {
        self.cut_one_way(a, b);
        self.cut_one_way(b, a);
    }

    pub(crate) fn isolate(&mut self, id: u64) {
        for other in self.ids() {
            if other != id {
                self.cut(id, other);
            }
        }
    }

    pub(crate) fn heal_between(&mut self, a: u64, b: u64) {
        self.cut.remove(&(a, b));
        self.cut.remove(&(b, a));
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
        self.lost = None;
    }

    /// Loses what is under way.
    pub(crate) fn lose_all(&mut self) {
        self.queue.clear();
    }

    /// Repeats all that is under way, in the reverse order.
    pub(crate) fn duplicate_reversed(&mut self) {
        let copies: Vec<_> = self.queue.iter().rev().copied().collect();
        self.queue.extend(copies);
    }

    /// Delivers one message, unless its link is cut. Says whether there was one.
    pub(crate) fn deliver_one(&mut self) -> bool {
        let Some((from, to, message)) = self.queue.pop_front() else {
            return false;
        };
        let lost = self.lost.is_some_and(|lost| lost(from, to, &message));
        if !lost && !self.cut.contains(&(from, to)) {
            let from = NodeId(from);
            let _ = self.step(to, Event::Receive { from, message });
        }
        true
    }

    /// Delivers all that is under way and all that follows from it.
    pub(crate) fn deliver(&mut self) {
        for _ in 0..100_000 {
            if !self.deliver_one() {
                return;
            }
        }
        panic!("the nodes never stop talking");
    }

    /// `id` campaigns at once, and all messages arrive.
    pub(crate) fn campaign(&mut self, id: u64) {
        self.presume_lost();
        let _ = self.fire(id, Timer::Election);
        self.deliver();
    }

    /// Time passes: timers run out when they are due; messages take no time.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.deliver();
        loop {
            let due = |deadlines: &Deadlines<Duration>| deadlines.earliest();
            let next = self.deadlines.values().filter_map(due).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = next.max(self.now);
            for id in self.ids() {
                while let Some(event) = self.deadlines.get_mut(&id).unwrap().expire(self.now) {
                    let _ = self.step(id, event);
                    self.deliver();
                }
            }
        }
        self.now = end;
    }

    /// The nodes that take themselves for leaders.
    pub(crate) fn leading(&self) -> Vec<u64> {
        let leads = |id: &u64| self.node(*id).role() == RoleKind::Leader;
        self.nodes.keys().copied().filter(leads).collect()
    }

    /// The nodes whose lease runs.
    pub(crate) fn lease_holders(&self) -> Vec<u64> {
        let holds = |(id, lease): (&u64, &Lease<Duration>)| lease.valid_at(self.now).map(|_| *id);
        self.leases.iter().filter_map(holds).collect()
    }

    pub(crate) fn highest_term(&self) -> u64 {
        self.nodes.values().map(Node::term).max().unwrap()
    }

    /// What `id` has sent to `to` and is under way.
    pub(crate) fn under_way(&self, id: u64, to: u64) -> Vec<Message> {
        let wanted = |(from, receiver, _): &&(u64, u64, Message)| (*from, *receiver) == (id, to);
        self.queue
            .iter()
            .filter(wanted)
            .map(|(_, _, m)| *m)
            .collect()
    }

    /// Loses every message from now on that `lost` picks, until the links are healed.
    pub(crate) fn lose(&mut self, lost: fn(u64, u64, &Message) -> bool) {
        self.lost = Some(lost);
    }
}
