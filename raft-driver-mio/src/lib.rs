//! [`raft_core`] over real UDP: one node on one thread, with sealed datagrams, durable state and a lease
//! that can be asked for at the moment of acting.
//!
//! A library first: [`start`] a node, keep its [`Handle`]. With `default-features = false` it does not pull in what only the
//! program `raft` needs.
//!
//! ```no_run
//! use std::net::SocketAddr;
//! use std::time::Duration;
//! use raft_driver_mio::raft_core::NodeId;
//! use raft_driver_mio::{Keyring, Settings, start};
//!
//! # fn do_one_piece_of_work(fencing_token: u64) {}
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listen: SocketAddr = "10.0.0.1:7400".parse()?;
//! let mut settings = Settings::new("billing", NodeId(1), listen, "/var/lib/billing/raft");
//! settings.peers = vec![
//!     (NodeId(2), "10.0.0.2:7400".parse()?),
//!     (NodeId(3), "host3.example:7400".parse()?),
//! ];
//! settings.keys = Some(Keyring::read("/etc/billing/key".as_ref())?);
//! settings.first_start = std::env::args().any(|argument| argument == "--init");
//! let node = start(settings)?;
//!
//! let mut states = node.subscribe();
//! while let Some(state) = states.wait_for(Duration::MAX, |state| state.leadership.is_some()) {
//!     println!("elected in term {}", state.term);
//!     // Ask anew before each piece of work. The term is the fencing token: whatever the work
//!     // changes should refuse a lower one than the highest that it has seen.
//!     while node.view().leadership.is_some() {
//!         match node.active() {
//!             Some((term, _)) => do_one_piece_of_work(term.0),
//!             None => std::thread::sleep(Duration::from_millis(1)),
//!         }
//!     }
//! }
//! // The node has stopped: by itself, and `join` says why, or because another thread called `node.shutdown()`.
//! node.join()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Handle::shutdown`] hands the leadership over; to drop the last [`Handle`] is a crash, after which the others wait for the
//! election timeout.
//!
//! # Who leads, and who may act
//!
//! [`Handle::subscribe`] tells what happened: elected, confirmed, lost. [`Handle::active`] tells whether this node
//! may act, by the clock of whoever asks, at the moment of asking: a lease counts from before the heartbeats that a majority
//! answered, and it ends by itself. A node that was cut off, whose disk has stalled or that slept with its machine
//! finds it over without having been told. What remains is a pause between asking and acting, and a virtual
//! machine that is stopped or rolled back: only the fencing token helps against those.
//!
//! # Work that must stop first
//!
//! A host whose work takes time to stop says so with [`Settings::stop_timeout`]. A transfer that an operator asks for is then announced in
//! [`View::hand_over`] while the node goes on leading; the host stops its work and calls [`Handle::hand_over`], and
//! its successor may start at once. One that succeeds a leader that was lost waits until [`Leadership::may_start`], if work may take
//! longer to die ([`Settings::kill_delay`]) than the lease leaves of the election timeout. Another process that must die with the lease is told
//! the end of each lease ([`Handle::wait_lease`]), by a clock that it can read itself. `raft exec` is such a host, and `docs/exec.md` of this crate is the
//! proof of what it promises.
//!
//! # What is where
//!
//! The state directory holds the node's durable state and a lock ([`Store`]) and, if it was asked for, the control socket
//! ([`control`]). A directory belongs to one node for good. A node whose state was lost comes back
//! under a new id, for it may have forgotten a vote.
//!
//! Datagrams go to the configured addresses and to no others, sealed with a key that all nodes share ([`Keyring`],
//! [`Transport`]). Without a key only loopback can be bound, unless [`Settings::insecure`] insists. All nodes need the same
//! timing and voters. The datagrams of one that has another timing are dropped, and counted ([`Status::dropped`]); nodes whose
//! voters differ can have two leaders. Therefore one without peers starts only if it is said to be [`Settings::alone`].

mod answers;
mod asked;
mod clock;
#[cfg(feature = "config-file")]
pub mod config_file;
pub mod control;
mod counters;
#[cfg(feature = "config-file")]
pub mod duration;
mod error;
mod frame;
mod handle;
mod handover;
mod key;
mod names;
mod node;
mod peers;
mod preference;
mod replace;
mod report;
mod resolve;
mod settings;
mod shared;
mod start;
mod status;
mod store;
mod takeover;
mod timings;
mod trace;
mod traffic;

pub use raft_core;

pub use clock::Instant;
pub use error::{NodeError, ReplaceError, StartError, Stopped, TransferError};
pub use frame::{DropReason, Identity, MAX_DATAGRAM, Opened, PeerReport, TimingDigest, Transport};
pub use handle::{Handle, Subscription};
pub use key::{KeyError, Keyring, LineProblem};
pub use settings::{
    Listen, MAX_CLUSTER_NAME, PeerAddress, PeerAddressError, Settings, SettingsError,
};
pub use shared::{HandOver, Leadership, View};
pub use start::start;
pub use status::{Elections, PeerStatus, Reported, STATUS_SCHEMA, Status};
pub use store::{MAX_TERM, Store, StoreError};
pub use takeover::{kill_budget, takeover_wait};
pub use timings::{TIMING_BOUNDS, Timings};
