//! The checker sees each invariant broken, and nothing where nothing is.

use core::time::Duration;

use raft_core::{
    Action, AppendEntries, Config, Event, HardState, LogIndex, LogPosition, Message, NodeId,
    Options, Protocol, Raft, RequestPreVote, RequestVote, RequestVoteResponse, Round, State, Term,
    Timer,
};

use super::{Checker, Invariant, Step};
use crate::rng::{Random, Stream};
use crate::settings::Settings;
use crate::time::{LocalTime, Time};

const NOW: Time = Time::from_nanos(0);

fn checker() -> Checker {
    Checker::new(&Settings::default(), 1)
}

fn broken(checker: &Checker) -> Option<Invariant> {
    checker.violation().map(|violation| violation.invariant)
}

fn disk(term: u64, vote: Option<u64>) -> HardState {
    HardState {
        current_term: Term(term),
        voted_for: vote.map(NodeId),
        election_timeout: Options::default().election_timeout,
    }
}

fn reach(checker: &mut Checker, term: u64) {
    for seen in &mut checker.seen {
        seen.term = Term(term);
    }
}

fn vote(term: u64) -> Message {
    Message::RequestVoteResponse(RequestVoteResponse {
        term: Term(term),
        vote_granted: true,
    })
}

fn heartbeat(term: u64, round: u64) -> AppendEntries {
    AppendEntries {
        term: Term(term),
        prev_log: LogPosition::default(),
        leader_commit: LogIndex(0),
        round: Round(round),
        lease: Duration::ZERO,
    }
}

fn at(milliseconds: u64) -> LocalTime {
    LocalTime::from_nanos(milliseconds * 1_000_000)
}

/// Node 1 votes for node 0 in `term`, and node 0 leads.
fn elect(checker: &mut Checker, term: u64) {
    reach(checker, term);
    checker.sent(NOW, 1, NodeId(0), &vote(term), &disk(term, Some(0)));
    checker.gained(NOW, 0, Term(term), &disk(term, Some(0)), |_| at(0));
}

#[test]
fn an_election_is_no_violation() {
    let mut checker = checker();
    elect(&mut checker, 1);
    checker.round_started(NOW, 0, Term(1), Round(1));
    let message = Message::AppendEntries(heartbeat(1, 1));
    checker.sent(NOW, 0, NodeId(1), &message, &disk(1, Some(0)));
    checker.lost(NOW, 0, Term(1));
    assert_eq!(checker.violation(), None);
}

#[test]
fn two_leaders_of_a_term_are_seen_however_far_apart() {
    let mut checker = checker();
    elect(&mut checker, 1);
    checker.lost(NOW, 0, Term(1));
    checker.gained(NOW, 2, Term(1), &disk(1, Some(2)), |_| at(0));
    assert_eq!(broken(&checker), Some(Invariant::OneLeaderPerTerm));
}

#[test]
fn a_heartbeat_of_a_term_that_was_not_won_is_seen() {
    let mut checker = checker();
    elect(&mut checker, 1);
    let message = Message::AppendEntries(heartbeat(1, 1));
    checker.sent(NOW, 2, NodeId(1), &message, &disk(1, Some(2)));
    assert_eq!(broken(&checker), Some(Invariant::OneLeaderPerTerm));
}

#[test]
fn a_second_vote_in_a_term_is_seen() {
    let mut checker = checker();
    reach(&mut checker, 1);
    checker.sent(NOW, 1, NodeId(0), &vote(1), &disk(1, Some(0)));
    checker.sent(NOW, 1, NodeId(0), &vote(1), &disk(1, Some(0)));
    assert_eq!(broken(&checker), None);
    checker.sent(NOW, 1, NodeId(2), &vote(1), &disk(1, Some(2)));
    assert_eq!(broken(&checker), Some(Invariant::VoteOncePerTerm));
}

#[test]
fn a_leader_without_a_majority_of_votes_is_seen() {
    let mut checker = checker();
    checker.gained(NOW, 0, Term(1), &disk(1, Some(0)), |_| at(0));
    assert_eq!(broken(&checker), Some(Invariant::QuorumBacked));
}

#[test]
fn a_message_that_says_more_than_the_disk_is_seen() {
    for durable in [disk(0, None), disk(1, None), disk(1, Some(2))] {
        let mut checker = checker();
        reach(&mut checker, 1);
        checker.sent(NOW, 1, NodeId(0), &vote(1), &durable);
        assert_eq!(broken(&checker), Some(Invariant::Durability), "{durable:?}");
    }
}

#[test]
fn a_disk_on_which_a_term_falls_or_a_vote_changes_is_seen() {
    for (before, after, invariant) in [
        (disk(2, None), disk(1, None), Invariant::TermMonotone),
        (disk(2, Some(0)), disk(2, None), Invariant::VoteImmutable),
        (disk(2, Some(0)), disk(2, Some(1)), Invariant::VoteImmutable),
    ] {
        let mut checker = checker();
        checker.persists(NOW, 0, &before, &after);
        assert_eq!(broken(&checker), Some(invariant));
    }
}

#[test]
fn leadership_that_is_gained_or_lost_twice_is_seen() {
    let mut checker = checker();
    elect(&mut checker, 1);
    let mut gained_twice = checker.clone();
    elect(&mut gained_twice, 2);
    assert_eq!(broken(&gained_twice), Some(Invariant::LeadershipOrder));
    checker.lost(NOW, 0, Term(1));
    checker.lost(NOW, 0, Term(1));
    assert_eq!(broken(&checker), Some(Invariant::LeadershipOrder));
}

#[test]
fn a_round_that_is_sent_before_its_time_is_read_is_seen() {
    let mut checker = checker();
    elect(&mut checker, 1);
    let message = Message::AppendEntries(heartbeat(1, 1));
    checker.sent(NOW, 0, NodeId(1), &message, &disk(1, Some(0)));
    assert_eq!(broken(&checker), Some(Invariant::OneLease));
}

#[test]
fn two_leases_at_once_are_seen_on_their_holders_clocks() {
    let clocks = |now: u64| move |node: usize| at(now + 1_000 * node as u64);
    let mut checker = checker();
    elect(&mut checker, 1);
    checker.confirmed(NOW, 0, Term(1), Some(at(400)), clocks(10));
    let mut early = checker.clone();
    early.confirmed(NOW, 1, Term(2), Some(at(1_800)), clocks(399));
    assert_eq!(broken(&early), Some(Invariant::OneLease));
    checker.confirmed(NOW, 1, Term(2), Some(at(1_800)), clocks(400));
    assert_eq!(broken(&checker), None);
}

#[test]
fn a_lease_that_outlives_a_later_election_is_seen_also_after_a_crash() {
    let mut checker = checker();
    elect(&mut checker, 1);
    checker.confirmed(NOW, 0, Term(1), Some(at(400)), |_| at(10));
    let state = follower().state().clone();
    checker.restored(NOW, 0, at(20), &state, &disk(0, None));
    reach(&mut checker, 2);
    checker.sent(NOW, 2, NodeId(1), &vote(2), &disk(2, Some(1)));
    checker.gained(NOW, 1, Term(2), &disk(2, Some(1)), |_| at(399));
    assert_eq!(broken(&checker), Some(Invariant::OneLease));
}

#[test]
fn a_restart_that_forgets_is_seen() {
    let mut checker = checker();
    let state = follower().state().clone();
    checker.restored(NOW, 0, at(0), &state, &disk(3, Some(1)));
    assert_eq!(broken(&checker), Some(Invariant::Durability));
}

#[test]
fn a_leader_that_nobody_answers_is_seen() {
    let mut checker = checker();
    checker.seen[0].kind = raft_core::RoleKind::Leader;
    checker.election_timer_set(0, at(100));
    checker.turn_ended(NOW, 0, at(1_100));
    assert_eq!(broken(&checker), None);
    checker.turn_ended(NOW, 0, at(1_101));
    assert_eq!(broken(&checker), Some(Invariant::CheckQuorum));
}

// Single steps: a real node's step is shown to the checker, and then a falsified one.

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
