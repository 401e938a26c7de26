//! Voters that never campaign: a witness, and a paused node.

use raft_core::{Event, NoCampaignReason, Report, RoleKind, Timer, TransitionReason};

use crate::common::actions::{reports, sends, set, transitions, vote_answer};
use crate::common::cluster::Cluster;
use crate::common::messages::{ack, ask, heartbeat, pre_ask};
use crate::common::{Node, T, witness};

fn can_campaign(node: &mut Node) -> bool {
    let round = node.raft.state().round().0 + 1;
    let actions = node.receive(2, heartbeat(1, round));
    let raft_core::Message::AppendEntriesResponse(response) = sends(&actions)[0].1 else {
        panic!("{actions:?}");
    };
    response.can_campaign
}

#[test]
fn a_witness_does_not_campaign_and_says_why() {
    let mut node = Node::with(1, 3, witness()).part_two();
    let actions = node.fire(Timer::Election);
    let reason = NoCampaignReason::Witness;
    assert_eq!(reports(&actions), [Report::NoCampaign { reason }]);
    assert_eq!((node.role(), node.term()), (RoleKind::Follower, 0));
    assert!(!can_campaign(&mut node));
    assert!(node.step(Event::Pause).is_empty());
    assert!(!can_campaign(&mut node), "paused as well");
}

#[test]
fn a_witness_votes_and_follows() {
    let mut node = Node::with(1, 3, witness()).part_two();
    let _ = node.fire(Timer::Election);
    let actions = node.receive(2, pre_ask(1));
    assert_eq!(crate::common::actions::pre_vote_answer(&actions), (0, true));
    assert_eq!(vote_answer(&node.receive(2, ask(1))), (1, true));
    let _ = node.receive(2, heartbeat(1, 1));
    assert_eq!(node.known_leader(), Some(2));
    assert!(node.in_part_one());
}

#[test]
fn a_cluster_with_a_witness_elects_one_of_the_others() {
    let options = |id| {
        if id == 1 {
            witness()
        } else {
            Default::default()
        }
    };
    let mut cluster = Cluster::with(3, options);
    cluster.isolate(3);
    cluster.run(20 * T);
    assert_eq!(cluster.leading(), [2]);
    cluster.isolate(2);
    cluster.heal_between(1, 3);
    cluster.run(20 * T);
    assert!(cluster.leading().contains(&3));
}

#[test]
fn a_paused_node_votes_and_does_not_campaign() {
    let mut node = Node::new(1, 3).following(2);
    assert!(!node.raft.state().paused());
    assert!(node.step(Event::Pause).is_empty());
    assert!(node.raft.state().paused());
    assert!(!can_campaign(&mut node));
    let mut node = node.part_two();
    let actions = node.fire(Timer::Election);
    let reason = NoCampaignReason::Paused;
    assert_eq!(reports(&actions), [Report::NoCampaign { reason }]);
    assert_eq!(vote_answer(&node.receive(3, ask(2))), (2, true));
}

// Without it: a paused node wins an election that it began before.
#[test]
fn a_candidate_or_pre_candidate_that_is_paused_gives_up() {
    for mut node in [Node::new(1, 3).pre_candidate(), Node::new(1, 3).candidate()] {
        let term = node.term();
        let actions = node.step(Event::Pause);
        assert_eq!(transitions(&actions), [TransitionReason::Paused]);
        assert_eq!((node.role(), node.term()), (RoleKind::Follower, term));
        assert_eq!(node.raft.armed(Timer::Repeat), None);
        assert!(set(&actions, Timer::Election).unwrap() < T);
        let _ = node.receive(2, crate::common::messages::grant(term));
        assert_eq!(node.role(), RoleKind::Follower);
    }
}

#[test]
fn a_leader_that_is_paused_goes_on_leading() {
    let mut leader = Node::new(1, 3).leader();
    assert!(leader.step(Event::Pause).is_empty());
    assert_eq!(sends(&leader.fire(Timer::Heartbeat)).len(), 2);
    let _ = leader.receive(2, ack(1, 2));
    assert_eq!(leader.confirmed(), Some(2));
    // But it does not campaign once it has stepped down.
    let _ = leader.fire(Timer::Election);
    let _ = leader.fire(Timer::Election);
    assert_eq!(leader.role(), RoleKind::Follower);
}

// Without it: its part two ended while it was paused, no timer is left, and it never campaigns again.
#[test]
fn a_node_that_is_resumed_campaigns_again() {
    let mut node = Node::new(1, 3);
    let _ = node.step(Event::Pause);
    let mut node = node.part_two();
    let _ = node.fire(Timer::Election);
    assert_eq!(node.raft.armed(Timer::Election), None);
    let actions = node.step(Event::Resume);
    assert!(set(&actions, Timer::Election).unwrap() < T);
    let _ = node.fire(Timer::Election);
    assert_eq!(node.role(), RoleKind::PreCandidate);
    assert!(can_campaign(&mut node));
}

// Without it: a resume ends the promise to a leader, or puts off an election of a node that never paused.
#[test]
fn a_resume_leaves_part_one_and_nodes_that_were_not_paused_alone() {
    let mut follower = Node::new(1, 3).following(2);
    let number = follower.raft.armed(Timer::Election);
    let _ = follower.step(Event::Pause);
    assert!(follower.step(Event::Resume).is_empty());
    assert_eq!(follower.raft.armed(Timer::Election), number);
    assert!(follower.in_part_one());
    for mut node in [
        Node::new(1, 3),
        Node::new(1, 3).part_two(),
        Node::new(1, 3).pre_candidate(),
        Node::new(1, 3).candidate(),
        Node::new(1, 3).leader(),
    ] {
        assert!(node.step(Event::Resume).is_empty());
    }
}

#[test]
fn a_pause_is_forgotten_in_a_restart() {
    let mut node = Node::new(1, 3);
    let _ = node.step(Event::Pause);
    let node = node.restarted().pre_candidate();
    assert_eq!(node.role(), RoleKind::PreCandidate);
}
