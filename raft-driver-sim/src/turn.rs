//! A node's turn: the driver's loop, with the checker beside it.

use raft_core::{Action, Event, Message, NodeId, Timer};

use crate::checker::Step;
use crate::node::{Pending, Process};
use crate::observer::{Happening, Observer};
use crate::queue::Due;
use crate::settings::Postponing;
use crate::time::LocalTime;
use crate::world::World;

impl<O: Observer> World<O> {
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
        self.observer.observe(
            self.now,
            NodeId(index as u64),
            Happening::State(process.raft.state()),
        );
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
                process.set_timer(&self.heartbeats.stretch(action), local, goes_on);
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
            Action::LeadershipGained {
                term,
                predecessor_stopped,
            } => {
                let durable = &node.disk.durable;
                self.checker
                    .gained(now, index, term, predecessor_stopped, durable, clocks);
            }
            Action::LeadershipConfirmed { term, round } => {
                self.checker
                    .confirmed(now, index, (term, round), lease_ends, clocks);
            }
            Action::LeadershipLost { term, reason } => {
                let local = clocks(index);
                self.checker.lost(now, index, term, reason, local);
            }
            Action::StartRound { term, round } => {
                self.checker
                    .round_started(now, index, term, round, clocks(index));
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
        if first.is_none() {
            self.lose(index, to_index, &message);
        }
        self.stats.duplicated += u64::from(second.is_some());
        for delay in [first, second].into_iter().flatten() {
            let arrives = self.now + delay;
            self.queue.push(arrives, due);
            let in_flight = Happening::InFlight {
                to,
                message: &message,
                arrives,
            };
            self.observe(index, in_flight);
        }
    }

    pub(crate) fn lose(&mut self, from: usize, to: usize, message: &Message) {
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
