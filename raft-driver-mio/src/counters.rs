//! What a node counts, and warnings that a flood cannot turn into a flood of lines.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use raft_core::NodeId;
use tracing::field::display;
use tracing::warn;

use crate::clock::Instant;
use crate::status::SyncStatus;

/// The least time between two warnings for the same reason.
const WARNING_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) datagrams_sent: u64,
    pub(crate) datagrams_received: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) sync: SyncStatus,
    /// By reason. There are only as many as the program has names for.
    dropped: BTreeMap<&'static str, Drops>,
}

/// What is known of a drop, to find its cause.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    /// The other node.
    pub(crate) peer: Option<NodeId>,
    /// Where the datagram came from or was to go to.
    pub(crate) address: Option<SocketAddr>,
    /// What the system said.
    pub(crate) error: Option<&'a io::Error>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Drops {
    count: u64,
    /// How many of them no warning has told of.
    untold: u64,
    warned: Option<Instant>,
}

impl Counters {
    /// Counts a drop that happens in the best of networks.
    pub(crate) fn drop_quietly(&mut self, reason: &'static str) {
        self.drops(reason).count += 1;
    }

    /// Counts a drop that an operator should know of. Of several that one warning tells of, `about` is the last.
    pub(crate) fn drop_with_warning(&mut self, reason: &'static str, node: NodeId, about: About) {
        let drops = self.drops(reason);
        drops.count += 1;
        drops.untold += 1;
        let now = Instant::now();
        let due = |warned| now.saturating_duration_since(warned) >= WARNING_INTERVAL;
        if drops.warned.is_none_or(due) {
            let peer = about.peer.map(|peer| peer.0);
            let address = about.address.map(display);
            let error = about.error.map(display);
            let count = drops.untold;
            warn!(
                event = "dropped",
                node = node.0,
                reason,
                count,
                peer,
                address,
                error
            );
            drops.untold = 0;
            drops.warned = Some(now);
        }
    }

    fn drops(&mut self, reason: &'static str) -> &mut Drops {
        self.dropped.entry(reason).or_default()
    }

    pub(crate) fn synced(&mut self, took: Duration) {
        self.sync.count += 1;
        self.sync.last = took.as_secs_f64();
        self.sync.max = self.sync.max.max(self.sync.last);
    }

    pub(crate) fn dropped(&self) -> BTreeMap<String, u64> {
        let counts = self.dropped.iter();
        counts
            .map(|(reason, drops)| ((*reason).to_owned(), drops.count))
            .collect()
    }
}
