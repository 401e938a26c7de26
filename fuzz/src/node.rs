//! A node with its timers and its lease, as the documented loop drives it, beside tables that are kept by hand.
//!
//! Time passes as the input says, past deadlines too; messages come while actions are still to be carried out; the node crashes
//! between any two of them. Every action must be the one that the bare state machine returns for the same events, a timer must
//! fire when it is due and the earliest first, the node must wait until the next one and no longer, and its lease must end
//! L after the confirmed round began.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use arbitrary::Arbitrary;
use raft_core::{
    Action, Config, Event, HardState, LogPosition, Next, Node, Raft, Round, Term, Timer,
};
use raft_driver_sim::timeline::{Header, Recording};
use raft_driver_sim::{Fault, Happening, Observer};

use crate::near::{self, GrantPreVote, Near, position};
use crate::picture;
use crate::random::SplitMix;
use crate::setup;

/// The operations of an input that count.
const MOST: usize = 1_000;

/// A run: how the node is set up, and what happens to it.
#[derive(Debug, Arbitrary)]
pub struct Run {
    voters: u8,
    plain: bool,
    witness: bool,
    seed: u64,
    operations: Vec<Operation>,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Operation {
    /// The driver carries so many actions out, if there are so many.
    CarryOut(u8),
    /// It carries all out and sleeps until the next deadline.
    Sleep,
    /// It carries all out, and wakes up after so many milliseconds, whatever is due by then.
    Oversleep(u16),
    Near(Near),
    GrantPreVote(GrantPreVote),
    Transfer {
        to: Option<u8>,
        stopped: bool,
    },
    LogTail {
        term: u8,
        index: u8,
    },
    Pause,
    Resume,
    /// The node crashes and comes back.
    Crash {
        seed: u64,
    },
}

/// The state machine alone, fed the same events, and what a driver's tables should say.
struct Expected {
    raft: Raft<SplitMix>,
    actions: VecDeque<Action>,
    due: BTreeMap<Timer, (Duration, u64)>,
    begun: BTreeMap<Round, Duration>,
    leads: Option<Term>,
    lease_ends: Option<Duration>,
}

impl Expected {
    fn restore(config: &Config, disk: HardState, log: LogPosition, seed: u64) -> Self {
        let restored = Raft::restore(config.clone(), disk, log, SplitMix(seed));
        let (raft, actions) = restored.expect("what a node wrote, a node reads");
        Expected {
            raft,
            actions: actions.into_iter().collect(),
            due: BTreeMap::new(),
            begun: BTreeMap::new(),
            leads: None,
            lease_ends: None,
        }
    }

    fn step(&mut self, event: Event) {
        self.actions.extend(self.raft.step(event));
    }

    /// The earliest timer that is due, as the event that it is. Of two at the same time, the first in the order of names.
    fn expire(&mut self, now: Duration) -> Option<Event> {
        let ripe = self.due.iter().filter(|(_, (due, _))| *due <= now);
        let (_, timer) = ripe.map(|(timer, (due, _))| (*due, *timer)).min()?;
        let (_, number) = self.due.remove(&timer)?;
        Some(Event::TimerFired { timer, number })
    }

    fn carried_out(&mut self, action: &Action, now: Duration) {
        match *action {
            Action::SetTimer {
                timer,
                number,
                after,
            } => {
                self.due.insert(timer, (now + after, number));
            }
            Action::CancelTimer(timer) => {
                self.due.remove(&timer);
            }
            Action::LeadershipGained { term, .. } => {
                assert_eq!(self.leads.replace(term), None, "it leads already");
                self.begun.clear();
            }
            Action::StartRound { round, .. } => {
                self.begun.insert(round, now);
            }
            Action::LeadershipConfirmed { round, .. } => {
                let began = self.begun[&round];
                let lease = self.raft.config().lease();
                self.lease_ends = lease.map(|lease| began + lease);
            }
            Action::LeadershipLost { term, .. } => {
                assert_eq!(self.leads.take(), Some(term));
                self.lease_ends = None;
            }
            Action::Persist(_) | Action::Send { .. } | Action::Report(_) => {}
        }
    }

    fn lease_at(&self, now: Duration) -> Option<Term> {
        self.leads
            .filter(|_| self.lease_ends.is_some_and(|ends| now < ends))
    }
}

struct World<O> {
    node: Node<SplitMix, Duration>,
    expected: Expected,
    config: Config,
    disk: HardState,
    last_log: LogPosition,
    now: Duration,
    observer: O,
}

impl<O: Observer> World<O> {
    fn new(config: Config, seed: u64, observer: O) -> Self {
        let (disk, last_log) = (HardState::first_boot(), LogPosition::default());
        let expected = Expected::restore(&config, disk, last_log, seed);
        let mut world = World {
            node: restore(&config, disk, last_log, seed),
            expected,
            config,
            disk,
            last_log,
            now: Duration::ZERO,
            observer,
        };
        world.observe_state();
        world
    }

    /// Does what the node says is next; the deadline to wait for, when it says so.
    fn next(&mut self) -> Option<Option<Duration>> {
        // A due timer is served when nothing is left to be carried out, and in silence if nothing comes of it.
        while self.expected.actions.is_empty()
            && let Some(event) = self.expected.expire(self.now)
        {
            self.expected.step(event);
            self.observe(Happening::Event(&event));
            self.observe_state();
        }
        match self.node.next(|| self.now) {
            Next::CarryOut(action) => {
                let wanted = self.expected.actions.pop_front();
                assert_eq!(Some(action), wanted, "what is carried out next");
                self.observe(Happening::Action(&action));
                self.expected.carried_out(&action, self.now);
                if let Action::Persist(state) = action {
                    self.disk = state;
                }
                self.check();
                None
            }
            Next::Wait(until) => {
                assert_eq!(self.expected.actions.front(), None, "it waits instead");
                let next = self.expected.due.values().map(|(due, _)| *due).min();
                assert_eq!(until, next, "how long it waits");
                assert!(until.is_none_or(|until| until > self.now));
                self.check();
                Some(until)
            }
        }
    }

    /// Carries everything out, and says until when to wait then.
    fn rest(&mut self) -> Option<Duration> {
        loop {
            if let Some(until) = self.next() {
                return until;
            }
        }
    }

    fn check(&self) {
        let (node, expected) = (&self.node, &self.expected);
        let valid = node.lease().valid_at(self.now);
        assert_eq!(valid, expected.lease_at(self.now), "the lease");
        assert_eq!(node.lease().ends(), expected.lease_ends);
        assert_eq!(node.raft().state(), expected.raft.state());
        assert_eq!(node.raft().state().check(&self.config), Ok(()));
    }

    fn step(&mut self, event: Event) {
        self.node.step(event);
        self.expected.step(event);
        self.observe(Happening::Event(&event));
        self.observe_state();
    }

    fn crash(&mut self, seed: u64) {
        self.observe(Happening::Fault(Fault::Crash));
        self.now += Duration::from_millis(1);
        self.node = restore(&self.config, self.disk, self.last_log, seed);
        self.expected = Expected::restore(&self.config, self.disk, self.last_log, seed);
        self.observe(Happening::Fault(Fault::Restart));
        self.observe_state();
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::CarryOut(most) => {
                for _ in 0..most {
                    if self.next().is_some() {
                        break;
                    }
                }
            }
            Operation::Sleep => {
                if let Some(until) = self.rest() {
                    self.now = until;
                }
            }
            Operation::Oversleep(ms) => {
                self.rest();
                self.now += Duration::from_millis(u64::from(ms));
            }
            Operation::Near(message) => self.step(message.event(self.node.raft().state())),
            Operation::GrantPreVote(grant) => self.step(grant.event(self.node.raft().state())),
            Operation::Transfer { to, stopped } => {
                let to = to.map(near::node);
                self.step(Event::TransferLeadership { to, stopped });
            }
            Operation::LogTail { term, index } => {
                self.last_log = position(u64::from(term % 4), u64::from(index % 4));
                self.step(Event::LogTailMoved(self.last_log));
            }
            Operation::Pause => self.step(Event::Pause),
            Operation::Resume => self.step(Event::Resume),
            Operation::Crash { seed } => self.crash(seed),
        }
    }

    fn observe(&mut self, happening: Happening<'_>) {
        let (now, id) = (picture::time(self.now), self.config.id());
        self.observer.observe(now, id, happening);
    }

    fn observe_state(&mut self) {
        let (now, id) = (picture::time(self.now), self.config.id());
        let state = Happening::State(self.expected.raft.state());
        self.observer.observe(now, id, state);
    }
}

fn restore(
    config: &Config,
    disk: HardState,
    log: LogPosition,
    seed: u64,
) -> Node<SplitMix, Duration> {
    Node::restore(config.clone(), disk, log, SplitMix(seed))
        .expect("what a node wrote, a node reads")
}

impl Run {
    /// Runs it.
    ///
    /// # Panics
    ///
    /// At what must not be.
    pub fn check(self) {
        self.run(());
    }

    /// Runs it and records everything that happens, for a picture.
    pub fn record(self) -> Recording {
        picture::record(Header::of_config(&self.config()), |sketch| {
            self.run(sketch);
            Ok(())
        })
    }

    fn config(&self) -> Config {
        setup::config(u64::from(self.voters % 5) + 1, self.plain, self.witness)
    }

    fn run<O: Observer>(&self, observer: O) {
        let mut world = World::new(self.config(), self.seed, observer);
        for operation in self.operations.iter().take(MOST) {
            world.apply(*operation);
        }
        world.rest();
    }
}
