//! Datagrams that nobody with the key sent to this node: dropped, each under its name, and the node goes on.

use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;

use raft_driver_mio::raft_core::{NodeId, Term};
use raft_driver_mio::{Keyring, MAX_DATAGRAM, Opened};

use crate::common::status;
use crate::duel::{Duel, IDLE, decided, deliver, dropped, each_kind, heartbeat};

/// A key of two digits that it repeats.
fn keys(lines: &[(u8, &str)]) -> Keyring {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("key");
    let line = |(id, digits): &(u8, &str)| format!("{id}:{}\n", digits.repeat(32));
    fs::write(&file, lines.iter().map(line).collect::<String>()).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    Keyring::read(&file).expect("keys")
}

/// A node that hears its peer, and a heartbeat that it would follow.
fn duel() -> (Duel, Vec<u8>) {
    let mut duel = Duel::new(IDLE);
    duel.greet();
    let genuine = duel.peer.seal(NodeId(1), Some(&heartbeat(Term(7), 1)));
    (duel, genuine)
}

/// Delivers `datagrams`, which change nothing, and then the genuine one, which does. Returns what was counted.
fn count(duel: &mut Duel, datagrams: &[Vec<u8>], genuine: Vec<u8>) -> BTreeMap<String, u64> {
    let (before, answers) = (decided(&duel.node), status(&duel.node).datagrams_sent);
    let mut counted = status(&duel.node).dropped;
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("the loopback");
    deliver(&duel.node, &stranger, datagrams);
    assert_eq!(decided(&duel.node), before);
    let after = status(&duel.node);
    assert_eq!(after.datagrams_sent, answers, "something was answered");
    deliver(&duel.node, &duel.socket, &[genuine]);
    assert_eq!(status(&duel.node).leader, Some(NodeId(2)));
    duel.assert_alive();
    for (reason, count) in after.dropped {
        let before = counted.insert(reason.clone(), count).unwrap_or(0);
        counted.insert(reason, count - before);
    }
    counted.retain(|_, count| *count > 0);
    counted
}

fn counts<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.map(|(reason, n)| (reason.to_owned(), n)).into()
}

#[test]
fn each_kind_forged_without_the_key_is_dropped() {
    let (mut duel, genuine) = duel();
    let mut forger = duel.peer_with("test", Some(keys(&[(1, "5a")])));
    let forged: Vec<_> = each_kind(Term(7))
        .iter()
        .map(|message| forger.seal(NodeId(1), Some(message)))
        .collect();
    let n = forged.len() as u64;
    assert_eq!(
        count(&mut duel, &forged, genuine),
        counts([("unauthentic", n)])
    );
}

#[test]
fn a_heartbeat_with_any_bit_flipped_is_dropped() {
    let (mut duel, genuine) = duel();
    let flipped: Vec<_> = (0..genuine.len() * 8)
        .map(|bit| {
            let mut flipped = genuine.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        })
        .collect();
    let counted = count(&mut duel, &flipped, genuine.clone());
    assert_eq!(counted.values().sum::<u64>(), flipped.len() as u64);
    // Behind the header every bit is covered by the tag.
    let header = 1 + 1 + 4 + 1 + 1;
    assert!(counted["unauthentic"] >= 8 * (genuine.len() - header) as u64);
}

#[test]
fn a_heartbeat_of_any_other_length_is_dropped() {
    let (mut duel, genuine) = duel();
    // An empty datagram is one, too.
    let mut others: Vec<_> = (0..genuine.len())
        .map(|length| genuine[..length].to_vec())
        .collect();
    for longer in [1, 16, MAX_DATAGRAM - genuine.len()] {
        others.push([&genuine[..], &vec![0; longer]].concat());
    }
    let counted = count(&mut duel, &others, genuine);
    assert_eq!(counted.values().sum::<u64>(), others.len() as u64);
    let known = ["malformed", "unauthentic"];
    assert!(
        counted.keys().all(|reason| known.contains(&&**reason)),
        "{counted:?}"
    );
}

#[test]
fn oversized_datagrams_are_dropped() {
    let (mut duel, genuine) = duel();
    let oversized = [MAX_DATAGRAM + 1, 9_000, 60_000].map(|length| {
        let mut oversized = genuine.clone();
        oversized.resize(length, 0);
        oversized
    });
    assert_eq!(
        count(&mut duel, &oversized, genuine),
        counts([("malformed", 3)])
    );
}

#[test]
fn what_is_not_meant_for_this_node_is_dropped_by_name() {
    let (mut duel, genuine) = duel();
    let message = heartbeat(Term(7), 1);
    let altered = |at: usize, value: u8| {
        let mut altered = genuine.clone();
        altered[at] = value;
        altered
    };
    let mut stranger = duel.peer_with("other", None);
    let datagrams = [
        // Version 2, and an unknown suite of version 1.
        altered(0, 0x21),
        altered(0, 0x12),
        altered(0, 0x10),
        altered(1, 9),
        stranger.seal(NodeId(1), Some(&message)),
        duel.peer.seal(NodeId(3), Some(&message)),
        // From a node that there is not.
        altered(6, 77),
    ];
    assert_eq!(
        count(&mut duel, &datagrams, genuine),
        counts([
            ("version", 2),
            ("unsealed", 1),
            ("unknown_key", 1),
            ("other_cluster", 1),
            ("other_node", 1),
            ("unknown_peer", 1),
        ])
    );
}

#[test]
fn what_a_removed_key_sealed_is_dropped() {
    let (mut duel, _) = duel();
    let (old, new) = (keys(&[(4, "44")]), keys(&[(5, "55")]));
    for keys in [old.clone(), keys(&[(5, "55"), (4, "44")])] {
        duel.node.replace_keys(keys).expect("a running node");
        duel.peer.0.replace_keys(Some(old.clone()));
        duel.assert_alive();
    }
    duel.node.replace_keys(new.clone()).expect("a running node");
    let removed: Vec<_> = each_kind(Term(70))
        .iter()
        .map(|message| duel.peer.seal(NodeId(1), Some(message)))
        .collect();
    duel.peer.0.replace_keys(Some(new));
    let genuine = duel.peer.seal(NodeId(1), Some(&heartbeat(Term(100), 1)));
    let n = removed.len() as u64;
    assert_eq!(
        count(&mut duel, &removed, genuine),
        counts([("unknown_key", n)])
    );
}

#[test]
fn what_the_node_sends_is_nothing_to_itself() {
    let (mut duel, genuine) = duel();
    duel.drain();
    // It answers, and as a candidate it asks.
    for message in each_kind(Term(3)) {
        duel.say(Some(&message));
    }
    let mut reflected = Vec::new();
    let mut kinds = std::collections::BTreeSet::new();
    while kinds.len() < 3 {
        let mut buffer = [0; MAX_DATAGRAM];
        let length = duel.socket.recv(&mut buffer).expect("a datagram");
        reflected.push(buffer[..length].to_vec());
        if let Opened::Message { message, .. } = duel.peer.0.open(&buffer[..length]) {
            kinds.insert(format!("{:?}", message.kind()));
        }
    }
    let (before, counted) = (status(&duel.node), dropped(&duel.node, "other_node"));
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("the loopback");
    deliver(&duel.node, &stranger, &reflected);
    let after = status(&duel.node);
    assert_eq!(
        (after.term, after.role, after.voted_for),
        (before.term, before.role, before.voted_for)
    );
    assert_eq!(
        dropped(&duel.node, "other_node"),
        counted + reflected.len() as u64
    );
    drop(genuine);
    duel.assert_alive();
}
