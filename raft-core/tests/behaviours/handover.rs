//! Handing leadership over, from a user's point of view.

use raft_core::{Event, NodeId, Options, RoleKind, Timer};

use crate::common::cluster::Cluster;
use crate::common::{HEARTBEAT, Node, T, log, plain};

fn transfer(cluster: &mut Cluster, from: u64, to: u64) {
    let (to, stopped) = (Some(NodeId(to)), true);
    let _ = cluster.step(from, Event::TransferLeadership { to, stopped });
    cluster.deliver();
}

#[test]
fn leadership_goes_there_and_back() {
    for options in [Options::default(), plain()] {
        let mut cluster = Cluster::with(3, |_| options);
        cluster.campaign(1);
        for (from, to) in [(1, 3), (3, 1), (1, 2), (2, 3)] {
            transfer(&mut cluster, from, to);
            assert_eq!(cluster.leading(), [to]);
        }
        assert_eq!(cluster.highest_term(), 5);
    }
}

// Without being asked, a follower hands nothing over.
#[test]
fn a_follower_cannot_hand_over() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    transfer(&mut cluster, 2, 3);
    assert_eq!((cluster.leading(), cluster.highest_term()), (vec![1], 1));
}

#[test]
fn without_a_name_the_freshest_of_the_living_takes_over() {
    let mut cluster = Cluster::new(5);
    cluster.campaign(1);
    for dead in [2, 4] {
        cluster.isolate(dead);
    }
    cluster.run(T);
    let (to, stopped) = (None, true);
    let _ = cluster.step(1, Event::TransferLeadership { to, stopped });
    cluster.deliver();
    assert!(matches!(cluster.leading()[..], [3] | [5]));
}

// The target's log is behind: it cannot win, and the cluster has a leader again soon, though in a later term.
#[test]
fn a_slow_target_does_not_win_and_the_cluster_recovers() {
    let node = |id| Node::new(id, 3).log_tail(log(1, if id == 3 { 1 } else { 2 }));
    let mut cluster = Cluster::of((1..=3).map(node).collect());
    cluster.campaign(1);
    transfer(&mut cluster, 1, 3);
    assert!(cluster.leading().is_empty());
    cluster.run(4 * T);
    assert!(matches!(cluster.leading()[..], [1] | [2]));
}

#[test]
fn a_transfer_to_a_dead_target_ends_after_t() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    cluster.run(HEARTBEAT);
    cluster.isolate(3);
    transfer(&mut cluster, 1, 3);
    assert_eq!(cluster.node(1).role(), RoleKind::Leader);
    assert!(cluster.lease_holders().is_empty());
    cluster.run(T);
    assert_eq!(cluster.node(1).role(), RoleKind::Follower);
    cluster.run(3 * T);
    assert_eq!(cluster.leading().len(), 1);
}

// Lost datagrams on the way cost milliseconds, not an election timeout.
#[test]
fn a_transfer_survives_lost_datagrams() {
    for lost in 0..8 {
        let mut cluster = Cluster::new(3);
        cluster.campaign(1);
        cluster.run(HEARTBEAT);
        let (to, stopped) = (Some(NodeId(2)), true);
        let _ = cluster.step(1, Event::TransferLeadership { to, stopped });
        for _ in 0..lost {
            let _ = cluster.deliver_one();
        }
        cluster.lose_all();
        cluster.run(3 * HEARTBEAT);
        assert_eq!(
            cluster.leading(),
            [2],
            "everything after {lost} deliveries lost once"
        );
        assert_eq!(cluster.highest_term(), 2);
    }
}

// TimeoutNow of a transfer that was given up long ago arrives at last.
#[test]
fn a_late_timeout_now_does_not_break_a_lease() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    cluster.run(HEARTBEAT);
    let (to, stopped) = (Some(NodeId(3)), true);
    let _ = cluster.step(1, Event::TransferLeadership { to, stopped });
    let late = cluster.under_way(1, 3);
    cluster.lose_all();
    cluster.isolate(3);
    cluster.run(5 * T);
    assert_eq!(cluster.lease_holders().len(), 1);
    for message in late {
        let from = NodeId(1);
        let _ = cluster.step(3, Event::Receive { from, message });
    }
    cluster.heal();
    cluster.run(5 * T);
    assert_eq!(cluster.lease_holders().len(), 1);
}

// A leader in the middle of a transfer crashes: the target may still win, and nobody else may in that term.
#[test]
fn a_leader_that_crashes_during_its_transfer_leaves_one_successor() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    cluster.run(HEARTBEAT);
    let (to, stopped) = (Some(NodeId(2)), true);
    let _ = cluster.step(1, Event::TransferLeadership { to, stopped });
    cluster.restart(1);
    cluster.deliver();
    assert_eq!(cluster.leading(), [2]);
    assert_eq!(cluster.node(1).role(), RoleKind::Follower);
    let _ = cluster.fire(2, Timer::Heartbeat);
    cluster.deliver();
    assert_eq!(cluster.node(1).known_leader(), Some(2));
}
