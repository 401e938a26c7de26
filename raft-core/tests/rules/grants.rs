//! Who grants votes and pre-votes, and when.

use raft_core::{DropReason, RefusalReason, RoleKind, Timer};

use crate::common::actions::{
    dropped, persisted, pre_vote_answer, receivers, refused, set, vote_answer,
};
use crate::common::cluster::Cluster;
use crate::common::messages::{
    ack, ask, flagged, grant, heartbeat, pre_ask, pre_grant, request_pre_vote, request_vote,
};
use crate::common::{Node, T, disk, log};

// Without it: a partitioned node comes back with a higher term, the follower takes it over although its leader's
// lease runs, and votes for another: two nodes act as leaders.
#[test]
fn in_part_one_a_vote_request_changes_nothing_the_term_included() {
    let mut follower = Node::at_term(1, 3, 4).following(2);
    let before = follower.raft.state().clone();

    let actions = follower.receive(3, request_vote(9, log(9, 9)));

    assert_eq!(vote_answer(&actions), (4, false));
    assert_eq!(refused(&actions), Some(RefusalReason::LeaderAlive));
    assert_eq!(set(&actions, Timer::Election), None);
    assert_eq!(follower.raft.state(), &before);
}

// Without it: the pre-candidate wins with the votes of nodes that still hear the leader, and deposes it.
#[test]
fn in_part_one_a_pre_vote_request_changes_nothing() {
    let mut follower = Node::at_term(1, 3, 4).following(2);
    let before = follower.raft.state().clone();

    let actions = follower.receive(3, request_pre_vote(9, log(9, 9)));

    assert_eq!(pre_vote_answer(&actions), (4, false));
    assert_eq!(refused(&actions), Some(RefusalReason::LeaderAlive));
    assert_eq!(follower.raft.state(), &before);
}

// Without it: one node with a higher term and no majority behind it deposes a leader whose lease runs.
#[test]
fn a_leader_changes_nothing_for_a_vote_or_pre_vote_request() {
    for request in [request_vote(9, log(9, 9)), request_pre_vote(9, log(9, 9))] {
        let mut leader = Node::at_term(1, 3, 4).leader();
        let before = leader.raft.state().clone();
        let actions = leader.receive(3, request);
        assert_eq!(refused(&actions), Some(RefusalReason::Leading));
        assert_eq!(leader.raft.state(), &before);
        let answer = crate::common::actions::only_send(&actions);
        assert_eq!((answer.0, answer.1.term().0), (3, 5));
    }
}

// Without it: a node that did not vote in a term, and then followed its leader, helps a second candidate of
// that same term when the leader falls silent.
#[test]
fn a_node_that_knows_the_leader_of_a_term_grants_nobody_else_in_it() {
    let mut follower = Node::at_term(1, 5, 4).following(2).part_two();
    assert_eq!(follower.vote(), None);

    let actions = follower.receive(3, request_vote(4, log(9, 9)));

    assert_eq!(vote_answer(&actions), (4, false));
    assert_eq!(refused(&actions), Some(RefusalReason::LeaderKnown));
    assert_eq!(follower.vote(), None);
}

// Without it: a node asks for a term that the voter has passed, wins pre-votes that cannot become votes,
// and campaigns in vain.
#[test]
fn a_pre_vote_is_granted_only_for_a_term_above_ours() {
    let voter = Node::at_term(1, 3, 4).part_two();
    for (prospective, granted) in [(3, false), (4, false), (5, true), (9, true)] {
        let mut voter = voter.clone();
        let actions = voter.receive(2, pre_ask(prospective));
        assert_eq!(pre_vote_answer(&actions), (4, granted), "{prospective}");
        let reason = (!granted).then_some(RefusalReason::StaleTerm);
        assert_eq!(refused(&actions), reason);
    }
}

// Without it: a node that cannot win (its log is behind) passes pre-vote and raises everybody's term.
#[test]
fn a_pre_vote_is_refused_to_a_log_that_is_behind() {
    let mut voter = Node::new(1, 3).log_tail(log(2, 2)).part_two();
    let actions = voter.receive(2, request_pre_vote(3, log(2, 1)));
    assert_eq!(pre_vote_answer(&actions), (0, false));
    assert_eq!(refused(&actions), Some(RefusalReason::LogBehind));
}

// Without it: the question itself raises terms and deposes leaders, which is what pre-vote is to prevent.
#[test]
fn a_pre_vote_changes_nothing_whether_granted_or_refused() {
    let voters = [
        Node::at_term(1, 5, 4),
        Node::at_term(1, 5, 4).part_two(),
        Node::at_term(1, 5, 4).candidate(),
        Node::at_term(1, 5, 4).leader(),
    ];
    for mut voter in voters {
        for prospective in [0, 4, 6, u64::MAX] {
            let before = voter.raft.state().clone();
            let actions = voter.receive(2, pre_ask(prospective));
            assert_eq!(voter.raft.state(), &before);
            assert_eq!(persisted(&actions), None);
            for timer in Timer::ALL {
                assert_eq!(set(&actions, timer), None);
            }
        }
    }
}

// What it asks for itself is all that a pre-candidate changes when it grants: no election is put off, no term learnt.
#[test]
fn a_pre_candidate_that_grants_stays_one_in_its_term() {
    let mut voter = Node::at_term(1, 5, 4).pre_candidate();
    let before = voter.raft.state().clone();
    for prospective in [5, 6, u64::MAX] {
        let actions = voter.receive(2, pre_ask(prospective));
        assert_eq!(pre_vote_answer(&actions), (4, true));
        assert_eq!(persisted(&actions), None);
        assert_eq!(set(&actions, Timer::Election), None);
    }
    assert_eq!(voter.role(), RoleKind::PreCandidate);
    let after = voter.raft.state();
    assert_eq!(after.hard_state(), before.hard_state());
    assert_eq!(after.leader(), before.leader());
}

// Without it: of three nodes one is dead and the two others ask at the same time; each refuses the other because
// it campaigns itself, round after round.
#[test]
fn candidates_and_pre_candidates_grant_pre_votes() {
    for mut node in [
        Node::at_term(1, 5, 4).pre_candidate(),
        Node::at_term(1, 5, 3).candidate(),
    ] {
        assert_eq!(pre_vote_answer(&node.receive(2, pre_ask(5))), (4, true));
    }
    let mut cluster = Cluster::new(3);
    cluster.isolate(3);
    cluster.presume_lost();
    let _ = cluster.fire(1, Timer::Election);
    let _ = cluster.fire(2, Timer::Election);
    cluster.deliver();
    let _ = cluster.fire(1, Timer::Repeat);
    cluster.deliver();
    assert_eq!(cluster.leading(), [1]);
}

// Without it: the voter's own timer, half spent, interrupts the candidate that it has just voted for.
#[test]
fn the_first_grant_in_a_term_begins_part_one_again() {
    let mut voter = Node::new(1, 3).part_two();
    let actions = voter.receive(2, ask(1));
    assert!(voter.in_part_one());
    assert_eq!(set(&actions, Timer::Election), Some(T));
}

// Without it: the answer is lost, the candidate repeats its request, and the vote that it has is
// refused: a lost datagram costs an election.
#[test]
fn a_vote_is_granted_again_in_part_one() {
    let mut voter = Node::new(1, 3).part_two();
    let _ = voter.receive(2, ask(1));
    assert!(voter.in_part_one());
    assert_eq!(vote_answer(&voter.receive(2, ask(1))), (1, true));
}

#[test]
fn a_vote_is_granted_again_after_a_restart() {
    let mut voter = Node::restored(1, 3, Default::default(), disk(3, Some(2)));
    assert!(voter.in_part_one());
    assert_eq!(vote_answer(&voter.receive(2, ask(3))), (3, true));
    assert_eq!(vote_answer(&voter.receive(3, ask(3))), (3, false));
}

// Without it: a candidate that never wins repeats its request every few milliseconds, and so keeps its voters
// from ever campaigning; and each repeat costs a sync of the disk.
#[test]
fn a_repeated_grant_neither_persists_nor_restarts_the_timer() {
    for part_two in [false, true] {
        let mut voter = Node::new(1, 3).part_two();
        let _ = voter.receive(2, ask(1));
        if part_two {
            voter = voter.part_two();
        }
        let before = voter.raft.state().clone();
        let actions = voter.receive(2, ask(1));
        assert_eq!(vote_answer(&actions), (1, true));
        assert_eq!(actions.len(), 1, "{actions:?}");
        assert_eq!(voter.raft.state(), &before);
    }
}

// Without it: a node with a short log asks again and again, and although nobody votes for it, nobody else's timer
// ever ends.
#[test]
fn a_refused_vote_restarts_no_timer() {
    let mut voter = Node::new(1, 3).log_tail(log(2, 2)).part_two();
    for term in 1..10 {
        let actions = voter.receive(2, ask(term));
        assert_eq!(vote_answer(&actions), (term, false));
        assert_eq!(set(&actions, Timer::Election), None);
        assert!(!voter.in_part_one());
    }
}

// Without it: the leader of term 5 loses its majority and steps down; if it forgot that it voted for itself, it could
// vote for another candidate of term 5, and that one would be its second leader.
#[test]
fn stepping_down_in_the_same_term_keeps_the_vote() {
    let mut leader = Node::at_term(1, 3, 4).leader();
    let actions = leader.fire(Timer::Election);
    assert_eq!((leader.role(), leader.term()), (RoleKind::Follower, 5));
    assert_eq!(persisted(&actions), None);
    assert_eq!(leader.vote(), Some(1));
    assert_eq!(vote_answer(&leader.receive(2, ask(5))), (5, false));
    let mut restarted = leader.restarted().part_two();
    assert_eq!(vote_answer(&restarted.receive(2, ask(5))), (5, false));
}

// The same for a candidate that follows the winner of its term, and for one that asks anew.
#[test]
fn a_candidate_that_gives_up_keeps_the_vote() {
    let mut beaten = Node::at_term(1, 3, 4).candidate();
    let _ = beaten.receive(3, heartbeat(5, 1));
    let mut beaten = beaten.part_two();
    assert_eq!(vote_answer(&beaten.receive(2, ask(5))), (5, false));

    let mut timed_out = Node::at_term(1, 3, 4).candidate();
    let _ = timed_out.fire(Timer::Election);
    assert_eq!(timed_out.role(), RoleKind::PreCandidate);
    let actions = timed_out.receive(2, ask(5));
    assert_eq!(vote_answer(&actions), (5, false));
    assert_eq!(refused(&actions), Some(RefusalReason::AlreadyVoted));
}

// A voter is counted once. Without it, a duplicated datagram is a majority.
#[test]
fn a_repeated_answer_counts_once() {
    let mut node = Node::new(1, 5).pre_candidate();
    for _ in 0..5 {
        let _ = node.receive(2, pre_grant(&node));
    }
    assert_eq!(node.role(), RoleKind::PreCandidate);
    let _ = node.receive(3, pre_grant(&node));
    assert_eq!(node.role(), RoleKind::Candidate);
    for _ in 0..5 {
        let _ = node.receive(2, grant(1));
    }
    assert_eq!(node.role(), RoleKind::Candidate);
}

// Without it: a grant for the candidacy of term 1, delayed, elects the candidate of term 2.
#[test]
fn a_vote_counts_only_in_the_term_that_asked_for_it() {
    let mut node = Node::new(1, 3).candidate();
    let _ = node.fire(Timer::Election);
    let _ = node.receive(2, pre_grant(&node));
    assert_eq!((node.role(), node.term()), (RoleKind::Candidate, 2));
    let actions = node.receive(3, grant(1));
    assert_eq!(dropped(&actions), Some(DropReason::Stale));
    assert_eq!(node.role(), RoleKind::Candidate);
}

// A vote is a promise, a pre-vote is none. Without it, a late pre-vote elects a leader.
#[test]
fn a_pre_vote_is_no_vote() {
    let mut node = Node::new(1, 3).pre_candidate();
    let late = pre_grant(&node);
    let _ = node.receive(2, late);
    assert_eq!(node.role(), RoleKind::Candidate);
    assert_eq!(dropped(&node.receive(3, late)), Some(DropReason::Stale));
    assert_eq!(node.role(), RoleKind::Candidate);
}

// A vote of this very term, from before the node asked for pre-votes in it, elects nobody either.
#[test]
fn a_vote_is_no_pre_vote() {
    let mut node = Node::new(1, 3).candidate();
    let _ = node.fire(Timer::Election);
    assert_eq!((node.role(), node.term()), (RoleKind::PreCandidate, 1));
    assert_eq!(dropped(&node.receive(2, grant(1))), Some(DropReason::Stale));
    assert_eq!(node.role(), RoleKind::PreCandidate);
}

// A leader is not bound to anybody's flag either: only to the transfer that it began itself.
#[test]
fn a_flagged_request_passes_part_one_but_not_the_vote_that_was_given() {
    let mut voter = Node::at_term(1, 3, 4).following(2);
    let actions = voter.receive(3, flagged(5));
    assert_eq!(vote_answer(&actions), (5, true));
    assert_eq!(voter.vote(), Some(3));
    let mut leader = Node::at_term(1, 3, 4).leader();
    let _ = leader.receive(2, ack(5, 1));
    assert_eq!(
        dropped(&leader.receive(3, flagged(6))),
        Some(DropReason::Impossible)
    );
    // Another candidate of the same term, flagged or not, comes too late.
    let mut voter = voter.part_two();
    assert_eq!(vote_answer(&voter.receive(2, flagged(5))), (5, false));
}

// Only the holder of the vote of this very term. Without it: the leader of term 5 crashes, comes back and asks its voters
// for term 6 at once, while another may hold a lease of theirs.
#[test]
fn who_got_the_vote_of_an_earlier_term_is_refused_in_part_one() {
    let mut voter = Node::at_term(1, 3, 4).part_two();
    let _ = voter.receive(2, ask(5));
    let _ = voter.receive(2, heartbeat(5, 1));
    let actions = voter.receive(2, ask(6));
    assert_eq!(vote_answer(&actions), (5, false));
    assert_eq!(refused(&actions), Some(RefusalReason::LeaderAlive));
}

// A request is repeated to those that have not granted it. Without it: what has been answered is asked for again, and
// each voter is kept busy for as long as one of them is dead.
#[test]
fn who_has_granted_is_not_asked_again() {
    let mut node = Node::new(1, 5).pre_candidate();
    let _ = node.receive(3, pre_grant(&node));
    assert_eq!(receivers(&node.fire(Timer::Repeat)), [2, 4, 5]);
    let _ = node.receive(2, pre_grant(&node));
    assert_eq!(node.role(), RoleKind::Candidate);
    let _ = node.receive(4, grant(1));
    assert_eq!(receivers(&node.fire(Timer::Repeat)), [2, 3, 5]);
}

// It asked before it won, and its request was overtaken by its heartbeat. Without it: the node forgets the rounds of its leader,
// and a recorded heartbeat of that term keeps it quiet.
#[test]
fn a_late_request_of_the_terms_leader_is_granted_and_its_rounds_stay_known() {
    let mut follower = Node::new(1, 3).following(2).part_two();
    assert_eq!(follower.vote(), None);
    assert_eq!(vote_answer(&follower.receive(2, ask(1))), (1, true));
    assert_eq!(follower.known_leader(), Some(2));
    let recorded = follower.receive(2, heartbeat(1, 1));
    assert_eq!(dropped(&recorded), Some(DropReason::Stale));
}

#[test]
fn a_node_tells_where_its_log_ends() {
    let node = Node::new(1, 3).log_tail(log(3, 7));
    assert_eq!(node.raft.state().last_log(), log(3, 7));
}
