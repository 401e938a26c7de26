//! The checker sees what is wrong with a single step: a real node's step is shown to it, and then a falsified one.

use core::time::Duration;

use raft_core::{
    Action, AppendEntriesResponse, Config, Event, HardState, LogIndex, LogPosition, Message,
    NodeId, Options, Protocol, Raft, RequestPreVote, RequestPreVoteResponse, RequestVote, Round,
    State, Term, Timer,
};

use super::tests::{NOW, at, broken, checker, heartbeat, vote};
use super::{Checker, Invariant, Step};
use crate::rng::{Random, Stream};
use crate::time::LocalTime;

type Node = Raft<Random>;

fn node(protocol: Protocol) -> (Node, Vec<Action>) {
    let options = Options {
        protocol,
        ..Options::default()
    };
    let voters = [0, 1, 2].map(NodeId);
    let config = Config::new(NodeId(0), &voters, options).expect("a valid configuration");
    let random = Random::new(1, Stream::Script);
    let (raft, actions) =
        Raft::restore(config, HardState::default(), LogPosition::default(), random)
            .expect("a fresh node");
    (raft, actions.into_iter().collect())
}

fn follower() -> Node {
    node(Protocol::Standard).0
}

fn fire(raft: &mut Node, timer: Timer) -> (Event, Vec<Action>) {
    let number = raft.armed(timer).expect("the timer is set");
    take(raft, Event::TimerFired { timer, number })
}

fn take(raft: &mut Node, event: Event) -> (Event, Vec<Action>) {
    let actions = raft.step(event).into_iter().collect();
    (event, actions)
}

/// A checker that knows this node as node 0.
fn watching(raft: &Node, now: LocalTime) -> Checker {
    let state = raft.state();
    let mut checker = checker();
    checker.protocol = raft.config().protocol();
    checker.restored(NOW, 0, now, state, &state.hard_state());
    checker.seen[0].kind = state.role().kind();
    checker
}

fn show(
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

#[test]
fn an_old_round_that_keeps_a_leader_in_office_is_seen() {
    let (mut raft, _) = node(Protocol::Standard);
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
        let from = NodeId(1);
        let _ = take(&mut raft, Event::Receive { from, message });
    }
    let mut before = watching(&raft, at(0));
    before.round_started(NOW, 0, Term(1), Round(1), at(0));
    let message = Message::AppendEntriesResponse(AppendEntriesResponse {
        term: Term(1),
        success: true,
        round: Round(1),
        can_campaign: true,
    });
    let from = NodeId(1);
    let (event, mut actions) = take(&mut raft, Event::Receive { from, message });
    // The first round is as old as the office: the core need not count from it, and this one does.
    if !actions
        .iter()
        .any(|action| matches!(action, Action::SetTimer { .. }))
    {
        actions.push(Action::SetTimer {
            timer: Timer::Election,
            number: 99,
            after: Options::default().election_timeout * 2,
        });
    }
    let seen = (event, actions);
    let verdict = |now| show(before.clone(), &raft, raft.state(), seen.clone(), now);
    assert_eq!(verdict(at(1_000)), None);
    assert_eq!(verdict(at(1_001)), Some(Invariant::CheckQuorum));
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
    re_armed.push(Action::SetTimer {
        timer: Timer::Election,
        number: 99,
        after: Duration::from_millis(100),
    });
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

#[test]
fn an_old_heartbeat_that_postpones_an_election_is_seen() {
    let mut raft = follower();
    let before = watching(&raft, at(0));
    let event = Event::Receive {
        from: NodeId(1),
        message: Message::AppendEntries(heartbeat(1, 5)),
    };
    let seen = take(&mut raft, event);
    let state = raft.state();
    assert_eq!(show(before, &raft, state, seen.clone(), at(10)), None);
    let mut after = watching(&raft, at(10));
    after.seen[0].heard = Round(5);
    assert_eq!(
        show(after, &raft, state, seen, at(20)),
        Some(Invariant::Timers)
    );
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
