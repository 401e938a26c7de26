//! What strangers, and recordings, do to a node: nothing, and it is counted.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Cluster, PATIENCE, status};
use crate::duel::{deliver, heartbeat};
use crate::impostor::Impostor;
use raft_driver_mio::raft_core::{NodeId, RoleKind, Term};
use raft_driver_mio::{Handle, MAX_DATAGRAM, Status};

/// A sequence of numbers that look random.
fn numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }
}

fn garbage(count: usize) -> Vec<Vec<u8>> {
    let mut next = numbers(1);
    let mut datagram = |_| {
        let length = usize::try_from(next() % (2 * MAX_DATAGRAM as u64)).expect("small");
        (0..length).map(|_| next() as u8).collect()
    };
    (0..count).map(&mut datagram).collect()
}

fn dropped(status: &Status) -> u64 {
    status.dropped.values().sum()
}

/// Two of three voters are played by the test, which holds their sockets: the node never gets a vote.
fn alone() -> (Cluster, Handle) {
    let cluster = Cluster::bind(3, "127.0.0.1").expect("the loopback");
    let node = cluster.members[0].start(true);
    (cluster, node)
}

fn assert_untouched(status: &Status) {
    assert_eq!(
        (status.term, status.voted_for, status.leader),
        (Term(0), None, None)
    );
    assert!(matches!(
        status.role,
        RoleKind::Follower | RoleKind::PreCandidate
    ));
    assert!(
        status
            .peers
            .iter()
            .all(|peer| peer.last_received_seconds.is_none())
    );
}

#[test]
fn random_bytes_change_nothing_and_are_counted() {
    let (_cluster, node) = alone();
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("the loopback");
    let datagrams = garbage(5_000);
    deliver(&node, &stranger, &datagrams);
    let status = status(&node);
    assert_untouched(&status);
    assert_eq!(status.datagrams_received, 5_000);
    assert_eq!(dropped(&status), 5_000, "{:?}", status.dropped);
}

#[test]
fn damaged_and_reflected_frames_change_nothing_and_are_counted() {
    let (cluster, node) = alone();
    // What the node sends to a peer, sent back to it as it is and with each bit of it turned around.
    let peer = &cluster.members[1].socket;
    peer.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut buffer = [0; MAX_DATAGRAM];
    let length = peer.recv(&mut buffer).expect("a datagram of the node");
    let mut datagrams = vec![buffer[..length].to_vec()];
    for bit in 0..length * 8 {
        let mut damaged = datagrams[0].clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        datagrams.push(damaged);
    }
    deliver(&node, peer, &datagrams);
    let status = status(&node);
    assert_untouched(&status);
    assert_eq!(
        dropped(&status),
        datagrams.len() as u64,
        "{:?}",
        status.dropped
    );
}

#[test]
fn timers_run_and_the_control_answers_during_a_flood() {
    let (cluster, node) = alone();
    // Damaged in its last byte, so that it is as much work as a good one.
    let mut forged = impostor(&cluster, NodeId(2)).seal(node.id(), None);
    if let Some(last) = forged.last_mut() {
        *last ^= 1;
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // More than the node can open: there is always another datagram.
        for _ in 0..8 {
            scope.spawn(|| {
                let stranger = UdpSocket::bind("127.0.0.1:0").expect("the loopback");
                while !done.load(Ordering::Relaxed) {
                    // The node's socket may be full.
                    let _ = stranger.send_to(&forged, node.local_address());
                }
            });
        }
        let mut states = node.subscribe();
        let campaigns = states.wait_for(PATIENCE, |view| view.role == RoleKind::PreCandidate);
        let answers = node.status();
        done.store(true, Ordering::Relaxed);
        campaigns.expect("its election timeout never ended");
        let status = answers.expect("a status");
        assert_untouched(&status);
        assert!(status.dropped["unauthentic"] > 0, "{:?}", status.dropped);
    });
}

/// Plays a peer of the node.
fn impostor(cluster: &Cluster, id: NodeId) -> Impostor {
    let settings = cluster.members[0].settings(false);
    let keys = settings.keys.expect("a key");
    Impostor::new("test", id, &settings.options, keys)
}

#[test]
fn recorded_heartbeats_are_nothing_to_a_node_that_was_restarted() {
    let (cluster, node) = alone();
    let me = &cluster.members[0];
    let socket = &cluster.members[1].socket;
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut peer = impostor(&cluster, NodeId(2));
    // The peer answers whatever the node sends, until a heartbeat of its was followed.
    let mut buffer = [0; MAX_DATAGRAM];
    let mut recording = Vec::new();
    while status(&node).leader != Some(NodeId(2)) {
        let length = socket.recv(&mut buffer).expect("a datagram of the node");
        if let (_, Some(answer)) = peer.open(&buffer[..length]) {
            socket.send_to(&answer, node.local_address()).expect("sent");
        }
        recording = peer.seal(me.id, Some(&heartbeat(Term(7), recording.len() as u64 + 1)));
        socket
            .send_to(&recording, node.local_address())
            .expect("sent");
    }
    assert_eq!(status(&node).term, Term(7));
    node.abort();
    node.join().expect("an end");

    let node = me.start(false);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("the loopback");
    let replayed = vec![recording; 1_000];
    deliver(&node, &stranger, &replayed);
    let status = status(&node);
    assert_eq!((status.term, status.leader), (Term(7), None));
    assert_eq!(
        status.dropped["stale_elsewhere"], 1_000,
        "{:?}",
        status.dropped
    );
    // The answers, ten a second at the most, go to the configured address and never to the stranger.
    stranger.set_nonblocking(true).expect("a mode");
    assert!(
        stranger.recv(&mut buffer).is_err(),
        "a stranger was answered"
    );
    assert!(
        status.datagrams_sent < 500,
        "{} were sent",
        status.datagrams_sent
    );
}
