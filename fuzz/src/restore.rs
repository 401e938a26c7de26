//! Any configuration and any stored state: each is refused in words or makes a node that runs.
//!
//! Terms at their end, stored promises of other lengths, voters without end: what an operator or a damaged disk may come up with.

use core::time::Duration;

use arbitrary::Arbitrary;
use raft_core::{
    Action, AppendEntries, Config, Event, HardState, LogIndex, LogPosition, Message, NodeId,
    Options, Protocol, Raft, RequestPreVoteResponse, RequestVoteResponse, Round, Term, Timer, Turn,
};
use raft_driver_sim::timeline::{Header, Recording};
use raft_driver_sim::{Happening as Seen, Observer};

use crate::picture;
use crate::random::SplitMix;

/// The steps of a node that count.
const MOST: usize = 100;

/// A configuration, a stored state, and what happens to the node.
#[derive(Debug, Arbitrary)]
pub struct Run {
    voters: Voters,
    heartbeat: Length,
    timeout: Length,
    lease: Option<Length>,
    plain: bool,
    witness: bool,
    turn: Option<(u8, u8)>,
    term: Number,
    voted_for: Option<u8>,
    promise: Length,
    seed: u64,
    happenings: Vec<Happening>,
}

#[derive(Debug, Arbitrary)]
enum Voters {
    /// 1 to so many, of which this node is 1.
    First(u8),
    These {
        id: u8,
        voters: Vec<u8>,
    },
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Length {
    Milliseconds(u16),
    Any(u64, u32),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Number {
    Small(u8),
    BelowTheLast(u8),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Happening {
    Fire(u8),
    /// A pre-vote and a vote, if they are what is asked for.
    Grant {
        from: u8,
    },
    /// A heartbeat of this term or the next.
    Heartbeat {
        from: u8,
        next: bool,
        round: u8,
    },
    Transfer(Option<u8>),
    Pause,
    Resume,
}

impl Length {
    fn duration(self) -> Duration {
        match self {
            Length::Milliseconds(ms) => Duration::from_millis(u64::from(ms)),
            Length::Any(seconds, nanos) => Duration::new(seconds, nanos % 1_000_000_000),
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
        if let Some(config) = self.config() {
            self.run(&config, ());
        }
    }

    /// Runs it and records everything that happens, for a picture; none if there is no such configuration, or
    /// no node with such a state.
    pub fn record(self) -> Option<Recording> {
        let config = self.config()?;
        let header = Header::of_config(&config);
        let recording = picture::record(header, |sketch| {
            self.run(&config, sketch);
            Ok(())
        });
        let drawn = !recording.records.is_empty() || recording.header.failure.is_some();
        drawn.then_some(recording)
    }

    fn run<O: Observer>(&self, config: &Config, observer: O) {
        let hard_state = HardState {
            current_term: match self.term {
                Number::Small(term) => Term(u64::from(term)),
                Number::BelowTheLast(by) => Term(u64::MAX - u64::from(by)),
            },
            voted_for: self.voted_for.map(|id| NodeId(u64::from(id))),
            election_timeout: self.promise.duration(),
        };
        let log = LogPosition::default();
        match Raft::restore(config.clone(), hard_state, log, SplitMix(self.seed)) {
            Ok((raft, actions)) => {
                check_durations(config, hard_state, &actions);
                let mut node = Running {
                    raft,
                    now: Duration::ZERO,
                    observer,
                };
                node.observe_state();
                node.observe_actions(&actions);
                for happening in self.happenings.iter().take(MOST) {
                    node.happen(*happening);
                }
            }
            Err(error) => assert!(error.to_string().contains(": "), "{error}"),
        }
    }

    fn config(&self) -> Option<Config> {
        let (id, voters) = match &self.voters {
            Voters::First(count) => (1, (1..=count % 9).collect()),
            Voters::These { id, voters } => (*id, voters.clone()),
        };
        let (id, ids) = (
            u64::from(id),
            voters.iter().map(|id| NodeId(u64::from(*id))),
        );
        let voters: Vec<NodeId> = ids.collect();
        let options = Options {
            heartbeat_interval: self.heartbeat.duration(),
            election_timeout: self.timeout.duration(),
            lease: self.lease.map(Length::duration),
            protocol: if self.plain {
                Protocol::Plain
            } else {
                Protocol::Standard
            },
            witness: self.witness,
            turn: self
                .turn
                .map_or(Turn::ANY, |(index, of)| Turn { index, of }),
        };
        match Config::new(NodeId(id), &voters, options) {
            Ok(config) => {
                let (t, most) = (config.election_timeout(), voters.len());
                assert!(3 * config.heartbeat_interval() <= t && t <= Config::MAX_ELECTION_TIMEOUT);
                assert!(
                    config
                        .lease()
                        .is_none_or(|lease| !lease.is_zero() && lease < t)
                );
                assert!(2 * config.majority() > most && config.majority() <= most);
                assert_eq!(config.peers().count() + 1, most);
                assert_eq!(
                    (config.witness(), config.turn()),
                    (self.witness, options.turn)
                );
                Some(config)
            }
            Err(error) => {
                assert!(
                    error.to_string().contains(": "),
                    "an error that names nothing: {error}"
                );
                None
            }
        }
    }
}

/// The first part after a restore lasts the longer of the stored promise and the configured timeout.
fn check_durations(config: &Config, stored: HardState, actions: &[Action]) {
    let t = config.election_timeout();
    for action in actions {
        match *action {
            Action::Persist(state) => assert!(state.election_timeout >= stored.election_timeout),
            Action::SetTimer { after, .. } => match config.protocol() {
                Protocol::Standard => assert_eq!(after, t.max(stored.election_timeout)),
                Protocol::Plain => assert!(t <= after && after <= 2 * t),
            },
            _ => {}
        }
    }
}

/// A node that was restored. Its picture has an event or an action a millisecond.
struct Running<O> {
    raft: Raft<SplitMix>,
    now: Duration,
    observer: O,
}

impl<O: Observer> Running<O> {
    fn happen(&mut self, happening: Happening) {
        let id = |node: u8| NodeId(u64::from(node % 9));
        let (term, nonce) = {
            let state = self.raft.state();
            (state.current_term(), state.pre_vote_nonce())
        };
        match happening {
            Happening::Fire(timer) => {
                let timer = Timer::ALL[usize::from(timer) % 3];
                if let Some(number) = self.raft.armed(timer) {
                    self.step(Event::TimerFired { timer, number });
                }
            }
            Happening::Grant { from } => {
                let from = id(from);
                let vote_granted = true;
                let message = Message::RequestPreVoteResponse(RequestPreVoteResponse {
                    term,
                    nonce,
                    vote_granted,
                });
                self.step(Event::Receive { from, message });
                let term = self.raft.state().current_term();
                let message =
                    Message::RequestVoteResponse(RequestVoteResponse { term, vote_granted });
                self.step(Event::Receive { from, message });
            }
            Happening::Heartbeat { from, next, round } => {
                let message = Message::AppendEntries(AppendEntries {
                    term: Term(term.0.saturating_add(u64::from(next))),
                    prev_log: LogPosition::default(),
                    leader_commit: LogIndex(0),
                    round: Round(u64::from(round)),
                    lease: self.raft.config().lease().unwrap_or_default(),
                });
                let from = id(from);
                self.step(Event::Receive { from, message });
            }
            Happening::Transfer(to) => {
                let (to, stopped) = (to.map(id), false);
                self.step(Event::TransferLeadership { to, stopped });
            }
            Happening::Pause => self.step(Event::Pause),
            Happening::Resume => self.step(Event::Resume),
        }
    }

    fn step(&mut self, event: Event) {
        self.observe(Seen::Event(&event));
        let before = self.raft.state().current_term();
        let actions = self.raft.step(event);
        self.observe_state();
        self.observe_actions(&actions);
        let state = self.raft.state();
        assert_eq!(state.check(self.raft.config()), Ok(()), "after {event:?}");
        assert!(state.current_term() >= before, "the term fell");
    }

    fn observe(&mut self, seen: Seen<'_>) {
        let id = self.raft.config().id();
        self.now += Duration::from_millis(1);
        self.observer.observe(picture::time(self.now), id, seen);
    }

    fn observe_actions(&mut self, actions: &[Action]) {
        for action in actions {
            self.observe(Seen::Action(action));
        }
    }

    fn observe_state(&mut self) {
        let id = self.raft.config().id();
        let state = Seen::State(self.raft.state());
        self.observer.observe(picture::time(self.now), id, state);
    }
}
