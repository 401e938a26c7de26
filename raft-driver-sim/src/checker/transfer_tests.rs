//! The checker sees what is wrong with a leadership transfer, and nothing in one that is right.

use raft_core::{
    Event, HardState, LogPosition, LostReason, Message, NodeId, RequestVote, Round, Term,
    TimeoutNow,
};

use super::step_tests::{leader, take, watching};
use super::tests::{NOW, at, broken, vote};
use super::{Checker, Invariant, Step};

/// The leader of term 1, node 0, has begun to hand over to node 1 at 20 ms; its first round, of 0 ms, was confirmed.
fn hands_over(stopped: bool) -> Checker {
    let mut raft = leader();
    let mut checker = watching(&raft, at(0));
    checker.leaders.insert(Term(1), 0);
    checker.seen[0].leading = Some(Term(1));
    checker.round_started(NOW, 0, Term(1), Round(1), at(0));
    checker.confirmed(NOW, 0, (Term(1), Round(1)), Some(at(400)), |_| at(10));
    let to = Some(NodeId(1));
    let (event, actions) = take(&mut raft, Event::TransferLeadership { to, stopped });
    let step = Step {
        event: &event,
        actions: &actions,
        state: raft.state(),
        config: raft.config(),
        local: at(20),
    };
    checker.stepped(NOW, 0, &step);
    checker.lost(NOW, 0, Term(1), LostReason::Transfer, at(20));
    for seen in &mut checker.seen {
        seen.term = Term(2);
    }
    assert_eq!(checker.violation(), None);
    checker
}

fn disk(vote: u64) -> HardState {
    HardState {
        current_term: Term(2),
        voted_for: Some(NodeId(vote)),
        ..HardState::first_boot()
    }
}

fn ask(checker: &mut Checker, to: u64, stopped: bool) {
    let term = Term(1);
    let request = Message::TimeoutNow(TimeoutNow { term, stopped });
    checker.sent(NOW, 0, NodeId(to), &request, &disk(0));
}

fn campaign(checker: &mut Checker, node: usize) {
    let request = Message::RequestVote(RequestVote {
        term: Term(2),
        last_log: LogPosition::default(),
        leadership_transfer: true,
    });
    checker.sent(NOW, node, NodeId(2), &request, &disk(node as u64));
}

/// Node 1 gains term 2 when the clock of node 0 shows `now` milliseconds.
fn take_over(mut checker: Checker, predecessor_stopped: bool, now: u64) -> Option<Invariant> {
    campaign(&mut checker, 1);
    checker.sent(NOW, 2, NodeId(1), &vote(2), &disk(1));
    let clocks = |_| at(now);
    checker.gained(NOW, 1, Term(2), predecessor_stopped, &disk(1), clocks);
    broken(&checker)
}

#[test]
fn a_successor_may_lead_at_once_if_all_has_stopped_and_else_after_t_less_the_lease() {
    let mut stopped = hands_over(true);
    ask(&mut stopped, 1, true);
    assert_eq!(take_over(stopped, true, 21), None);
    let mut unstopped = hands_over(false);
    ask(&mut unstopped, 1, false);
    let early = take_over(unstopped.clone(), false, 119);
    assert_eq!(early, Some(Invariant::OneLease));
    assert_eq!(take_over(unstopped, false, 120), None);
}

#[test]
fn a_successor_that_believes_that_all_has_stopped_is_seen_if_it_has_not() {
    let mut checker = hands_over(false);
    ask(&mut checker, 1, false);
    assert_eq!(take_over(checker, true, 120), Some(Invariant::OneLease));
}

#[test]
fn a_transfer_that_asks_another_or_says_more_than_it_was_told_is_seen() {
    for (to, stopped) in [(2, false), (1, true)] {
        let mut checker = hands_over(false);
        ask(&mut checker, to, stopped);
        assert_eq!(broken(&checker), Some(Invariant::Stickiness));
    }
}

#[test]
fn a_request_that_passes_stickiness_is_seen_if_its_sender_was_not_asked() {
    let mut nobody_was = hands_over(true);
    campaign(&mut nobody_was, 1);
    assert_eq!(broken(&nobody_was), Some(Invariant::Stickiness));
    let mut another_was = hands_over(true);
    ask(&mut another_was, 1, true);
    campaign(&mut another_was, 2);
    assert_eq!(broken(&another_was), Some(Invariant::Stickiness));
}

#[test]
fn a_request_that_still_passes_stickiness_in_a_later_term_is_seen() {
    let mut checker = hands_over(true);
    ask(&mut checker, 1, true);
    campaign(&mut checker, 1);
    assert_eq!(broken(&checker), None);
    checker.seen[1].term = Term(3);
    let request = Message::RequestVote(RequestVote {
        term: Term(3),
        last_log: LogPosition::default(),
        leadership_transfer: true,
    });
    let durable = HardState {
        current_term: Term(3),
        ..disk(1)
    };
    checker.sent(NOW, 1, NodeId(2), &request, &durable);
    assert_eq!(broken(&checker), Some(Invariant::Stickiness));
}
