//! The bytes of frames.

use std::time::Duration;

use quickcheck::quickcheck;
use raft_core::{Config, Message, NodeId, Options, Protocol, Term, TimeoutNow};
use raft_driver_mio::{Keyring, MAX_DATAGRAM, Opened, TimingDigest, Transport};

use crate::nodes::{A, AnyMessage, B, identity, keyring, messages, pair, sealed, unsealed};

const HEARTBEAT: usize = 2;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A node whose random bytes count up from 1: boot id 01020304, challenge to node 2
/// 05060708090a0b0c, to node 3 0d…14, then nonces from 15.
fn counting(keys: Option<Keyring>) -> Transport {
    let mut next = 0u8;
    Transport::new(identity(A), &[B, NodeId(3)], keys, move |buffer| {
        for byte in buffer {
            next = next.wrapping_add(1);
            *byte = next;
        }
    })
}

/// The format is published: a change of these bytes needs a new version. They were computed by
/// another program as well.
#[test]
fn golden_bytes() {
    let heartbeat = messages(7, 9, 300)[HEARTBEAT].1;
    let two_keys = || Some(keyring(&[(5, 0xaa), (6, 0xbb)]));
    assert_eq!(
        hex(counting(None).seal(B, None)),
        "10000c7e7fd8010201020304f15601b305060708090a0b0c00000000000000008ec715e5"
    );
    assert_eq!(
        hex(counting(None).seal(B, Some(&heartbeat))),
        "10000c7e7fd8010201020304f15601b305060708090a0b0c0000000000000000\
         0207070909ac02008088debe01e642c76b"
    );
    assert_eq!(
        hex(counting(two_keys()).seal(B, Some(&heartbeat))),
        "11050c7e7fd8010215161718191a1b1c1d1e1f202122232425262728292a2b2c\
         fa88f13009a19c9df7d032e8c40b264f90e5fb9f399b110116cdf96ff091c237\
         c03a8ebac01e64b8fd63b81d6276370846a30df877"
    );
}

#[test]
fn golden_timing_digests() {
    let digest = |voters: &[NodeId], options: Options| {
        let config = Config::new(A, voters, options).unwrap();
        format!("{:?}", TimingDigest::of(&config))
    };
    let three = [A, B, NodeId(3)];
    assert_eq!(
        digest(&three, Options::default()),
        "TimingDigest([241, 86, 1, 179])"
    );
    let plain = Options {
        protocol: Protocol::Plain,
        ..Options::default()
    };
    assert_eq!(digest(&three, plain), "TimingDigest([248, 138, 6, 8])");
}

#[test]
fn the_timing_digest_tells_all_that_must_agree_and_nothing_else() {
    let three = [A, B, NodeId(3)];
    let digest = |id, voters: &[NodeId], options: Options| {
        TimingDigest::of(&Config::new(id, voters, options).unwrap())
    };
    let default = Options::default();
    let ours = digest(A, &three, default);
    let witness = Options {
        witness: true,
        ..default
    };
    assert_eq!(digest(B, &[NodeId(3), B, A], witness), ours);

    let others = [
        digest(A, &[A, B], default),
        digest(A, &[A, B, NodeId(4)], default),
        digest(
            A,
            &three,
            Options {
                heartbeat_interval: Duration::from_millis(51),
                ..default
            },
        ),
        digest(
            A,
            &three,
            Options {
                election_timeout: Duration::from_millis(501),
                lease: Some(Duration::from_millis(400)),
                ..default
            },
        ),
        digest(
            A,
            &three,
            Options {
                lease: Some(Duration::from_millis(401)),
                ..default
            },
        ),
        digest(
            A,
            &three,
            Options {
                protocol: Protocol::Plain,
                ..default
            },
        ),
    ];
    for (index, other) in others.iter().enumerate() {
        assert_ne!(*other, ours, "{index}");
    }
}

/// The table of sizes in the crate's documentation.
#[test]
fn sizes_of_datagrams() {
    let sizes = |term, index, round| {
        let (mut sealed, mut unsealed) = (sealed(A, 1), unsealed(A, 1));
        let mut sizes = vec![(
            "empty",
            sealed.seal(B, None).len(),
            unsealed.seal(B, None).len(),
        )];
        for (name, message) in messages(term, index, round) {
            sizes.push((
                name,
                sealed.seal(B, Some(&message)).len(),
                unsealed.seal(B, Some(&message)).len(),
            ));
        }
        sizes
    };
    // A young cluster without a log.
    assert_eq!(
        sizes(7, 0, 1000),
        [
            ("empty", 72, 36),
            ("RequestVote", 77, 41),
            ("RequestVoteResponse", 75, 39),
            ("AppendEntries", 85, 49),
            ("AppendEntriesResponse", 78, 42),
            ("RequestPreVote", 86, 50),
            ("RequestPreVoteResponse", 85, 49),
            ("TimeoutNow", 75, 39),
        ]
    );
    // Two years of heartbeats every 50 ms, ten thousand elections, a thousand million entries.
    let old = sizes(10_000, 1_000_000_000, 1_261_440_000);
    assert_eq!(
        old,
        [
            ("empty", 72, 36),
            ("RequestVote", 83, 47),
            ("RequestVoteResponse", 76, 40),
            ("AppendEntries", 98, 62),
            ("AppendEntriesResponse", 82, 46),
            ("RequestPreVote", 92, 56),
            ("RequestPreVoteResponse", 86, 50),
            ("TimeoutNow", 76, 40),
        ]
    );
    for (name, size, _) in old {
        assert!(size < 100, "{name}: {size}");
    }
}

#[test]
fn the_longest_datagram_fits() {
    let mut a = Transport::new(
        identity(NodeId(u64::MAX)),
        &[NodeId(u64::MAX - 1)],
        Some(keyring(&[(255, 1)])),
        |buffer| buffer.fill(0xff),
    );
    for (_, message) in messages(u64::MAX, u64::MAX, u64::MAX) {
        let datagram = a.seal(NodeId(u64::MAX - 1), Some(&message));
        assert!((1..=MAX_DATAGRAM).contains(&datagram.len()));
    }
}

#[test]
fn the_second_key_opens_what_the_first_key_of_another_sealed() {
    let (mut a, mut b) = pair(|id, seed| {
        let keys = if id == A {
            [(1, 7), (2, 8)]
        } else {
            [(2, 8), (1, 7)]
        };
        crate::nodes::transport(id, seed, Some(keyring(&keys)))
    });
    let message = Message::TimeoutNow(TimeoutNow {
        term: Term(1),
        stopped: false,
    });
    let datagram = a.seal(B, Some(&message)).to_vec();
    assert_eq!(b.open(&datagram), Opened::Message { from: A, message });
    // The rotation's last step: the old key goes.
    a.replace_keys(Some(keyring(&[(2, 8)])));
    let datagram = a.seal(B, Some(&message)).to_vec();
    assert_eq!(b.open(&datagram), Opened::Message { from: A, message });
}

/// What an unsealed frame shows is not in a sealed one, and no two frames of one message are alike.
#[test]
fn a_sealed_frame_hides_what_it_says() {
    for (name, message) in messages(7_000_000_000, 9_000_000_000, 300) {
        let (mut plain, _) = pair(unsealed);
        let (mut secret, _) = pair(sealed);
        let mut bytes = [0; raft_core::wire::MAX_LEN];
        let said = raft_core::wire::encode(&message, &mut bytes);
        let shows = |datagram: &[u8]| datagram.windows(said.len()).any(|bytes| bytes == said);
        assert!(shows(plain.seal(B, Some(&message))), "{name}");
        let first = secret.seal(B, Some(&message)).to_vec();
        let second = secret.seal(B, Some(&message)).to_vec();
        assert!(!shows(&first) && !shows(&second), "{name}");
        // The header, and then nothing in common for longer than chance has it.
        let alike = first.iter().zip(&second).skip(8).filter(|(a, b)| a == b);
        assert!(alike.count() < 8, "{name}");
    }
}

quickcheck! {
    fn what_was_sealed_opens(messages: Vec<AnyMessage>, with_key: bool) -> bool {
        let (mut a, mut b) = pair(if with_key { sealed } else { unsealed });
        messages.iter().all(|AnyMessage(message)| {
            let datagram = a.seal(B, Some(message)).to_vec();
            b.open(&datagram) == Opened::Message { from: A, message: *message }
        })
    }
}
