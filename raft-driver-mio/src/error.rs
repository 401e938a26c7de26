//! Why a node does not start, and why one stopped.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use raft_core::{NodeId, RestoreError, TransferRefusal};

use crate::settings::SettingsError;
use crate::store::StoreError;

/// Why a node does not start. Nothing was changed, but that a first start may have made the state.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The settings are wrong.
    Settings(SettingsError),
    /// The durable state cannot be made or opened.
    Store(StoreError),
    /// The state is one that no node can have written under these settings.
    Restore(RestoreError),
    /// The address cannot be bound.
    Bind {
        /// The address.
        listen: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The control socket cannot be made.
    Control {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The trace cannot be written.
    Trace {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The system refuses something else that a node needs.
    System {
        /// What it is.
        what: &'static str,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Settings(error) => error.fmt(f),
            StartError::Store(error) => error.fmt(f),
            StartError::Restore(error) => error.fmt(f),
            StartError::Bind { listen, error } => write!(
                f,
                "listen: {listen} cannot be bound: {error}: give an address of this host and a port that is free"
            ),
            StartError::Control { path, error } => write!(
                f,
                "{}: the control socket cannot be made: {error}: give a state directory that can be written and \
                 whose path is shorter than about 90 bytes",
                path.display()
            ),
            StartError::Trace { path, error } => write!(
                f,
                "{}: the trace cannot be written: {error}: name a file in a directory that can be written",
                path.display()
            ),
            StartError::System { what, error } => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Why a running node stopped by itself. Its lease is void; start it again from its state.
#[derive(Debug)]
#[non_exhaustive]
pub enum NodeError {
    /// The state could not be made durable. Whether the disk holds the old or the new one is unknown; either
    /// is right to start from, what the node remembered is not.
    Persist(StoreError),
    /// Waiting for events failed.
    Poll(io::Error),
    /// The node's thread panicked, which is a bug.
    Panicked,
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Persist(error) => write!(f, "the state cannot be written: {error}"),
            NodeError::Poll(error) => write!(f, "waiting for events failed: {error}"),
            NodeError::Panicked => f.write_str("the node's thread panicked: please report it"),
        }
    }
}

impl std::error::Error for NodeError {}

/// The node has stopped: [`Handle::join`](crate::Handle::join) says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the node has stopped")
    }
}

impl std::error::Error for Stopped {}

/// Why the addresses of a node's peers were not replaced. Nothing changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReplaceError {
    /// The peers are not those that the node was started with.
    OtherPeers,
    /// A peer's address will not do.
    Address(SettingsError),
    /// There is a host name, and no thread to resolve it.
    Thread(io::Error),
    /// The node has stopped.
    Stopped,
}

impl fmt::Display for ReplaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplaceError::OtherPeers => f.write_str(
                "peer: the numbers of the peers differ from those at the start: only addresses change while a node runs",
            ),
            ReplaceError::Address(error) => error.fmt(f),
            ReplaceError::Thread(error) => write!(f, "a thread: {error}"),
            ReplaceError::Stopped => Stopped.fmt(f),
        }
    }
}

impl std::error::Error for ReplaceError {}

/// Why a leadership transfer did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferError {
    /// The node refused.
    Refused(TransferRefusal),
    /// The voter that was named has not been heard for an election timeout.
    Silent(NodeId),
    /// The voter that was named answers that it would not campaign.
    WouldNotCampaign(NodeId),
    /// The node has stopped.
    Stopped,
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TransferError::Refused(refusal) => return refusal.fmt(f),
            TransferError::Silent(id) => {
                return write!(
                    f,
                    "node {id} is not heard: see that it runs and can be reached, or name another"
                );
            }
            TransferError::WouldNotCampaign(id) => {
                return write!(
                    f,
                    "node {id} would not campaign, being paused, unfit or a witness: run raft resume there if it is \
                     paused, or name another"
                );
            }
            TransferError::Stopped => "the node has stopped",
        })
    }
}

impl std::error::Error for TransferError {}
