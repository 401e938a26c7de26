//! Everything there is to know of a running node, as JSON has it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use raft_core::{NodeId, RoleKind, Round, Term};
use serde::{Deserialize, Serialize};

use crate::frame::PeerReport;
use crate::names;
use crate::timings::Timings;

/// The version of [`Status`] in JSON. It grows when a field changes its meaning or goes away, not when
/// one is added.
pub const STATUS_SCHEMA: u32 = 1;

/// Everything there is to know of a running node. Times are in seconds; counters count since the
/// node started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// [`STATUS_SCHEMA`].
    pub schema: u32,
    /// The cluster's name.
    pub cluster: String,
    /// The node.
    pub node_id: NodeId,
    /// Its process.
    pub pid: u32,
    /// The version of this crate.
    pub version: String,
    /// The address on which it listens.
    pub listen: SocketAddr,
    /// Its role.
    #[serde(with = "names::role")]
    pub role: RoleKind,
    /// Its term.
    pub term: Term,
    /// The leader of that term, if it is known and not presumed lost. It may be lost all the same.
    pub leader: Option<NodeId>,
    /// Where that leader is.
    pub leader_address: Option<SocketAddr>,
    /// Whether this node may do a leader's work at this moment: [`Handle::active`](crate::Handle::active).
    pub active: bool,
    /// How long its lease lasts unless it is extended; 0 without one. A leader with a lease that is not active waits until
    /// what an earlier leader ran is surely over.
    pub lease_remaining_seconds: f64,
    /// The newest round of heartbeats in this term.
    pub round: Round,
    /// The node's vote in this term.
    pub voted_for: Option<NodeId>,
    /// Whether it is paused: it votes and does not campaign.
    pub paused: bool,
    /// Whether its host could do the work of a leader. If not, it votes and does not campaign.
    #[serde(default = "yes")]
    pub fit: bool,
    /// Whether it was asked to hand its leadership over and waits for what it runs to stop.
    #[serde(default)]
    pub handing_over: bool,
    /// Whether it is a witness: it votes and never campaigns.
    pub witness: bool,
    /// Whether it drops every datagram in and out.
    pub isolated: bool,
    /// How long it has been running.
    pub uptime_seconds: f64,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Datagrams received, those that were dropped among them.
    pub datagrams_received: u64,
    /// Bytes of datagrams sent, without the headers of UDP and IP.
    pub bytes_sent: u64,
    /// Bytes of datagrams received, without the headers of UDP and IP.
    pub bytes_received: u64,
    /// What was dropped, by reason: datagrams received, datagrams that could not be sent, and messages
    /// that changed nothing.
    pub dropped: BTreeMap<String, u64>,
    /// The other nodes.
    pub peers: Vec<PeerStatus>,
    /// How long it took to make the node's state durable.
    pub sync_seconds: Timings,
    /// How long each turn of the node's loop took, in which nothing else was served.
    #[serde(default)]
    pub loop_seconds: Timings,
    /// How many voters there are, this one among them.
    #[serde(default)]
    pub voters: usize,
    /// From how many of them a fresh datagram came within the last four election timeouts, this one among them. A
    /// majority must be.
    #[serde(default)]
    pub voters_reachable: usize,
    /// How often the node learnt of another leader.
    #[serde(default)]
    pub leader_changes: u64,
    /// What became of its campaigns.
    #[serde(default)]
    pub elections: Elections,
}

/// What became of a node's campaigns, each of which begins with a pre-vote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Elections {
    /// How many it won.
    pub won: u64,
    /// How many it gave up: another was elected, a higher term was seen, or the node was paused.
    pub lost: u64,
    /// How many ended without a majority for anybody in time; the next began at once.
    pub timeout: u64,
}

// What was added to the first version has a default: the status of an older node is read as well.
fn yes() -> bool {
    true
}

/// A peer, as a node sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeerStatus {
    /// The peer.
    pub id: NodeId,
    /// Where it is, as it was configured: an address, or a host name and a port.
    pub name: String,
    /// Where it is. A host name may not be resolved yet.
    pub address: Option<SocketAddr>,
    /// The time since the last datagram of it that was authentic and fresh.
    pub last_received_seconds: Option<f64>,
    /// The time since it last answered a heartbeat of this node.
    #[serde(default)]
    pub last_ack_seconds: Option<f64>,
    /// How long its answers to heartbeats of this node took.
    #[serde(default)]
    pub rtt_seconds: Timings,
    /// What it said of itself when it was last asked ([`Request::AskPeers`](crate::control::Request::AskPeers)).
    #[serde(default)]
    pub reported: Option<Reported>,
}

/// What a peer said of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reported {
    /// How long ago.
    pub age_seconds: f64,
    /// Its role.
    #[serde(with = "names::role")]
    pub role: RoleKind,
    /// Its term.
    pub term: Term,
    /// The leader of that term, as far as it knows.
    pub leader: Option<NodeId>,
    /// Whether it was [`active`](Status::active) when it said so.
    pub active: bool,
    /// How long its lease lasted unless it was extended; 0 if it was not active.
    pub lease_remaining_seconds: f64,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether its host could do the work of a leader.
    pub fit: bool,
    /// Whether it never campaigns.
    pub witness: bool,
    /// How long it had been running.
    pub uptime_seconds: f64,
    /// From how many voters it had heard lately, itself among them.
    pub voters_reachable: u8,
    /// The version of its program.
    pub version: String,
}

impl Reported {
    pub(crate) fn new(report: &PeerReport, age_seconds: f64) -> Reported {
        let [major, minor, patch] = report.version;
        Reported {
            age_seconds,
            role: report.role,
            term: report.term,
            leader: report.leader,
            active: report.lease.is_some(),
            lease_remaining_seconds: report.lease.unwrap_or_default().as_secs_f64(),
            paused: report.paused,
            fit: report.fit,
            witness: report.witness,
            uptime_seconds: report.uptime.as_secs_f64(),
            voters_reachable: report.voters_reachable,
            version: format!("{major}.{minor}.{patch}"),
        }
    }
}
