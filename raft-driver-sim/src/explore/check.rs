//! What is asked of every step by itself: the simulator's checks of a step, and the disk behind every action.

use raft_core::{Action, Config, Event, HardState, Message, NodeId, Raft, Role, State, Term};

use super::bounds::Bounds;
use super::local::{Broken, Zero};
use crate::checker::{Step, check_alone};
use crate::settings::Settings;
use crate::time::LocalTime;

/// The simulator's checks of a step, which need no history.
pub(super) fn check_step(
    bounds: &Bounds,
    before: &State,
    event: &Event,
    actions: &[Action],
    after: &Raft<Zero>,
) -> Result<(), Broken> {
    let config = after.config();
    let settings = Settings {
        nodes: bounds.nodes,
        options: bounds.options(),
        ..Settings::default()
    };
    let step = Step {
        event,
        actions,
        state: after.state(),
        config,
        local: LocalTime::default(),
    };
    let index = usize::try_from(config.id().0).unwrap_or(0);
    check_alone(&settings, index, before, &step)
        .map_err(|(invariant, what)| Broken(format!("{invariant:?}: {what}")))?;
    check_new_vote(before, event, after).map_err(Broken)
}

/// A term begins without a vote: one that it has at the end of its first step was given in that step.
fn check_new_vote(before: &State, event: &Event, after: &Raft<Zero>) -> Result<(), String> {
    let state = after.state();
    if state.current_term() == before.current_term() {
        return Ok(());
    }
    let given = match (state.voted_for(), event) {
        (None, _) => true,
        (
            Some(vote),
            Event::Receive {
                from,
                message: Message::RequestVote(_),
            },
        ) => vote == *from,
        (Some(vote), _) => {
            let campaigns = matches!(state.role(), Role::Candidate(_) | Role::Leader(_));
            campaigns && vote == after.config().id()
        }
    };
    ensure(given, || {
        format!(
            "VoteImmutable: by {event:?} term {} begins with a vote for {:?}",
            state.current_term(),
            state.voted_for()
        )
    })
}

/// The actions of a step, as they are carried out one after the other, and the disk that they leave.
pub(super) struct Carried {
    me: NodeId,
    disk: HardState,
}

impl Carried {
    pub(super) fn new(config: &Config, disk: HardState) -> Carried {
        Carried {
            me: config.id(),
            disk,
        }
    }

    pub(super) fn disk(&self) -> HardState {
        self.disk
    }

    /// Carries out an action; `after` is the node's state once the step is over.
    pub(super) fn out(&mut self, action: &Action, after: &State) -> Result<(), String> {
        match *action {
            Action::Persist(next) => {
                let disk = self.disk;
                ensure(next.current_term >= disk.current_term, || {
                    format!("TermMonotone: {next:?} is written over {disk:?}")
                })?;
                let stands = next.current_term > disk.current_term
                    || disk.voted_for.is_none()
                    || next.voted_for == disk.voted_for;
                ensure(stands, || {
                    format!("VoteImmutable: {next:?} is written over {disk:?}")
                })?;
                self.disk = next;
                Ok(())
            }
            Action::Send { to, message } => self.sent(to, &message, after),
            Action::LeadershipGained { term, .. } => self.rests_on(term, self.me, "leadership"),
            Action::StartRound { term, .. } => self.rests_on(term, self.me, "a round"),
            Action::LeadershipConfirmed { term, .. } => {
                let leads =
                    matches!(after.role(), Role::Leader(leader) if leader.transfer.is_none());
                ensure(leads, || {
                    format!(
                        "OneLease: a round of term {term} is confirmed after leadership was given up"
                    )
                })?;
                self.rests_on(term, self.me, "a round")
            }
            Action::LeadershipLost { .. }
            | Action::SetTimer { .. }
            | Action::CancelTimer(_)
            | Action::Report(_) => Ok(()),
        }
    }

    fn sent(&self, to: NodeId, message: &Message, after: &State) -> Result<(), String> {
        let term = message.term();
        match message {
            // It asks about a term that nobody is in yet.
            Message::RequestPreVote(_) => return Ok(()),
            Message::RequestVote(_) | Message::AppendEntries(_) => {
                self.rests_on(term, self.me, message_name(message))?;
            }
            Message::RequestVoteResponse(response) if response.vote_granted => {
                self.rests_on(term, to, "a vote")?;
            }
            Message::RequestVoteResponse(_)
            | Message::AppendEntriesResponse(_)
            | Message::RequestPreVoteResponse(_) => {}
            Message::TimeoutNow(_) => {
                let asks = matches!(after.role(), Role::Leader(leader)
                    if leader.transfer.is_some_and(|transfer| transfer.to == to));
                ensure(asks, || {
                    format!("Stickiness: {message:?} leaves to {to}, to whom nobody hands over")
                })?;
            }
        }
        let disk = self.disk;
        ensure(disk.current_term >= term, || {
            format!("Durability: {message:?} leaves while the disk holds {disk:?}")
        })?;
        ensure(after.current_term() >= term, || {
            format!("TermMonotone: {message:?} leaves a node in a lower term")
        })
    }

    /// What is said in a term rests on a vote that the disk holds.
    fn rests_on(&self, term: Term, vote: NodeId, what: &str) -> Result<(), String> {
        let disk = self.disk;
        let holds = disk.current_term == term && disk.voted_for == Some(vote);
        ensure(holds, || {
            format!(
                "Durability: {what} in term {term} rests on a vote for {vote}, and the disk holds {disk:?}"
            )
        })
    }

    /// The step is over: the disk holds all that it should.
    pub(super) fn finished(&self, after: &State) -> Result<(), String> {
        let (disk, hard) = (self.disk, after.hard_state());
        ensure(disk == hard, || {
            format!(
                "Durability: the step is over, the state is {hard:?} and the disk holds {disk:?}"
            )
        })
    }
}

fn message_name(message: &Message) -> &'static str {
    match message {
        Message::AppendEntries(_) => "a heartbeat",
        _ => "a candidacy",
    }
}

fn ensure(holds: bool, explain: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(explain()) }
}
