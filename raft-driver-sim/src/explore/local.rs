//! One node: a real `Raft` with its disk and its promises, and all that a step of it can come to.

use core::convert::Infallible;

use raft_core::{
    Action, Config, Event, HardState, LogPosition, Message, NodeId, Raft, RequestPreVote,
    RequestPreVoteResponse, RestoreError, Role, Round, Term, Timer,
};

use super::bounds::Bounds;
use super::check::{Carried, check_step};
use super::key::{Key, Promise, number};

/// A generator that always draws 0. It decides nothing but the durations of timers, which do not exist
/// here, and the number of the first pre-vote question.
#[derive(Clone, Debug)]
pub(super) struct Zero;

impl rand_core::TryRng for Zero {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0);
        Ok(())
    }
}

/// What can happen to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// It crashes between two steps, and is restored from its disk.
    Crash,
    Step(Event),
}

/// What a node may do next, and what it has promised.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) raft: Raft<Zero>,
    promises: Vec<Promise>,
}

/// One way in which a step can end.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) local: Local,
    /// The messages that left, with their receivers.
    pub(super) sent: Vec<(u8, Message)>,
    /// How many actions were carried out before the node crashed, if it did.
    pub(super) crashed_after: Option<usize>,
    pub(super) notes: Notes,
}

/// What the history must be asked about a step that was carried out in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// The term whose leadership was gained.
    pub(super) gained: Option<Term>,
    /// The round that was confirmed.
    pub(super) confirmed: Option<Round>,
    /// The pre-vote question that a majority granted.
    pub(super) pre_vote_won: Option<u64>,
}

/// A step broke an invariant by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) String);

impl Local {
    /// A node that never ran.
    pub(super) fn first(config: &Config) -> Result<Local, Broken> {
        restore(config, HardState::default(), Vec::new())
    }

    pub(super) fn key(&self, bounds: &Bounds) -> Key {
        let state = self.raft.state();
        Key::new(
            number(self.raft.config().id()),
            state,
            state.pre_vote_nonce() % bounds.questions,
            |timer| self.raft.armed(timer).is_some(),
            &self.promises,
        )
    }

    /// The event with which a set timer runs out.
    pub(super) fn fire(&self, timer: Timer) -> Option<Event> {
        let number = self.raft.armed(timer)?;
        Some(Event::TimerFired { timer, number })
    }

    /// The event of a message's arrival.
    ///
    /// Numbers of pre-vote questions only grow, from a random beginning at each restart. Here all that are equal
    /// modulo `Bounds::questions` go by one number: an answer is delivered under the receiver's present
    /// number if it is congruent to it, and under another one otherwise. Nothing is lost: number the questions of
    /// any real run of events in this way, and where the real core drops an answer as stale that is counted here, the same
    /// run is found among those in which that answer is not delivered. What is added is runs in which an answer to
    /// an old question, even one from before a crash, is counted. The invariants hold in these too.
    pub(super) fn arrival(&self, from: NodeId, message: Message, bounds: &Bounds) -> Event {
        let message = match message {
            Message::RequestPreVoteResponse(response) => {
                let present = self.raft.state().pre_vote_nonce();
                let same = present % bounds.questions == response.nonce;
                Message::RequestPreVoteResponse(RequestPreVoteResponse {
                    nonce: if same { present } else { present + 1 },
                    ..response
                })
            }
            other => other,
        };
        Event::Receive { from, message }
    }

    /// All that `happening` can come to: the step carried out in full first, then a crash after
    /// every prefix of its actions that leaves something other behind than the prefix before it. None
    /// if the step leaves the box.
    ///
    /// Sends of the same message to several receivers count as one action. (A crash amid a broadcast leaves fewer messages
    /// behind than a crash after it; but to send a message that is lost is also among what is explored,
    /// and no invariant wants a broadcast message to have been sent. To take them one by one would tell
    /// nodes apart by their order in the list of voters.)
    pub(super) fn outcomes(
        &self,
        happening: Happening,
        bounds: &Bounds,
    ) -> Result<Vec<Outcome>, Broken> {
        let event = match happening {
            Happening::Crash => return Ok(vec![self.crash()?]),
            Happening::Step(event) => event,
        };
        let before = self.raft.state().clone();
        let mut after = self.clone();
        let actions = after.raft.step(event);
        if leaves(after.raft.state(), bounds) {
            return Ok(Vec::new());
        }
        check_step(bounds, &before, &event, &actions, &after.raft)?;
        if before.in_part_one()
            && matches!(event, Event::TimerFired { timer, .. } if timer == Timer::Election)
        {
            after.promises.clear();
        }
        let mut carried = Carried::new(after.raft.config(), before.hard_state());
        let mut notes = Notes::default();
        let mut sent = Vec::new();
        let mut crashes = Vec::new();
        let last_effect = actions.iter().rposition(has_effect).unwrap_or(0);
        for (index, action) in actions.iter().enumerate() {
            carried.out(action, after.raft.state()).map_err(Broken)?;
            match *action {
                Action::Send { to, message } => {
                    sent.push((number(to), numbered(message, bounds)));
                    after.promise(to, &message);
                }
                Action::LeadershipGained { term, .. } => notes.gained = Some(term),
                Action::LeadershipConfirmed { round, .. } => notes.confirmed = Some(round),
                _ => {}
            }
            let boundary = has_effect(action) && !same_broadcast(action, actions.get(index + 1));
            if bounds.crashes && boundary && index < last_effect {
                crashes.push(Outcome {
                    local: restore(after.raft.config(), carried.disk(), after.promises.clone())?,
                    sent: sent.clone(),
                    crashed_after: Some(index + 1),
                    notes: Notes::default(),
                });
            }
        }
        carried.finished(after.raft.state()).map_err(Broken)?;
        let answer = matches!(
            event,
            Event::Receive {
                message: Message::RequestPreVoteResponse(_),
                ..
            }
        );
        if answer && matches!(after.raft.state().role(), Role::Candidate(_)) {
            notes.pre_vote_won = Some(before.pre_vote_nonce() % bounds.questions);
        }
        let mut outcomes = vec![Outcome {
            local: after,
            sent,
            crashed_after: None,
            notes,
        }];
        outcomes.append(&mut crashes);
        Ok(outcomes)
    }

    fn crash(&self) -> Result<Outcome, Broken> {
        let disk = self.raft.state().hard_state();
        Ok(Outcome {
            local: restore(self.raft.config(), disk, self.promises.clone())?,
            sent: Vec::new(),
            crashed_after: Some(0),
            notes: Notes::default(),
        })
    }

    /// Notes that an answer to a leader's round leaves: this voter will not vote against that leader
    /// before part one of its timeout has ended once more.
    fn promise(&mut self, to: NodeId, message: &Message) {
        let Message::AppendEntriesResponse(response) = message else {
            return;
        };
        if !response.success || response.round == Round(0) {
            return;
        }
        let (leader, term, round) = (number(to), response.term.0, response.round.0);
        match self
            .promises
            .iter_mut()
            .find(|promise| (promise.leader, promise.term) == (leader, term))
        {
            Some(promise) => promise.round = promise.round.max(round),
            None => {
                self.promises.push(Promise {
                    leader,
                    term,
                    round,
                });
                self.promises.sort_unstable();
            }
        }
    }
}

/// A node comes back from its disk. Its promises outlast the crash: part one begins anew.
fn restore(config: &Config, disk: HardState, promises: Vec<Promise>) -> Result<Local, Broken> {
    let (raft, actions) = Raft::restore(config.clone(), disk, LogPosition::default(), Zero)
        .map_err(|error: RestoreError| Broken(format!("Durability: {error}")))?;
    let mut carried = Carried::new(config, disk);
    for action in &actions {
        carried.out(action, raft.state()).map_err(Broken)?;
    }
    carried.finished(raft.state()).map_err(Broken)?;
    Ok(Local { raft, promises })
}

/// Whether a state is outside the box: a term or a round too many. A node in the last term does not
/// ask for pre-votes either, which would come to nothing.
fn leaves(state: &raft_core::State, bounds: &Bounds) -> bool {
    let term = state.current_term().0;
    let asks_in_vain = matches!(state.role(), Role::PreCandidate(_)) && term >= bounds.terms;
    term > bounds.terms || state.round().0 > bounds.rounds || asks_in_vain
}

/// A message with its question's number, if it asks one, as the network of the box knows it.
fn numbered(message: Message, bounds: &Bounds) -> Message {
    match message {
        Message::RequestPreVote(request) => Message::RequestPreVote(RequestPreVote {
            nonce: request.nonce % bounds.questions,
            ..request
        }),
        other => other,
    }
}

/// Whether a crash right after the action differs from one right before it.
fn has_effect(action: &Action) -> bool {
    matches!(action, Action::Persist(_) | Action::Send { .. })
}

fn same_broadcast(action: &Action, next: Option<&Action>) -> bool {
    matches!(
        (action, next),
        (Action::Send { message, .. }, Some(Action::Send { message: other, .. })) if message == other
    )
}
