//! What is asked of timers: how long they run, and what may set a follower's anew.

use core::time::Duration;

use raft_core::{Action, Event, Message, Part, Protocol, Report, Role, RoleKind, Round, Timer};

use super::steps::{Broken, Step, ensure};
use super::{Checker, Invariant, Seen};
use crate::time::LocalTime;

/// Whether a step takes a heartbeat of a round that is newer than all that the node heard in the term. It is counted here
/// and not asked of the node, which may have forgotten.
pub(super) fn hears_leader(before: &Seen, step: &Step<'_>) -> bool {
    match step.message() {
        Some((from, Message::AppendEntries(request))) => {
            step.state.current_term() == request.term
                && step.state.leader() == Some(from)
                && (before.term, before.heard) < (request.term, request.round)
        }
        _ => false,
    }
}

/// The newest round of the node's term that reached it.
pub(super) fn heard(before: &Seen, step: &Step<'_>) -> Round {
    let term = step.state.current_term();
    let heard = if before.term == term {
        before.heard
    } else {
        Round(0)
    };
    match step.message() {
        Some((_, Message::AppendEntries(request))) if request.term == term => {
            heard.max(request.round)
        }
        _ => heard,
    }
}

fn grants_first_vote(before: &Seen, step: &Step<'_>) -> bool {
    match step.message() {
        Some((from, Message::RequestVote(request))) => {
            step.grants_a_vote() && (before.term, before.voted_for) != (request.term, Some(from))
        }
        _ => false,
    }
}

/// What begins part one: a heartbeat, the first grant of a vote in a term, and the end of a leadership by a higher term.
fn leader_may_live(before: &Seen, step: &Step<'_>) -> bool {
    let was_leader = before.kind == RoleKind::Leader && step.state.current_term() > before.term;
    was_leader || hears_leader(before, step) || grants_first_vote(before, step)
}

/// When a follower last promised not to vote. Leaving the role ends the promise: a candidate has given
/// the leader up.
pub(super) fn contact(before: &Seen, step: &Step<'_>) -> Option<LocalTime> {
    match step.state.role() {
        Role::Follower(_) if leader_may_live(before, step) => Some(step.local),
        Role::Follower(_) => before.contact,
        Role::PreCandidate(_) | Role::Candidate(_) | Role::Leader(_) => None,
    }
}

/// Figure 2, followers: only "receiving AppendEntries RPC from current leader or granting vote to candidate" puts
/// an election off. Who keeps its role has no other reason to set the timer anew but that it ran out.
pub(super) fn check_postponing(before: &Seen, after: &Seen, step: &Step<'_>) -> Result<(), Broken> {
    use RoleKind::{Candidate, Follower, Leader, PreCandidate};
    let sets = step.sets_election_timer();
    let begins_part_one = after.kind == Follower && leader_may_live(before, step);
    let timed_out = step.fired(Timer::Election);
    let may_set = begins_part_one
        || match (before.kind, after.kind) {
            (Follower, Follower) => {
                let resumes = *step.event == Event::Resume && before.paused;
                if before.in_part_one {
                    timed_out
                } else {
                    resumes
                }
            }
            (PreCandidate, PreCandidate) => timed_out,
            (Candidate, Candidate) => after.term > before.term,
            // Another role, whose cause is looked at elsewhere, as is what keeps a leader in office.
            (Leader, _) | (_, Leader) => true,
            (Follower | Candidate, PreCandidate)
            | (Follower | PreCandidate, Candidate)
            | (PreCandidate | Candidate, Follower) => true,
        };
    ensure(
        !sets || may_set,
        Invariant::Timers,
        "an election is postponed without a reason",
    )?;
    ensure(
        sets || !begins_part_one,
        Invariant::Timers,
        "a leader is heard, or a vote granted, and no election is postponed",
    )?;
    let right_part = !sets
        || after.kind != Follower
        || step.config.protocol() == Protocol::Plain
        || after.in_part_one == begins_part_one;
    ensure(
        right_part,
        Invariant::Timers,
        "a timeout begins with the wrong part",
    )
}

fn transfers_unstopped(step: &Step<'_>) -> bool {
    matches!(step.event, Event::TransferLeadership { stopped: false, .. })
        && step.config.lease().is_some()
}

/// Only these give a leader more time: a majority's answer, its election, and the one transfer of a term.
fn renews_quorum(step: &Step<'_>) -> bool {
    step.actions.iter().any(|action| {
        matches!(
            action,
            Action::LeadershipConfirmed { .. }
                | Action::LeadershipGained { .. }
                | Action::Report(Report::TransferStarted { .. })
        )
    })
}

/// The timers of a step run for what the role that it ends in asks for.
pub(super) fn check_timers(checker: &Checker, step: &Step<'_>) -> Result<(), Broken> {
    let t = checker.election_timeout;
    let heartbeat = checker.heartbeat_interval;
    // A node that passes through a role within a step sets a timer twice; the last one holds.
    let mut newest = [None; 3];
    for action in step.actions {
        if let Action::SetTimer { timer, after, .. } = *action {
            newest[timer.index()] = Some(after);
        }
    }
    for timer in Timer::ALL {
        let Some(runs) = newest[timer.index()] else {
            continue;
        };
        let random_part = |least| runs >= least && runs < least + t;
        let right = match (timer, step.state.role()) {
            (Timer::Heartbeat, _) => runs == heartbeat,
            // What was running gets the time that lies between the ends of a lease and of a promise to stop.
            (Timer::Repeat, Role::Leader(_)) if transfers_unstopped(step) => {
                runs == t.saturating_sub(step.config.lease().unwrap_or(t))
            }
            // It stands back for a rival.
            (Timer::Repeat, Role::PreCandidate(_)) if step.grants_a_pre_vote() => {
                random_part(Duration::ZERO)
            }
            (Timer::Repeat, _) => runs == heartbeat / 2,
            (Timer::Election, Role::Leader(leader)) => {
                renews_quorum(step)
                    && runs
                        == if leader.transfer.is_some() {
                            t
                        } else {
                            checker.quorum_window()
                        }
            }
            (Timer::Election, Role::Follower(follower)) => match follower.part {
                Part::LeaderAlive => runs == step.state.hard_state().election_timeout,
                Part::LeaderLost if checker.protocol == Protocol::Plain => random_part(t),
                Part::LeaderLost => random_part(Duration::ZERO),
            },
            (Timer::Election, Role::PreCandidate(_) | Role::Candidate(_)) => random_part(t),
        };
        ensure(
            right,
            Invariant::Timers,
            "a timer runs too long or too short",
        )?;
    }
    Ok(())
}
