//! What a node is started with, and what is wrong with it.

use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use raft_core::{Config, ConfigError, LogPosition, NodeId, Options};

use crate::key::Keyring;
use crate::preference::turn;

/// The longest name of a cluster, in bytes.
pub const MAX_CLUSTER_NAME: usize = 64;

/// What a node is started with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The cluster's name: 1 to [`MAX_CLUSTER_NAME`] letters, digits, `.`, `_` and `-`.
    /// Nodes of other clusters are not heard.
    pub cluster: String,
    /// This node.
    pub id: NodeId,
    /// Where it listens.
    pub listen: Listen,
    /// The other voters, without this node. None at all only if it is [`alone`](Settings::alone).
    pub peers: Vec<(NodeId, PeerAddress)>,
    /// Whether this node is the whole cluster. It leads without anybody's vote then: a node of a larger
    /// cluster that is started so is a second leader. With peers it is an error, without any peer it is required.
    pub alone: bool,
    /// The directory of its durable state and of its control socket.
    pub state_dir: PathBuf,
    /// Whether this is the node's very first start, which makes the state. At any other the state must be
    /// there: a node whose state was lost could vote twice in a term, and comes back under a new id.
    pub first_start: bool,
    /// The keys that datagrams are sealed with.
    pub keys: Option<Keyring>,
    /// Whether an address other than loopback is allowed without keys.
    pub insecure: bool,
    /// The node's timing and rules. The timing must be the same on all nodes.
    pub options: Options,
    /// Voters that should rather lead than others, the first above all, the same on all nodes. They campaign in this order, each in a
    /// turn of its own and the rest after them, which decides [`Options::turn`]. So the first of those that run and are
    /// connected is usually elected; a leader stays leader while others come back, see [`take_back`](Settings::take_back).
    pub prefer: Vec<NodeId>,
    /// Whether a leader hands its leadership, as a [transfer](crate::Handle::transfer) does, to a voter that comes before it in
    /// [`prefer`](Settings::prefer) and has answered it without a break for ten election timeouts. One that then did not lead must answer for twice as long the next
    /// time, up to an hour.
    pub take_back: bool,
    /// The last entry of the log of an embedder that replicates by its own means.
    pub last_log: LogPosition,
    /// Whether to serve a control socket, `control.sock`, in the state directory.
    pub control_socket: bool,
    /// Where to write a trace of everything that the node is told and does, if anywhere. It grows by some 2.1 KB with each of a
    /// leader's heartbeats to two others; at 256 MiB the file is put aside as FILE.1, in place of the one before.
    pub trace: Option<PathBuf>,
    /// How long the host has to stop what it runs under the leadership, when it is asked to hand it over. `None`: there is nothing
    /// to stop, and a transfer begins as soon as it is asked for.
    ///
    /// With it, a transfer that is asked for, by [`Handle::transfer`](crate::Handle::transfer) or over the control
    /// socket, is first announced in [`View::hand_over`](crate::View::hand_over), and the node goes on leading. The host stops its
    /// work and calls [`Handle::hand_over`](crate::Handle::hand_over), and the successor starts at once. If it does not in
    /// this time, the leadership is given up all the same, and the successor waits as for a leader that was lost.
    pub stop_timeout: Option<Duration>,
    /// How long after the end of a lease what ran under it may go on, the same on all nodes. What is left of the election timeout,
    /// [`kill_budget`](crate::kill_budget), is there in any case. A longer one has every new leader wait for the
    /// excess, [`takeover_wait`](crate::takeover_wait): see [`Leadership::may_start`](crate::Leadership::may_start).
    pub kill_delay: Duration,
}

impl Settings {
    /// Settings with defaults for all but what has none: not alone, but no peers yet, no keys, not the
    /// first start, no control socket.
    pub fn new(
        cluster: impl Into<String>,
        id: NodeId,
        listen: impl Into<Listen>,
        state_dir: impl Into<PathBuf>,
    ) -> Settings {
        Settings {
            cluster: cluster.into(),
            id,
            listen: listen.into(),
            peers: Vec::new(),
            alone: false,
            state_dir: state_dir.into(),
            first_start: false,
            keys: None,
            insecure: false,
            options: Options::default(),
            prefer: Vec::new(),
            take_back: false,
            last_log: LogPosition::default(),
            control_socket: false,
            trace: None,
            stop_timeout: None,
            kill_delay: Duration::ZERO,
        }
    }

    /// Checks everything that can be checked without touching the disk or the network, as
    /// [`start`](crate::start) does first.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to do about it.
    pub fn validate(&self) -> Result<Config, SettingsError> {
        let name_fits = (1..=MAX_CLUSTER_NAME).contains(&self.cluster.len());
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !name_fits || !self.cluster.chars().all(plain) {
            return Err(SettingsError::Cluster(self.cluster.clone()));
        }
        if self.peers.iter().any(|(id, _)| *id == self.id) {
            return Err(SettingsError::OwnId(self.id));
        }
        let mut voters = vec![self.id];
        voters.extend(self.peers.iter().map(|(id, _)| *id));
        for (place, id) in self.prefer.iter().enumerate() {
            if !voters.contains(id) || self.prefer.iter().take(place).any(|before| before == id) {
                return Err(SettingsError::Prefer(*id));
            }
        }
        if self.take_back && self.prefer.is_empty() {
            return Err(SettingsError::TakeBack);
        }
        let mut options = self.options;
        if !self.prefer.is_empty() {
            options.turn = turn(&self.prefer, self.id, voters.len());
        }
        let config = Config::new(self.id, &voters, options).map_err(SettingsError::Core)?;
        if self.kill_delay > Config::MAX_ELECTION_TIMEOUT {
            return Err(SettingsError::KillDelay(self.kill_delay));
        }
        let listen = self.listen.address().map_err(SettingsError::Listen)?;
        if self.keys.is_none() && !self.insecure && !listen.ip().is_loopback() {
            return Err(SettingsError::NoKey(listen));
        }
        for (id, address) in &self.peers {
            if let PeerAddress::Address(address) = address {
                check_peer(*id, *address, listen)?;
            }
        }
        match (self.alone, self.peers.is_empty()) {
            (true, true) | (false, false) => Ok(config),
            (false, true) => Err(SettingsError::NoPeers),
            (true, false) => Err(SettingsError::AloneWithPeers),
        }
    }
}

/// Whether a node that listens on `listen` can send to a peer at `address`, and not to itself.
pub(crate) fn check_peer(
    id: NodeId,
    address: SocketAddr,
    listen: SocketAddr,
) -> Result<(), SettingsError> {
    let reachable = reachable_as(address, listen).ok_or(SettingsError::Family {
        id,
        address,
        listen,
    })?;
    if address.port() == 0 || address.ip().is_unspecified() {
        return Err(SettingsError::PeerAddress { id, address });
    }
    if reachable == listen {
        return Err(SettingsError::OwnAddress { id, address });
    }
    Ok(())
}

/// The form in which a socket bound to `listen` sends to `address`, if it can at all.
pub(crate) fn reachable_as(address: SocketAddr, listen: SocketAddr) -> Option<SocketAddr> {
    match (address, listen) {
        (SocketAddr::V4(_), SocketAddr::V4(_)) | (SocketAddr::V6(_), SocketAddr::V6(_)) => {
            Some(address)
        }
        // A socket bound to [::] speaks IPv4 too, by mapped addresses.
        (SocketAddr::V4(v4), SocketAddr::V6(v6)) if v6.ip().is_unspecified() => {
            Some((v4.ip().to_ipv6_mapped(), v4.port()).into())
        }
        (SocketAddr::V4(_), SocketAddr::V6(_)) | (SocketAddr::V6(_), SocketAddr::V4(_)) => None,
    }
}

/// Where a node listens.
#[derive(Debug)]
#[non_exhaustive]
pub enum Listen {
    /// An address to bind. With port 0 the system chooses one.
    Address(SocketAddr),
    /// A socket that is bound already: bind port 0 on every node first, and then tell each
    /// node the others' ports.
    Socket(UdpSocket),
}

impl Listen {
    /// The address.
    ///
    /// # Errors
    ///
    /// The socket has none.
    pub fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Listen::Address(address) => Ok(*address),
            Listen::Socket(socket) => socket.local_addr(),
        }
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Listen {
        Listen::Address(address)
    }
}

impl From<UdpSocket> for Listen {
    fn from(socket: UdpSocket) -> Listen {
        Listen::Socket(socket)
    }
}

/// Where a peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerAddress {
    /// At an address.
    Address(SocketAddr),
    /// At a host name, resolved when the node starts and again whenever the peer is silent.
    Name {
        /// The host's name.
        host: String,
        /// The UDP port, not 0.
        port: u16,
    },
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> PeerAddress {
        PeerAddress::Address(address)
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerAddress::Address(address) => address.fmt(f),
            PeerAddress::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

impl FromStr for PeerAddress {
    type Err = PeerAddressError;

    /// Reads `ADDRESS:PORT` (an IPv6 address in brackets) or `HOST:PORT`.
    fn from_str(text: &str) -> Result<PeerAddress, PeerAddressError> {
        if let Ok(address) = text.parse() {
            return Ok(PeerAddress::Address(address));
        }
        let error = || PeerAddressError(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(error)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        // A name of digits and dots alone is a mistyped address.
        let named = host.chars().any(|c| c.is_ascii_alphabetic());
        if !named || host.len() > 253 || !host.chars().all(plain) {
            return Err(error());
        }
        Ok(PeerAddress::Name {
            host: host.to_owned(),
            port,
        })
    }
}

/// The text is no address of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddressError(String);

impl fmt::Display for PeerAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.0;
        write!(
            f,
            "`{text}` is no address: write HOST:PORT, as in 10.0.0.2:7400, [fd00::2]:7400 or host2.example:7400"
        )
    }
}

impl std::error::Error for PeerAddressError {}

/// What is wrong with a node's settings. The text says what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum SettingsError {
    /// The cluster's name is empty, too long, or holds other characters.
    Cluster(String),
    /// The voters or the timing do not fit.
    Core(ConfigError),
    /// A preferred node is no voter, or is named twice.
    Prefer(NodeId),
    /// Leadership is to be taken back, and nobody is preferred.
    TakeBack,
    /// The kill delay is longer than the longest election timeout.
    KillDelay(Duration),
    /// There is no peer, and the node is not said to be alone.
    NoPeers,
    /// The node is said to be alone, and there are peers.
    AloneWithPeers,
    /// This node is among its peers.
    OwnId(NodeId),
    /// The given socket has no address.
    Listen(io::Error),
    /// Without keys, and not insecure, only loopback can be bound.
    NoKey(SocketAddr),
    /// A peer's address is of another family than the address that the node listens on.
    Family {
        /// The peer.
        id: NodeId,
        /// Its address.
        address: SocketAddr,
        /// The node's own address.
        listen: SocketAddr,
    },
    /// A peer's address is the one that the node itself listens on.
    OwnAddress {
        /// The peer.
        id: NodeId,
        /// Its address.
        address: SocketAddr,
    },
    /// A peer's address is one that nothing can be sent to.
    PeerAddress {
        /// The peer.
        id: NodeId,
        /// Its address.
        address: SocketAddr,
    },
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingsError::Cluster(name) => write!(
                f,
                "cluster: `{name}` is no name: take 1 to {MAX_CLUSTER_NAME} letters, digits, `.`, `_` and `-`"
            ),
            SettingsError::Core(error) => error.fmt(f),
            SettingsError::Prefer(id) => write!(
                f,
                "prefer: node {id} is no voter, or is named twice: --prefer (Settings::prefer) names some of this node \
                 and its peers, the most preferred first"
            ),
            SettingsError::TakeBack => f.write_str(
                "take-back: nobody is preferred: name the preferred nodes with --prefer (Settings::prefer), or leave \
                 --take-back (Settings::take_back) out",
            ),
            SettingsError::KillDelay(value) => write!(
                f,
                "kill-delay: {value:?} is longer than {:?}: give a shorter one with --kill-delay (Settings::kill_delay)",
                Config::MAX_ELECTION_TIMEOUT
            ),
            SettingsError::NoPeers => f.write_str(
                "peer: there is none: name the other voters with --peer (Settings::peers), or insist with --alone \
                 (Settings::alone); alone, a node leads without anybody's vote",
            ),
            SettingsError::AloneWithPeers => f.write_str(
                "alone: there are peers: leave --alone (Settings::alone) out, for it is for a cluster of one node; \
                 or leave out every --peer (Settings::peers)",
            ),
            SettingsError::OwnId(id) => write!(
                f,
                "peer: node {id} is this one: --peer (Settings::peers) names the other voters; leave this node out"
            ),
            SettingsError::Listen(error) => write!(f, "listen: the socket has no address: {error}"),
            SettingsError::NoKey(listen) => write!(
                f,
                "listen: {listen} is not loopback, and there is no key: make one with `raft keygen FILE` and \
                 give --key-file FILE (Settings::keys) on every node, or insist with --insecure (Settings::insecure)"
            ),
            SettingsError::Family {
                id,
                address,
                listen,
            } => write!(
                f,
                "peer: {address} of node {id} cannot be reached from {listen}: give addresses of one family, or \
                 listen on [::]:{}",
                listen.port()
            ),
            SettingsError::OwnAddress { id, address } => write!(
                f,
                "peer: node {id} has the same address as this node, {address}: give the address on which node {id} listens"
            ),
            SettingsError::PeerAddress { id, address } => write!(
                f,
                "peer: nothing can be sent to {address} of node {id}: give the address and the port on which it listens"
            ),
        }
    }
}

impl std::error::Error for SettingsError {}
