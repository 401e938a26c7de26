//! What nodes tell each other for `raft status --all`: a question, and its answer. None of it reaches the core.

use std::time::Duration;

use raft_core::{NodeId, RoleKind, Term};
use serde::{Deserialize, Serialize};

use super::reason::DropReason;

/// What a question begins with, and an answer. No message of the core begins so.
const QUESTION: u8 = 0x80;
const ANSWER: u8 = 0x81;
/// The first byte from which on it is none of the core's.
const FIRST: u8 = 0x80;
/// The version of both, their second byte.
const VERSION: u8 = 1;
/// How long a question is, and an answer at the most: whoever asks gets no more than was sent.
const LEN: usize = 80;

/// What a node says of itself to its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerReport {
    /// Its role.
    pub role: RoleKind,
    /// Its term.
    pub term: Term,
    /// The leader of that term, as far as it is known.
    pub leader: Option<NodeId>,
    /// How long its lease lasts unless it is extended; `None` unless it may do a leader's work now
    /// ([`Handle::active`](crate::Handle::active)).
    pub lease: Option<Duration>,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether its host could do the work of a leader.
    pub fit: bool,
    /// Whether it never campaigns.
    pub witness: bool,
    /// How long it has been running.
    pub uptime: Duration,
    /// From how many voters it has heard lately, itself among them.
    pub voters_reachable: u8,
    /// The version of its program: major, minor, patch.
    pub version: [u16; 3],
}

/// What may be in the place of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Talk {
    Question,
    Answer(PeerReport),
}

pub(super) fn write(talk: &Talk, to: &mut Vec<u8>) {
    let mut buffer = [0; LEN];
    let [kind, version, rest @ ..] = &mut buffer;
    *version = VERSION;
    let length = match talk {
        Talk::Question => {
            *kind = QUESTION;
            LEN
        }
        Talk::Answer(report) => {
            *kind = ANSWER;
            // The longest is shorter: see the test.
            2 + postcard::to_slice(report, rest).map_or(0, |written| written.len())
        }
    };
    to.extend(buffer.iter().take(length));
}

/// Reads what is none of the core's messages; `None` if it may be one.
pub(super) fn read(bytes: &[u8]) -> Option<Result<Talk, DropReason>> {
    let [kind, rest @ ..] = bytes else {
        return None;
    };
    if *kind < FIRST {
        return None;
    }
    Some(match (*kind, rest) {
        (QUESTION, [VERSION, padding @ ..])
            if bytes.len() == LEN && padding.iter().all(|byte| *byte == 0) =>
        {
            Ok(Talk::Question)
        }
        (ANSWER, [VERSION, rest @ ..]) if bytes.len() <= LEN => {
            match postcard::take_from_bytes(rest) {
                Ok((report, [])) => Ok(Talk::Answer(report)),
                Ok(_) | Err(_) => Err(DropReason::Malformed),
            }
        }
        _ => Err(DropReason::Malformed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest() -> PeerReport {
        PeerReport {
            role: RoleKind::Leader,
            term: Term(u64::MAX),
            leader: Some(NodeId(u64::MAX)),
            lease: Some(Duration::MAX),
            paused: true,
            fit: true,
            witness: true,
            uptime: Duration::MAX,
            voters_reachable: u8::MAX,
            version: [u16::MAX; 3],
        }
    }

    fn bytes(talk: Talk) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&talk, &mut bytes);
        bytes
    }

    #[test]
    fn an_answer_is_never_longer_than_its_question() {
        let answer = bytes(Talk::Answer(longest()));
        assert!(
            answer.len() <= bytes(Talk::Question).len(),
            "{}",
            answer.len()
        );
        assert_eq!(read(&answer), Some(Ok(Talk::Answer(longest()))));
        assert_eq!(read(&bytes(Talk::Question)), Some(Ok(Talk::Question)));
    }

    /// The bytes are published: a change of them needs a new version.
    #[test]
    fn golden_bytes() {
        let report = PeerReport {
            role: RoleKind::Follower,
            term: Term(300),
            leader: Some(NodeId(2)),
            lease: None,
            paused: false,
            fit: true,
            witness: false,
            uptime: Duration::new(7, 8),
            voters_reachable: 3,
            version: [0, 1, 200],
        };
        let expected = [
            0x81, 1, 0, 0xac, 2, 1, 2, 0, 0, 1, 0, 7, 8, 3, 0, 1, 0xc8, 1,
        ];
        assert_eq!(bytes(Talk::Answer(report)), expected);
    }

    #[test]
    fn whatever_else_there_is_is_malformed_or_the_cores() {
        for kind in 0..FIRST {
            assert_eq!(read(&[kind, 1, 2]), None);
        }
        assert_eq!(read(&[]), None);
        let malformed = Some(Err(DropReason::Malformed));
        let (question, answer) = (bytes(Talk::Question), bytes(Talk::Answer(longest())));
        for whole in [&question, &answer] {
            assert_eq!(read(&whole[..whole.len() - 1]), malformed);
            assert_eq!(read(&[&whole[..], &[0]].concat()), malformed);
            let mut newer = whole.clone();
            newer[1] = 2;
            assert_eq!(read(&newer), malformed);
        }
        let mut padded = question;
        padded[9] = 1;
        assert_eq!(read(&padded), malformed);
        assert_eq!(read(&[0xff; LEN]), malformed);
    }
}
