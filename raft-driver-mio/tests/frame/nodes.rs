//! Nodes, keys and messages to test with.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use quickcheck::{Arbitrary, Gen};
use raft_core::{
    AppendEntries, AppendEntriesResponse, Config, LogIndex, LogPosition, Message, NodeId, Options,
    RequestPreVote, RequestPreVoteResponse, RequestVote, RequestVoteResponse, Round, Term,
    TimeoutNow,
};
use raft_driver_mio::{Identity, Keyring, MAX_TERM, Opened, TimingDigest, Transport};

pub(crate) const CLUSTER: &str = "test";
pub(crate) const A: NodeId = NodeId(1);
pub(crate) const B: NodeId = NodeId(2);

/// The keyring of a key file with these lines, each an id and a byte that the key repeats.
pub(crate) fn keyring(keys: &[(u8, u8)]) -> Keyring {
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o600))
        .tempfile()
        .unwrap();
    for (id, byte) in keys {
        writeln!(file, "{id}:{}", format!("{byte:02x}").repeat(32)).unwrap();
    }
    Keyring::read(file.path()).unwrap()
}

pub(crate) fn identity(id: NodeId) -> Identity {
    let config = Config::new(A, &[A, B, NodeId(3)], Options::default()).unwrap();
    Identity {
        cluster: CLUSTER.to_owned(),
        id,
        timing: TimingDigest::of(&config),
    }
}

/// Bytes that differ from draw to draw, the same for the same seed (SplitMix64).
pub(crate) fn random(mut seed: u64) -> impl FnMut(&mut [u8]) + Send + 'static {
    move |buffer| {
        for byte in buffer {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = seed;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (z >> 56) as u8;
        }
    }
}

/// Node `id`, one of 1 to 3, in the run that `seed` names, with a key.
pub(crate) fn sealed(id: NodeId, seed: u64) -> Transport {
    transport(id, seed, Some(keyring(&[(1, 7)])))
}

/// The same without a key.
pub(crate) fn unsealed(id: NodeId, seed: u64) -> Transport {
    transport(id, seed, None)
}

pub(crate) fn transport(id: NodeId, seed: u64, keys: Option<Keyring>) -> Transport {
    let peers: Vec<NodeId> = (1..=3).map(NodeId).filter(|peer| *peer != id).collect();
    Transport::new(identity(id), &peers, keys, random(seed))
}

/// Exchanges empty frames until A and B know each other's challenge.
pub(crate) fn acquaint(a: &mut Transport, b: &mut Transport) {
    for _ in 0..2 {
        greet(a, b, B);
        greet(b, a, A);
    }
}

/// Delivers an empty frame from `from` to `to`, and the answers that follow.
pub(crate) fn greet(from: &mut Transport, to: &mut Transport, id: NodeId) {
    let hello = from.seal(id, None).to_vec();
    let Opened::Stale { answer, .. } = to.open(&hello) else {
        return;
    };
    let answer = answer.to_vec();
    assert!(answer.len() <= hello.len());
    assert!(matches!(from.open(&answer), Opened::Empty { .. }));
}

/// Two nodes that know each other's challenge.
pub(crate) fn pair(make: impl Fn(NodeId, u64) -> Transport) -> (Transport, Transport) {
    let (mut a, mut b) = (make(A, 1), make(B, 2));
    acquaint(&mut a, &mut b);
    (a, b)
}

/// A message of each kind. `term`, `index` and `round` are as large as a cluster of that age has
/// them.
pub(crate) fn messages(term: u64, index: u64, round: u64) -> [(&'static str, Message); 7] {
    let (term, nonce) = (Term(term), u64::MAX);
    let last_log = LogPosition {
        term,
        index: LogIndex(index),
    };
    [
        (
            "RequestVote",
            Message::RequestVote(RequestVote {
                term,
                last_log,
                leadership_transfer: true,
            }),
        ),
        (
            "RequestVoteResponse",
            Message::RequestVoteResponse(RequestVoteResponse {
                term,
                vote_granted: true,
            }),
        ),
        (
            "AppendEntries",
            Message::AppendEntries(AppendEntries {
                term,
                prev_log: last_log,
                leader_commit: last_log.index,
                round: Round(round),
                lease: Duration::from_millis(400),
            }),
        ),
        (
            "AppendEntriesResponse",
            Message::AppendEntriesResponse(AppendEntriesResponse {
                term,
                success: true,
                round: Round(round),
                can_campaign: true,
            }),
        ),
        (
            "RequestPreVote",
            Message::RequestPreVote(RequestPreVote {
                prospective_term: term,
                last_log,
                nonce,
            }),
        ),
        (
            "RequestPreVoteResponse",
            Message::RequestPreVoteResponse(RequestPreVoteResponse {
                term,
                nonce,
                vote_granted: true,
            }),
        ),
        (
            "TimeoutNow",
            Message::TimeoutNow(TimeoutNow {
                term,
                stopped: true,
            }),
        ),
    ]
}

/// A message of any kind with any numbers; its term is below [`MAX_TERM`].
#[derive(Clone, Debug)]
pub(crate) struct AnyMessage(pub(crate) Message);

impl Arbitrary for AnyMessage {
    fn arbitrary(g: &mut Gen) -> Self {
        let term = u64::arbitrary(g) % MAX_TERM.0;
        let all = messages(term, u64::arbitrary(g), u64::arbitrary(g));
        AnyMessage(all[usize::arbitrary(g) % all.len()].1)
    }
}
