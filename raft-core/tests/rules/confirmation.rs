//! Which round is confirmed, and what it does for the leader.

use raft_core::{Action, Role, RoleKind, Timer};

use crate::common::actions::{confirmed, gained, persisted, place, set};
use crate::common::cluster::Cluster;
use crate::common::messages::{ack, ask, heartbeat_with_lease, pre_ask};
use crate::common::{HEARTBEAT, Node, SplitMix, T, plain};

// Against a model: sort what each voter has answered, the leader's own newest round included, and take what a
// majority has reached. A majority of half would confirm a round that half of the voters never saw.
#[test]
fn the_confirmed_round_is_the_largest_that_a_majority_has_answered() {
    for n in 1..=7u64 {
        let mut rng = SplitMix(n);
        let mut leader = Node::new(1, n).leader();
        let mut answered = vec![0u64; n as usize];
        for _ in 0..500 {
            let draw = rand_core::Rng::next_u64(&mut rng);
            let begun = leader.raft.state().round().0;
            let voter = draw % n;
            let actions = if voter == 0 {
                leader.fire(Timer::Heartbeat)
            } else {
                let round = 1 + (draw >> 8) % begun;
                answered[voter as usize] = answered[voter as usize].max(round);
                leader.receive(voter + 1, ack(1, round))
            };
            answered[0] = leader.raft.state().round().0;
            let reached = |round: u64| answered.iter().filter(|a| **a >= round).count();
            let majority = n as usize / 2 + 1;
            let largest = (0..=answered[0]).rev().find(|r| reached(*r) >= majority);
            assert_eq!(leader.confirmed(), largest, "{n} voters: {answered:?}");
            if let Some(round) = confirmed(&actions) {
                assert_eq!(Some(round), largest);
            }
        }
    }
}

#[test]
fn each_confirmed_round_is_said_once() {
    let mut leader = Node::new(1, 5).leader();
    assert_eq!(confirmed(&leader.receive(2, ack(1, 1))), None);
    assert_eq!(confirmed(&leader.receive(3, ack(1, 1))), Some(1));
    assert_eq!(confirmed(&leader.receive(4, ack(1, 1))), None);
    assert_eq!(confirmed(&leader.receive(5, ack(1, 1))), None);
}

// Without it: a leader that reaches nobody leads for ever, and with it whoever believes it.
#[test]
fn a_leader_that_a_majority_has_not_answered_for_2t_steps_down() {
    let mut candidate = Node::new(1, 3).candidate();
    let actions = candidate.receive(2, crate::common::messages::grant(1));
    assert_eq!(set(&actions, Timer::Election), Some(2 * T + HEARTBEAT / 2));

    let mut cluster = Cluster::new(5);
    cluster.campaign(1);
    cluster.isolate(1);
    cluster.run(2 * T);
    assert!(cluster.leading().contains(&1));
    cluster.run(HEARTBEAT);
    assert!(!cluster.leading().contains(&1));
}

#[test]
fn a_leader_that_a_majority_answers_stays() {
    let mut cluster = Cluster::new(5);
    cluster.campaign(1);
    cluster.cut(1, 2);
    cluster.cut(1, 3);
    cluster.run(50 * T);
    assert_eq!((cluster.leading(), cluster.leaders.len()), (vec![1], 1));
}

// Without it: followers answer rounds of long ago (their answers were under way all the time), each late answer keeps
// the leader in office for another 2T, and nobody elects another although nobody hears it any more.
#[test]
fn only_a_round_begun_since_check_quorum_was_armed_arms_it_again() {
    let mut leader = Node::new(1, 3).leader();
    for _ in 0..9 {
        let _ = leader.fire(Timer::Heartbeat);
    }
    // Ten rounds have begun. The answer to the third arms check-quorum now, at the tenth.
    assert_eq!(
        set(&leader.receive(2, ack(1, 3)), Timer::Election),
        Some(2 * T + HEARTBEAT / 2)
    );
    for round in 4..=10 {
        let actions = leader.receive(2, ack(1, round));
        assert_eq!(confirmed(&actions), Some(round));
        assert_eq!(set(&actions, Timer::Election), None, "round {round}");
    }
    let _ = leader.fire(Timer::Heartbeat);
    let actions = leader.receive(2, ack(1, 11));
    assert_eq!(set(&actions, Timer::Election), Some(2 * T + HEARTBEAT / 2));
}

// Without it: the only voter never confirms anything (nobody answers), or acts before its vote is on disk.
#[test]
fn a_single_voter_confirms_a_round_in_the_step_that_begins_it_after_the_persist() {
    let mut node = Node::new(1, 1).part_two();
    let actions = node.fire(Timer::Election);
    assert_eq!(
        (gained(&actions), confirmed(&actions)),
        (Some((1, false)), Some(1))
    );
    let persist = place(&actions, |a| matches!(a, Action::Persist(_)));
    let gained = place(&actions, |a| matches!(a, Action::LeadershipGained { .. }));
    let started = place(&actions, |a| matches!(a, Action::StartRound { .. }));
    let confirmed_at = place(&actions, |a| {
        matches!(a, Action::LeadershipConfirmed { .. })
    });
    assert!(persist < gained && gained < started && started < confirmed_at);
    let actions = node.fire(Timer::Heartbeat);
    assert_eq!(confirmed(&actions), Some(2));
    assert_eq!(set(&actions, Timer::Election), Some(2 * T + HEARTBEAT / 2));
}

#[test]
fn no_round_is_confirmed_by_the_election_itself() {
    let leader = Node::new(1, 3).leader();
    assert_eq!(leader.confirmed(), Some(0));
}

// The lease is counted from the beginning of the round. Counted from the answer, a slow network makes it outlive the
// followers' promises.
#[test]
fn a_paused_or_partitioned_leader_finds_its_lease_over() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    cluster.run(HEARTBEAT);
    assert_eq!(cluster.lease_holders(), [1]);
    cluster.isolate(1);
    cluster.run(T * 4 / 5 - HEARTBEAT);
    assert_eq!(cluster.lease_holders(), [1]);
    cluster.run(HEARTBEAT);
    assert!(cluster.lease_holders().is_empty());
    assert!(cluster.leading().contains(&1), "it steps down later");
}

// Pre-vote, stickiness and check-quorum come as one: without the others, each of them breaks a lease or liveness.
#[test]
fn plain_raft_has_neither_pre_vote() {
    let mut node = Node::with(1, 3, plain());
    let _ = node.fire(Timer::Election);
    assert_eq!(node.role(), RoleKind::Candidate);
    let _ = node.fire(Timer::Election);
    assert_eq!((node.role(), node.term()), (RoleKind::Candidate, 2));
}

#[test]
fn nor_stickiness() {
    let mut leader = Node::with(1, 3, plain()).leader();
    let actions = leader.receive(2, ask(2));
    assert_eq!(crate::common::actions::vote_answer(&actions), (2, true));
    assert_eq!(leader.role(), RoleKind::Follower);
    let lease = core::time::Duration::ZERO;
    let mut follower = Node::with(1, 3, plain());
    let _ = follower.receive(2, heartbeat_with_lease(1, 1, lease));
    assert!(!follower.in_part_one());
    let actions = follower.clone().receive(3, pre_ask(2));
    assert_eq!(crate::common::actions::pre_vote_answer(&actions), (1, true));
    let actions = follower.receive(3, ask(2));
    assert_eq!(crate::common::actions::vote_answer(&actions), (2, true));
}

#[test]
fn nor_check_quorum() {
    let mut leader = Node::with(1, 3, plain()).leader();
    assert_eq!(leader.raft.armed(Timer::Election), None);
    let mut cluster = Cluster::with(3, |_| plain());
    let _ = cluster.fire(1, Timer::Election);
    cluster.deliver();
    cluster.isolate(1);
    cluster.run(20 * T);
    assert!(cluster.leading().contains(&1));
    let _ = leader.fire(Timer::Heartbeat);
}

// Nor, therefore, any promise: a lease taken in it would rest on nothing.
#[test]
fn plain_raft_never_confirms_leadership_and_has_no_lease() {
    let mut leader = Node::with(1, 3, plain()).leader();
    for round in 1..10 {
        for voter in [2, 3] {
            assert_eq!(confirmed(&leader.receive(voter, ack(1, round))), None);
        }
        let _ = leader.fire(Timer::Heartbeat);
    }
    let Role::Leader(state) = leader.raft.state().role() else {
        panic!("it leads");
    };
    assert_eq!(state.confirmed.0, 0);
    assert_eq!(leader.raft.config().lease(), None);
    let mut single = Node::with(1, 1, plain());
    let actions = single.fire(Timer::Election);
    assert_eq!(
        (gained(&actions), confirmed(&actions)),
        (Some((1, false)), None)
    );
    let actions = Node::with(1, 3, plain()).receive(2, ask(4));
    let promise = persisted(&actions).unwrap().election_timeout;
    assert!(promise.is_zero());
}
