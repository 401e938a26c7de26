//! The checker sees what is wrong with a single step: a real node's step is shown to it, and then a falsified one.

use core::time::Duration;

use raft_core::{
    Action, AppendEntriesResponse, Config, Event, HardState, LogIndex, LogPosition, Message,
    NodeId, Options, Protocol, Raft, RequestPreVote, RequestPreVoteResponse, RequestVote, Round,
    State, Term, TimeoutNow, Timer,
};

use super::tests::{NOW, at, broken, checker, heartbeat, vote};
use super::{Checker, Invariant, Step};
use crate::rng::{Random, Stream};
use crate::time::LocalTime;

pub(super) type Node = Raft<Random>;

pub(super) fn node(protocol: Protocol) -> (Node, Vec<Action>) {
    let options = Options {
        protocol,
        ..Options::default()
    };
    let voters = [0, 1, 2].map(NodeId);
    let config = Config::new(NodeId(0), &voters, options).expect("a valid configuration");
    let random = Random::new(1, Stream::Script);
    let (raft, actions) = Raft::restore(
        config,
        HardState::first_boot(),
        LogPosition::default(),
        random,
    )
    .expect("a fresh node");
    (raft, actions.into_iter().collect())
}

pub(super) fn follower() -> Node {
    node(Protocol::Standard).0
}

pub(super) fn fire(raft: &mut Node, timer: Timer) -> (Event, Vec<Action>) {
    let number = raft.armed(timer).expect("the timer is set");
    take(raft, Event::TimerFired { timer, number })
}

pub(super) fn take(raft: &mut Node, event: Event) -> (Event, Vec<Action>) {
    let actions = raft.step(event).into_iter().collect();
    (event, actions)
}

/// A checker that knows this node as node 0.
pub(super) fn watching(raft: &Node, now: LocalTime) -> Checker {
    let state = raft.state();
    let mut checker = checker();
    checker.protocol = raft.config().protocol();
    checker.restored(NOW, 0, now, state, &state.hard_state());
    checker.seen[0].kind = state.role().kind();
    checker
}

pub(super) fn show(
    mut checker: Checker,
    raft: &Node,
    state: &State,
    (event, actions): (Event, Vec<Action>),
    now: LocalTime,
) -> Option<Invariant> {
    let step = Step {
        event: &event,
        actions: &actions,
        state,
        config: raft.config(),
        local: now,
    };
    checker.stepped(NOW, 0, &step);
    broken(&checker)
}

fn candidate(term: u64, index: u64) -> Event {
    Event::Receive {
        from: NodeId(1),
        message: Message::RequestVote(RequestVote {
            term: Term(term),
            last_log: LogPosition {
                term: Term(0),
                index: LogIndex(index),
            },
            leadership_transfer: false,
        }),
    }
}

fn answer(raft: &mut Node, from: u64, message: Message) -> (Event, Vec<Action>) {
    let from = NodeId(from);
    take(raft, Event::Receive { from, message })
}

/// Node 0 leads in term 1 with the vote of node 1, and has begun one round.
pub(super) fn leader() -> Node {
    let mut raft = follower();
    let _ = fire(&mut raft, Timer::Election);
    let _ = fire(&mut raft, Timer::Election);
    let nonce = raft.state().pre_vote_nonce();
    for message in [
        Message::RequestPreVoteResponse(RequestPreVoteResponse {
            term: Term(0),
            nonce,
            vote_granted: true,
        }),
        vote(1),
    ] {
        let _ = answer(&mut raft, 1, message);
    }
    raft
}

fn follows(round: u64) -> Message {
    Message::AppendEntriesResponse(AppendEntriesResponse {
        term: Term(1),
        success: true,
        round: Round(round),
        can_campaign: true,
    })
}

#[test]
fn a_round_that_began_before_check_quorum_was_armed_and_keeps_a_leader_in_office_is_seen() {
    let mut raft = leader();
    let mut checker = watching(&raft, at(0));
    for _ in 0..2 {
        let _ = fire(&mut raft, Timer::Heartbeat);
    }
    // Armed anew when three rounds have begun.
    let seen = answer(&mut raft, 1, follows(1));
    let step = Step {
        event: &seen.0,
        actions: &seen.1,
        state: raft.state(),
        config: raft.config(),
        local: at(100),
    };
    checker.stepped(NOW, 0, &step);
    assert_eq!(broken(&checker), None);
    let (event, mut actions) = answer(&mut raft, 1, follows(3));
    let verdict = |actions: &[Action]| {
        let seen = (event, actions.to_vec());
        show(checker.clone(), &raft, raft.state(), seen, at(110))
    };
    assert_eq!(verdict(&actions), None);
    actions.push(set_election_timer(raft.config().quorum_window()));
    assert_eq!(verdict(&actions), Some(Invariant::CheckQuorum));
}

fn set_election_timer(after: Duration) -> Action {
    Action::SetTimer {
        timer: Timer::Election,
        number: 99,
        after,
    }
}

#[test]
fn a_vote_after_part_one_is_no_violation_and_before_it_is() {
    let mut raft = follower();
    let _ = fire(&mut raft, Timer::Election);
    let before = watching(&raft, at(0));
    let seen = take(&mut raft, candidate(1, 0));
    let state = raft.state();
    let verdict = |now| show(before.clone(), &raft, state, seen.clone(), now);
    assert_eq!(verdict(at(500)), None);
    assert_eq!(verdict(at(499)), Some(Invariant::Stickiness));
}

#[test]
fn a_vote_for_a_candidate_whose_log_is_behind_is_seen() {
    let mut raft = follower();
    let _ = take(
        &mut raft,
        Event::LogTailMoved(LogPosition {
            term: Term(0),
            index: LogIndex(2),
        }),
    );
    let _ = fire(&mut raft, Timer::Election);
    let before = watching(&raft, at(0));
    let (_, actions) = take(&mut raft, candidate(1, 2));
    let state = raft.state();
    let verdict = |index| {
        let event = candidate(1, index);
        show(
            before.clone(),
            &raft,
            state,
            (event, actions.clone()),
            at(600),
        )
    };
    assert_eq!(verdict(2), None);
    assert_eq!(verdict(1), Some(Invariant::UpToDateGrant));
}

#[test]
fn a_pre_vote_with_an_effect_is_seen() {
    let mut raft = follower();
    let _ = fire(&mut raft, Timer::Election);
    let before = watching(&raft, at(0));
    let event = Event::Receive {
        from: NodeId(1),
        message: Message::RequestPreVote(RequestPreVote {
            prospective_term: Term(1),
            last_log: LogPosition::default(),
            nonce: 7,
        }),
    };
    let (_, actions) = take(&mut raft, event);
    let honest = show(
        before.clone(),
        &raft,
        raft.state(),
        (event, actions.clone()),
        at(600),
    );
    assert_eq!(honest, None);
    let mut re_armed = actions;
    re_armed.push(set_election_timer(Duration::from_millis(100)));
    let verdict = show(before, &raft, raft.state(), (event, re_armed), at(600));
    assert_eq!(verdict, Some(Invariant::PreVotePure));
}

#[test]
fn a_pre_vote_while_the_leader_may_be_alive_is_seen() {
    let mut raft = follower();
    let _ = fire(&mut raft, Timer::Election);
    let before = watching(&raft, at(0));
    let event = Event::Receive {
        from: NodeId(1),
        message: Message::RequestPreVote(RequestPreVote {
            prospective_term: Term(1),
            last_log: LogPosition::default(),
            nonce: 7,
        }),
    };
    let seen = take(&mut raft, event);
    let verdict = |now| show(before.clone(), &raft, raft.state(), seen.clone(), now);
    assert_eq!(verdict(at(500)), None);
    assert_eq!(verdict(at(499)), Some(Invariant::Stickiness));
}

fn beats(round: u64) -> Message {
    Message::AppendEntries(heartbeat(1, round))
}

#[test]
fn an_old_heartbeat_that_postpones_an_election_is_seen() {
    let mut raft = follower();
    let before = watching(&raft, at(0));
    let seen = answer(&mut raft, 1, beats(5));
    let state = raft.state();
    assert_eq!(show(before, &raft, state, seen.clone(), at(10)), None);
    for heard in [5, 6] {
        let mut after = watching(&raft, at(10));
        after.seen[0].heard = Round(heard);
        let verdict = show(after, &raft, state, seen.clone(), at(20));
        assert_eq!(verdict, Some(Invariant::Timers), "{heard}");
    }
}

#[test]
fn a_heartbeat_that_postpones_nothing_is_seen() {
    let mut raft = follower();
    let before = watching(&raft, at(0));
    let (event, mut actions) = answer(&mut raft, 1, beats(5));
    actions.retain(|action| !matches!(action, Action::SetTimer { .. }));
    let verdict = show(before, &raft, raft.state(), (event, actions), at(10));
    assert_eq!(verdict, Some(Invariant::Timers));
}

#[test]
fn a_repeated_vote_that_postpones_an_election_is_seen() {
    let mut raft = follower();
    let _ = fire(&mut raft, Timer::Election);
    let before = watching(&raft, at(0));
    let first = take(&mut raft, candidate(1, 0));
    let state = raft.state().clone();
    let granted = watching(&raft, at(600));
    assert_eq!(show(before, &raft, &state, first.clone(), at(600)), None);
    let repeat = take(&mut raft, candidate(1, 0));
    assert_eq!(show(granted.clone(), &raft, &state, repeat, at(610)), None);
    let verdict = show(granted, &raft, &state, first, at(610));
    assert_eq!(verdict, Some(Invariant::Timers));
}

#[test]
fn whatever_else_postpones_the_election_of_a_follower_is_seen() {
    let mut raft = follower();
    let _ = answer(&mut raft, 1, beats(5));
    let before = watching(&raft, at(0));
    for event in [
        Event::Receive {
            from: NodeId(1),
            message: follows(5),
        },
        Event::Receive {
            from: NodeId(1),
            message: vote(1),
        },
        Event::Receive {
            from: NodeId(2),
            message: Message::TimeoutNow(TimeoutNow {
                term: Term(1),
                stopped: true,
            }),
        },
        Event::Resume,
        Event::LogTailMoved(LogPosition::default()),
    ] {
        let (_, mut actions) = take(&mut raft, event);
        let verdict = |actions: &[Action]| {
            let seen = (event, actions.to_vec());
            show(before.clone(), &raft, raft.state(), seen, at(10))
        };
        assert_eq!(verdict(&actions), None, "{event:?}");
        actions.push(set_election_timer(Options::default().election_timeout));
        assert_eq!(verdict(&actions), Some(Invariant::Timers), "{event:?}");
    }
}

#[test]
fn a_change_of_role_without_its_cause_is_seen() {
    let mut raft = follower();
    let _ = fire(&mut raft, Timer::Election);
    let before = watching(&raft, at(0));
    let (event, actions) = fire(&mut raft, Timer::Election);
    let state = raft.state();
    let honest = show(
        before.clone(),
        &raft,
        state,
        (event, actions.clone()),
        at(600),
    );
    assert_eq!(honest, None);
    let verdict = show(before, &raft, state, (Event::Resume, actions), at(600));
    assert_eq!(verdict, Some(Invariant::Transitions));
}

#[test]
fn a_timer_of_the_wrong_length_is_seen() {
    for protocol in [Protocol::Standard, Protocol::Plain] {
        let (mut raft, _) = node(protocol);
        let before = watching(&raft, at(0));
        let (event, mut actions) = fire(&mut raft, Timer::Election);
        let state = raft.state();
        let honest = show(
            before.clone(),
            &raft,
            state,
            (event, actions.clone()),
            at(600),
        );
        assert_eq!(honest, None);
        for action in &mut actions {
            if let Action::SetTimer {
                timer: Timer::Election,
                after,
                ..
            } = action
            {
                *after += Duration::from_millis(1_000);
            }
        }
        let verdict = show(before, &raft, state, (event, actions), at(600));
        assert_eq!(verdict, Some(Invariant::Timers));
    }
}

#[test]
fn power_taken_before_the_persist_is_seen() {
    let (mut raft, _) = node(Protocol::Plain);
    let before = watching(&raft, at(0));
    let (event, actions) = fire(&mut raft, Timer::Election);
    let state = raft.state();
    let swapped: Vec<Action> = {
        let is_persist = |action: &Action| matches!(action, Action::Persist(_));
        let (mut sends, persists): (Vec<Action>, Vec<Action>) =
            actions.into_iter().partition(|action| !is_persist(action));
        sends.extend(persists);
        sends
    };
    let verdict = show(before, &raft, state, (event, swapped), at(600));
    assert_eq!(verdict, Some(Invariant::LeadershipOrder));
}

#[test]
fn a_term_that_falls_and_a_vote_that_changes_are_seen() {
    let mut raft = follower();
    let _ = fire(&mut raft, Timer::Election);
    let mut before = watching(&raft, at(0));
    let seen = take(&mut raft, candidate(3, 0));
    before.seen[0].term = Term(4);
    let verdict = show(before.clone(), &raft, raft.state(), seen.clone(), at(600));
    assert_eq!(verdict, Some(Invariant::TermMonotone));
    before.seen[0].term = Term(3);
    before.seen[0].voted_for = Some(NodeId(2));
    let verdict = show(before, &raft, raft.state(), seen, at(600));
    assert_eq!(verdict, Some(Invariant::VoteImmutable));
}
