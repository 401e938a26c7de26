//! What a program is told of the leadership that it runs under.

use std::path::PathBuf;
use std::time::Duration;

use raft_core::Term;
use raft_driver_mio::{Handle, Settings};

/// What the member was started with, as far as it matters here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    cluster: String,
    state_dir: PathBuf,
    pub(crate) kill_delay: Duration,
}

impl Facts {
    pub(crate) fn of(settings: &Settings) -> Facts {
        Facts {
            cluster: settings.cluster.clone(),
            state_dir: settings.state_dir.clone(),
            kill_delay: settings.kill_delay,
        }
    }

    /// The variables that are set for a program that starts under the leadership of `term`.
    pub(crate) fn environment(&self, handle: &Handle, term: Term) -> Vec<(String, String)> {
        let lease = handle.config().lease().unwrap_or_default();
        let variables = [
            ("RAFT_TERM", term.to_string()),
            ("RAFT_EVENT", "leader".to_owned()),
            ("RAFT_SEQ", handle.view().seq.to_string()),
            ("RAFT_NODE_ID", handle.id().to_string()),
            ("RAFT_CLUSTER", self.cluster.clone()),
            ("RAFT_LEADER_ID", handle.id().to_string()),
            ("RAFT_LEADER_ADDR", handle.local_address().to_string()),
            ("RAFT_LEASE_SECONDS", lease.as_secs_f64().to_string()),
            // One that is no text cannot be passed on like this, and is not.
            ("RAFT_STATE_DIR", self.state_dir.display().to_string()),
        ];
        variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}
