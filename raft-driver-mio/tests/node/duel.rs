//! One node against a test that plays its peer, node 2: it has the key and the socket, and says what it likes.

use std::net::UdpSocket;
use std::time::Duration;

use raft_driver_mio::raft_core::{
    AppendEntries, AppendEntriesResponse, Message, NodeId, RequestPreVote, RequestPreVoteResponse,
    RequestVote, RequestVoteResponse, RoleKind, Round, Term, TimeoutNow,
};
use raft_driver_mio::{Handle, Keyring, MAX_DATAGRAM, Opened, Settings, Status};

use crate::common::{Cluster, PATIENCE, start_when_free, status, wait_until};
use crate::impostor::Impostor;

/// How many datagrams are sent before their arrival is waited for: no more than a socket's buffer holds.
const BATCH: usize = 16;
/// The node does nothing of its own accord in this time.
pub(crate) const IDLE: Duration = Duration::from_secs(3600);

pub(crate) struct Duel {
    pub(crate) cluster: Cluster,
    pub(crate) node: Handle,
    pub(crate) peer: Impostor,
    /// The peer's.
    pub(crate) socket: UdpSocket,
    election_timeout: Duration,
}

/// What a node has decided, and how often it wrote that to its disk.
pub(crate) type Decided = (Term, Option<NodeId>, Option<NodeId>, RoleKind, Round, u64);

pub(crate) fn decided(node: &Handle) -> Decided {
    let Status {
        term,
        voted_for,
        leader,
        role,
        round,
        sync_seconds,
        ..
    } = status(node);
    (term, voted_for, leader, role, round, sync_seconds.count)
}

/// Sends all of them and waits until the node has read each.
pub(crate) fn deliver(node: &Handle, from: &UdpSocket, datagrams: &[Vec<u8>]) {
    for batch in datagrams.chunks(BATCH) {
        let received = status(node).datagrams_received;
        for datagram in batch {
            from.send_to(datagram, node.local_address()).expect("sent");
        }
        let all = received + batch.len() as u64;
        wait_until("all datagrams are read", || {
            status(node).datagrams_received >= all
        });
    }
}

/// How many datagrams and messages the node has dropped for this reason.
pub(crate) fn dropped(node: &Handle, reason: &str) -> u64 {
    status(node).dropped.get(reason).copied().unwrap_or(0)
}

impl Duel {
    pub(crate) fn new(election_timeout: Duration) -> Duel {
        let cluster = Cluster::bind(3, "127.0.0.1").expect("the loopback");
        let settings = |first| settings(&cluster, election_timeout, first);
        let node = raft_driver_mio::start(settings(true)).expect("a node");
        let peer = peer(settings(false), "test", None);
        let socket = cluster.members[1].socket.try_clone().expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Duel {
            cluster,
            node,
            peer,
            socket,
            election_timeout,
        }
    }

    /// A node that is the peer to all that can be seen, but for the cluster's name or the keys.
    pub(crate) fn peer_with(&self, cluster: &str, keys: Option<Keyring>) -> Impostor {
        let settings = settings(&self.cluster, self.election_timeout, false);
        peer(settings, cluster, keys)
    }

    /// Exchanges challenges, until the node hears the peer.
    pub(crate) fn greet(&mut self) {
        let mut known = false;
        wait_until("the node answers", || {
            // Again and again: its answers are bounded, and others may have used them up.
            self.say(None);
            let mut buffer = [0; MAX_DATAGRAM];
            let timeout = Some(Duration::from_millis(50));
            self.socket.set_read_timeout(timeout).expect("a timeout");
            while !known && let Ok(length) = self.socket.recv(&mut buffer) {
                match self.peer.0.open(&buffer[..length]) {
                    Opened::Stale { answer, .. } => {
                        let to = self.node.local_address();
                        self.socket.send_to(answer, to).expect("sent");
                    }
                    Opened::Message { .. }
                    | Opened::Empty { .. }
                    | Opened::Question { .. }
                    | Opened::Report { .. } => known = true,
                    Opened::Dropped(reason) => panic!("{reason}"),
                }
            }
            known
        });
        let timeout = Some(PATIENCE);
        self.socket.set_read_timeout(timeout).expect("a timeout");
        let stale = self.stale();
        self.say(None);
        assert_eq!(self.stale(), stale, "the node does not hear its peer");
    }

    /// How many datagrams were not fresh.
    pub(crate) fn stale(&self) -> u64 {
        dropped(&self.node, "stale") + dropped(&self.node, "stale_elsewhere")
    }

    /// Says something to the node, waits until it has read it, and returns the recording.
    pub(crate) fn say(&mut self, message: Option<&Message>) -> Vec<u8> {
        let datagram = self.peer.seal(self.node.id(), message);
        deliver(&self.node, &self.socket, std::slice::from_ref(&datagram));
        datagram
    }

    /// The node again, from its state.
    pub(crate) fn restart_node(&mut self) {
        self.node.abort();
        self.node.join().expect("an end");
        self.drain();
        self.node = start_when_free(|| settings(&self.cluster, self.election_timeout, false));
    }

    /// Another run of the peer.
    pub(crate) fn restart_peer(&mut self) {
        self.drain();
        self.peer = self.peer_with("test", None);
    }

    /// Forgets what was sent to the peer and not read.
    pub(crate) fn drain(&self) {
        self.socket.set_nonblocking(true).expect("a mode");
        while self.socket.recv(&mut [0; MAX_DATAGRAM]).is_ok() {}
        self.socket.set_nonblocking(false).expect("a mode");
    }

    /// Fails unless the node still takes part: it follows a leader of a higher term.
    pub(crate) fn assert_alive(&mut self) {
        let term = Term(status(&self.node).term.0 + 1);
        self.say(Some(&heartbeat(term, 1)));
        let status = status(&self.node);
        assert_eq!((status.term, status.leader), (term, Some(NodeId(2))));
    }
}

fn settings(cluster: &Cluster, election_timeout: Duration, first_start: bool) -> Settings {
    let mut settings = cluster.members[0].settings(first_start);
    settings.options.election_timeout = election_timeout;
    settings
}

fn peer(settings: Settings, cluster: &str, keys: Option<Keyring>) -> Impostor {
    let keys = keys.or(settings.keys).expect("a key");
    Impostor::new(cluster, NodeId(2), &settings.options, keys)
}

pub(crate) fn heartbeat(term: Term, round: u64) -> Message {
    Message::AppendEntries(AppendEntries {
        term,
        prev_log: Default::default(),
        leader_commit: Default::default(),
        round: Round(round),
        lease: Duration::from_millis(800),
    })
}

/// One message of each kind, in an order in which a node is led, votes, and is asked to take over: it reaches
/// `term` + 2.
pub(crate) fn each_kind(term: Term) -> [Message; 9] {
    let next = Term(term.0 + 1);
    let (last_log, nonce) = (Default::default(), 1);
    [
        heartbeat(term, 1),
        Message::RequestPreVote(RequestPreVote {
            prospective_term: next,
            last_log,
            nonce,
        }),
        Message::RequestPreVoteResponse(RequestPreVoteResponse {
            term,
            nonce,
            vote_granted: true,
        }),
        heartbeat(term, 2),
        Message::RequestVote(RequestVote {
            term: next,
            last_log,
            leadership_transfer: true,
        }),
        Message::RequestVoteResponse(RequestVoteResponse {
            term: next,
            vote_granted: true,
        }),
        heartbeat(next, 1),
        Message::AppendEntriesResponse(AppendEntriesResponse {
            term: next,
            success: true,
            round: Round(1),
            can_campaign: true,
        }),
        Message::TimeoutNow(TimeoutNow {
            term: next,
            stopped: false,
        }),
    ]
}
