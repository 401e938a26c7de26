//! Datagrams: two ends of a link, with everything in between that can happen to what they send.
//!
//! Nothing makes an end panic. What is opened is what the other end sealed, and no longer ago than one renewal of the
//! receiver's challenge; a frame that was changed is dropped, with a key and without. Without a key the input also forges frames,
//! checksum included, so that what lies behind the checksum is read too.

use core::time::Duration;
use std::os::unix::fs::PermissionsExt;
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use raft_core::{
    AppendEntries, AppendEntriesResponse, Config, LogIndex, LogPosition, Message, NodeId, Options,
    RequestPreVote, RequestPreVoteResponse, RequestVote, RequestVoteResponse, RoleKind, Round,
    Term, TimeoutNow, wire,
};
use raft_driver_mio::{
    Identity, Keyring, MAX_DATAGRAM, MAX_TERM, Opened, PeerReport, TimingDigest, Transport,
};
use rand_core::Rng;

use crate::random::SplitMix;

const CLUSTER: &str = "fuzz";
const NODES: [NodeId; 2] = [NodeId(1), NodeId(300)];
/// The operations of an input that count.
const MOST: usize = 300;

/// A run: whether there is a key, and what happens.
#[derive(Debug, Arbitrary)]
pub struct Run<'a> {
    sealed: bool,
    seed: u64,
    operations: Vec<Operation<'a>>,
}

#[derive(Debug, Arbitrary)]
enum Operation<'a> {
    /// One end sends a message, or an empty frame.
    Send {
        end: bool,
        message: Option<Sent>,
    },
    /// A frame of the past arrives, counted from the latest.
    Arrive(u8),
    /// A frame of the past arrives with some bits changed.
    Changed {
        age: u8,
        place: u16,
        bits: u8,
    },
    /// A frame of the past arrives, cut off or with something behind it.
    Length {
        age: u8,
        length: u16,
    },
    /// Any bytes arrive.
    Any {
        end: bool,
        bytes: &'a [u8],
    },
    /// A frame with these bytes between a right header and a right checksum. Only without a key.
    Forged {
        end: bool,
        inner: &'a [u8],
    },
    /// These bytes are read as a message.
    Decode(&'a [u8]),
    Renew {
        end: bool,
    },
    /// One end begins anew.
    Restart {
        end: bool,
    },
}

#[derive(Debug, Arbitrary)]
struct Sent {
    kind: u8,
    term: u64,
    number: u64,
    log: (u64, u64),
    flags: u8,
}

/// What an end says in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    Nothing,
    Message(Message),
    Question,
    Report(PeerReport),
}

impl Said {
    fn is_implausible(&self) -> bool {
        matches!(self, Said::Message(message) if message.term() >= MAX_TERM)
    }
}

impl Sent {
    fn said(&self) -> Said {
        match self.kind % 9 {
            7 => Said::Question,
            8 => Said::Report(self.report()),
            _ => Said::Message(self.message()),
        }
    }

    fn report(&self) -> PeerReport {
        let flag = |bit: u8| self.flags & 1 << bit != 0;
        let lasts = Duration::new(self.number, u32::from(self.flags));
        PeerReport {
            role: RoleKind::Follower,
            term: Term(self.term),
            leader: flag(0).then_some(NodeId(self.number)),
            lease: flag(1).then_some(lasts),
            paused: flag(2),
            fit: flag(3),
            witness: flag(4),
            uptime: lasts,
            voters_reachable: self.flags,
            version: [self.log.0 as u16, self.log.1 as u16, u16::MAX],
        }
    }

    fn message(&self) -> Message {
        let (yes, also) = (self.flags & 1 != 0, self.flags & 2 != 0);
        let (term, round) = (Term(self.term), Round(self.number));
        let last_log = LogPosition {
            term: Term(self.log.0),
            index: LogIndex(self.log.1),
        };
        match self.kind % 9 {
            0 => Message::RequestVote(RequestVote {
                term,
                last_log,
                leadership_transfer: yes,
            }),
            1 => Message::RequestVoteResponse(RequestVoteResponse {
                term,
                vote_granted: yes,
            }),
            2 => Message::AppendEntries(AppendEntries {
                term,
                prev_log: last_log,
                leader_commit: LogIndex(self.log.0),
                round,
                lease: Duration::new(self.number, u32::from(self.flags)),
            }),
            3 => Message::AppendEntriesResponse(AppendEntriesResponse {
                term,
                success: yes,
                round,
                can_campaign: also,
            }),
            4 => Message::RequestPreVote(RequestPreVote {
                prospective_term: term,
                last_log,
                nonce: self.number,
            }),
            5 => Message::RequestPreVoteResponse(RequestPreVoteResponse {
                term,
                nonce: self.number,
                vote_granted: yes,
            }),
            _ => Message::TimeoutNow(TimeoutNow { term, stopped: yes }),
        }
    }
}

/// A datagram on its way.
struct Frame {
    to: usize,
    bytes: Vec<u8>,
    said: Said,
    /// How often the receiver had renewed its challenge or begun anew.
    era: (u64, u64),
}

struct Link {
    sealed: bool,
    ends: [Transport; 2],
    /// Of each end: its starts, and its renewals since.
    eras: [(u64, u64); 2],
    frames: Vec<Frame>,
    seeds: SplitMix,
}

impl Run<'_> {
    /// Runs it.
    ///
    /// # Panics
    ///
    /// At what must not be.
    pub fn check(self) {
        let mut link = Link::new(self.sealed, self.seed);
        for operation in self.operations.iter().take(MOST) {
            link.apply(operation);
        }
    }
}

impl Link {
    fn new(sealed: bool, seed: u64) -> Link {
        let mut seeds = SplitMix(seed);
        Link {
            sealed,
            ends: [0, 1].map(|end| transport(end, sealed, seeds.next_u64())),
            eras: [(0, 0); 2],
            frames: Vec::new(),
            seeds,
        }
    }

    fn apply(&mut self, operation: &Operation<'_>) {
        match *operation {
            Operation::Send { end, ref message } => self.send(usize::from(end), message.as_ref()),
            Operation::Arrive(age) => self.arrive(age),
            Operation::Changed { age, place, bits } => {
                if let Some((to, mut bytes)) = self.recorded(age) {
                    let place = usize::from(place) % bytes.len();
                    bytes[place] ^= bits;
                    self.corrupt(to, &bytes, bits != 0);
                }
            }
            Operation::Length { age, length } => {
                if let Some((to, mut bytes)) = self.recorded(age) {
                    let was = bytes.len();
                    bytes.resize(usize::from(length) % (2 * MAX_DATAGRAM), 0);
                    self.corrupt(to, &bytes, bytes.len() != was);
                }
            }
            Operation::Any { end, bytes } => self.open_anything(usize::from(end), bytes),
            Operation::Forged { end, inner } => {
                if !self.sealed {
                    let forged = forge(usize::from(end), inner);
                    self.open_anything(usize::from(end), &forged);
                }
            }
            Operation::Decode(bytes) => decode(bytes),
            Operation::Renew { end } => {
                self.ends[usize::from(end)].renew_challenge();
                self.eras[usize::from(end)].1 += 1;
            }
            Operation::Restart { end } => {
                let seed = self.seeds.next_u64();
                self.ends[usize::from(end)] = transport(usize::from(end), self.sealed, seed);
                self.eras[usize::from(end)] = (self.eras[usize::from(end)].0 + 1, 0);
            }
        }
    }

    fn send(&mut self, end: usize, message: Option<&Sent>) {
        let to = 1 - end;
        let said = message.map_or(Said::Nothing, Sent::said);
        let from = &mut self.ends[end];
        let bytes = match &said {
            Said::Nothing => from.seal(NODES[to], None),
            Said::Message(message) => from.seal(NODES[to], Some(message)),
            Said::Question => from.seal_question(NODES[to]),
            Said::Report(report) => from.seal_report(NODES[to], report),
        }
        .to_vec();
        assert!(!bytes.is_empty() && bytes.len() <= MAX_DATAGRAM);
        self.on_its_way(to, bytes, said);
    }

    fn on_its_way(&mut self, to: usize, bytes: Vec<u8>, said: Said) {
        let era = self.eras[to];
        self.frames.push(Frame {
            to,
            bytes,
            said,
            era,
        });
    }

    fn place(&self, age: u8) -> Option<usize> {
        let count = self.frames.len();
        (count > 0).then(|| count - 1 - usize::from(age) % count)
    }

    fn recorded(&self, age: u8) -> Option<(usize, Vec<u8>)> {
        let frame = &self.frames[self.place(age)?];
        Some((frame.to, frame.bytes.clone()))
    }

    fn arrive(&mut self, age: u8) {
        let Some(place) = self.place(age) else {
            return;
        };
        let Frame {
            to,
            ref bytes,
            said,
            era,
        } = self.frames[place];
        let now = self.eras[to];
        // The receiver's previous challenge still holds, the one before it no longer.
        let fresh = now.0 == era.0 && now.1 <= era.1 + 1;
        let (sender, opened) = match self.ends[to].open(bytes) {
            Opened::Message { from, message } => (from, Said::Message(message)),
            Opened::Empty { from } => (from, Said::Nothing),
            Opened::Question { from } => (from, Said::Question),
            Opened::Report { from, report } => (from, Said::Report(report)),
            Opened::Stale { from, answer } => {
                assert_eq!(from, NODES[1 - to]);
                assert!(
                    answer.len() <= bytes.len(),
                    "an answer longer than the question"
                );
                let answer = answer.to_vec();
                return self.on_its_way(1 - to, answer, Said::Nothing);
            }
            Opened::Dropped(reason) => {
                let cloned = self.eras[1 - to].0 > 0;
                assert!(
                    said.is_implausible() || cloned,
                    "a right frame is dropped: {reason:?}"
                );
                return;
            }
        };
        assert!(fresh, "a recording is opened");
        assert_eq!((sender, opened), (NODES[1 - to], said));
    }

    /// A frame that was changed on its way, if it was.
    fn corrupt(&mut self, to: usize, bytes: &[u8], changed: bool) {
        let opened = self.ends[to].open(bytes);
        // A checksum of four bytes is no seal: it finds a changed byte, and other changes but for one in 2^32.
        assert!(
            !changed || matches!(opened, Opened::Dropped(_)),
            "a changed frame is opened: {opened:?}"
        );
    }

    fn open_anything(&mut self, end: usize, bytes: &[u8]) {
        match self.ends[end].open(bytes) {
            Opened::Stale { answer, .. } => {
                assert!(
                    answer.len() <= bytes.len(),
                    "an answer longer than the question"
                );
            }
            Opened::Message { message, .. } => {
                assert!(!self.sealed, "a forged frame is opened");
                assert!(message.term() < MAX_TERM);
            }
            Opened::Question { from } => {
                assert!(!self.sealed, "a forged frame is opened");
                let answer = self.ends[end].seal_report(from, &longest_report());
                assert!(
                    answer.len() <= bytes.len(),
                    "an answer longer than the question"
                );
            }
            Opened::Empty { .. } | Opened::Report { .. } => {
                assert!(!self.sealed, "a forged frame is opened");
            }
            Opened::Dropped(_) => {}
        }
    }
}

/// What is a message is written and read as the same message.
fn decode(bytes: &[u8]) {
    if let Ok(message) = wire::decode(bytes) {
        let mut buffer = [0; wire::MAX_LEN];
        let written = wire::encode(&message, &mut buffer);
        assert!(!written.is_empty());
        assert_eq!(wire::decode(written), Ok(message));
    }
}

/// A frame to `to` without a key, as `docs/transport.md` of the driver has it.
fn forge(to: usize, inner: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x10, 0];
    frame.extend_from_slice(&crc32fast::hash(CLUSTER.as_bytes()).to_le_bytes());
    for node in [NODES[1 - to], NODES[to]] {
        let mut rest = node.0;
        while rest >= 0x80 {
            frame.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        frame.push(rest as u8);
    }
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(CLUSTER.len() as u64).to_le_bytes());
    hasher.update(CLUSTER.as_bytes());
    hasher.update(&frame);
    hasher.update(inner);
    frame.extend_from_slice(inner);
    frame.extend_from_slice(&hasher.finalize().to_le_bytes());
    frame
}

fn transport(end: usize, sealed: bool, seed: u64) -> Transport {
    let config =
        Config::new(NODES[end], &NODES, Options::default()).expect("a valid configuration");
    let identity = Identity {
        cluster: CLUSTER.to_owned(),
        id: NODES[end],
        timing: TimingDigest::of(&config),
    };
    let mut random = SplitMix(seed);
    let peers = [NODES[1 - end]];
    Transport::new(identity, &peers, sealed.then(keys), move |buffer| {
        random.fill_bytes(buffer);
    })
}

fn keys() -> Keyring {
    static KEYS: OnceLock<Keyring> = OnceLock::new();
    let read = || {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let owner_alone = std::fs::Permissions::from_mode(0o600);
        file.as_file()
            .set_permissions(owner_alone)
            .expect("permissions");
        // A fixed key, so that an input does the same every time.
        let key = format!("1:{}\n", "5a".repeat(32));
        std::fs::write(file.path(), key).expect("a written file");
        Keyring::read(file.path()).expect("a key")
    };
    KEYS.get_or_init(read).clone()
}

fn longest_report() -> PeerReport {
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
