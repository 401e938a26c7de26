//! The bytes of a frame, and what is authenticated with them.

use std::fmt;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{Tag, XNonce};
use raft_core::{Message, NodeId, wire};
use serde::{Deserialize, Serialize};

use super::freshness::{BootId, Challenge};
use super::reason::DropReason;
use super::report::{self, Talk};
use super::timing::TimingDigest;
use crate::key::Keyring;
use crate::store::MAX_TERM;

/// The most bytes that a datagram may have, sent or received: what every IPv6 path carries in one
/// piece, with room to spare.
pub const MAX_DATAGRAM: usize = 1200;

/// The version is the upper half of a frame's first byte, the suite the lower.
const VERSION: u8 = 0x10;
const VERSION_MASK: u8 = 0xf0;
const UNSEALED: u8 = VERSION;
const SEALED: u8 = VERSION | 1;

const MAX_HEADER: usize = 6 + 10 + 10;
const NONCE: usize = 24;
const CHECKSUM: usize = 4;
const BODY: usize = 4 + 4 + 8 + 8;

/// What precedes a frame's body, in clear.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version_and_suite: u8,
    /// The id of the key; 0 in an unsealed frame.
    key: u8,
    /// The CRC-32 of the cluster's name.
    cluster: [u8; 4],
    source: NodeId,
    destination: NodeId,
}

/// What precedes a frame's message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Body {
    /// The sender's run: drawn at random when it starts.
    pub(super) boot: BootId,
    pub(super) timing: TimingDigest,
    /// The sender's challenge.
    pub(super) challenge: Challenge,
    /// The receiver's challenge, as the sender learnt it last.
    pub(super) echo: Challenge,
}

/// A frame that was opened.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) from: NodeId,
    pub(super) body: Body,
    pub(super) content: Content,
}

/// What a frame carries after its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Nothing,
    Message(Message),
    Talk(Talk),
}

/// Writes and reads frames. Its buffers are used again and again.
pub(super) struct Codec {
    me: NodeId,
    keys: Option<Keyring>,
    cluster: [u8; 4],
    /// What is authenticated beside the body: the length of the cluster's name, the name, and,
    /// after the first `named` bytes, the header of the frame at hand.
    associated: Vec<u8>,
    named: usize,
    /// The latest frame written.
    written: Vec<u8>,
    /// The body and message of the latest frame read.
    read: Vec<u8>,
    /// The sender of the latest datagram, if it is authentic.
    sender: Option<NodeId>,
}

impl Codec {
    pub(super) fn new(cluster: &str, me: NodeId, keys: Option<Keyring>) -> Codec {
        let mut associated = (cluster.len() as u64).to_le_bytes().to_vec();
        associated.extend_from_slice(cluster.as_bytes());
        Codec {
            me,
            keys,
            cluster: crc32fast::hash(cluster.as_bytes()).to_le_bytes(),
            named: associated.len(),
            associated,
            written: Vec::with_capacity(MAX_DATAGRAM),
            read: Vec::with_capacity(MAX_DATAGRAM),
            sender: None,
        }
    }

    pub(super) fn replace_keys(&mut self, keys: Option<Keyring>) {
        self.keys = keys;
    }

    pub(super) fn seal(
        &mut self,
        to: NodeId,
        body: &Body,
        content: Content,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> &[u8] {
        let key = self.keys.as_ref().map(Keyring::first);
        let header = Header {
            version_and_suite: if key.is_some() { SEALED } else { UNSEALED },
            key: key.map_or(0, |key| key.id),
            cluster: self.cluster,
            source: self.me,
            destination: to,
        };
        self.written.clear();
        append::<MAX_HEADER>(&mut self.written, &header);
        self.associated.truncate(self.named);
        self.associated.extend_from_slice(&self.written);

        let mut nonce = [0; NONCE];
        if key.is_some() {
            random(&mut nonce);
            self.written.extend_from_slice(&nonce);
        }
        let start = self.written.len();
        append::<BODY>(&mut self.written, body);
        match content {
            Content::Nothing => {}
            Content::Message(message) => {
                let mut buffer = [0; wire::MAX_LEN];
                self.written
                    .extend_from_slice(wire::encode(&message, &mut buffer));
            }
            Content::Talk(talk) => report::write(&talk, &mut self.written),
        }
        let (_, inner) = self.written.split_at_mut(start);
        match key {
            Some(key) => {
                let tag = key.cipher.encrypt_inout_detached(
                    &XNonce::from(nonce),
                    &self.associated,
                    InOutBuf::from(inner),
                );
                match tag {
                    Ok(tag) => self.written.extend_from_slice(&tag),
                    // Only for gigabytes. An empty datagram says nothing.
                    Err(_) => self.written.clear(),
                }
            }
            None => {
                let sum = checksum(&self.associated, inner);
                self.written.extend_from_slice(&sum);
            }
        }
        &self.written
    }

    /// Opens a frame. What is cheap to refuse is refused first.
    pub(super) fn open(
        &mut self,
        datagram: &[u8],
        knows: impl Fn(NodeId) -> bool,
    ) -> Result<Frame, DropReason> {
        self.sender = None;
        if datagram.len() > MAX_DATAGRAM {
            return Err(DropReason::Malformed);
        }
        match (datagram.first(), &self.keys) {
            (None, _) => return Err(DropReason::Malformed),
            (Some(first), _) if first & VERSION_MASK != VERSION => return Err(DropReason::Version),
            (Some(&SEALED), Some(_)) | (Some(&UNSEALED), None) => {}
            (Some(&SEALED), None) => return Err(DropReason::Sealed),
            (Some(&UNSEALED), Some(_)) => return Err(DropReason::Unsealed),
            (Some(_), _) => return Err(DropReason::Version),
        }
        let (header, rest): (Header, &[u8]) =
            postcard::take_from_bytes(datagram).map_err(|_| DropReason::Malformed)?;
        if header.cluster != self.cluster {
            return Err(DropReason::OtherCluster);
        }
        if header.destination != self.me {
            return Err(DropReason::OtherNode);
        }
        if !knows(header.source) {
            return Err(DropReason::UnknownPeer);
        }
        let (clear, _) = datagram.split_at(datagram.len() - rest.len());
        self.associated.truncate(self.named);
        self.associated.extend_from_slice(clear);
        self.unseal(header.key, rest)?;
        self.sender = Some(header.source);

        let (body, message): (Body, &[u8]) =
            postcard::take_from_bytes(&self.read).map_err(|_| DropReason::Malformed)?;
        Ok(Frame {
            from: header.source,
            body,
            content: read_content(message)?,
        })
    }

    /// The sender of the latest datagram that was to be opened; `None` if it could be anybody.
    pub(super) fn sender(&self) -> Option<NodeId> {
        self.sender
    }

    /// Leaves in `read` what follows the header, authenticated.
    fn unseal(&mut self, key: u8, rest: &[u8]) -> Result<(), DropReason> {
        self.read.clear();
        match &self.keys {
            Some(keys) => {
                let key = keys.find(key).ok_or(DropReason::UnknownKey)?;
                let (nonce, rest) = rest.split_first_chunk().ok_or(DropReason::Malformed)?;
                let (inner, tag) = rest.split_last_chunk().ok_or(DropReason::Malformed)?;
                self.read.extend_from_slice(inner);
                key.cipher
                    .decrypt_inout_detached(
                        &XNonce::from(*nonce),
                        &self.associated,
                        InOutBuf::from(&mut *self.read),
                        &Tag::from(*tag),
                    )
                    .map_err(|_| DropReason::Unauthentic)
            }
            None => {
                let (inner, sum) = rest.split_last_chunk().ok_or(DropReason::Malformed)?;
                if checksum(&self.associated, inner) != *sum {
                    return Err(DropReason::Unauthentic);
                }
                self.read.extend_from_slice(inner);
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec")
            .field("me", &self.me)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

fn read_content(bytes: &[u8]) -> Result<Content, DropReason> {
    if bytes.is_empty() {
        return Ok(Content::Nothing);
    }
    if let Some(talk) = report::read(bytes) {
        return talk.map(Content::Talk);
    }
    let message = wire::decode(bytes).map_err(|_| DropReason::Malformed)?;
    // The next candidacy must have a term, too, that others and the disk take.
    if message.term() >= MAX_TERM {
        return Err(DropReason::ImplausibleTerm);
    }
    Ok(Content::Message(message))
}

/// Appends a value that takes at most `N` bytes.
fn append<const N: usize>(to: &mut Vec<u8>, value: &impl Serialize) {
    let mut buffer = [0; N];
    if let Ok(bytes) = postcard::to_slice(value, &mut buffer) {
        to.extend_from_slice(bytes);
    }
}

fn checksum(associated: &[u8], inner: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(associated);
    hasher.update(inner);
    hasher.finalize().to_le_bytes()
}
