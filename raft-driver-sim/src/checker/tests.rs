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

fn gains(checker: &mut Checker, index: usize, term: u64, now: LocalTime) {
    let disk = disk(term, Some(index as u64));
    checker.gained(NOW, index, Term(term), false, &disk, |_| now);
}

/// Node 1 votes for node 0 in `term`, and node 0 leads.
fn elect(checker: &mut Checker, term: u64) {
    reach(checker, term);
    checker.sent(NOW, 1, NodeId(0), &vote(term), &disk(term, Some(0)));
    gains(checker, 0, term, at(0));
}

fn fresh_state() -> State {
    let voters = [0, 1, 2].map(NodeId);
    let config = Config::new(NodeId(0), &voters, Options::default()).expect("valid");
    let random = Random::new(1, Stream::Script);
    let last_log = LogPosition::default();
    let (raft, _) =
        Raft::restore(config, HardState::first_boot(), last_log, random).expect("fresh");
    raft.state().clone()
}

#[test]
fn an_election_is_no_violation() {
    let mut checker = checker();
    elect(&mut checker, 1);
    checker.round_started(NOW, 0, Term(1), Round(1), at(0));
    let message = Message::AppendEntries(heartbeat(1, 1));
    checker.sent(NOW, 0, NodeId(1), &message, &disk(1, Some(0)));
    checker.lost(NOW, 0, Term(1), LostReason::Transfer, at(0));
    assert_eq!(checker.violation(), None);
}

#[test]
fn two_leaders_of_a_term_are_seen_however_far_apart() {
    let mut checker = checker();
    elect(&mut checker, 1);
    checker.lost(NOW, 0, Term(1), LostReason::Transfer, at(0));
    gains(&mut checker, 2, 1, at(0));
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
    gains(&mut checker, 0, 1, at(0));
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
    checker.lost(NOW, 0, Term(1), LostReason::Transfer, at(0));
    checker.lost(NOW, 0, Term(1), LostReason::Transfer, at(0));
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

/// Node 0 leads in term 1, and a majority confirms its first round, which began at 0 ms.
fn confirm(checker: &mut Checker, ends: LocalTime) {
    elect(checker, 1);
    checker.round_started(NOW, 0, Term(1), Round(1), at(0));
    checker.confirmed(NOW, 0, (Term(1), Round(1)), Some(ends), |_| at(10));
}

/// Node 1 gains term 2 with the vote of node 2, when the clock of node 0 shows `now`.
fn successor(mut checker: Checker, now: LocalTime) -> Option<Invariant> {
    reach(&mut checker, 2);
    checker.sent(NOW, 2, NodeId(1), &vote(2), &disk(2, Some(1)));
    gains(&mut checker, 1, 2, now);
    broken(&checker)
}

#[test]
fn two_leases_at_once_are_seen_on_their_holders_clocks() {
    let clocks = |now: u64| move |node: usize| at(now + 1_000 * node as u64);
    let mut checker = checker();
    confirm(&mut checker, at(400));
    checker.seen[1].leading = Some(Term(2));
    checker.round_started(NOW, 1, Term(2), Round(1), at(1_390));
    let confirmed = (Term(2), Round(1));
    let mut early = checker.clone();
    early.confirmed(NOW, 1, confirmed, Some(at(1_790)), clocks(399));
    assert_eq!(broken(&early), Some(Invariant::OneLease));
    checker.confirmed(NOW, 1, confirmed, Some(at(1_790)), clocks(491));
    assert_eq!(broken(&checker), None);
}

#[test]
fn a_successor_that_comes_before_the_promise_ends_is_seen_also_after_a_crash() {
    let mut checker = checker();
    confirm(&mut checker, at(400));
    assert_eq!(
        successor(checker.clone(), at(490)),
        Some(Invariant::OneLease)
    );
    assert_eq!(successor(checker.clone(), at(491)), None);
    checker.restored(NOW, 0, at(20), &fresh_state(), &disk(0, None));
    assert_eq!(
        successor(checker.clone(), at(490)),
        Some(Invariant::OneLease)
    );
    assert_eq!(successor(checker, at(491)), None);
}

#[test]
fn a_leader_that_loses_its_term_leaves_the_same_time_to_stop() {
    let mut checker = checker();
    confirm(&mut checker, at(400));
    checker.lost(NOW, 0, Term(1), LostReason::HigherTerm, at(20));
    assert_eq!(
        successor(checker.clone(), at(490)),
        Some(Invariant::OneLease)
    );
    assert_eq!(successor(checker, at(491)), None);
}

#[test]
fn a_lease_that_ends_later_than_its_round_allows_is_seen() {
    for (ends, verdict) in [(490, None), (491, Some(Invariant::OneLease))] {
        let mut checker = checker();
        confirm(&mut checker, at(ends));
        assert_eq!(broken(&checker), verdict);
    }
}

#[test]
fn a_round_that_begins_or_is_confirmed_after_leadership_was_lost_is_seen() {
    let mut checker = checker();
    confirm(&mut checker, at(400));
    checker.lost(NOW, 0, Term(1), LostReason::Transfer, at(20));
    let mut begins = checker.clone();
    begins.round_started(NOW, 0, Term(1), Round(2), at(30));
    assert_eq!(broken(&begins), Some(Invariant::LeadershipOrder));
    checker.confirmed(NOW, 0, (Term(1), Round(1)), None, |_| at(30));
    assert_eq!(broken(&checker), Some(Invariant::LeadershipOrder));
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
    // 2T, and half a heartbeat interval.
    checker.turn_ended(NOW, 0, at(1_125));
    assert_eq!(broken(&checker), None);
    checker.turn_ended(NOW, 0, at(1_126));
    assert_eq!(broken(&checker), Some(Invariant::CheckQuorum));
}
