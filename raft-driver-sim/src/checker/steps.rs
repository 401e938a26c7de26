//! What is asked of a single step: how the state changed, and which actions came of it.

use raft_core::{Action, Config, Event, Message, NodeId, Protocol, RoleKind, State, Term, Timer};

use super::timers::{check_postponing, check_timers, contact, heard, hears_leader};
use super::{Checker, Invariant, Seen};
use crate::time::{LocalTime, Time};

/// A step, as the checker sees it.
pub(crate) struct Step<'a> {
    pub(crate) event: &'a Event,
    pub(crate) actions: &'a [Action],
    pub(crate) state: &'a State,
    pub(crate) config: &'a Config,
    pub(crate) local: LocalTime,
}

impl Step<'_> {
    pub(super) fn message(&self) -> Option<(NodeId, &Message)> {
        match self.event {
            Event::Receive { from, message } => Some((*from, message)),
            Event::TimerFired { .. }
            | Event::TransferLeadership { .. }
            | Event::LogTailMoved(_)
            | Event::Pause
            | Event::Resume => None,
        }
    }

    pub(super) fn fired(&self, which: Timer) -> bool {
        matches!(self.event, Event::TimerFired { timer, .. } if *timer == which)
    }

    pub(super) fn grants_a_vote(&self) -> bool {
        self.actions.iter().any(|action| {
            matches!(
                action,
                Action::Send { message: Message::RequestVoteResponse(response), .. }
                    if response.vote_granted
            )
        })
    }

    pub(super) fn grants_a_pre_vote(&self) -> bool {
        self.actions.iter().any(|action| {
            matches!(
                action,
                Action::Send { message: Message::RequestPreVoteResponse(response), .. }
                    if response.vote_granted
            )
        })
    }

    pub(super) fn sets_election_timer(&self) -> bool {
        self.actions.iter().any(|action| {
            matches!(
                action,
                Action::SetTimer {
                    timer: Timer::Election,
                    ..
                }
            )
        })
    }
}

impl Checker {
    /// A node took an event.
    pub(crate) fn stepped(&mut self, time: Time, index: usize, step: &Step<'_>) {
        let before = self.seen[index];
        let state = step.state;
        let after = Seen {
            term: state.current_term(),
            voted_for: state.voted_for(),
            kind: state.role().kind(),
            in_part_one: state.in_part_one(),
            paused: state.paused(),
            contact: contact(&before, step),
            heard: heard(&before, step),
            ..before
        };
        self.seen[index] = after;
        if let Err(broken) = check_step(self, &before, &after, step) {
            let Broken(invariant, what) = broken;
            self.violate(time, index, invariant, || {
                format!(
                    "{what}: {:?} in term {} with vote {:?} becomes {:?} in term {} with vote {:?} by {:?}, which leads to {:?}",
                    before.kind, before.term, before.voted_for, after.kind, after.term, after.voted_for,
                    step.event, step.actions
                )
            });
        }
        self.quorum_renewed(time, index, step);
        self.transfer_begun(time, index, step);
    }
}

/// An invariant that a step broke, and how.
pub(super) struct Broken(pub(super) Invariant, pub(super) &'static str);

pub(super) fn ensure(holds: bool, invariant: Invariant, what: &'static str) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken(invariant, what))
    }
}

fn check_step(
    checker: &Checker,
    before: &Seen,
    after: &Seen,
    step: &Step<'_>,
) -> Result<(), Broken> {
    ensure(
        after.term >= before.term,
        Invariant::TermMonotone,
        "the term falls",
    )?;
    let vote_stands = after.term > before.term
        || before.voted_for.is_none()
        || after.voted_for == before.voted_for;
    ensure(vote_stands, Invariant::VoteImmutable, "the vote changes")?;
    ensure(
        step.state.check(step.config).is_ok(),
        Invariant::State,
        "the core's own check fails",
    )?;
    let unmoved =
        (before.term, before.voted_for, before.kind) == (after.term, after.voted_for, after.kind);
    ensure(
        unmoved || may_change(before, after, step),
        Invariant::Transitions,
        "the change has no cause",
    )?;
    check_order(step.actions)?;
    check_message(checker, before, step, unmoved)?;
    check_postponing(before, after, step)?;
    check_timers(checker, step)
}

/// Figure 4 of the paper, with pre-vote before candidacy.
fn may_change(before: &Seen, after: &Seen, step: &Step<'_>) -> bool {
    use RoleKind::{Candidate, Follower, Leader, PreCandidate};
    let plain = step.config.protocol() == Protocol::Plain;
    let alone = step.config.voters().len() == 1;
    let timed_out = step.fired(Timer::Election);
    let message = step.message().map(|(_, message)| message);
    if after.term > before.term {
        let next = before.term.next() == Some(after.term);
        return match (before.kind, after.kind) {
            // The term rule; of a pre-vote's request it is nobody's term yet.
            (_, Follower) => message.is_some_and(|message| {
                message.term() == after.term && !matches!(message, Message::RequestPreVote(_))
            }),
            (_, Candidate) => match message {
                Some(Message::TimeoutNow(request)) => request.term.next() == Some(after.term),
                Some(Message::RequestPreVoteResponse(response)) => {
                    before.kind == PreCandidate && response.vote_granted && next
                }
                Some(_) => false,
                None => plain && before.kind != Leader && timed_out && next,
            },
            (Follower | Candidate, Leader) => alone && timed_out && next,
            (_, Leader | PreCandidate) => false,
        };
    }
    let of_this_term = message.is_some_and(|message| message.term() == after.term);
    let heartbeat = of_this_term && matches!(message, Some(Message::AppendEntries(_)));
    let first_vote =
        of_this_term && matches!(message, Some(Message::RequestVote(_))) && step.grants_a_vote();
    match (before.kind, after.kind) {
        (Follower, Follower) => first_vote,
        (PreCandidate, Follower) => {
            heartbeat || first_vote || *step.event == Event::Pause || gives_up(step)
        }
        (Candidate, Follower) => heartbeat || *step.event == Event::Pause || gives_up(step),
        (Leader, Follower) => timed_out,
        (Follower | Candidate, PreCandidate) => timed_out && !plain,
        (Candidate, Leader) => matches!(
            message,
            Some(Message::RequestVoteResponse(response)) if response.vote_granted && of_this_term
        ),
        (PreCandidate | Leader, PreCandidate)
        | (_, Candidate)
        | (Follower | PreCandidate | Leader, Leader) => false,
    }
}

/// A node in the last term can campaign no more.
fn gives_up(step: &Step<'_>) -> bool {
    step.fired(Timer::Election) && step.state.current_term() == Term::MAX
}

/// What takes power comes after the step's Persist, what gives it up comes before.
fn check_order(actions: &[Action]) -> Result<(), Broken> {
    let is_persist = |action: &Action| matches!(action, Action::Persist(_));
    let Some(persist) = actions.iter().position(is_persist) else {
        return Ok(());
    };
    let (before, after) = actions.split_at(persist);
    let takes = |action: &Action| {
        matches!(
            action,
            Action::LeadershipGained { .. }
                | Action::StartRound { .. }
                | Action::LeadershipConfirmed { .. }
                | Action::Send { .. }
        )
    };
    let gives_up = |action: &Action| matches!(action, Action::LeadershipLost { .. });
    ensure(
        !before.iter().any(takes) && !after.iter().any(gives_up),
        Invariant::LeadershipOrder,
        "an action stands on the wrong side of the Persist",
    )
}

fn check_message(
    checker: &Checker,
    before: &Seen,
    step: &Step<'_>,
    unmoved: bool,
) -> Result<(), Broken> {
    let Some((from, message)) = step.message() else {
        return Ok(());
    };
    match message {
        Message::RequestPreVote(request) => {
            ensure(
                unmoved && !step.sets_election_timer(),
                Invariant::PreVotePure,
                "a pre-vote has an effect",
            )?;
            let granted = step.grants_a_pre_vote();
            ensure(
                !granted || request.last_log >= step.state.last_log(),
                Invariant::UpToDateGrant,
                "the candidate's log is behind",
            )?;
            let sticks = before.kind == RoleKind::Leader
                || is_promised(checker, before, step.local)
                || request.prospective_term <= before.term;
            ensure(
                !granted || !sticks,
                Invariant::Stickiness,
                "a pre-vote that would be no vote",
            )
        }
        Message::RequestVote(request) => {
            let granted = step.grants_a_vote();
            let up_to_date = request.last_log >= step.state.last_log();
            ensure(
                !granted || up_to_date,
                Invariant::UpToDateGrant,
                "the candidate's log is behind",
            )?;
            let repeated = before.voted_for == Some(from) && before.term == request.term;
            let for_transfer = request.leadership_transfer
                && (before.kind != RoleKind::Leader
                    || checker.hands_over(before.term, request.term));
            let sticks = checker.protocol == Protocol::Standard
                && !for_transfer
                && !repeated
                && (before.kind == RoleKind::Leader || is_promised(checker, before, step.local));
            ensure(
                !sticks || (unmoved && !granted),
                Invariant::Stickiness,
                "the leader may be alive",
            )
        }
        Message::AppendEntries(request) => {
            ensure(
                before.kind != RoleKind::Leader || request.term != before.term,
                Invariant::OneLeaderPerTerm,
                "a leader hears another leader of its term",
            )?;
            ensure(
                unmoved || hears_leader(before, step),
                Invariant::Timers,
                "an old heartbeat has an effect",
            )
        }
        Message::RequestVoteResponse(_)
        | Message::AppendEntriesResponse(_)
        | Message::RequestPreVoteResponse(_)
        | Message::TimeoutNow(_) => Ok(()),
    }
}

/// Whether part one runs, by the node's word or by its own clock.
fn is_promised(checker: &Checker, before: &Seen, local: LocalTime) -> bool {
    before.in_part_one
        || before
            .contact
            .is_some_and(|contact| local.since(contact) < checker.election_timeout)
}
