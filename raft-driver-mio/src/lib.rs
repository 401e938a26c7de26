//! `raft-core` over real UDP.

mod frame;
mod key;
mod store;

pub use frame::{DropReason, Identity, MAX_DATAGRAM, Opened, TimingDigest, Transport};
pub use key::{KeyError, Keyring, LineProblem};
pub use store::{MAX_TERM, Store, StoreError};
