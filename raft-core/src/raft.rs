//! The heart: a node is restored, and steps from event to event.

use core::fmt;
use core::time::Duration;

use rand_core::Rng;

use crate::action::{Action, Actions};
use crate::config::{Config, Protocol, Turn};
use crate::event::{Event, Timer};
use crate::message::Message;
use crate::report::{DropReason, LostReason, Report, TransitionReason};
use crate::role::{Follower, Part, Role};
use crate::state::State;
use crate::timers::Timers;
use crate::types::{HardState, LogPosition, NodeId, Round, Term};

/// A Raft node: a pure state machine. It has no clock, no socket and no disk; [`step`](Raft::step)
/// tells it what happened and returns what is to be done.
///
/// A clone is for whoever explores what a node might do: two that run under one id vote twice.
#[derive(Clone, Debug)]
pub struct Raft<R> {
    pub(crate) config: Config,
    pub(crate) state: State,
    /// Beside the state, so that a model checker does not see the timers' numbers grow.
    pub(crate) timers: Timers,
    rng: R,
}

impl<R: Rng> Raft<R> {
    /// Makes a node from what its disk holds: also the first time, with
    /// [`HardState::first_boot`] (which only an explicit first start may do), and after every crash.
    ///
    /// `last_log` is the last entry of the node's log, [`LogPosition::default`] without one. `rng` must be
    /// seeded afresh at every restore, differently on each node; fixed seeds are for simulation.
    ///
    /// The node begins as a follower in part one of its timeout, so that it cannot break a
    /// promise that it forgot.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] when no node can have written `hard_state` under this configuration.
    pub fn restore(
        config: Config,
        hard_state: HardState,
        last_log: LogPosition,
        mut rng: R,
    ) -> Result<(Self, Actions), RestoreError> {
        check_hard_state(&config, &hard_state)?;
        let state = State {
            hard: hard_state,
            last_log,
            leader: None,
            round: Round(0),
            pre_vote_nonce: rng.next_u64(),
            role: Role::Follower(Follower {
                part: Part::LeaderLost,
            }),
            paused: false,
        };
        let mut raft = Raft {
            config,
            state,
            timers: Timers::default(),
            rng,
        };
        let mut actions = Actions::default();
        if raft.config.protocol == Protocol::Standard
            && hard_state.election_timeout < raft.config.election_timeout
        {
            raft.state.hard.election_timeout = raft.config.election_timeout;
            actions.persist(raft.state.hard);
        }
        raft.become_follower(Part::LeaderAlive, &mut actions);
        Ok((raft, actions))
    }

    /// Takes one event and returns what is to be done about it, in order.
    ///
    /// Total: any event, in any order, from anyone, with any numbers. It never panics, blocks or fails.
    pub fn step(&mut self, event: Event) -> Actions {
        let mut actions = Actions::default();
        self.step_into(event, &mut actions);
        actions
    }

    /// [`step`](Raft::step) into a list that the caller keeps, in place of what it held: it saves the move of
    /// the list, which costs as much as a third of a heartbeat.
    pub fn step_into(&mut self, event: Event, actions: &mut Actions) {
        actions.clear();
        self.take(event, actions);
        debug_assert_eq!(self.state.check(&self.config), Ok(()));
    }

    /// Everything that decides what this node does next.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The number with which `timer` is set, `None` while it is not: an explorer that fires timers at
    /// will passes it back in [`Event::TimerFired`]. A driver uses the number in the action.
    pub fn armed(&self, timer: Timer) -> Option<u64> {
        self.timers.armed(timer)
    }
}

/// One step. The handlers of each event are in `election`, `heartbeat` and `transfer`; all but a
/// heartbeat's are out of line, so that the path of a heartbeat stays short.
impl<R: Rng> Raft<R> {
    fn take(&mut self, event: Event, actions: &mut Actions) {
        match event {
            Event::Receive {
                from,
                message: Message::AppendEntries(request),
            } if self.follows(from, request.term) => self.on_heartbeat(from, request, actions),
            Event::Receive { from, message } => self.receive(from, message, actions),
            Event::TimerFired { timer, number } => {
                if self.timers.fire(timer, number) {
                    self.timer_fired(timer, actions);
                }
            }
            Event::TransferLeadership { to, stopped } => {
                self.transfer_leadership(to, stopped, actions)
            }
            Event::LogTailMoved(last_log) => self.state.last_log = last_log,
            Event::Pause => self.pause(actions),
            Event::Resume => self.resume(actions),
        }
    }

    #[inline(never)]
    fn receive(&mut self, from: NodeId, message: Message, actions: &mut Actions) {
        let config = &self.config;
        let Some(sender) = config.index_of(from).filter(|_| from != config.id) else {
            actions.drop_message(from, message.kind(), DropReason::UnknownSender);
            return;
        };
        let handled = match message {
            Message::AppendEntries(request) => self.on_append_entries(from, request, actions),
            Message::AppendEntriesResponse(response) => {
                self.on_append_entries_response(from, sender, response, actions)
            }
            Message::RequestVote(request) => self.on_request_vote(from, request, actions),
            Message::RequestVoteResponse(response) => {
                self.on_request_vote_response(sender, response, actions)
            }
            Message::RequestPreVote(request) => self.on_request_pre_vote(from, request, actions),
            Message::RequestPreVoteResponse(response) => {
                self.on_request_pre_vote_response(sender, response, actions)
            }
            Message::TimeoutNow(request) => self.on_timeout_now(from, request, actions),
        };
        if let Err(reason) = handled {
            actions.drop_message(from, message.kind(), reason);
        }
    }

    #[inline(never)]
    fn timer_fired(&mut self, timer: Timer, actions: &mut Actions) {
        match timer {
            Timer::Election => self.election_timer_fired(actions),
            Timer::Heartbeat => self.begin_round(actions),
            Timer::Repeat => self.repeat(actions),
        }
    }

    fn election_timer_fired(&mut self, actions: &mut Actions) {
        match &self.state.role {
            Role::Follower(follower) => match follower.part {
                Part::LeaderAlive => self.presume_leader_lost(actions),
                Part::LeaderLost => self.campaign(TransitionReason::ElectionTimeout, actions),
            },
            // Section 5.2: "When this happens, each candidate will time out and start a new election".
            Role::PreCandidate(_) | Role::Candidate(_) => {
                self.campaign(TransitionReason::NoMajority, actions);
            }
            Role::Leader(leader) => {
                let reason = if leader.transfer.is_some() {
                    TransitionReason::TransferTimedOut
                } else {
                    TransitionReason::QuorumLost
                };
                self.lose_leadership(LostReason::QuorumLost, actions);
                // The term stays, and so does its vote: cleared, it could be given twice in a term.
                self.become_follower(Part::LeaderLost, actions);
                self.transition(reason, actions);
            }
        }
    }

    /// Ends part one. All promises made so far have lapsed with it, so that a shorter election timeout
    /// than the stored one may take its place.
    fn presume_leader_lost(&mut self, actions: &mut Actions) {
        let election_timeout = self.config.election_timeout;
        if self.state.hard.election_timeout > election_timeout {
            self.state.hard.election_timeout = election_timeout;
            actions.persist(self.state.hard);
        }
        self.become_follower(Part::LeaderLost, actions);
        self.transition(TransitionReason::LeaderSilent, actions);
    }

    /// Section 5.1: "If one server's current term is smaller than the other's, then it updates its current
    /// term to the larger value. If a candidate or leader discovers that its term is out of date, it
    /// immediately reverts to follower state."
    ///
    /// A follower's timeout goes on as it is: only a leader or a granted vote puts an election off.
    /// What was a leader begins with part one, what was a candidate with part two.
    pub(crate) fn learn_term(&mut self, term: Term, actions: &mut Actions) {
        self.enter_term(term, None, actions);
        match self.state.role {
            Role::Follower(_) => {}
            Role::PreCandidate(_) | Role::Candidate(_) => {
                self.become_follower(Part::LeaderLost, actions);
            }
            // It is one of the majority that its latest round rests on, and keeps the promise that they gave.
            // So nobody takes over before T after that round began, and what this node was running has as
            // much time to stop as when a lease ends.
            Role::Leader(_) => self.become_follower(Part::LeaderAlive, actions),
        }
        self.transition(TransitionReason::HigherTerm, actions);
    }

    /// Moves to a higher term, with the vote that this step gives in it. The only place where the term
    /// grows, and where what belongs to the term (its leader, its rounds) is forgotten.
    pub(crate) fn enter_term(
        &mut self,
        term: Term,
        voted_for: Option<NodeId>,
        actions: &mut Actions,
    ) {
        self.lose_leadership(LostReason::HigherTerm, actions);
        self.state.hard.current_term = term;
        self.state.hard.voted_for = voted_for;
        self.state.leader = None;
        self.state.round = Round(0);
        actions.persist(self.state.hard);
    }

    /// Says that leadership ended, before anything else of the step, unless a transfer said so already.
    pub(crate) fn lose_leadership(&self, reason: LostReason, actions: &mut Actions) {
        let Role::Leader(leader) = &self.state.role else {
            return;
        };
        if leader.transfer.is_none() {
            let term = self.state.hard.current_term;
            actions.push(Action::LeadershipLost { term, reason });
        }
    }

    /// Becomes, or goes on as, a follower whose timeout begins with `part`.
    pub(crate) fn become_follower(&mut self, part: Part, actions: &mut Actions) {
        let (part, after) = match (self.config.protocol, part) {
            (Protocol::Standard, Part::LeaderAlive) => (part, self.state.hard.election_timeout),
            (Protocol::Standard, Part::LeaderLost) => (part, self.draw()),
            // Section 5.2: "election timeouts are chosen randomly from a fixed interval".
            (Protocol::Plain, _) => (Part::LeaderLost, self.config.election_timeout + self.draw()),
        };
        if let Role::Follower(follower) = &mut self.state.role {
            follower.part = part;
        } else {
            self.state.role = Role::Follower(Follower { part });
            self.timers.cancel(Timer::Heartbeat, actions);
            self.timers.cancel(Timer::Repeat, actions);
        }
        self.timers.set(Timer::Election, after, actions);
    }

    pub(crate) fn transition(&self, reason: TransitionReason, actions: &mut Actions) {
        actions.report(Report::Transition {
            role: self.state.role.kind(),
            term: self.state.hard.current_term,
            leader: self.state.leader,
            reason,
        });
    }

    /// A duration uniform in the node's turn of [0, T). With the number of the first pre-vote question, all that
    /// the random generator decides.
    pub(crate) fn draw(&mut self) -> Duration {
        // T has less than 2^47 nanoseconds, and a turn is one of 64 at the most.
        let range = u64::try_from(self.config.election_timeout.as_nanos()).unwrap_or(u64::MAX);
        let drawn = (u128::from(self.rng.next_u64()) * u128::from(range)) >> 64;
        let drawn = u64::try_from(drawn).unwrap_or(u64::MAX);
        let Turn { index, of } = self.config.turn;
        let nanos = drawn.saturating_add(range.saturating_mul(index.into())) / u64::from(of.max(1));
        Duration::from_nanos(nanos)
    }
}

fn check_hard_state(config: &Config, hard_state: &HardState) -> Result<(), RestoreError> {
    if let (Term(0), Some(voted_for)) = (hard_state.current_term, hard_state.voted_for) {
        return Err(RestoreError::VoteInTermZero { voted_for });
    }
    let value = hard_state.election_timeout;
    if value > Config::MAX_ELECTION_TIMEOUT {
        return Err(RestoreError::ElectionTimeout { value });
    }
    if config.protocol == Protocol::Plain && !value.is_zero() {
        return Err(RestoreError::PromiseInPlainRaft { value });
    }
    Ok(())
}

/// Why a node cannot be made from what its disk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// A vote is recorded in term 0, in which there are none.
    VoteInTermZero {
        /// The recorded vote.
        voted_for: NodeId,
    },
    /// The recorded election timeout is longer than [`Config::MAX_ELECTION_TIMEOUT`].
    ElectionTimeout {
        /// The recorded election timeout.
        value: Duration,
    },
    /// The state records a promise to leaders, which plain Raft would break.
    PromiseInPlainRaft {
        /// The recorded election timeout.
        value: Duration,
    },
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            RestoreError::VoteInTermZero { voted_for } => write!(
                f,
                "voted_for: a vote for node {voted_for} is recorded in term 0, which has no elections"
            ),
            RestoreError::ElectionTimeout { value } => {
                let most = Config::MAX_ELECTION_TIMEOUT;
                write!(
                    f,
                    "election_timeout: the stored {value:?} is longer than {most:?}"
                )
            }
            RestoreError::PromiseInPlainRaft { value } => write!(
                f,
                "election_timeout: the state holds a promise of {value:?} not to vote, which plain \
                 Raft would break: give plain Raft a state of its own"
            ),
        }
    }
}

impl core::error::Error for RestoreError {}
