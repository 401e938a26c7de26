//! One node under any event sequence: any order, any sender, any numbers, crashes between any two actions.
//!
//! It must never panic, and after every step the node's own invariants must hold, its term must not have fallen, no second
//! vote may have left it in a term, and nothing may have been sent that rests on what the disk does not hold.

use core::time::Duration;
use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use raft_core::{
    Action, Actions, Config, Deadlines, Event, HardState, Lease, LogPosition, Message, NodeId,
    Raft, Term, Timer,
};
use raft_driver_sim::timeline::{Header, Recording};
use raft_driver_sim::{Fault, Happening, Observer};

use crate::near::{self, Far, GrantPreVote, Near, position};
use crate::picture;
use crate::random::SplitMix;
use crate::setup;

/// How far the clock moves at a time.
const MOMENT: Duration = Duration::from_millis(1);

/// A run: how the node is set up, and what happens to it.
#[derive(Debug, Arbitrary)]
pub struct Run {
    voters: u8,
    plain: bool,
    witness: bool,
    seed: u64,
    operations: Vec<Operation>,
}

#[derive(Debug, Arbitrary)]
enum Operation {
    Near(Near),
    Far(Far),
    GrantPreVote(GrantPreVote),
    /// A timer that is set fires.
    Fire(u8),
    /// A timer fires with any number.
    Misfire(u8, u64),
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
    /// The node crashes after this many of the actions of its last step, and comes back.
    Crash {
        carried_out: u8,
        seed: u64,
    },
}

/// The node, what its disk holds, and what has left it.
struct World<O> {
    raft: Raft<SplitMix>,
    config: Config,
    disk: HardState,
    last_log: LogPosition,
    /// The actions of the last step, not carried out yet.
    pending: Vec<Action>,
    votes: BTreeMap<Term, NodeId>,
    leads: Option<Term>,
    /// The driver's tables, on a clock that moves by a millisecond with each event and each action.
    lease: Lease<Duration>,
    deadlines: Deadlines<Duration>,
    now: Duration,
    observer: O,
}

impl<O: Observer> World<O> {
    fn new(config: Config, seed: u64, observer: O) -> Self {
        let state = HardState::first_boot();
        let (raft, actions) = Raft::restore(
            config.clone(),
            state,
            LogPosition::default(),
            SplitMix(seed),
        )
        .expect("a first start is never refused");
        let mut world = World {
            lease: Lease::new(config.lease()),
            deadlines: Deadlines::new(),
            now: Duration::ZERO,
            raft,
            config,
            disk: state,
            last_log: LogPosition::default(),
            pending: actions.into_iter().collect(),
            votes: BTreeMap::new(),
            leads: None,
            observer,
        };
        world.observe_state();
        world
    }

    fn observe(&mut self, happening: Happening<'_>) {
        let (now, id) = (picture::time(self.now), self.config.id());
        self.observer.observe(now, id, happening);
    }

    fn observe_state(&mut self) {
        let (now, id) = (picture::time(self.now), self.config.id());
        self.observer
            .observe(now, id, Happening::State(self.raft.state()));
    }

    fn step(&mut self, event: Event) {
        self.carry_out(usize::MAX);
        self.now += MOMENT;
        self.observe(Happening::Event(&event));
        let before = self.raft.state().current_term();
        let actions: Actions = self.raft.step(event);
        self.observe_state();
        self.raft.state().check(&self.config).expect("invariants");
        assert!(self.raft.state().current_term() >= before, "the term fell");
        self.pending = actions.into_iter().collect();
    }

    fn crash(&mut self, carried_out: usize, seed: u64) {
        self.carry_out(carried_out);
        self.pending.clear();
        self.now += MOMENT;
        self.observe(Happening::Fault(Fault::Crash));
        self.leads = None;
        self.lease = Lease::new(self.config.lease());
        self.deadlines = Deadlines::new();
        let term = self.disk.current_term;
        let (raft, actions) = Raft::restore(
            self.config.clone(),
            self.disk,
            self.last_log,
            SplitMix(seed),
        )
        .expect("what a node wrote, a node reads");
        assert_eq!(raft.state().current_term(), term);
        self.raft = raft;
        self.now += MOMENT;
        self.observe(Happening::Fault(Fault::Restart));
        self.observe_state();
        self.pending = actions.into_iter().collect();
    }

    fn carry_out(&mut self, most: usize) {
        for action in core::mem::take(&mut self.pending).into_iter().take(most) {
            self.now += MOMENT;
            self.observe(Happening::Action(&action));
            self.deadlines.carry_out(&action, self.now);
            self.lease.carry_out(&action, || self.now);
            match action {
                Action::Persist(state) => {
                    assert!(state.current_term >= self.disk.current_term);
                    self.disk = state;
                }
                Action::Send { to, message } => self.check_send(to, &message),
                Action::LeadershipGained { term, .. } => {
                    assert_eq!(self.leads, None);
                    assert_eq!(self.disk.current_term, term);
                    assert_eq!(self.disk.voted_for, Some(self.config.id()));
                    self.leads = Some(term);
                }
                Action::LeadershipLost { term, .. } => assert_eq!(self.leads.take(), Some(term)),
                Action::StartRound { term, .. } | Action::LeadershipConfirmed { term, .. } => {
                    assert_eq!(self.leads, Some(term));
                }
                Action::SetTimer { after, .. } => {
                    assert!(after <= self.config.quorum_window());
                }
                Action::CancelTimer(_) | Action::Report(_) => {}
            }
            self.check_tables();
        }
    }

    /// A lease is valid only in the term that is led; a deadline is never passed in silence.
    fn check_tables(&mut self) {
        let valid = self.lease.valid_at(self.now);
        assert!(
            valid.is_none() || valid == self.leads,
            "a lease without leadership"
        );
        let granted = self
            .lease
            .term_and_end()
            .filter(|(_, ends)| self.now < *ends);
        assert_eq!(granted.map(|(term, _)| term), valid);
        assert_eq!(
            self.lease.ends().is_some(),
            self.lease.term_and_end().is_some()
        );
        while self.deadlines.expire(self.now).is_some() {}
        assert!(self.deadlines.earliest().is_none_or(|due| due > self.now));
    }

    /// "Updated on stable storage before responding to RPCs", and one vote a term.
    fn check_send(&mut self, to: NodeId, message: &Message) {
        assert_ne!(to, self.config.id(), "a message to itself");
        let vote = match message {
            Message::RequestVote(request) => Some((request.term, self.config.id())),
            Message::RequestVoteResponse(response) if response.vote_granted => {
                Some((response.term, to))
            }
            Message::RequestPreVote(_) => None,
            _ => {
                assert!(
                    message.term() <= self.disk.current_term,
                    "a term that is not durable"
                );
                None
            }
        };
        if let Some((term, candidate)) = vote {
            assert_eq!(
                self.disk.current_term, term,
                "a vote in a term that is not durable"
            );
            assert_eq!(
                self.disk.voted_for,
                Some(candidate),
                "a vote that is not durable"
            );
            assert_eq!(
                *self.votes.entry(term).or_insert(candidate),
                candidate,
                "two votes in a term"
            );
        }
    }

    fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::Near(message) => self.step(message.event(self.raft.state())),
            Operation::Far(message) => self.step(message.event()),
            Operation::GrantPreVote(grant) => self.step(grant.event(self.raft.state())),
            Operation::Fire(timer) => {
                let timer = Timer::ALL[usize::from(timer) % 3];
                if let Some(number) = self.raft.armed(timer) {
                    self.step(Event::TimerFired { timer, number });
                }
            }
            Operation::Misfire(timer, number) => {
                let timer = Timer::ALL[usize::from(timer) % 3];
                self.step(Event::TimerFired { timer, number });
            }
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
            Operation::Crash { carried_out, seed } => self.crash(usize::from(carried_out), seed),
        }
    }
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
        setup::config(u64::from(self.voters % 7) + 1, self.plain, self.witness)
    }

    fn run<O: Observer>(&self, observer: O) {
        let mut world = World::new(self.config(), self.seed, observer);
        for operation in &self.operations {
            world.apply(operation);
        }
        world.carry_out(usize::MAX);
    }
}
