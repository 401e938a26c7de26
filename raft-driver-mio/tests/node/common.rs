//! Clusters of nodes in this process, on ephemeral ports of the loopback.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use raft_driver_mio::raft_core::{NodeId, Options, Term};
use raft_driver_mio::{Handle, Keyring, Settings, StartError, Status, StoreError, start};
use tempfile::TempDir;

/// How long anything is waited for before a test fails: forever, on any machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until `condition` holds, and fails with `what` if it never does.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The settings of one node of a cluster, over and over.
pub(crate) struct Member {
    pub(crate) id: NodeId,
    /// Holds the port while the node is down.
    pub(crate) socket: UdpSocket,
    pub(crate) state_dir: PathBuf,
    peers: Vec<(NodeId, SocketAddr)>,
    keys: Keyring,
}

/// What the nodes of a cluster have in common, and where they keep their state.
pub(crate) struct Cluster {
    pub(crate) members: Vec<Member>,
    _dir: TempDir,
}

impl Cluster {
    /// Binds the sockets of nodes 1, 2, ... before any of them starts, so that no port is ever raced for.
    pub(crate) fn bind(count: u64, ip: &str) -> Option<Cluster> {
        let dir = tempfile::tempdir().expect("a directory");
        let key = dir.path().join("key");
        Keyring::write_new(&key).expect("a key");
        let keys = Keyring::read(&key).expect("a key");
        let sockets: Vec<UdpSocket> = (0..count)
            .map(|_| UdpSocket::bind((ip, 0)).ok())
            .collect::<Option<_>>()?;
        let address = |socket: &UdpSocket| socket.local_addr().expect("an address");
        let addresses: Vec<_> = (1..).map(NodeId).zip(sockets.iter().map(address)).collect();
        let member = |(id, socket)| Member {
            id,
            socket,
            state_dir: dir.path().join(id.to_string()),
            peers: addresses
                .iter()
                .copied()
                .filter(|(peer, _)| *peer != id)
                .collect(),
            keys: keys.clone(),
        };
        let members = (1..).map(NodeId).zip(sockets).map(member).collect();
        Some(Cluster { members, _dir: dir })
    }

    pub(crate) fn start(&self) -> Vec<Handle> {
        self.members
            .iter()
            .map(|member| member.start(true))
            .collect()
    }

    pub(crate) fn member(&self, id: NodeId) -> &Member {
        self.members
            .iter()
            .find(|member| member.id == id)
            .expect("a member")
    }
}

impl Member {
    pub(crate) fn settings(&self, first_start: bool) -> Settings {
        let socket = self.socket.try_clone().expect("a socket");
        let mut settings = Settings::new("test", self.id, socket, &self.state_dir);
        settings.peers = self
            .peers
            .iter()
            .map(|(id, address)| (*id, (*address).into()))
            .collect();
        settings.alone = self.peers.is_empty();
        settings.keys = Some(self.keys.clone());
        settings.first_start = first_start;
        settings.options = Options {
            // Long enough for a leader not to be lost because the machine is busy.
            heartbeat_interval: Duration::from_millis(50),
            election_timeout: Duration::from_secs(1),
            ..Options::default()
        };
        settings
    }

    pub(crate) fn start(&self, first_start: bool) -> Handle {
        start_when_free(|| self.settings(first_start))
    }
}

/// Starts a node in a directory that one left. A process that another test starts holds a copy of the lock until it
/// has become its program.
pub(crate) fn start_when_free(settings: impl Fn() -> Settings) -> Handle {
    let mut started = start(settings());
    wait_until("the lock is free", || {
        let locked = matches!(started, Err(StartError::Store(StoreError::Locked { .. })));
        if locked {
            started = start(settings());
        }
        !locked
    });
    started.expect("a node")
}

/// Waits until one of `nodes` leads with a lease.
pub(crate) fn leader(nodes: &[Handle]) -> (Handle, Term) {
    let mut found = None;
    wait_until("a leader with a lease", || {
        found = nodes
            .iter()
            .find_map(|node| Some((node.clone(), led(node)?)));
        found.is_some()
    });
    found.expect("a leader")
}

/// The term in which `node` leads with a lease now.
pub(crate) fn led(node: &Handle) -> Option<Term> {
    node.lease().map(|(term, _)| term)
}

/// All but `node`.
pub(crate) fn others(nodes: &[Handle], node: &Handle) -> Vec<Handle> {
    nodes
        .iter()
        .filter(|other| other.id() != node.id())
        .cloned()
        .collect()
}

pub(crate) fn status(node: &Handle) -> Status {
    node.status().expect("a running node")
}

/// Tells the threads of a test that it is over, also when it fails.
pub(crate) struct Done<'a>(pub(crate) &'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
