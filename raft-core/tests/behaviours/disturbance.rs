//! Nodes that come back, with terms too high or too low, and leaders that should or should not care.

use raft_core::{Event, Message, NodeId, RoleKind, Timer};

use crate::common::actions::append_answer;
use crate::common::cluster::Cluster;
use crate::common::messages::{append, ask, heartbeat, heartbeat_with_lease};
use crate::common::{HEARTBEAT, Node, T, disk, log, plain};

// The paper's weakness: an isolated candidate comes back with a high term and deposes the leader; its log being short, it
// does not even win.
#[test]
fn in_plain_raft_a_returning_candidate_deposes_the_leader() {
    let node = |id| Node::with(id, 3, plain()).log_tail(log(1, if id == 3 { 1 } else { 2 }));
    let mut cluster = Cluster::of((1..=3).map(node).collect());
    cluster.cut(1, 3);
    let _ = cluster.fire(1, Timer::Election);
    cluster.deliver();
    assert_eq!(cluster.leading(), [1]);
    cluster.isolate(3);
    for _ in 0..5 {
        let _ = cluster.fire(3, Timer::Election);
    }
    cluster.deliver();
    cluster.heal();
    let _ = cluster.fire(3, Timer::Election);
    cluster.deliver();
    assert!(cluster.leading().is_empty());
    assert!(cluster.highest_term() >= 6);
}

#[test]
fn with_pre_vote_a_returning_node_disturbs_nobody() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    cluster.isolate(3);
    let _ = cluster.fire(3, Timer::Election);
    for _ in 0..5 {
        let _ = cluster.fire(3, Timer::Election);
    }
    cluster.deliver();
    cluster.heal();
    let _ = cluster.fire(3, Timer::Election);
    cluster.deliver();
    assert_eq!((cluster.leading(), cluster.highest_term()), (vec![1], 1));
    assert_eq!(cluster.node(3).role(), RoleKind::PreCandidate);
    let _ = cluster.fire(1, Timer::Heartbeat);
    cluster.deliver();
    assert_eq!(cluster.node(3).role(), RoleKind::Follower);
}

// A late heartbeat reaches a candidate of a later term; its answer deposes the leader.
#[test]
fn a_leader_that_meets_a_later_term_steps_down() {
    for options in [raft_core::Options::default(), plain()] {
        let mut leader = Node::with(1, 3, options).leader();
        let mut candidate = Node::with(3, 3, options).candidate();
        let _ = candidate.fire(Timer::Election);
        let candidate = candidate.candidate();
        let mut candidate = if candidate.term() > 1 {
            candidate
        } else {
            candidate.candidate()
        };
        let lease = leader.raft.config().lease().unwrap_or_default();
        let answer = candidate.receive(1, heartbeat_with_lease(1, 2, lease));
        let (term, success) = append_answer(&answer);
        assert!(term > 1 && !success);
        let _ = leader.receive(3, append(term, 2, false));
        assert_eq!((leader.role(), leader.term()), (RoleKind::Follower, term));
    }
}

// A candidate whose term ran ahead (in a partition with a majority that then lost it) refuses every heartbeat and is
// refused every vote: its answer to a heartbeat frees it.
#[test]
fn a_candidate_with_a_higher_term_that_nobody_grants_is_freed() {
    let mut cluster = Cluster::of(vec![
        Node::at_term(1, 3, 1),
        Node::at_term(2, 3, 1),
        Node::restored(3, 3, Default::default(), disk(7, Some(3))),
    ]);
    cluster.isolate(3);
    cluster.campaign(1);
    assert_eq!(cluster.leaders[&2], 1);
    cluster.heal();
    let _ = cluster.fire(1, Timer::Heartbeat);
    cluster.deliver();
    assert!(
        cluster.leading().is_empty(),
        "the leader learns term 7 and steps down"
    );
    assert_eq!(cluster.node(1).term(), 7);
    cluster.run(4 * T);
    assert_eq!(cluster.leading().len(), 1);
    let leader = cluster.leading()[0];
    assert_eq!(cluster.node(3).known_leader(), Some(leader));
    assert!(cluster.highest_term() <= 9);
}

// A stale node rejoins at the moment at which the leader is cut off: the two that are left must elect, though one
// of them is terms behind.
#[test]
fn a_node_with_a_smaller_term_can_complete_the_election() {
    for stale_asks in [false, true] {
        let mut cluster = Cluster::of(vec![
            Node::at_term(1, 3, 5),
            Node::at_term(2, 3, 5),
            Node::at_term(3, 3, 1),
        ]);
        cluster.isolate(3);
        cluster.campaign(1);
        cluster.heal();
        cluster.isolate(1);
        cluster.run(T);
        let id = if stale_asks { 3 } else { 2 };
        let _ = cluster.fire(id, Timer::Election);
        cluster.deliver();
        cluster.run(5 * T);
        let leading: Vec<u64> = cluster
            .leading()
            .into_iter()
            .filter(|id| *id != 1)
            .collect();
        assert_eq!(leading.len(), 1, "{stale_asks}");
        assert_eq!(cluster.lease_holders(), leading);
    }
}

// Nobody tells a follower of the old leader anything but the new leader's heartbeat: it follows.
#[test]
fn an_old_leader_that_comes_back_follows_the_new_one() {
    let mut cluster = Cluster::new(5);
    cluster.campaign(1);
    cluster.isolate(1);
    cluster.run(6 * T);
    let new = cluster.leading().into_iter().find(|id| *id != 1).unwrap();
    cluster.heal();
    cluster.run(2 * T);
    assert_eq!(cluster.leading(), [new]);
    assert_eq!(cluster.node(1).known_leader(), Some(new));
    assert_eq!(cluster.node(1).role(), RoleKind::Follower);
}

// A process that was suspended wakes up with every timer due and old messages waiting: it loses its lease by its own
// clock, and nobody else loses anything.
#[test]
fn a_leader_that_wakes_from_a_long_pause_disturbs_nobody() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    let paused = cluster.node(1).clone();
    cluster.isolate(1);
    cluster.run(6 * T);
    let new = cluster.leading().into_iter().find(|id| *id != 1).unwrap();
    let terms = cluster.highest_term();

    let mut woken = paused;
    let late: Vec<Message> = [Timer::Heartbeat, Timer::Election]
        .into_iter()
        .flat_map(|timer| crate::common::actions::sends(&woken.fire(timer)))
        .filter(|(to, _)| *to == new)
        .map(|(_, message)| message)
        .collect();
    assert!(!late.is_empty());
    for message in late {
        let from = NodeId(1);
        let _ = cluster.step(new, Event::Receive { from, message });
    }
    cluster.run(HEARTBEAT);
    assert!(cluster.leading().contains(&new));
    assert_eq!(cluster.highest_term(), terms);
}

// The same for a follower: its timer fires late, and the leader's heartbeats, of which some wait, take it back.
#[test]
fn a_follower_that_wakes_from_a_long_pause_disturbs_nobody() {
    let mut follower = Node::new(3, 3).following(1);
    let _ = follower.fire(Timer::Election);
    let _ = follower.fire(Timer::Election);
    assert_eq!(
        (follower.role(), follower.term()),
        (RoleKind::PreCandidate, 1)
    );
    let _ = follower.receive(1, heartbeat(1, 400));
    assert_eq!((follower.role(), follower.term()), (RoleKind::Follower, 1));
    assert!(follower.in_part_one());
    let _ = follower.receive(2, ask(2));
    assert_eq!(follower.term(), 1);
}

// Leader, then cut off for less than 2T, then healed: it leads on, in the same term.
#[test]
fn a_short_cut_costs_no_election() {
    let mut cluster = Cluster::new(5);
    cluster.campaign(1);
    for _ in 0..20 {
        cluster.isolate(1);
        cluster.run(T - HEARTBEAT);
        cluster.heal();
        cluster.run(2 * HEARTBEAT);
    }
    assert_eq!((cluster.leading(), cluster.leaders.len()), (vec![1], 1));
}
