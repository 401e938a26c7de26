//! Filters for the actions of a step.

use core::time::Duration;

use raft_core::{
    Action, DropReason, HardState, LostReason, Message, RefusalReason, Report, Timer,
    TransitionReason,
};

/// What is sent, in order.
pub(crate) fn sends(actions: &[Action]) -> Vec<(u64, Message)> {
    let send = |action: &Action| match *action {
        Action::Send { to, message } => Some((to.0, message)),
        _ => None,
    };
    actions.iter().filter_map(send).collect()
}

/// The receivers, in order.
pub(crate) fn receivers(actions: &[Action]) -> Vec<u64> {
    sends(actions).into_iter().map(|(to, _)| to).collect()
}

/// The one message that is sent, and to whom.
pub(crate) fn only_send(actions: &[Action]) -> (u64, Message) {
    let sent = sends(actions);
    assert_eq!(sent.len(), 1, "{actions:?}");
    sent[0]
}

/// The hard state that is put on disk. A step does it once at the most.
pub(crate) fn persisted(actions: &[Action]) -> Option<HardState> {
    let persist = |action: &Action| match *action {
        Action::Persist(state) => Some(state),
        _ => None,
    };
    let all: Vec<HardState> = actions.iter().filter_map(persist).collect();
    assert!(all.len() <= 1, "{actions:?}");
    all.first().copied()
}

/// How long a timer is set for, if it is set.
pub(crate) fn set(actions: &[Action], wanted: Timer) -> Option<Duration> {
    let set = |action: &Action| match *action {
        Action::SetTimer { timer, after, .. } if timer == wanted => Some(after),
        _ => None,
    };
    actions.iter().filter_map(set).next_back()
}

/// Whether a timer is cleared.
pub(crate) fn cancelled(actions: &[Action], timer: Timer) -> bool {
    actions.contains(&Action::CancelTimer(timer))
}

pub(crate) fn reports(actions: &[Action]) -> Vec<Report> {
    let report = |action: &Action| match *action {
        Action::Report(report) => Some(report),
        _ => None,
    };
    actions.iter().filter_map(report).collect()
}

/// Why a vote or pre-vote was refused.
pub(crate) fn refused(actions: &[Action]) -> Option<RefusalReason> {
    reports(actions).iter().find_map(|report| match *report {
        Report::VoteRefused { reason, .. } => Some(reason),
        _ => None,
    })
}

/// Why role, term or leader changed, in order.
pub(crate) fn transitions(actions: &[Action]) -> Vec<TransitionReason> {
    let reason = |report: Report| match report {
        Report::Transition { reason, .. } => Some(reason),
        _ => None,
    };
    reports(actions).into_iter().filter_map(reason).collect()
}

/// Why the message was dropped: nothing else happened.
pub(crate) fn dropped(actions: &[Action]) -> Option<DropReason> {
    match *actions {
        [Action::Report(Report::Dropped { reason, .. })] => Some(reason),
        _ => None,
    }
}

/// The term in which leadership is gained, and whether the predecessor had stopped.
pub(crate) fn gained(actions: &[Action]) -> Option<(u64, bool)> {
    actions.iter().find_map(|action| match *action {
        Action::LeadershipGained {
            term,
            predecessor_stopped,
        } => Some((term.0, predecessor_stopped)),
        _ => None,
    })
}

pub(crate) fn lost(actions: &[Action]) -> Option<(u64, LostReason)> {
    actions.iter().find_map(|action| match *action {
        Action::LeadershipLost { term, reason } => Some((term.0, reason)),
        _ => None,
    })
}

/// The round that is confirmed.
pub(crate) fn confirmed(actions: &[Action]) -> Option<u64> {
    actions.iter().find_map(|action| match *action {
        Action::LeadershipConfirmed { round, .. } => Some(round.0),
        _ => None,
    })
}

/// The round that begins.
pub(crate) fn started(actions: &[Action]) -> Option<u64> {
    actions.iter().find_map(|action| match *action {
        Action::StartRound { round, .. } => Some(round.0),
        _ => None,
    })
}

/// The answer to a vote request: its term, and whether the vote is granted.
pub(crate) fn vote_answer(actions: &[Action]) -> (u64, bool) {
    match only_send(actions).1 {
        Message::RequestVoteResponse(m) => (m.term.0, m.vote_granted),
        other => panic!("no answer to a vote request: {other:?}"),
    }
}

/// The answer to a pre-vote request: the voter's term, and whether it is granted.
pub(crate) fn pre_vote_answer(actions: &[Action]) -> (u64, bool) {
    match only_send(actions).1 {
        Message::RequestPreVoteResponse(m) => (m.term.0, m.vote_granted),
        other => panic!("no answer to a pre-vote request: {other:?}"),
    }
}

/// The answer to a heartbeat: the follower's term, and whether it follows.
pub(crate) fn append_answer(actions: &[Action]) -> (u64, bool) {
    match only_send(actions).1 {
        Message::AppendEntriesResponse(m) => (m.term.0, m.success),
        other => panic!("no answer to a heartbeat: {other:?}"),
    }
}

/// Where the first action that `wanted` accepts stands in the list.
pub(crate) fn place(actions: &[Action], wanted: impl Fn(&Action) -> bool) -> usize {
    let place = actions.iter().position(wanted);
    place.unwrap_or_else(|| panic!("not among {actions:?}"))
}
