//! The checker sees what is wrong with a history, and nothing where nothing is.

use core::time::Duration;

use raft_core::{
    AppendEntries, Config, HardState, LogIndex, LogPosition, LostReason, Message, NodeId, Options,
    Raft, RequestVoteResponse, Round, State, Term,
};

use super::{Checker, Invariant};
use crate::rng::{Random, Stream};
use crate::settings::Settings;
use crate::time::{LocalTime, Time};

pub(super) const NOW: Time = Time::from_nanos(0);

pub(super) fn checker() -> Checker {
    Checker::new(&Settings::default(), 1)
}

pub(super) fn broken(checker: &Checker) -> Option<Invariant> {
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

pub(super) fn vote(term: u64) -> Message {
    Message::RequestVoteResponse(RequestVoteResponse {
        term: Term(term),
        vote_granted: true,
    })
}

pub(super) fn heartbeat(term: u64, round: u64) -> AppendEntries {
    AppendEntries {
        term: Term(term),
        prev_log: LogPosition::default(),
        leader_commit: LogIndex(0),
        round: Round(round),
        lease: Duration::ZERO,
    }
}

pub(super) fn at(milliseconds: u64) -> LocalTime {
    LocalTime::from_nanos(milliseconds * 1_000_000)
}

/// Node 1 votes for node 0 in `term`, and node 0 leads.
fn elect(checker: &mut Checker, term: u64) {
    reach(checker, term);
    checker.sent(NOW, 1, NodeId(0), &vote(term), &disk(term, Some(0)));
    checker.gained(NOW, 0, Term(term), &disk(term, Some(0)), |_| at(0));
}

fn fresh_state() -> State {
    let voters = [0, 1, 2].map(NodeId);
    let config = Config::new(NodeId(0), &voters, Options::default()).expect("valid");
    let random = Random::new(1, Stream::Script);
    let last_log = LogPosition::default();
    let (raft, _) = Raft::restore(config, HardState::default(), last_log, random).expect("fresh");
    raft.state().clone()
}

#[test]
fn an_election_is_no_violation() {
    let mut checker = checker();
    elect(&mut checker, 1);
    checker.round_started(NOW, 0, Term(1), Round(1), at(0));
    let message = Message::AppendEntries(heartbeat(1, 1));
    checker.sent(NOW, 0, NodeId(1), &message, &disk(1, Some(0)));
    checker.lost(NOW, 0, Term(1), LostReason::Transfer);
    assert_eq!(checker.violation(), None);
}

#[test]
fn two_leaders_of_a_term_are_seen_however_far_apart() {
    let mut checker = checker();
    elect(&mut checker, 1);
    checker.lost(NOW, 0, Term(1), LostReason::Transfer);
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
    checker.lost(NOW, 0, Term(1), LostReason::Transfer);
    checker.lost(NOW, 0, Term(1), LostReason::Transfer);
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
    let state = fresh_state();
    checker.restored(NOW, 0, at(20), &state, &disk(0, None));
    reach(&mut checker, 2);
    checker.sent(NOW, 2, NodeId(1), &vote(2), &disk(2, Some(1)));
    checker.gained(NOW, 1, Term(2), &disk(2, Some(1)), |_| at(399));
    assert_eq!(broken(&checker), Some(Invariant::OneLease));
}

#[test]
fn a_restart_that_forgets_is_seen() {
    let mut checker = checker();
    let state = fresh_state();
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
