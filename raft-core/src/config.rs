//! What a node is told once, and the bounds of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::quorum::VoterSet;
use crate::types::NodeId;

/// What may be chosen about a node, with the defaults that hold up in bad networks.
///
/// ```
/// use core::time::Duration;
/// use raft_core::{Config, NodeId, Options};
///
/// let voters = [NodeId(1), NodeId(2), NodeId(3)];
/// let fast = Options {
///     heartbeat_interval: Duration::from_millis(10),
///     election_timeout: Duration::from_millis(100),
///     ..Options::default()
/// };
/// let config = Config::new(NodeId(1), &voters, fast)?;
/// assert_eq!(config.lease(), Some(Duration::from_millis(80)));
/// # Ok::<(), raft_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Options {
    /// The time between two rounds of a leader's heartbeats, at least
    /// [`Config::MIN_HEARTBEAT`] and at most a third of the election timeout. Default: 50 ms.
    pub heartbeat_interval: Duration,
    /// T: a follower that hears no leader presumes it lost after T and campaigns within
    /// another T. At most [`Config::MAX_ELECTION_TIMEOUT`]. Default: 500 ms.
    pub election_timeout: Duration,
    /// L: how long after it began a round a leader is undisturbed if a majority answered
    /// it, at most T times 99/101 (clocks that drift apart by 1 % each way). `None` takes 0.8 T.
    pub lease: Option<Duration>,
    /// Which rules hold. Default: [`Protocol::Standard`].
    pub protocol: Protocol,
    /// Whether this voter never campaigns. Default: no.
    pub witness: bool,
    /// When this voter campaigns, among those that lost their leader at the same time. Default: [`Turn::ANY`].
    pub turn: Turn,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            heartbeat_interval: Duration::from_millis(50),
            election_timeout: Duration::from_millis(500),
            lease: None,
            protocol: Protocol::Standard,
            witness: false,
            turn: Turn::ANY,
        }
    }
}

/// Which part of [0, T) the random part of a node's timeouts is drawn from: cut into `of` equal parts, it is the one
/// numbered `index`, from 0. A voter with an earlier turn campaigns first, and is elected among equals.
///
/// Every timeout stays within [T, 2T), so that neither votes nor leases depend on it. The voters need not
/// agree; with many to a turn, or a turn not much longer than a round trip, elections fail more often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Turn {
    /// The number of the part, below `of`.
    pub index: u8,
    /// How many parts there are, at most [`Config::MAX_VOTERS`].
    pub of: u8,
}

impl Turn {
    /// All of [0, T): no voter comes before another.
    pub const ANY: Turn = Turn { index: 0, of: 1 };
}

/// Which rules of election hold. All voters of a cluster must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Protocol {
    /// Pre-vote, leader stickiness and check-quorum, and the leases that rest on them. The three come as
    /// one: stickiness without a leader that steps down can keep a connected majority from
    /// ever electing.
    #[default]
    Standard,
    /// The paper's section 5.2 and nothing else, to compare with and to learn from. No leases.
    Plain,
}

/// A validated configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    pub(crate) id: NodeId,
    /// Ascending, without repetition.
    pub(crate) voters: Box<[NodeId]>,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) election_timeout: Duration,
    pub(crate) lease: Duration,
    pub(crate) me: u8,
    pub(crate) protocol: Protocol,
    pub(crate) witness: bool,
    pub(crate) turn: Turn,
}

impl Config {
    /// The most voters that a cluster can have.
    pub const MAX_VOTERS: usize = 64;
    /// The shortest heartbeat interval.
    pub const MIN_HEARTBEAT: Duration = Duration::from_micros(100);
    /// The longest election timeout.
    pub const MAX_ELECTION_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

    /// Validates a configuration. `voters` names all voters, `id` among them, in any order.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the field, its value and the bound.
    pub fn new(id: NodeId, voters: &[NodeId], options: Options) -> Result<Config, ConfigError> {
        if voters.len() > Self::MAX_VOTERS {
            return Err(ConfigError::TooManyVoters {
                count: voters.len(),
            });
        }
        let mut sorted: Vec<NodeId> = voters.to_vec();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(ConfigError::RepeatedVoter {
                id: pair.first().copied().unwrap_or(id),
            });
        }
        let me = sorted
            .binary_search(&id)
            .ok()
            .and_then(|index| u8::try_from(index).ok())
            .ok_or(ConfigError::NotAVoter { id })?;
        let Options {
            heartbeat_interval,
            election_timeout,
            lease,
            protocol,
            witness,
            turn,
        } = options;
        if turn.index >= turn.of || usize::from(turn.of) > Self::MAX_VOTERS {
            return Err(ConfigError::Turn { value: turn });
        }
        if election_timeout > Self::MAX_ELECTION_TIMEOUT {
            return Err(ConfigError::ElectionTimeout {
                value: election_timeout,
            });
        }
        let longest = election_timeout / 3;
        if heartbeat_interval < Self::MIN_HEARTBEAT || heartbeat_interval > longest {
            return Err(ConfigError::HeartbeatInterval {
                value: heartbeat_interval,
                election_timeout,
            });
        }
        let lease = match (protocol, lease) {
            (Protocol::Plain, Some(value)) => return Err(ConfigError::LeaseInPlainRaft { value }),
            (Protocol::Plain, None) => Duration::ZERO,
            (Protocol::Standard, lease) => lease.unwrap_or(election_timeout * 4 / 5),
        };
        if protocol == Protocol::Standard
            && (lease.is_zero() || !lease_fits(lease, election_timeout))
        {
            return Err(ConfigError::Lease {
                value: lease,
                election_timeout,
            });
        }
        Ok(Config {
            id,
            voters: sorted.into_boxed_slice(),
            heartbeat_interval,
            election_timeout,
            lease,
            me,
            protocol,
            witness,
            turn,
        })
    }

    /// This node.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// All voters, this node among them, ascending.
    pub fn voters(&self) -> &[NodeId] {
        &self.voters
    }

    /// The voters but this one, ascending.
    pub fn peers(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.voters
            .iter()
            .copied()
            .filter(|voter| *voter != self.id)
    }

    /// How many voters a majority takes.
    pub fn majority(&self) -> usize {
        self.voters.len() / 2 + 1
    }

    /// The time between two rounds of heartbeats.
    pub fn heartbeat_interval(&self) -> Duration {
        self.heartbeat_interval
    }

    /// T, the election timeout.
    pub fn election_timeout(&self) -> Duration {
        self.election_timeout
    }

    /// How long a leader stays in office that no majority answers (thesis section 6.2: "if an election timeout elapses
    /// without a successful round of heartbeats to a majority of its cluster"): 2T, and half a heartbeat interval more
    /// for the answers to the last round that begins in them. Plain Raft has no such end.
    pub fn quorum_window(&self) -> Duration {
        self.election_timeout * 2 + self.heartbeat_interval / 2
    }

    /// L, the length of a lease, counted from the beginning of a confirmed round; `None` in plain Raft.
    pub fn lease(&self) -> Option<Duration> {
        (self.protocol == Protocol::Standard).then_some(self.lease)
    }

    /// The rules that hold.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether this voter never campaigns.
    pub fn witness(&self) -> bool {
        self.witness
    }

    /// When this voter campaigns among others.
    pub fn turn(&self) -> Turn {
        self.turn
    }

    /// The voter's place in [`Config::voters`], by which sets of voters are indexed.
    #[inline]
    pub(crate) fn index_of(&self, id: NodeId) -> Option<usize> {
        self.voters.iter().position(|voter| *voter == id)
    }

    /// Whether this node may answer a leader that takes such leases: its own promise must outlast them.
    #[inline]
    pub(crate) fn honours(&self, lease: Duration) -> bool {
        lease == self.lease
            || lease.is_zero()
            || (self.protocol == Protocol::Standard && lease_fits(lease, self.election_timeout))
    }

    pub(crate) fn is_majority(&self, set: VoterSet) -> bool {
        set.len() >= self.majority()
    }

    pub(crate) fn just_me(&self) -> VoterSet {
        VoterSet::default().with(usize::from(self.me))
    }
}

/// Whether a leader's lease ends before the election timeout of a follower that answered it, with
/// clocks that drift by up to 1 %: L is at most T (1 - d) / (1 + d).
fn lease_fits(lease: Duration, election_timeout: Duration) -> bool {
    lease.as_nanos() * 101 <= election_timeout.as_nanos() * 99
}

/// What is wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// There are more voters than [`Config::MAX_VOTERS`].
    TooManyVoters {
        /// How many there are.
        count: usize,
    },
    /// A voter is named twice.
    RepeatedVoter {
        /// The voter.
        id: NodeId,
    },
    /// The node itself is not among the voters.
    NotAVoter {
        /// The node.
        id: NodeId,
    },
    /// The election timeout is longer than [`Config::MAX_ELECTION_TIMEOUT`].
    ElectionTimeout {
        /// The election timeout.
        value: Duration,
    },
    /// The heartbeat interval is below [`Config::MIN_HEARTBEAT`] or above a third of the election timeout.
    HeartbeatInterval {
        /// The heartbeat interval.
        value: Duration,
        /// The election timeout.
        election_timeout: Duration,
    },
    /// The lease is zero or longer than 99/101 of the election timeout.
    Lease {
        /// The lease.
        value: Duration,
        /// The election timeout.
        election_timeout: Duration,
    },
    /// The turn is none of its parts, or there are more of them than [`Config::MAX_VOTERS`].
    Turn {
        /// The turn.
        value: Turn,
    },
    /// Plain Raft takes no lease.
    LeaseInPlainRaft {
        /// The lease.
        value: Duration,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ConfigError::TooManyVoters { count } => {
                let most = Config::MAX_VOTERS;
                write!(f, "voters: {count} are named, at most {most} are possible")
            }
            ConfigError::RepeatedVoter { id } => write!(f, "voters: node {id} is named twice"),
            ConfigError::NotAVoter { id } => {
                write!(f, "voters: this node, {id}, is not among them")
            }
            ConfigError::ElectionTimeout { value } => {
                let most = Config::MAX_ELECTION_TIMEOUT;
                write!(f, "election_timeout: {value:?} is longer than {most:?}")
            }
            ConfigError::HeartbeatInterval {
                value,
                election_timeout,
            } => {
                let (least, most) = (Config::MIN_HEARTBEAT, election_timeout / 3);
                write!(
                    f,
                    "heartbeat_interval: {value:?} is not between {least:?} and {most:?}, \
                     a third of the election_timeout of {election_timeout:?}"
                )
            }
            ConfigError::Lease {
                value,
                election_timeout,
            } => {
                let most = election_timeout * 99 / 101;
                write!(
                    f,
                    "lease: {value:?} is not above zero and at most {most:?}, \
                     99/101 of the election_timeout of {election_timeout:?}"
                )
            }
            ConfigError::Turn { value } => {
                let (Turn { index, of }, most) = (value, Config::MAX_VOTERS);
                write!(
                    f,
                    "turn: {index} of {of} is not below the number of parts, which is at most {most}"
                )
            }
            ConfigError::LeaseInPlainRaft { value } => {
                write!(f, "lease: {value:?} is set, but plain Raft takes no lease")
            }
        }
    }
}

impl core::error::Error for ConfigError {}
