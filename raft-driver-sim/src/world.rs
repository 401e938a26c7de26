//! The world: nodes, and a queue of what is to happen to them.

use raft_core::{Config, ConfigError, NodeId, Options, Raft};

use crate::checker::{Checker, Violation};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::network::Network;
use crate::node::{Node, Pending, Process};
use crate::observer::{Fault, Happening, Observer};
use crate::queue::{Due, Queue};
use crate::rng::{Random, Stream};
use crate::settings::{Heartbeats, Postponing, Settings};
use crate::stats::Stats;
use crate::time::{LocalTime, Time};

/// A deterministic world of nodes. See the [crate's documentation](crate) for an example.
///
/// Its methods make it, run it, put faults into it and ask about it. All that take a [`NodeId`]
/// panic if the world has no such node.
#[derive(Debug)]
pub struct World<O = ()> {
    pub(crate) now: Time,
    pub(crate) nodes: Vec<Node>,
    pub(crate) network: Network,
    pub(crate) checker: Checker,
    pub(crate) stats: Stats,
    pub(crate) seed: u64,
    pub(crate) queue: Queue,
    pub(crate) observer: O,
    pub(crate) check: bool,
    pub(crate) meter: bool,
    pub(crate) postponing: Postponing,
    pub(crate) heartbeats: Heartbeats,
    same_draws: bool,
}

impl World<()> {
    /// Makes a world and starts its nodes, all at time 0 and for the first time.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if no node can have these settings.
    pub fn new(settings: &Settings, seed: u64) -> Result<Self, ConfigError> {
        Self::observed(settings, seed, ())
    }
}

impl<O: Observer> World<O> {
    /// The same as [`World::new`] with somebody who looks on.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if no node can have these settings.
    pub fn observed(settings: &Settings, seed: u64, observer: O) -> Result<Self, ConfigError> {
        let voters: Vec<NodeId> = (0..settings.nodes as u64).map(NodeId).collect();
        let nodes = voters
            .iter()
            .enumerate()
            .map(|(index, id)| make_node(settings, seed, index, *id, &voters))
            .collect::<Result<Vec<Node>, ConfigError>>()?;
        let mut world = World {
            now: Time::default(),
            network: Network::new(
                settings.nodes,
                settings.requests,
                settings.responses,
                Random::new(seed, Stream::Network),
            ),
            checker: Checker::new(settings, seed),
            nodes,
            stats: Stats::default(),
            seed,
            queue: Queue::default(),
            observer,
            check: settings.check,
            meter: settings.meter,
            postponing: settings.postponing,
            heartbeats: settings.heartbeats,
            same_draws: settings.same_draws,
        };
        for index in 0..world.nodes.len() {
            world.start(index);
        }
        Ok(world)
    }

    /// Runs until everything has happened that is due by `time`, which is then the world's time.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of an invariant; the world does not go on after it.
    pub fn run_until(&mut self, time: Time) -> Result<(), Violation> {
        self.run_until_or(time, |_| false).map(|_| ())
    }

    /// Runs for so long. See [`World::run_until`].
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of an invariant.
    pub fn run_for(&mut self, duration: core::time::Duration) -> Result<(), Violation> {
        self.run_until(self.now + duration)
    }

    /// Runs until `time`, or until `condition` holds if that is sooner; asked before the first and after every event.
    /// Returns whether it held.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of an invariant.
    pub fn run_until_or(
        &mut self,
        time: Time,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> Result<bool, Violation> {
        loop {
            if let Some(violation) = self.checker.violation() {
                return Err(violation.clone());
            }
            if condition(self) {
                return Ok(true);
            }
            let Some((now, due)) = self.queue.pop(time) else {
                self.now = self.now.max(time);
                return Ok(false);
            };
            self.now = now;
            self.stats.events += 1;
            self.happen(due);
        }
    }

    /// The observer.
    pub fn observer(&self) -> &O {
        &self.observer
    }

    /// The observer, to tell it what it cannot see.
    pub fn observer_mut(&mut self) -> &mut O {
        &mut self.observer
    }

    /// Ends the world and gives the observer back.
    pub fn into_observer(self) -> O {
        self.observer
    }

    pub(crate) fn local_now(&self, index: usize) -> LocalTime {
        self.nodes[index].clock.read(self.now)
    }

    pub(crate) fn fault(&mut self, index: usize, fault: Fault) {
        self.observe(index, Happening::Fault(fault));
    }

    pub(crate) fn observe(&mut self, index: usize, happening: Happening<'_>) {
        self.observer
            .observe(self.now, NodeId(index as u64), happening);
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Delivery { from, to, message } => {
                let accepted = self.nodes[to]
                    .process
                    .as_mut()
                    .is_some_and(|process| process.accept(from, message));
                if accepted {
                    self.stats.count_delivered(&message, self.meter);
                    self.serve(to);
                } else {
                    self.lose(from, to, &message);
                }
            }
            Due::Wake { node } => {
                if self.nodes[node].wake == Some(self.now) {
                    self.nodes[node].wake = None;
                    self.serve(node);
                }
            }
            Due::Synced { node, starts } => {
                if self.nodes[node].starts == starts && self.nodes[node].process.is_some() {
                    self.nodes[node].disk.synced();
                    self.observe(node, Happening::Synced);
                    self.serve(node);
                }
            }
        }
    }

    /// Starts a process from what its disk holds.
    pub(crate) fn start(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let starts = node.starts;
        node.starts += 1;
        let stream = if self.same_draws {
            Stream::Node { index: 0, starts }
        } else {
            Stream::Node { index, starts }
        };
        let random = Random::new(self.seed, stream);
        let durable = node.disk.open();
        let restored = Raft::restore(node.config.clone(), durable, node.disk.last_log, random);
        let local = node.clock.read(self.now);
        match restored {
            Ok((raft, actions)) => {
                if self.check {
                    let state = raft.state();
                    self.checker
                        .restored(self.now, index, local, state, &durable);
                }
                self.observer.observe(
                    self.now,
                    NodeId(index as u64),
                    Happening::State(raft.state()),
                );
                let process = node.process.insert(Process::new(raft));
                process
                    .pending
                    .extend(actions.into_iter().map(|action| Pending {
                        action,
                        may_postpone: false,
                    }));
                self.serve(index);
            }
            Err(error) => self.checker.refused_restore(self.now, index, &error),
        }
    }
}

fn make_node(
    settings: &Settings,
    seed: u64,
    index: usize,
    id: NodeId,
    voters: &[NodeId],
) -> Result<Node, ConfigError> {
    let options = Options {
        witness: settings.witnesses.contains(&id),
        ..settings.options
    };
    // Clocks that show different times, so that nothing works that compares them.
    let shown = LocalTime::from_nanos((index as u64 + 1) * 1_000_000_007);
    Ok(Node {
        config: Config::new(id, voters, options)?,
        clock: Clock::new(shown),
        disk: Disk::new(settings.disk, Random::new(seed, Stream::Disk { index })),
        process: None,
        starts: 0,
        stands_still: false,
        interrupt: None,
        wake: None,
    })
}
