//! Three nodes in this process, over real UDP.

use std::fs;

use crate::common::{Cluster, PATIENCE, leader, led, others, status, wait_until};
use raft_driver_mio::raft_core::{LogIndex, LogPosition, NodeId, RoleKind, Term, TransferRefusal};
use raft_driver_mio::{NodeError, PeerAddress, TransferError, View, start};

fn three() -> Cluster {
    Cluster::bind(3, "127.0.0.1").expect("the loopback")
}

#[test]
fn one_leads_and_all_know_it() {
    let cluster = three();
    let nodes = cluster.start();
    wait_until("all follow one leader", || {
        let (leader, term) = leader(&nodes);
        nodes.iter().all(|node| {
            let view = node.view();
            view.term == term && view.leader == Some(leader.id())
        })
    });
    let leading = nodes
        .iter()
        .filter(|node| node.view().leadership.is_some())
        .count();
    assert_eq!(leading, 1);
}

#[test]
fn one_node_alone_leads() {
    let cluster = Cluster::bind(1, "127.0.0.1").expect("the loopback");
    let nodes = cluster.start();
    let (node, term) = leader(&nodes);
    assert_eq!(status(&node).term, term);
    assert!(status(&node).active);
}

#[test]
fn ipv6_and_host_names_lead_to_the_peers() {
    for (ip, host) in [("::1", "::1"), ("127.0.0.1", "localhost")] {
        let Some(cluster) = Cluster::bind(3, ip) else {
            // A machine without IPv6.
            continue;
        };
        let nodes: Vec<_> = cluster
            .members
            .iter()
            .map(|member| {
                let mut settings = member.settings(true);
                for (_, address) in &mut settings.peers {
                    if let (PeerAddress::Address(known), "localhost") = (&address, host) {
                        let port = known.port();
                        *address = PeerAddress::Name {
                            host: host.to_owned(),
                            port,
                        };
                    }
                }
                start(settings).expect("a node")
            })
            .collect();
        let _ = leader(&nodes);
    }
}

#[test]
fn a_dead_leader_is_replaced_in_a_higher_term_and_returns_as_a_follower() {
    let cluster = three();
    let nodes = cluster.start();
    let (first, term) = leader(&nodes);
    first.abort();
    first.join().expect("an end");
    assert_eq!(first.lease(), None);
    assert!(first.view().stopped && first.view().leadership.is_none());

    let rest = others(&nodes, &first);
    let (second, next) = leader(&rest);
    assert!(next > term, "{next} is not above {term}");

    let returned = cluster.member(first.id()).start(false);
    assert!(status(&returned).term >= term, "it forgot its term");
    let mut states = returned.subscribe();
    let follows = |view: &View| view.leader.is_some() && view.term > term;
    let view = states.wait_for(PATIENCE, follows).expect("a leader");
    assert_eq!(view.role, RoleKind::Follower);
    drop(second);
}

#[test]
fn a_shutdown_hands_the_leadership_over() {
    let cluster = three();
    let nodes = cluster.start();
    let (first, term) = leader(&nodes);
    let rest = others(&nodes, &first);
    first.shutdown();
    first.join().expect("an end in order");
    assert_eq!(first.lease(), None);
    let (second, next) = leader(&rest);
    // The very next term, won at the leader's request by one that need not wait: no timeout had to end.
    assert_eq!(next, term.next().expect("a term"));
    let leadership = second.view().leadership.expect("a leadership");
    assert!(leadership.predecessor_stopped && leadership.confirmed);
    // A follower has nothing to hand over.
    let follower = others(&rest, &second).remove(0);
    follower.shutdown();
    follower.join().expect("an end in order");
}

#[test]
fn a_transfer_goes_to_whom_it_names_and_only_a_leader_makes_one() {
    let cluster = three();
    let nodes = cluster.start();
    let (first, term) = leader(&nodes);
    let rest = others(&nodes, &first);
    let refused = TransferError::Refused(TransferRefusal::NotLeader);
    assert_eq!(rest[0].transfer(None), Err(refused));
    let refused = TransferError::Refused(TransferRefusal::UnknownTarget);
    assert_eq!(first.transfer(Some(NodeId(9))), Err(refused));
    assert_eq!(
        led(&first),
        Some(term),
        "a refused transfer changes nothing"
    );

    let target = &rest[1];
    assert_eq!(first.transfer(Some(target.id())), Ok(target.id()));
    assert_eq!(
        first.lease(),
        None,
        "the lease is given up before the target is asked"
    );
    assert!(first.view().leadership.is_none());
    let (second, next) = leader(&nodes);
    assert!(next > term);
    assert_eq!(second.id(), target.id());
    assert!(
        !second
            .view()
            .leadership
            .expect("a leadership")
            .predecessor_stopped
    );
    wait_until("the first leader follows", || {
        first.view().leader == Some(second.id())
    });
}

#[test]
fn a_leader_that_is_cut_off_finds_its_lease_over_before_another_has_one() {
    let cluster = three();
    let nodes = cluster.start();
    let (first, term) = leader(&nodes);
    let rest = others(&nodes, &first);
    first.isolate(true).expect("a running node");
    let sent = status(&first).datagrams_sent;
    let (second, next) = leader(&rest);
    assert_eq!(first.lease(), None, "two leases at once");
    assert!(next > term);
    let mut states = first.subscribe();
    let lost = states
        .wait_for(PATIENCE, |view| view.leadership.is_none())
        .expect("an end");
    assert_eq!(lost.lost.map(|(term, _)| term), Some(term));
    assert_eq!(status(&first).datagrams_sent, sent, "it still sends");
    first.isolate(false).expect("a running node");
    let follows = |view: &View| view.leader == Some(second.id());
    states
        .wait_for(PATIENCE, follows)
        .expect("the new leader is followed");
    assert!(status(&first).dropped["isolated"] > 0);
}

#[test]
fn a_paused_node_does_not_campaign() {
    let cluster = three();
    let nodes: Vec<_> = cluster
        .members
        .iter()
        .map(|member| {
            let node = member.start(true);
            if member.id != NodeId(2) {
                node.pause().expect("a running node");
            }
            node
        })
        .collect();
    let (first, _) = leader(&nodes);
    assert_eq!(first.id(), NodeId(2));
    assert!(status(&nodes[0]).paused && !status(&first).paused);
    nodes[0].resume().expect("a running node");
    assert!(!status(&nodes[0]).paused);
}

#[test]
fn a_subscription_ends_with_the_latest_state() {
    let cluster = three();
    let nodes = cluster.start();
    let (first, _) = leader(&nodes);
    let mut states = first.subscribe();
    let mut latest = states.wait_changed(PATIENCE).expect("a first state");
    assert_eq!(
        states.wait_changed(std::time::Duration::ZERO),
        None,
        "nothing changed"
    );
    first.shutdown();
    while !latest.stopped {
        let next = states.wait_changed(PATIENCE).expect("another state");
        assert!(next.seq > latest.seq);
        latest = next;
    }
    assert_eq!(latest, first.view());
    assert!(latest.leadership.is_none() && latest.lost.is_some());
    assert_eq!(
        states.wait_changed(PATIENCE),
        None,
        "there is nothing left to wait for"
    );
    assert!(first.status().is_err());
}

#[test]
fn a_node_whose_disk_fails_stops() {
    let cluster = three();
    let nodes = cluster.start();
    let (first, _) = leader(&nodes);
    // Whoever wants to vote or to campaign after the leader's death must write.
    let rest = others(&nodes, &first);
    for node in &rest {
        let dir = &cluster.member(node.id()).state_dir;
        fs::rename(dir, dir.with_extension("gone")).expect("a directory");
    }
    first.abort();
    wait_until("one of them has stopped", || {
        rest.iter().any(|node| node.view().stopped)
    });
    let stopped = rest.iter().find(|node| node.view().stopped).expect("one");
    let error = stopped.join().expect_err("a failure");
    assert!(matches!(*error, NodeError::Persist(_)), "{error}");
    assert!(rest.iter().all(|node| node.lease().is_none()));
}

#[test]
fn the_last_handle_that_is_dropped_stops_the_node() {
    let cluster = three();
    let member = &cluster.members[0];
    let node = member.start(true);
    let mut states = node.subscribe();
    drop(node);
    states
        .wait_for(PATIENCE, |view| view.stopped)
        .expect("an end");
    // Its lock is released.
    let _ = member.start(false);
}

#[test]
fn of_many_log_tails_the_latest_counts() {
    let cluster = three();
    let nodes = cluster.start();
    let (first, _) = leader(&nodes);
    let rest = others(&nodes, &first);
    let tail = |index| LogPosition {
        term: Term(1),
        index: LogIndex(index),
    };
    for index in 1..=10_000 {
        rest[1].log_tail_moved(tail(index)).expect("a running node");
    }
    rest[0].log_tail_moved(tail(9_999)).expect("a running node");
    first.abort();
    first.join().expect("an end");
    assert!(first.log_tail_moved(tail(1)).is_err());
    let (second, _) = leader(&rest);
    assert_eq!(second.id(), rest[1].id());
}
