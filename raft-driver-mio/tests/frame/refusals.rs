//! What is dropped, and by which name.

use quickcheck::quickcheck;
use raft_core::{Config, Message, NodeId, Options, RequestVoteResponse, Term};
use raft_driver_mio::{
    DropReason, Identity, MAX_DATAGRAM, MAX_TERM, Opened, TimingDigest, Transport,
};

use crate::nodes::{
    A, AnyMessage, B, CLUSTER, acquaint, identity, keyring, messages, pair, random, sealed,
    transport, unsealed,
};

fn vote(term: Term) -> Message {
    Message::RequestVoteResponse(RequestVoteResponse {
        term,
        vote_granted: true,
    })
}

/// What node B, with these keys, says to a datagram that `sender` sealed for it.
fn dropped(mut sender: Transport, mut receiver: Transport) -> DropReason {
    let datagram = sender.seal(B, Some(&vote(Term(1)))).to_vec();
    match receiver.open(&datagram) {
        Opened::Dropped(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sealed_and_unsealed_never_mix() {
    assert_eq!(dropped(unsealed(A, 1), sealed(B, 2)), DropReason::Unsealed);
    assert_eq!(dropped(sealed(A, 1), unsealed(B, 2)), DropReason::Sealed);

    // Nor after a change of keys.
    let (mut a, mut b) = pair(sealed);
    b.replace_keys(None);
    let datagram = a.seal(B, None).to_vec();
    assert_eq!(b.open(&datagram), Opened::Dropped(DropReason::Sealed));
}

#[test]
fn other_clusters_nodes_keys_and_timings_are_named() {
    let identity_of = |cluster: &str, id, timing: &Options| Identity {
        cluster: cluster.to_owned(),
        id,
        timing: TimingDigest::of(&Config::new(A, &[A, B, NodeId(3)], *timing).unwrap()),
    };
    for keys in [None, Some(keyring(&[(1, 7)]))] {
        let node = |identity| Transport::new(identity, &[A, B], keys.clone(), random(1));
        let receiver = || transport(B, 2, keys.clone());
        let default = Options::default();
        let other = Options {
            heartbeat_interval: default.heartbeat_interval / 2,
            ..default
        };
        assert_eq!(
            dropped(node(identity_of("other", A, &default)), receiver()),
            DropReason::OtherCluster
        );
        assert_eq!(
            dropped(node(identity_of(CLUSTER, NodeId(4), &default)), receiver()),
            DropReason::UnknownPeer
        );
        assert_eq!(
            dropped(node(identity_of(CLUSTER, A, &other)), receiver()),
            DropReason::OtherTiming
        );
        assert_eq!(
            dropped(node(identity(A)), transport(NodeId(3), 2, keys.clone())),
            DropReason::OtherNode
        );
    }
    let with = |id, keys: &[(u8, u8)]| transport(id, 1, Some(keyring(keys)));
    assert_eq!(
        dropped(with(A, &[(1, 7)]), with(B, &[(2, 7)])),
        DropReason::UnknownKey
    );
    assert_eq!(
        dropped(with(A, &[(1, 7)]), with(B, &[(1, 8)])),
        DropReason::Unauthentic
    );
}

/// Two clusters whose names have the same four-byte digest: the name itself is authenticated.
#[test]
fn the_name_of_the_cluster_is_authenticated_not_only_its_digest() {
    let (one, two) = ("plumless", "buckeroo");
    assert_eq!(
        crc32fast::hash(one.as_bytes()),
        crc32fast::hash(two.as_bytes())
    );
    let node = |cluster: &str, id| {
        let identity = Identity {
            cluster: cluster.to_owned(),
            ..identity(id)
        };
        Transport::new(identity, &[A, B], Some(keyring(&[(1, 7)])), random(1))
    };
    assert_eq!(dropped(node(one, A), node(two, B)), DropReason::Unauthentic);
}

#[test]
fn a_datagram_sent_back_to_its_sender_is_dropped() {
    for make in [sealed, unsealed] {
        let (mut a, mut b) = pair(make);
        let datagram = a.seal(B, Some(&vote(Term(1)))).to_vec();
        assert_eq!(a.open(&datagram), Opened::Dropped(DropReason::OtherNode));
        assert!(matches!(b.open(&datagram), Opened::Message { .. }));
    }
}

#[test]
fn a_term_that_cannot_be_is_dropped_and_the_highest_that_can_is_not() {
    let (mut a, mut b) = pair(sealed);
    let datagram = a.seal(B, Some(&vote(Term(MAX_TERM.0 - 1)))).to_vec();
    assert!(matches!(b.open(&datagram), Opened::Message { .. }));
    for (_, message) in messages(MAX_TERM.0, 0, 0) {
        let datagram = a.seal(B, Some(&message)).to_vec();
        assert_eq!(
            b.open(&datagram),
            Opened::Dropped(DropReason::ImplausibleTerm)
        );
    }
}

#[test]
fn a_frame_of_another_version_is_dropped() {
    let (mut a, mut b) = pair(sealed);
    let mut datagram = a.seal(B, None).to_vec();
    for first in 0..=u8::MAX {
        datagram[0] = first;
        let expected = match first {
            0x11 => continue,
            0x10 => DropReason::Unsealed,
            _ => DropReason::Version,
        };
        assert_eq!(b.open(&datagram), Opened::Dropped(expected), "{first:#x}");
    }
}

#[test]
fn a_datagram_of_any_other_length_is_dropped() {
    for make in [sealed, unsealed] {
        let (mut a, mut b) = pair(make);
        let datagram = a.seal(B, Some(&vote(Term(1)))).to_vec();
        for length in 0..datagram.len() {
            assert!(
                matches!(b.open(&datagram[..length]), Opened::Dropped(_)),
                "{length}"
            );
        }
        for extra in [1, 16, MAX_DATAGRAM - datagram.len(), MAX_DATAGRAM] {
            let longer = [&datagram[..], &vec![0; extra]].concat();
            assert!(matches!(b.open(&longer), Opened::Dropped(_)), "{extra}");
        }
        assert!(matches!(b.open(&datagram), Opened::Message { .. }));
    }
}

/// The length is looked at before anything is decrypted.
#[test]
fn a_datagram_of_more_than_1200_bytes_is_not_looked_into() {
    let (mut a, mut b) = pair(sealed);
    let mut datagram = a.seal(B, Some(&vote(Term(1)))).to_vec();
    datagram.resize(MAX_DATAGRAM, 0);
    assert_eq!(b.open(&datagram), Opened::Dropped(DropReason::Unauthentic));
    datagram.push(0);
    assert_eq!(b.open(&datagram), Opened::Dropped(DropReason::Malformed));
}

/// An unsealed frame from A to B around any bytes, with the checksum that belongs to them.
fn unsealed_frame_around(inner: &[u8]) -> Vec<u8> {
    let empty = unsealed(A, 1).seal(B, None).to_vec();
    let header = &empty[..8];
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(CLUSTER.len() as u64).to_le_bytes());
    hasher.update(CLUSTER.as_bytes());
    hasher.update(header);
    hasher.update(inner);
    [header, inner, &hasher.finalize().to_le_bytes()].concat()
}

/// The bytes between the header and the checksum of an unsealed frame.
fn inner(datagram: &[u8]) -> Vec<u8> {
    datagram[8..datagram.len() - 4].to_vec()
}

#[test]
fn bytes_after_the_message_are_refused_though_the_checksum_holds() {
    let (mut a, mut b) = pair(unsealed);
    let whole = inner(a.seal(B, Some(&vote(Term(1)))));
    let mut longer = whole.clone();
    longer.push(0);
    assert_eq!(
        b.open(&unsealed_frame_around(&longer)),
        Opened::Dropped(DropReason::Malformed)
    );
    assert!(matches!(
        b.open(&unsealed_frame_around(&whole)),
        Opened::Message { .. }
    ));
}

quickcheck! {
    /// No bit of a datagram is without meaning.
    fn a_datagram_with_one_bit_flipped_is_dropped(message: AnyMessage, with_key: bool) -> bool {
        let (mut a, mut b) = pair(if with_key { sealed } else { unsealed });
        let datagram = a.seal(B, Some(&message.0)).to_vec();
        (0..datagram.len() * 8).all(|bit| {
            let mut flipped = datagram.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            matches!(b.open(&flipped), Opened::Dropped(_))
        })
    }

    fn any_bytes_are_dropped(bytes: Vec<u8>, with_key: bool) -> bool {
        let (mut a, mut b) = pair(if with_key { sealed } else { unsealed });
        // As they are, and behind a header that passes for one of ours.
        let header = a.seal(B, None).split_at(8).0.to_vec();
        matches!(b.open(&bytes), Opened::Dropped(_))
            && matches!(b.open(&[&header[..], &bytes].concat()), Opened::Dropped(_))
    }

    /// Behind the checksum, which anybody can compute, any bytes may come: they are judged,
    /// and the node goes on.
    fn any_bytes_behind_a_valid_checksum_do_no_harm(bytes: Vec<u8>, keep: u8, tail: Vec<u8>) -> bool {
        let (mut a, mut b) = pair(unsealed);
        let mut spliced = inner(a.seal(B, None));
        spliced.truncate(usize::from(keep) % (spliced.len() + 1));
        spliced.extend(tail);
        b.open(&unsealed_frame_around(&bytes));
        b.open(&unsealed_frame_around(&spliced));
        acquaint(&mut a, &mut b);
        let datagram = a.seal(B, Some(&vote(Term(1)))).to_vec();
        matches!(b.open(&datagram), Opened::Message { .. })
    }
}
