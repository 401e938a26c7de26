//! Which part of the election timeout runs, and how long.

use raft_core::{RoleKind, Timer};

use crate::common::actions::{persisted, set, transitions, vote_answer};
use crate::common::cluster::Cluster;
use crate::common::messages::{
    append, ask, deny, grant, heartbeat, pre_deny, pre_grant, timeout_now, vote,
};
use crate::common::{Node, T, log};

// Without it: a majority answers the leader's round, restarts at once, has forgotten what it promised, and elects another
// while the lease runs.
#[test]
fn a_restarted_node_begins_in_part_one() {
    let node = Node::at_term(1, 3, 4);
    assert!(node.in_part_one());
    assert_eq!(set(&node.booted, Timer::Election), Some(T));

    let mut cluster = Cluster::new(3);
    cluster.run(5 * T);
    let leader = cluster.leading()[0];
    cluster.isolate(leader);
    for voter in (1..=3).filter(|id| *id != leader) {
        cluster.restart(voter);
    }
    assert_eq!(cluster.lease_holders(), [leader]);
    cluster.run(T * 4 / 5);
    assert_eq!(cluster.leaders.len(), 1);
    cluster.run(3 * T);
    assert_eq!(cluster.leaders.len(), 2);
}

// Without it: the voter's part two goes on, and it votes for another while the leader that it has just
// answered holds a lease.
#[test]
fn a_heartbeat_of_a_newer_round_begins_part_one_in_any_role() {
    let nodes = [
        Node::at_term(1, 3, 4),
        Node::at_term(1, 3, 4).part_two(),
        Node::at_term(1, 3, 4).pre_candidate(),
        Node::at_term(1, 3, 3).candidate(),
        Node::at_term(1, 3, 4).leader(),
    ];
    for mut node in nodes {
        let term = if node.role() == RoleKind::Leader {
            6
        } else {
            4
        };
        let actions = node.receive(2, heartbeat(term, 3));
        assert!(node.in_part_one());
        assert_eq!(set(&actions, Timer::Election), Some(T));
        assert_eq!(node.raft.armed(Timer::Heartbeat), None);
        assert_eq!(node.raft.armed(Timer::Repeat), None);
    }
}

// Without it, one way: the promise to a leader ends early, and its lease is broken. The other way: a node whose
// term rises and rises keeps everybody's timer from ending.
#[test]
fn a_higher_term_learnt_otherwise_leaves_a_followers_part_and_timer_as_they_are() {
    for follower in [Node::new(1, 3).following(2), Node::new(1, 3).part_two()] {
        let part_one = follower.in_part_one();
        let number = follower.raft.armed(Timer::Election);
        for message in [vote(9, false), append(9, 1, false), pre_deny(&follower, 9)] {
            let mut follower = follower.clone();
            let actions = follower.receive(3, message);
            assert_eq!(follower.term(), 9);
            assert_eq!(follower.in_part_one(), part_one, "{message:?}");
            assert_eq!(follower.raft.armed(Timer::Election), number);
            assert_eq!(set(&actions, Timer::Election), None);
        }
    }
}

// Without it: whoever campaigned would refuse votes for T although no leader relies on it.
#[test]
fn whoever_campaigned_and_learns_a_higher_term_follows_in_part_two() {
    let nodes = [Node::new(1, 3).pre_candidate(), Node::new(1, 3).candidate()];
    for node in nodes {
        for message in [vote(9, false), append(9, 1, false), pre_deny(&node, 9)] {
            let mut node = node.clone();
            let actions = node.receive(3, message);
            assert_eq!((node.role(), node.term()), (RoleKind::Follower, 9));
            assert!(!node.in_part_one());
            assert!(set(&actions, Timer::Election).unwrap() < T);
            assert_eq!(node.raft.armed(Timer::Repeat), None);
        }
    }
}

// Without it: a leader (1) whose round was just answered by 2 hears of a higher term from the candidate 3,
// votes for it at once, and 3 leads within milliseconds, while what 1 was running has been promised T - L to stop.
#[test]
fn a_leader_that_learns_a_higher_term_keeps_its_followers_promise_for_t() {
    for message in [vote(9, false), append(9, 1, false)] {
        let mut leader = Node::new(1, 3).leader();
        let actions = leader.receive(3, message);
        assert_eq!((leader.role(), leader.term()), (RoleKind::Follower, 9));
        assert!(leader.in_part_one());
        assert_eq!(set(&actions, Timer::Election), Some(T));
        assert_eq!(leader.raft.armed(Timer::Heartbeat), None);
        let answer = leader.receive(3, ask(9));
        assert_eq!(vote_answer(&answer), (9, false));
        let _ = leader.fire(Timer::Election);
        assert_eq!(vote_answer(&leader.receive(3, ask(9))), (9, true));
    }
}

#[test]
fn a_candidate_that_refuses_a_later_candidate_follows_in_part_two() {
    let mut candidate = Node::new(1, 3).log_tail(log(1, 1)).candidate();
    let actions = candidate.receive(2, ask(5));
    assert_eq!(
        (candidate.role(), candidate.term()),
        (RoleKind::Follower, 5)
    );
    assert!(set(&actions, Timer::Election).unwrap() < T);
    assert!(!candidate.in_part_one());
}

#[test]
fn a_leader_that_check_quorum_ends_follows_in_part_two() {
    let mut leader = Node::new(1, 3).leader();
    let actions = leader.fire(Timer::Election);
    assert_eq!(leader.role(), RoleKind::Follower);
    assert!(!leader.in_part_one());
    assert!(set(&actions, Timer::Election).unwrap() < T);
    assert_eq!(leader.raft.armed(Timer::Heartbeat), None);
}

// The draws are fresh: each follower's part two, in [0, T), is another.
#[test]
fn part_two_is_drawn_when_part_one_ends() {
    let mut node = Node::new(1, 3).following(2);
    let mut seen = std::collections::BTreeSet::new();
    for round in 2..100 {
        assert_eq!(
            set(&node.receive(2, heartbeat(1, round)), Timer::Election),
            Some(T)
        );
        let after = set(&node.fire(Timer::Election), Timer::Election).unwrap();
        assert!(after < T);
        seen.insert(after);
    }
    assert!(seen.len() > 90);
}

// Without it: two candidates that split a vote time out together again and again.
#[test]
fn a_candidacy_and_a_pre_candidacy_last_a_fresh_draw_from_t_to_2t() {
    let mut node = Node::new(1, 3).part_two();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let after = set(&node.fire(Timer::Election), Timer::Election).unwrap();
        assert_eq!(node.role(), RoleKind::PreCandidate);
        assert!((T..2 * T).contains(&after));
        seen.insert(after);
        let after = set(&node.receive(2, pre_grant(&node)), Timer::Election).unwrap();
        assert_eq!(node.role(), RoleKind::Candidate);
        assert!((T..2 * T).contains(&after));
        seen.insert(after);
    }
    assert!(seen.len() > 95);
}

// Without it: an isolated candidate's term grows for as long as it is cut off, and it deposes a healthy
// leader when it comes back.
#[test]
fn a_candidate_that_times_out_begins_again_with_pre_vote() {
    let mut node = Node::new(1, 3).candidate();
    for _ in 0..100 {
        let actions = node.fire(Timer::Election);
        assert_eq!((node.role(), node.term()), (RoleKind::PreCandidate, 1));
        assert_eq!(persisted(&actions), None);
    }
}

// Without it: a transfer or a lost vote that a node has already counted lives on in its next role.
#[test]
fn the_votes_of_one_candidacy_do_not_outlive_it() {
    let mut node = Node::new(1, 5).candidate();
    let _ = node.receive(2, grant(1));
    let _ = node.fire(Timer::Election);
    for voter in [2, 3] {
        let _ = node.receive(voter, pre_grant(&node));
    }
    assert_eq!((node.role(), node.term()), (RoleKind::Candidate, 2));
    let _ = node.receive(3, grant(2));
    assert_eq!(node.role(), RoleKind::Candidate);
    let _ = node.receive(4, deny(2));
    assert_eq!(node.role(), RoleKind::Candidate);
    let _ = node.receive(2, grant(2));
    assert_eq!(node.role(), RoleKind::Leader);
}

#[test]
fn a_higher_term_learnt_from_timeout_now_leads_to_a_campaign_after_it() {
    let mut node = Node::new(1, 3).following(2);
    let actions = node.receive(3, timeout_now(7));
    assert_eq!((node.role(), node.term()), (RoleKind::Candidate, 8));
    assert_eq!(persisted(&actions).unwrap().current_term.0, 8);
    assert!(!transitions(&actions).is_empty());
}
