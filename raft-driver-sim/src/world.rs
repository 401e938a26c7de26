//! The world: nodes, and a queue of what is to happen to them.

use raft_core::{Action, Config, ConfigError, Event, Message, NodeId, Options, Raft, Timer};

use crate::checker::{Checker, Step, Violation};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::network::Network;
use crate::node::{Node, Pending, Process};
use crate::observer::{Fault, Happening, Observer};
use crate::queue::{Due, Queue};
use crate::rng::{Random, Stream};
use crate::settings::{Postponing, Settings};
use crate::stats::Stats;
use crate::time::{LocalTime, Time};

/// A deterministic world of nodes. See the [crate's documentation](crate) for an example.
///
/// What is done *to* a world is in [`faults`](crate::faults); what can be asked of it is in [`status`](crate::status). All methods that
/// take a [`NodeId`] panic if the world has no such node.
#[derive(Debug)]
pub struct World<O = ()> {
    pub(crate) now: Time,
    pub(crate) nodes: Vec<Node>,
    pub(crate) network: Network,
    pub(crate) checker: Checker,
    pub(crate) stats: Stats,
    pub(crate) seed: u64,
    queue: Queue,
    observer: O,
    check: bool,
    meter: bool,
    postponing: Postponing,
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

    fn observe(&mut self, index: usize, happening: Happening<'_>) {
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
        let random = Random::new(self.seed, Stream::Node { index, starts });
        let durable = node.disk.durable;
        let restored = Raft::restore(node.config.clone(), durable, node.disk.last_log, random);
        let local = node.clock.read(self.now);
        match restored {
            Ok((raft, actions)) => {
                if self.check {
                    let state = raft.state();
                    self.checker
                        .restored(self.now, index, local, state, &durable);
                }
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

    /// Lets a node do everything that it can do now: the driver's turn. Actions go before events, timers
    /// that are due before messages.
    pub(crate) fn serve(&mut self, index: usize) {
        loop {
            self.carry_out_pending(index);
            let node = &mut self.nodes[index];
            if !node.can_step() {
                return;
            }
            let local = node.clock.read(self.now);
            let Some(process) = node.process.as_mut() else {
                return;
            };
            let event = process.expire(local).or_else(|| {
                let (from, message) = process.inbox.pop_front()?;
                let from = NodeId(from as u64);
                Some(Event::Receive { from, message })
            });
            match event {
                Some(event) => self.step(index, event, local),
                None => break,
            }
        }
        if self.check {
            let node = &self.nodes[index];
            if let Some(process) = &node.process
                && process.pending.is_empty()
            {
                let local = node.clock.read(self.now);
                self.checker.turn_ended(self.now, index, local);
            }
        }
        self.schedule_wake(index);
    }

    /// Gives a node an event that is neither a message nor a timer, and lets it act on it.
    pub(crate) fn tell(&mut self, index: usize, event: Event) {
        let local = self.local_now(index);
        if self.nodes[index].process.is_some() {
            self.step(index, event, local);
            self.serve(index);
        }
    }

    fn step(&mut self, index: usize, event: Event, local: LocalTime) {
        self.observe(index, Happening::Event(&event));
        self.stats.steps += 1;
        let Some(process) = self.nodes[index].process.as_mut() else {
            return;
        };
        let actions = process.raft.step(event);
        if self.check {
            let seen = Step {
                event: &event,
                actions: &actions,
                state: process.raft.state(),
                config: process.raft.config(),
                local,
            };
            self.checker.stepped(self.now, index, &seen);
        }
        let may_postpone = matches!(
            event,
            Event::Receive {
                message: Message::AppendEntries(_) | Message::RequestVote(_),
                ..
            }
        );
        process
            .pending
            .extend(actions.into_iter().map(|action| Pending {
                action,
                may_postpone,
            }));
    }

    fn carry_out_pending(&mut self, index: usize) {
        while self.nodes[index].can_act() {
            let node = &mut self.nodes[index];
            let Some(process) = node.process.as_mut() else {
                return;
            };
            if process.pending.is_empty() {
                return;
            }
            match &mut node.interrupt {
                Some(interrupt) if interrupt.after_actions == 0 => {
                    let crash = interrupt.crash;
                    node.interrupt = None;
                    let id = NodeId(index as u64);
                    if crash {
                        self.crash(id);
                    } else {
                        self.pause(id);
                    }
                    return;
                }
                Some(interrupt) => interrupt.after_actions -= 1,
                None => {}
            }
            if let Some(pending) = process.pending.pop_front() {
                self.carry_out(index, pending);
            }
        }
    }

    fn carry_out(&mut self, index: usize, pending: Pending) {
        let Pending {
            action,
            may_postpone,
        } = pending;
        self.observe(index, Happening::Action(&action));
        let now = self.now;
        let node = &mut self.nodes[index];
        let local = node.clock.read(now);
        let Some(process) = node.process.as_mut() else {
            return;
        };
        process.lease.carry_out(&action, || local);
        match action {
            Action::Persist(hard_state) => {
                if self.check {
                    let durable = &node.disk.durable;
                    self.checker.persists(now, index, durable, &hard_state);
                }
                let takes = node.disk.write(hard_state);
                if node.disk.is_syncing() {
                    let starts = node.starts;
                    let due = Due::Synced {
                        node: index,
                        starts,
                    };
                    self.queue.push(now + takes, due);
                }
            }
            Action::Send { to, message } => self.send(index, to, message),
            Action::SetTimer { .. } | Action::CancelTimer(_) => {
                let goes_on = may_postpone && self.postponing == Postponing::Off;
                process.set_timer(&action, local, goes_on);
                if matches!(
                    action,
                    Action::SetTimer {
                        timer: Timer::Election,
                        ..
                    }
                ) {
                    self.checker.election_timer_set(index, local);
                }
            }
            Action::LeadershipGained { term, .. } => {
                process.leading = Some(term);
                self.stats.leaderships += 1;
                self.check_leadership(index, &action);
            }
            Action::LeadershipLost { .. } => {
                process.leading = None;
                self.check_leadership(index, &action);
            }
            Action::StartRound { .. } | Action::LeadershipConfirmed { .. } => {
                self.check_leadership(index, &action);
            }
            Action::Report(_) => {}
        }
    }

    fn check_leadership(&mut self, index: usize, action: &Action) {
        if !self.check {
            return;
        }
        let (now, nodes) = (self.now, &self.nodes);
        let node = &nodes[index];
        let lease_ends = node
            .process
            .as_ref()
            .and_then(|process| process.lease.ends());
        let clocks = |other: usize| nodes[other].clock.read(now);
        match *action {
            Action::LeadershipGained { term, .. } => {
                self.checker
                    .gained(now, index, term, &node.disk.durable, clocks);
            }
            Action::LeadershipConfirmed { term, .. } => {
                self.checker.confirmed(now, index, term, lease_ends, clocks);
            }
            Action::LeadershipLost { term, .. } => self.checker.lost(now, index, term),
            Action::StartRound { term, round } => {
                self.checker.round_started(now, index, term, round);
            }
            Action::Persist(_)
            | Action::Send { .. }
            | Action::SetTimer { .. }
            | Action::CancelTimer(_)
            | Action::Report(_) => {}
        }
    }

    fn send(&mut self, index: usize, to: NodeId, message: Message) {
        if self.check {
            let durable = &self.nodes[index].disk.durable;
            self.checker.sent(self.now, index, to, &message, durable);
        }
        self.stats.count_sent(&message, self.meter);
        let to_index = to.0 as usize;
        if to_index >= self.nodes.len() {
            return;
        }
        let [first, second] = self.network.copies(index, to_index, &message);
        let due = Due::Delivery {
            from: index,
            to: to_index,
            message,
        };
        match first {
            Some(delay) => self.queue.push(self.now + delay, due),
            None => self.lose(index, to_index, &message),
        }
        if let Some(delay) = second {
            self.stats.duplicated += 1;
            self.queue.push(self.now + delay, due);
        }
    }

    fn lose(&mut self, from: usize, to: usize, message: &Message) {
        self.stats.lost += 1;
        let to = NodeId(to as u64);
        self.observe(from, Happening::Lost { to, message });
    }

    /// Sees to it that the node is woken at its next deadline. A wake-up that turns out to be early costs less
    /// than one taken out of the queue at each heartbeat.
    pub(crate) fn schedule_wake(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let deadline = node.process.as_ref().and_then(Process::next_deadline);
        let Some(due) = deadline.and_then(|deadline| node.clock.when_it_shows(deadline)) else {
            return;
        };
        let due = due.max(self.now);
        if node.wake.is_none_or(|wake| due < wake) {
            node.wake = Some(due);
            self.queue.push(due, Due::Wake { node: index });
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
