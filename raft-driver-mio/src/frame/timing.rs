//! A digest of what all nodes of a cluster must have configured alike.

use std::time::Duration;

use raft_core::{Config, Protocol};
use serde::{Deserialize, Serialize};

/// A digest of what the voters of a cluster must agree on for leases and majorities to mean the
/// same to all of them: heartbeat interval, election timeout, lease, protocol and the set of
/// voters.
///
/// It is a CRC-32. It names mistakes, it does not keep enemies out: the key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimingDigest([u8; 4]);

impl TimingDigest {
    /// The digest of a configuration. What may differ between nodes (the id, whether it is a
    /// witness) does not enter it.
    pub fn of(config: &Config) -> TimingDigest {
        let mut digest = crc32fast::Hasher::new();
        let mut duration = |value: Duration| {
            digest.update(&value.as_secs().to_le_bytes());
            digest.update(&value.subsec_nanos().to_le_bytes());
        };
        duration(config.heartbeat_interval());
        duration(config.election_timeout());
        // No lease is zero long.
        duration(config.lease().unwrap_or_default());
        digest.update(&[match config.protocol() {
            Protocol::Standard => 0,
            Protocol::Plain => 1,
        }]);
        for voter in config.voters() {
            digest.update(&voter.0.to_le_bytes());
        }
        TimingDigest(digest.finalize().to_le_bytes())
    }

    /// The digest of a cluster whose new leaders wait for what their predecessors ran, and how long: all of them must. No wait changes
    /// nothing.
    #[must_use]
    pub fn and(self, takeover_wait: Duration) -> TimingDigest {
        if takeover_wait.is_zero() {
            return self;
        }
        let mut digest = crc32fast::Hasher::new();
        digest.update(&self.0);
        digest.update(&takeover_wait.as_secs().to_le_bytes());
        digest.update(&takeover_wait.subsec_nanos().to_le_bytes());
        TimingDigest(digest.finalize().to_le_bytes())
    }
}
