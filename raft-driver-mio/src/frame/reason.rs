//! Why a datagram was dropped.

use std::fmt;

/// Why a datagram was dropped.
///
/// What precedes [`Unauthentic`](DropReason::Unauthentic) here is read from bytes that anybody
/// could have sent: such a count says what arrives, not who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// It is too long or too short, or is no frame, or has bytes after its end.
    Malformed,
    /// A version of the frame that this program does not speak.
    Version,
    /// It is unsealed and we have a key.
    Unsealed,
    /// It is sealed and we have no key.
    Sealed,
    /// The sender belongs to another cluster.
    OtherCluster,
    /// It is for another node: an address is configured for the wrong node.
    OtherNode,
    /// Its sender is none of the configured peers.
    UnknownPeer,
    /// It is sealed with a key whose id we do not have.
    UnknownKey,
    /// It cannot be opened: forged, damaged, or sealed with another key of the same id. Of an
    /// unsealed one: its checksum is wrong.
    Unauthentic,
    /// The sender's timing or set of voters differs from ours: the arithmetic of leases would not
    /// hold.
    OtherTiming,
    /// A run of the peer that another has replaced speaks again, and lately: two nodes have one id,
    /// a copied virtual machine for example. Stop one of them; it must come back, if at all, under
    /// a new id.
    ClonedId,
    /// Its term is not below [`MAX_TERM`](crate::MAX_TERM), which no cluster can reach: the sender's
    /// state is damaged.
    ImplausibleTerm,
}

impl DropReason {
    /// All reasons, in the order of their declaration.
    pub const ALL: [DropReason; 12] = [
        DropReason::Malformed,
        DropReason::Version,
        DropReason::Unsealed,
        DropReason::Sealed,
        DropReason::OtherCluster,
        DropReason::OtherNode,
        DropReason::UnknownPeer,
        DropReason::UnknownKey,
        DropReason::Unauthentic,
        DropReason::OtherTiming,
        DropReason::ClonedId,
        DropReason::ImplausibleTerm,
    ];

    /// The reason's name in counters and logs, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            DropReason::Malformed => "malformed",
            DropReason::Version => "version",
            DropReason::Unsealed => "unsealed",
            DropReason::Sealed => "sealed",
            DropReason::OtherCluster => "other_cluster",
            DropReason::OtherNode => "other_node",
            DropReason::UnknownPeer => "unknown_peer",
            DropReason::UnknownKey => "unknown_key",
            DropReason::Unauthentic => "unauthentic",
            DropReason::OtherTiming => "other_timing",
            DropReason::ClonedId => "cloned_id",
            DropReason::ImplausibleTerm => "implausible_term",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
