//! Datagrams: how a message is framed, sealed, opened, and known to be fresh.

mod format;
mod freshness;
mod reason;
mod report;
mod timing;

use std::fmt;

use raft_core::{Message, NodeId};

use crate::key::Keyring;
use format::{Body, Codec, Content};
use freshness::{BootId, Challenge, Freshness, Verdict};
use report::Talk;

pub use format::MAX_DATAGRAM;
pub use reason::DropReason;
pub use report::PeerReport;
pub use timing::TimingDigest;

type Random = Box<dyn FnMut(&mut [u8]) + Send>;

/// What a node says about itself in every frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster's name. It is authenticated, never sent: a frame carries four bytes of a digest
    /// of it.
    pub cluster: String,
    /// The node.
    pub id: NodeId,
    /// The digest of its timing and voters.
    pub timing: TimingDigest,
}

/// What a datagram turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened<'a> {
    /// A fresh message, to be given to the core.
    Message {
        /// Its sender, a peer.
        from: NodeId,
        /// The message.
        message: Message,
    },
    /// A fresh frame without a message. What there was to learn from it is learnt; it is never
    /// answered.
    Empty {
        /// Its sender, a peer.
        from: NodeId,
    },
    /// A fresh question: what the node says of itself. Answer it with [`Transport::seal_report`], which is never longer, and not
    /// too often.
    Question {
        /// Its sender, a peer.
        from: NodeId,
    },
    /// A fresh answer to our [`Transport::seal_question`].
    Report {
        /// Its sender, a peer.
        from: NodeId,
        /// What it says of itself.
        report: PeerReport,
    },
    /// It is authentic, but echoes none of our challenges that hold: a peer that has not yet learnt
    /// the current one, or a recording that is played again. Nothing was learnt from it.
    Stale {
        /// The peer that it names as its sender.
        from: NodeId,
        /// What to answer, to the *configured* address of `from` and to no other. It is no
        /// longer than what it answers.
        answer: &'a [u8],
    },
    /// Nothing to do but to count it.
    Dropped(DropReason),
}

/// Frames, seals and opens the datagrams of one run of a node.
///
/// The driver that uses it owes it four things: to send an [`Opened::Stale`] answer to the
/// configured address of the peer, to call [`renew_challenge`](Transport::renew_challenge) every
/// few election timeouts, to send an empty frame to each peer that it has sent nothing else since,
/// and to make a new one for each run.
///
/// ```
/// use raft_core::{Config, Message, NodeId, Options, Term, TimeoutNow};
/// use raft_driver_mio::{Identity, Opened, TimingDigest, Transport};
///
/// let (one, two) = (NodeId(1), NodeId(2));
/// let timing = TimingDigest::of(&Config::new(one, &[one, two], Options::default())?);
/// let transport = |id, peer| {
///     let cluster = "example".to_owned();
///     let random = |buffer: &mut [u8]| getrandom::fill(buffer).expect("the system has no randomness");
///     Transport::new(Identity { cluster, id, timing }, &[peer], None, random)
/// };
/// let (mut a, mut b) = (transport(one, two), transport(two, one));
///
/// let message = Message::TimeoutNow(TimeoutNow { term: Term(3), stopped: false });
/// let unheard = a.seal(two, Some(&message)).to_vec();
/// let Opened::Stale { answer, .. } = b.open(&unheard) else { panic!() };
/// assert_eq!(a.open(&answer.to_vec()), Opened::Empty { from: two });
/// let heard = a.seal(two, Some(&message)).to_vec();
/// assert_eq!(b.open(&heard), Opened::Message { from: one, message });
/// # Ok::<(), raft_core::ConfigError>(())
/// ```
///
#[doc = include_str!("../../docs/transport.md")]
pub struct Transport {
    timing: TimingDigest,
    boot: BootId,
    codec: Codec,
    freshness: Freshness,
    random: Random,
}

impl Transport {
    /// The transport of one run of a node. `peers` are the other voters. With `keys` all frames are
    /// sealed and unsealed ones refused; with `None` it is the other way round.
    ///
    /// `random` fills a buffer with unpredictable bytes, from the operating system outside of
    /// tests: nonces, challenges and the boot id come from it.
    pub fn new(
        identity: Identity,
        peers: &[NodeId],
        keys: Option<Keyring>,
        random: impl FnMut(&mut [u8]) + Send + 'static,
    ) -> Transport {
        let mut random: Random = Box::new(random);
        let mut boot = [0; 4];
        random(&mut boot);
        let freshness = Freshness::new(peers, &mut *random);
        Transport {
            timing: identity.timing,
            boot,
            codec: Codec::new(&identity.cluster, identity.id, keys),
            freshness,
            random,
        }
    }

    /// A datagram for `to`: the message, or, with `None`, an empty frame that only carries our
    /// challenge. At most [`MAX_DATAGRAM`] bytes.
    #[must_use = "send it"]
    pub fn seal(&mut self, to: NodeId, message: Option<&Message>) -> &[u8] {
        let content = match message {
            Some(message) => Content::Message(*message),
            None => Content::Nothing,
        };
        self.seal_fresh(to, content)
    }

    /// A datagram that asks `to` what it says of itself. It is as long as the longest answer.
    #[must_use = "send it"]
    pub fn seal_question(&mut self, to: NodeId) -> &[u8] {
        self.seal_fresh(to, Content::Talk(Talk::Question))
    }

    /// A datagram that tells `to` what this node says of itself.
    #[must_use = "send it"]
    pub fn seal_report(&mut self, to: NodeId, report: &PeerReport) -> &[u8] {
        self.seal_fresh(to, Content::Talk(Talk::Answer(*report)))
    }

    fn seal_fresh(&mut self, to: NodeId, content: Content) -> &[u8] {
        let (_, echo) = self.freshness.challenges(to);
        self.seal_with(to, content, echo)
    }

    /// Opens a datagram. Whatever it holds, this neither panics nor allocates without bound.
    pub fn open(&mut self, datagram: &[u8]) -> Opened<'_> {
        let freshness = &self.freshness;
        let frame = match self.codec.open(datagram, |id| freshness.knows(id)) {
            Ok(frame) => frame,
            Err(reason) => return Opened::Dropped(reason),
        };
        if frame.body.timing != self.timing {
            return Opened::Dropped(DropReason::OtherTiming);
        }
        let from = frame.from;
        match self.freshness.judge(from, &frame.body, &mut *self.random) {
            Verdict::Cloned => Opened::Dropped(DropReason::ClonedId),
            Verdict::Stale => Opened::Stale {
                from,
                answer: self.seal_with(from, Content::Nothing, frame.body.challenge),
            },
            Verdict::Fresh => match frame.content {
                Content::Message(message) => Opened::Message { from, message },
                Content::Nothing => Opened::Empty { from },
                Content::Talk(Talk::Question) => Opened::Question { from },
                Content::Talk(Talk::Answer(report)) => Opened::Report { from, report },
            },
        }
    }

    /// The sender of the latest datagram that was to be opened, if it is authentic, dropped or not.
    pub(crate) fn sender(&self) -> Option<NodeId> {
        self.codec.sender()
    }

    /// Takes new challenges to all peers. Those before still hold, those before them no longer.
    pub fn renew_challenge(&mut self) {
        self.freshness.renew(&mut *self.random);
    }

    /// Replaces the keys. `None` goes over to unsealed frames.
    pub fn replace_keys(&mut self, keys: Option<Keyring>) {
        self.codec.replace_keys(keys);
    }

    fn seal_with(&mut self, to: NodeId, content: Content, echo: Challenge) -> &[u8] {
        let (challenge, _) = self.freshness.challenges(to);
        let body = Body {
            boot: self.boot,
            timing: self.timing,
            challenge,
            echo,
        };
        self.codec.seal(to, &body, content, &mut *self.random)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}
