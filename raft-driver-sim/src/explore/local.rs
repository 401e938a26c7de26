//! One node: a real `Raft` with its disk and its promises, and all that a step of it can come to.

use core::convert::Infallible;

use raft_core::{
    Action, Config, Event, HardState, LogPosition, LostReason, Message, NodeId, Raft,
    RequestPreVote, RequestPreVoteResponse, RestoreError, Role, Round, State, Term, Timer,
};

use super::bounds::Bounds;
use super::check::{Carried, check_step};
use super::key::{Key, Lease, Promise, number};

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
    /// Of a node that leads no longer.
    lease: Option<Lease>,
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
    /// The term about which a majority granted a pre-vote.
    pub(super) pre_vote_won: Option<u64>,
}

/// A step broke an invariant by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) String);

impl Local {
    /// A node that never ran.
    pub(super) fn first(config: &Config) -> Result<Local, Broken> {
        restore(config, HardState::first_boot())
    }

    pub(super) fn key(&self) -> Key {
        let state = self.raft.state();
        Key::new(
            number(self.raft.config().id()),
            state,
            self.raft.config().protocol(),
            |timer| self.raft.armed(timer).is_some(),
            &self.promises,
            self.lease,
        )
    }

    /// The event with which a set timer runs out.
    pub(super) fn fire(&self, timer: Timer) -> Option<Event> {
        let number = self.raft.armed(timer)?;
        Some(Event::TimerFired { timer, number })
    }

    /// The event of a message's arrival.
    ///
    /// Numbers of pre-vote questions only grow, from a random beginning at each restart. Here a question goes by the term that
    /// it asks about: an answer is delivered under the receiver's present number if it is about the
    /// present question's term, and under another one otherwise. Nothing is lost: number the questions of any real
    /// run in this way, and where the real core drops an answer as stale that is counted here, the same run is
    /// found among those in which that answer is not delivered. What is added is runs in which the answer to an earlier question
    /// about the same term, even one from before a crash, is counted. The invariants hold in these too, and restarts
    /// need no bound.
    pub(super) fn arrival(&self, from: NodeId, message: Message) -> Event {
        let message = match message {
            Message::RequestPreVoteResponse(response) => {
                let state = self.raft.state();
                let present = state.pre_vote_nonce();
                let same = state.current_term().0.checked_add(1) == Some(response.nonce);
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
        let before = self.raft.state();
        let mut after = self.clone();
        after.lease = self.key().held_lease();
        let actions = after.raft.step(event);
        if leaves(after.raft.state(), bounds) {
            return Ok(Vec::new());
        }
        check_step(bounds, before, &event, &actions, &after.raft)?;
        let fired = matches!(event, Event::TimerFired { timer, .. } if timer == Timer::Election);
        if fired && before.in_part_one() {
            after.promises.clear();
            after.lease = None;
        }
        let mut carried = Carried::new(after.raft.config(), before.hard_state());
        let mut notes = Notes::default();
        let mut sent = Vec::new();
        let mut crashes = Vec::new();
        let last_effect = actions.iter().rposition(has_effect).unwrap_or(0);
        for (index, action) in actions.iter().enumerate() {
            carried.out(action, after.raft.state()).map_err(Broken)?;
            after.carry_out(action, &mut sent, &mut notes);
            let boundary = has_effect(action) && !same_broadcast(action, actions.get(index + 1));
            if bounds.crashes && boundary && index < last_effect {
                crashes.push(Outcome {
                    local: after.restored(carried.disk())?,
                    sent: sent.clone(),
                    crashed_after: Some(index + 1),
                    notes: Notes::default(),
                });
            }
        }
        carried.finished(after.raft.state()).map_err(Broken)?;
        notes.pre_vote_won = pre_vote_won(before, &event, after.raft.state());
        if after.key().leads() {
            // As long as it leads, the role says it.
            after.lease = None;
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

    /// Notes what an action leaves behind.
    fn carry_out(&mut self, action: &Action, sent: &mut Vec<(u8, Message)>, notes: &mut Notes) {
        match *action {
            Action::Send { to, message } => {
                sent.push((number(to), numbered(message)));
                self.promise(to, &message);
            }
            Action::LeadershipGained { term, .. } => {
                notes.gained = Some(term);
                self.lease = None;
            }
            Action::LeadershipLost { reason, .. } => {
                // A transfer voids the lease; without a majority for 2T it has ended long ago.
                self.lease = self.lease.filter(|_| reason == LostReason::HigherTerm);
            }
            Action::LeadershipConfirmed { round, .. } => notes.confirmed = Some(round),
            Action::Persist(_)
            | Action::SetTimer { .. }
            | Action::CancelTimer(_)
            | Action::StartRound { .. }
            | Action::Report(_) => {}
        }
    }

    fn crash(&self) -> Result<Outcome, Broken> {
        let mut local = self.restored(self.raft.state().hard_state())?;
        local.lease = self.key().held_lease();
        Ok(Outcome {
            local,
            sent: Vec::new(),
            crashed_after: Some(0),
            notes: Notes::default(),
        })
    }

    /// The node after a crash. Its promises outlast it, because part one begins anew; so does a lease, because what acted on
    /// it may.
    fn restored(&self, disk: HardState) -> Result<Local, Broken> {
        Ok(Local {
            promises: self.promises.clone(),
            lease: self.lease,
            ..restore(self.raft.config(), disk)?
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

/// A node comes back from its disk.
fn restore(config: &Config, disk: HardState) -> Result<Local, Broken> {
    let (raft, actions) = Raft::restore(config.clone(), disk, LogPosition::default(), Zero)
        .map_err(|error: RestoreError| Broken(format!("Durability: {error}")))?;
    let mut carried = Carried::new(config, disk);
    for action in &actions {
        carried.out(action, raft.state()).map_err(Broken)?;
    }
    carried.finished(raft.state()).map_err(Broken)?;
    Ok(Local {
        raft,
        promises: Vec::new(),
        lease: None,
    })
}

/// Whether a state is outside the box: a term or a round too many. A node in the last term does not
/// ask for pre-votes either, which would come to nothing.
fn leaves(state: &State, bounds: &Bounds) -> bool {
    let term = state.current_term().0;
    let asks_in_vain = matches!(state.role(), Role::PreCandidate(_)) && term >= bounds.terms;
    term > bounds.terms || state.round().0 > bounds.rounds || asks_in_vain
}

/// The term about which an answer brought a majority of pre-votes.
fn pre_vote_won(before: &State, event: &Event, after: &State) -> Option<u64> {
    let answer = matches!(
        event,
        Event::Receive {
            message: Message::RequestPreVoteResponse(_),
            ..
        }
    );
    let campaigns = matches!(after.role(), Role::Candidate(_) | Role::Leader(_));
    let won = answer && campaigns && after.current_term() > before.current_term();
    won.then_some(before.current_term().0 + 1)
}

/// A message as the network of the box knows it: a question goes by the term that it asks about.
pub(super) fn numbered(message: Message) -> Message {
    match message {
        Message::RequestPreVote(request) => Message::RequestPreVote(RequestPreVote {
            nonce: request.prospective_term.0,
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
