//! `raft-core` over real UDP.

mod clock;
pub mod control;
mod counters;
mod error;
mod frame;
mod handle;
mod key;
mod names;
mod node;
mod peers;
mod report;
mod resolve;
mod settings;
mod shared;
mod start;
mod status;
mod store;
mod traffic;

pub use clock::Instant;
pub use error::{NodeError, StartError, Stopped, TransferError};
pub use frame::{DropReason, Identity, MAX_DATAGRAM, Opened, TimingDigest, Transport};
pub use handle::{Handle, Subscription};
pub use key::{KeyError, Keyring, LineProblem};
pub use settings::{
    Listen, MAX_CLUSTER_NAME, PeerAddress, PeerAddressError, Settings, SettingsError,
};
pub use shared::{Leadership, View};
pub use start::start;
pub use status::{PeerStatus, STATUS_SCHEMA, Status, SyncStatus};
pub use store::{MAX_TERM, Store, StoreError};
