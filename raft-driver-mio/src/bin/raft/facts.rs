//! What programs that are started for a leadership are told of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use raft_core::{NodeId, Term};
use raft_driver_mio::{Handle, Listen, Settings, View};
use serde_json::json;

/// The version of the JSON object that hooks are given. It grows when a field changes its meaning or goes away, not when
/// one is added.
const SCHEMA: u32 = 1;

/// What the member was started with, as far as it matters here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    cluster: String,
    state_dir: PathBuf,
    addresses: BTreeMap<NodeId, String>,
}

/// The variables that say what a program is started for, and are no options.
pub(crate) const TOLD: [&str; 8] = [
    "RAFT_TERM",
    "RAFT_HOOK",
    "RAFT_EVENT",
    "RAFT_SEQ",
    "RAFT_NODE_ID",
    "RAFT_LEADER_ID",
    "RAFT_LEADER_ADDR",
    "RAFT_LEASE_SECONDS",
];

/// What a program is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// This member leads in this term with a lease.
    Leader(Term),
    /// Another leads.
    Follower,
    /// No leader is known.
    NoLeader,
    /// This member ends.
    Stopping,
}

impl Occasion {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Occasion::Leader(_) => "leader",
            Occasion::Follower => "follower",
            Occasion::NoLeader => "no_leader",
            Occasion::Stopping => "stopping",
        }
    }

    /// The term that it is of: that of the lease, for the view may have moved on to a rival's.
    pub(crate) fn term(self, view: &View) -> Term {
        match self {
            Occasion::Leader(term) => term,
            Occasion::Follower | Occasion::NoLeader | Occasion::Stopping => view.term,
        }
    }
}

/// The values, by the names of the variables without their prefix.
struct Values {
    term: u64,
    seq: u64,
    node_id: NodeId,
    leader_id: Option<NodeId>,
    leader_address: Option<String>,
    lease_seconds: f64,
}

impl Facts {
    pub(crate) fn of(settings: &Settings) -> Facts {
        let peers = settings.peers.iter();
        let mut addresses: BTreeMap<_, _> = peers
            .map(|(id, address)| (*id, address.to_string()))
            .collect();
        if let Listen::Address(address) = &settings.listen {
            addresses.insert(settings.id, address.to_string());
        }
        Facts {
            cluster: settings.cluster.clone(),
            // What is told of it may be in another directory than we are. It fails only for no path at all.
            state_dir: std::path::absolute(&settings.state_dir)
                .unwrap_or_else(|_| settings.state_dir.clone()),
            addresses,
        }
    }

    fn values(&self, handle: &Handle, occasion: Occasion, view: &View) -> Values {
        let leader_id = match occasion {
            Occasion::Leader(_) => Some(handle.id()),
            Occasion::Follower | Occasion::Stopping => view.leader,
            Occasion::NoLeader => None,
        };
        Values {
            term: occasion.term(view).0,
            seq: view.seq,
            node_id: handle.id(),
            leader_id,
            leader_address: leader_id.and_then(|id| self.addresses.get(&id).cloned()),
            lease_seconds: handle.config().lease().unwrap_or_default().as_secs_f64(),
        }
    }

    /// The variables that are set for a program. What is not known is empty.
    pub(crate) fn environment(
        &self,
        handle: &Handle,
        occasion: Occasion,
        view: &View,
    ) -> Vec<(String, String)> {
        let values = self.values(handle, occasion, view);
        let leader_id = values.leader_id.map(|id| id.to_string());
        let variables = [
            ("RAFT_TERM", values.term.to_string()),
            ("RAFT_EVENT", occasion.name().to_owned()),
            ("RAFT_SEQ", values.seq.to_string()),
            ("RAFT_NODE_ID", values.node_id.to_string()),
            ("RAFT_CLUSTER", self.cluster.clone()),
            ("RAFT_LEADER_ID", leader_id.unwrap_or_default()),
            (
                "RAFT_LEADER_ADDR",
                values.leader_address.unwrap_or_default(),
            ),
            ("RAFT_LEASE_SECONDS", values.lease_seconds.to_string()),
            // One that is no text cannot be passed on like this, and is not.
            ("RAFT_STATE_DIR", self.state_dir.display().to_string()),
        ];
        variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// The same as one line of JSON, for a hook.
    pub(crate) fn json(
        &self,
        handle: &Handle,
        hook: &str,
        occasion: Occasion,
        view: &View,
    ) -> String {
        let values = self.values(handle, occasion, view);
        let object = json!({
            "schema": SCHEMA,
            "hook": hook,
            "event": occasion.name(),
            "seq": values.seq,
            "cluster": self.cluster,
            "node_id": values.node_id,
            "term": values.term,
            "leader_id": values.leader_id,
            "leader_address": values.leader_address,
            "lease_seconds": values.lease_seconds,
            "state_dir": self.state_dir.display().to_string(),
        });
        format!("{object}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_is_found_from_any_directory() {
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let facts = Facts::of(&Settings::new("c", NodeId(1), listen, "state"));
        let here = std::env::current_dir().expect("a directory");
        assert_eq!(facts.state_dir, here.join("state"));
    }
}
