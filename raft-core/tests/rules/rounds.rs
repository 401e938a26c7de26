//! Rounds of heartbeats, and the questions of pre-vote: what is repeated, late or replayed changes nothing.

use raft_core::{DropReason, HardState, Message, RoleKind, Round, Timer};

use crate::common::actions::{append_answer, confirmed, dropped, only_send, sends, started};
use crate::common::cluster::Cluster;
use crate::common::messages::{ack, append, ask, heartbeat, pre_deny, pre_grant, pre_vote};
use crate::common::{Node, T};

// The response names the round that it answers, whatever its outcome.
#[test]
fn a_response_echoes_the_round() {
    let mut follower = Node::at_term(1, 3, 4);
    for (term, round) in [(4, 7), (4, 9), (3, 50)] {
        let actions = follower.receive(2, heartbeat(term, round));
        let Message::AppendEntriesResponse(response) = only_send(&actions).1 else {
            panic!("{actions:?}");
        };
        assert_eq!(response.round, Round(round));
    }
}

#[test]
fn round_grows_by_one_with_each_broadcast_and_begins_anew_in_a_term() {
    let mut leader = Node::new(1, 3).leader();
    assert_eq!(leader.raft.state().round(), Round(1));
    for round in 2..6 {
        assert_eq!(started(&leader.fire(Timer::Heartbeat)), Some(round));
    }
    let _ = leader.fire(Timer::Election);
    let leader = leader.leader();
    assert_eq!((leader.term(), leader.raft.state().round()), (2, Round(1)));
}

// Without it: whoever recorded heartbeats of a leader, or a network that repeats them, keeps its followers quiet when
// it is dead.
#[test]
fn a_heartbeat_seen_before_restarts_no_timer() {
    let mut follower = Node::new(1, 3).following(2);
    let _ = follower.receive(2, heartbeat(1, 5));
    for round in [5, 4, 1, 0] {
        let actions = follower.receive(2, heartbeat(1, round));
        assert_eq!(dropped(&actions), Some(DropReason::Stale), "round {round}");
    }
    let mut follower = follower.part_two();
    assert_eq!(
        dropped(&follower.receive(2, heartbeat(1, 5))),
        Some(DropReason::Stale)
    );
    assert!(!follower.in_part_one());
}

#[test]
fn a_dead_leaders_heartbeats_replayed_for_ever_do_not_prevent_an_election() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    let _ = cluster.fire(1, Timer::Heartbeat);
    let recorded: Vec<_> = cluster.queue.iter().copied().collect();
    cluster.deliver();
    cluster.isolate(1);
    for _ in 0..40 {
        cluster.run(T / 10);
        for (_, to, message) in &recorded {
            let from = raft_core::NodeId(1);
            let message = *message;
            let _ = cluster.step(*to, raft_core::Event::Receive { from, message });
        }
    }
    assert!(cluster.leaders.contains_key(&2));
}

// Without it: a node that asked for pre-votes hears an old heartbeat, follows a dead leader for another T, asks
// again, hears the old heartbeat again.
#[test]
fn an_old_round_changes_no_role() {
    let mut node = Node::new(1, 3).following(2);
    let _ = node.receive(2, heartbeat(1, 5));
    let mut node = node.pre_candidate();
    for round in [5, 4] {
        assert_eq!(
            dropped(&node.receive(2, heartbeat(1, round))),
            Some(DropReason::Stale)
        );
        assert_eq!(node.role(), RoleKind::PreCandidate);
    }
    let _ = node.receive(2, heartbeat(1, 6));
    assert_eq!(node.role(), RoleKind::Follower);
    assert!(node.in_part_one());
}

// The newest round outlives changes of role in its term: here follower, pre-candidate, follower after a pause.
#[test]
fn the_newest_round_belongs_to_the_term_not_to_the_role() {
    let mut node = Node::new(1, 3).following(2);
    let _ = node.receive(2, heartbeat(1, 5));
    let mut node = node.pre_candidate();
    let _ = node.step(raft_core::Event::Pause);
    assert_eq!(node.role(), RoleKind::Follower);
    assert_eq!(
        dropped(&node.receive(2, heartbeat(1, 5))),
        Some(DropReason::Stale)
    );
}

// Without it: the first heartbeats of a new leader, whose rounds begin at 1, are taken for old ones.
#[test]
fn the_newest_round_is_forgotten_when_the_term_changes() {
    let mut node = Node::new(1, 3).following(2);
    let _ = node.receive(2, heartbeat(1, 900));
    assert_eq!(append_answer(&node.receive(3, heartbeat(2, 1))), (2, true));
    let _ = node.receive(3, heartbeat(2, 900));
    let mut node = node.part_two();
    let _ = node.receive(2, ask(3));
    assert_eq!(append_answer(&node.receive(2, heartbeat(3, 1))), (3, true));
}

// Without it: an answer that was under way for seconds tells the leader that it has a majority now, and it takes a
// lease that nobody promised.
#[test]
fn an_old_response_cannot_feign_a_quorum() {
    let mut leader = Node::new(1, 3).leader();
    let _ = leader.fire(Timer::Heartbeat);
    let _ = leader.fire(Timer::Heartbeat);
    assert_eq!(confirmed(&leader.receive(2, ack(1, 1))), Some(1));
    assert_eq!(
        dropped(&leader.receive(2, ack(1, 1))),
        Some(DropReason::Stale)
    );
    assert_eq!(confirmed(&leader.receive(3, ack(1, 1))), None);
    assert_eq!(leader.confirmed(), Some(1));
    assert_eq!(confirmed(&leader.receive(3, ack(1, 3))), Some(3));
    assert_eq!(
        dropped(&leader.receive(3, ack(1, 2))),
        Some(DropReason::Stale)
    );
    assert_eq!(leader.confirmed(), Some(3));
}

#[test]
fn a_response_of_another_term_confirms_nothing() {
    let mut leader = Node::new(1, 3).leader();
    let _ = leader.fire(Timer::Election);
    let mut leader = leader.leader();
    assert_eq!(leader.term(), 2);
    let actions = leader.receive(2, ack(1, 1));
    assert_eq!(dropped(&actions), Some(DropReason::Stale));
    assert_eq!(leader.confirmed(), Some(0));
}

// A leader cannot have been followed at a round that it has not begun.
#[test]
fn a_response_to_a_round_not_begun_is_impossible() {
    let mut leader = Node::new(1, 3).leader();
    let before = leader.raft.state().clone();
    for response in [ack(1, 2), ack(1, u64::MAX)] {
        assert_eq!(
            dropped(&leader.receive(2, response)),
            Some(DropReason::Impossible)
        );
    }
    assert_eq!(leader.raft.state(), &before);
}

// A refusal of this term answers a heartbeat of an earlier one, by a voter that had come to this term already. Without it:
// "I do not follow you" confirms a round.
#[test]
fn a_refusal_confirms_nothing() {
    let mut leader = Node::new(1, 3).leader();
    let before = leader.raft.state().clone();
    assert!(dropped(&leader.receive(2, append(1, 1, false))).is_some());
    assert_eq!(leader.raft.state(), &before);
}

// Without it: a yes to the question of a minute ago counts for the question of now, although its voter hears a leader
// again.
#[test]
fn a_pre_vote_counts_only_for_the_question_that_asked_for_it() {
    let mut node = Node::new(1, 3).pre_candidate();
    let late = pre_grant(&node);
    let first = node.raft.state().pre_vote_nonce();
    let _ = node.fire(Timer::Election);
    assert_eq!(node.raft.state().pre_vote_nonce(), first.wrapping_add(1));
    assert_eq!(dropped(&node.receive(2, late)), Some(DropReason::Stale));
    assert_eq!(node.role(), RoleKind::PreCandidate);
    let _ = node.receive(2, pre_grant(&node));
    assert_eq!(node.role(), RoleKind::Candidate);
}

#[test]
fn the_questions_nonce_is_asked_and_echoed() {
    let mut node = Node::new(1, 3).part_two();
    let asked = sends(&node.fire(Timer::Election));
    let nonce = node.raft.state().pre_vote_nonce();
    let mut voter = Node::new(2, 3).part_two();
    let (to, answer) = only_send(&voter.receive(1, asked[0].1));
    assert_eq!((to, answer), (1, pre_vote(0, nonce, true)));
}

// A repeated question keeps its number: an answer to either counts.
#[test]
fn a_repeated_question_has_the_same_nonce() {
    let mut node = Node::new(1, 3).part_two();
    let asked = sends(&node.fire(Timer::Election));
    assert_eq!(sends(&node.fire(Timer::Repeat)), asked);
}

// Without it: after a restart the counter begins anew, and an answer recorded before counts again.
#[test]
fn the_first_nonce_depends_on_the_generator() {
    let first = |seed| {
        let node = Node::seeded(1, 3, Default::default(), HardState::first_boot(), seed);
        node.raft.state().pre_vote_nonce()
    };
    assert_ne!(first(1), first(2));
}

// Without it: a node that fell behind asks for a term that everybody has passed, is refused, and asks the same
// again for ever.
#[test]
fn a_rejected_pre_vote_carries_the_real_term_and_the_stale_node_catches_up() {
    let mut stale = Node::at_term(1, 3, 2).pre_candidate();
    let mut voter = Node::at_term(2, 3, 8).part_two();
    let asked = sends(&stale.fire(Timer::Repeat));
    let (_, answer) = only_send(&voter.receive(1, asked[0].1));
    let _ = stale.receive(2, answer);
    assert_eq!((stale.role(), stale.term()), (RoleKind::Follower, 8));
    let asked = sends(&stale.pre_candidate().fire(Timer::Repeat));
    assert_eq!(asked[0].1.term().0, 9);
    let _ = voter.receive(1, pre_deny(&voter, 0));
}
