//! The bytes of the state file.
//!
//! Numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `raftstat` |
//! | 4 | the version, 1 |
//! | 4 | the length of the file |
//! | 2 | the length of the cluster's name |
//! | … | the cluster's name, UTF-8 |
//! | 8 | the node's id |
//! | 8 | `current_term` |
//! | 1 | 1 if `voted_for` is a node, 0 if it is null |
//! | 8 | the node; 0 if `voted_for` is null |
//! | 8 + 4 | `election_timeout`: seconds, nanoseconds |
//! | 4 | CRC-32 (IEEE) of all that precedes |
//!
//! Every version begins with the first three and ends with the checksum, so that a newer one is
//! known from a damaged one.

use std::path::Path;
use std::time::Duration;

use raft_core::{HardState, NodeId, Term};

use super::error::StoreError;

/// The highest term that durable state may have; those of messages are lower. See [`Store`](crate::Store#terms-that-cannot-be).
pub const MAX_TERM: Term = Term(u64::MAX / 2);

pub(super) const MAX_LEN: usize = 4096;
pub(super) const MAX_CLUSTER: usize = 255;

const MAGIC: &[u8; 8] = b"raftstat";
const VERSION: u32 = 1;
const PREFIX: usize = 8 + 4 + 4;
const CHECKSUM: usize = 4;

pub(super) fn check_cluster(cluster: &str) -> Result<(), StoreError> {
    if cluster.len() > MAX_CLUSTER {
        return Err(StoreError::ClusterName {
            length: cluster.len(),
        });
    }
    Ok(())
}

/// The file of a state. `cluster` has at most [`MAX_CLUSTER`] bytes.
pub(super) fn encode(cluster: &str, id: NodeId, state: &HardState) -> Vec<u8> {
    let mut rest = Vec::with_capacity(MAX_CLUSTER + 64);
    rest.extend_from_slice(&(cluster.len() as u16).to_le_bytes());
    rest.extend_from_slice(cluster.as_bytes());
    rest.extend_from_slice(&id.0.to_le_bytes());
    rest.extend_from_slice(&state.current_term.0.to_le_bytes());
    rest.push(u8::from(state.voted_for.is_some()));
    let voted_for = state.voted_for.map_or(0, |candidate| candidate.0);
    rest.extend_from_slice(&voted_for.to_le_bytes());
    rest.extend_from_slice(&state.election_timeout.as_secs().to_le_bytes());
    rest.extend_from_slice(&state.election_timeout.subsec_nanos().to_le_bytes());

    let length = PREFIX + rest.len() + CHECKSUM;
    let mut file = Vec::with_capacity(length);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&VERSION.to_le_bytes());
    file.extend_from_slice(&(length as u32).to_le_bytes());
    file.extend_from_slice(&rest);
    let checksum = crc32fast::hash(&file);
    file.extend_from_slice(&checksum.to_le_bytes());
    file
}

/// Reads a state file, which must be whole, of this version, and of this cluster and node.
pub(super) fn decode(
    path: &Path,
    bytes: &[u8],
    cluster: &str,
    id: NodeId,
) -> Result<HardState, StoreError> {
    let path = || path.to_owned();
    let damaged = |what| StoreError::Damaged { path: path(), what };

    let shown = bytes.len().min(MAGIC.len());
    if bytes.get(..shown) != MAGIC.get(..shown) {
        return Err(damaged("it does not begin as a state file does"));
    }
    let mut fields = Fields(bytes);
    let prefix = (|| {
        let _magic: [u8; 8] = fields.take()?;
        Some((fields.u32()?, fields.u32()? as usize))
    })();
    let Some((version, length)) = prefix else {
        return Err(StoreError::Truncated { path: path() });
    };
    if bytes.len() < length {
        return Err(StoreError::Truncated { path: path() });
    }
    let sum = bytes.split_last_chunk::<CHECKSUM>();
    let whole = sum.is_some_and(|(data, sum)| crc32fast::hash(data).to_le_bytes() == *sum);
    if bytes.len() != length || !whole {
        return Err(damaged("its checksum is wrong"));
    }
    if version != VERSION {
        return Err(StoreError::Version {
            path: path(),
            version,
        });
    }

    let (name, node, state) =
        read_fields(&mut fields).ok_or(damaged("its fields make no sense"))?;
    if name != cluster.as_bytes() {
        return Err(StoreError::OtherCluster {
            path: path(),
            found: String::from_utf8_lossy(name).into_owned(),
            expected: cluster.to_owned(),
        });
    }
    if node != id {
        return Err(StoreError::OtherNode {
            path: path(),
            found: node,
            expected: id,
        });
    }
    if state.current_term > MAX_TERM {
        return Err(StoreError::ImplausibleTerm {
            path: path(),
            term: state.current_term,
        });
    }
    Ok(state)
}

fn read_fields<'a>(fields: &mut Fields<'a>) -> Option<(&'a [u8], NodeId, HardState)> {
    let length = u16::from_le_bytes(fields.take()?);
    let name = fields.slice(usize::from(length))?;
    let node = NodeId(fields.u64()?);
    let current_term = Term(fields.u64()?);
    let voted_for = match (fields.take::<1>()?, fields.u64()?) {
        ([0], 0) => None,
        ([1], node) => Some(NodeId(node)),
        _ => return None,
    };
    let (seconds, nanoseconds) = (fields.u64()?, fields.u32()?);
    if nanoseconds >= 1_000_000_000 {
        return None;
    }
    let state = HardState {
        current_term,
        voted_for,
        election_timeout: Duration::new(seconds, nanoseconds),
    };
    (fields.0.len() == CHECKSUM).then_some((name, node, state))
}

/// What is left to read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}
