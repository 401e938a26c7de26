//! What a watcher of a node is told.

use std::net::SocketAddr;

use raft_core::{LostReason, NodeId, RoleKind, Term};
use serde::{Deserialize, Serialize};

use crate::names;

/// The version of [`Change`] in JSON. It grows when a field changes its meaning or goes away, not when
/// one is added.
pub const CHANGE_SCHEMA: u32 = 1;

/// The state of a node after a change, as a watcher is told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// [`CHANGE_SCHEMA`].
    pub schema: u32,
    /// The number of the node's [`View`](crate::View). It never falls.
    pub seq: u64,
    /// The cluster's name.
    pub cluster: String,
    /// The node.
    pub node_id: NodeId,
    /// Its role.
    #[serde(with = "names::role")]
    pub role: RoleKind,
    /// Its term. Of an active node it is the fencing token.
    pub term: Term,
    /// The leader of that term, if it is known and not presumed lost. It may be lost all the same.
    pub leader: Option<NodeId>,
    /// Where that leader is.
    pub leader_address: Option<SocketAddr>,
    /// Whether the node was [`active`](crate::Status::active) at that moment. Ask anew before acting: a lease ends by itself.
    pub active: bool,
    /// Whether the node is paused.
    pub paused: bool,
    /// Whether the node was asked to hand its leadership over and waits for what it runs to stop.
    pub handing_over: bool,
    /// The end of the node's latest leadership.
    pub lost: Option<Lost>,
}

/// How a leadership ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lost {
    /// Its term.
    pub term: Term,
    /// Why it ended: a [`LostReason`] in snake case.
    pub reason: String,
}

impl Change {
    pub(crate) fn lost(lost: Option<(Term, LostReason)>) -> Option<Lost> {
        lost.map(|(term, reason)| Lost {
            term,
            reason: names::snake_case(reason),
        })
    }

    /// Whether a watcher who knows this one learns nothing from `other`.
    pub(super) fn is_like(&self, other: &Change) -> bool {
        Change {
            seq: other.seq,
            ..self.clone()
        } == *other
    }

    /// The line of the control socket.
    pub(super) fn line(&self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(mut all)) => {
                all.insert("ok".to_owned(), true.into());
                serde_json::Value::Object(all).to_string()
            }
            Ok(_) | Err(_) => super::refusal("the state cannot be written"),
        }
    }
}
