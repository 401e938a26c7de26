//! A node: a core, and what its driver keeps beside it.

use core::time::Duration;
use std::collections::VecDeque;

use raft_core::{Action, Config, Deadlines, Event, Lease, Message, Raft, Term, Timer};

use crate::clock::Clock;
use crate::disk::Disk;
use crate::rng::Random;
use crate::time::{LocalTime, Time};

/// How many messages wait for a node that stands still: a socket's buffer.
const INBOX: usize = 1_024;

/// What survives a crash, and the process if it runs.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) disk: Disk,
    pub(crate) process: Option<Process>,
    /// How many times it was started.
    pub(crate) starts: u32,
    pub(crate) stands_still: bool,
    pub(crate) interrupt: Option<Interrupt>,
    /// The earliest wake-up that is in the queue.
    pub(crate) wake: Option<Time>,
}

/// A crash or pause between two actions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupt {
    pub(crate) after_actions: u32,
    pub(crate) crash: bool,
}

/// What a crash takes away.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) raft: Raft<Random>,
    pub(crate) lease: Lease<LocalTime>,
    /// The term that it leads in, from the actions that it has carried out.
    pub(crate) leading: Option<Term>,
    pub(crate) pending: VecDeque<Pending>,
    pub(crate) inbox: VecDeque<(usize, Message)>,
    deadlines: Deadlines<LocalTime>,
    election_due: Option<LocalTime>,
    /// What the election timer was last set to.
    election_set_to: Duration,
}

/// An action that is still to be carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) action: Action,
    /// Whether its step took a heartbeat or a request for a vote.
    pub(crate) may_postpone: bool,
}

impl Process {
    pub(crate) fn new(raft: Raft<Random>) -> Self {
        let lease = Lease::new(raft.config().lease());
        Process {
            raft,
            lease,
            leading: None,
            pending: VecDeque::new(),
            inbox: VecDeque::new(),
            deadlines: Deadlines::new(),
            election_due: None,
            election_set_to: Duration::ZERO,
        }
    }

    /// Takes a message in, or refuses it for want of room.
    pub(crate) fn accept(&mut self, from: usize, message: Message) -> bool {
        let has_room = self.inbox.len() < INBOX;
        if has_room {
            self.inbox.push_back((from, message));
        }
        has_room
    }

    pub(crate) fn next_deadline(&self) -> Option<LocalTime> {
        self.deadlines.earliest()
    }

    /// When the election timer is due, and what it was set to.
    pub(crate) fn election_timer(&self) -> Option<(LocalTime, Duration)> {
        Some((self.election_due?, self.election_set_to))
    }

    pub(crate) fn expire(&mut self, now: LocalTime) -> Option<Event> {
        let event = self.deadlines.expire(now);
        if let Some(Event::TimerFired {
            timer: Timer::Election,
            ..
        }) = event
        {
            self.election_due = None;
        }
        event
    }

    /// Sets or clears a timer. With `goes_on`, an election timer that runs keeps its deadline and takes only
    /// the new number, without which the core would not listen to it.
    pub(crate) fn set_timer(&mut self, action: &Action, now: LocalTime, goes_on: bool) {
        match (*action, self.election_due) {
            (
                Action::SetTimer {
                    timer: Timer::Election,
                    number,
                    ..
                },
                Some(due),
            ) if goes_on => {
                let kept = Action::SetTimer {
                    timer: Timer::Election,
                    number,
                    after: due - now,
                };
                self.deadlines.carry_out(&kept, now);
                return;
            }
            (
                Action::SetTimer {
                    timer: Timer::Election,
                    after,
                    ..
                },
                _,
            ) => {
                self.election_due = Some(now + after);
                self.election_set_to = after;
            }
            (Action::CancelTimer(Timer::Election), _) => self.election_due = None,
            _ => {}
        }
        self.deadlines.carry_out(action, now);
    }
}

impl Node {
    /// Whether the process can carry out its next action.
    pub(crate) fn can_act(&self) -> bool {
        self.process.is_some() && !self.stands_still && !self.disk.holds_actions()
    }

    /// Whether the process can take the next event.
    pub(crate) fn can_step(&self) -> bool {
        self.process.is_some() && !self.stands_still && !self.disk.holds_events()
    }
}
