//! What keeps a node from its durable state, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use raft_core::{NodeId, Term};

use super::format::{MAX_CLUSTER, MAX_TERM};

/// What keeps a node from its durable state. The text names the file and the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The system refused.
    Io {
        /// What was attempted, such as `write`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is no state.
    Absent {
        /// Where it would be.
        path: PathBuf,
    },
    /// There is state where fresh state was to be created.
    Exists {
        /// Where it is.
        path: PathBuf,
    },
    /// Another process holds the directory.
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The state file ends too early.
    Truncated {
        /// The state file.
        path: PathBuf,
    },
    /// The state file is damaged or no state file at all.
    Damaged {
        /// The state file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The state file is whole, but of a version that this program does not read.
    Version {
        /// The state file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The state is another cluster's.
    OtherCluster {
        /// The state file.
        path: PathBuf,
        /// The cluster whose state it is.
        found: String,
        /// The cluster that was asked for.
        expected: String,
    },
    /// The state is another node's.
    OtherNode {
        /// The state file.
        path: PathBuf,
        /// The node whose state it is.
        found: NodeId,
        /// The node that was asked for.
        expected: NodeId,
    },
    /// The state has a term above [`MAX_TERM`].
    ImplausibleTerm {
        /// The state file.
        path: PathBuf,
        /// The term.
        term: Term,
    },
    /// The cluster's name is longer than 255 bytes.
    ClusterName {
        /// How long it is, in bytes.
        length: usize,
    },
}

impl StoreError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl Fn(io::Error) -> StoreError {
        move |source| StoreError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// What to do when state is beyond use.
const REPLACE: &str = "restore the latest backup only if this node did not run since; \
    otherwise give the node a new id and an empty directory, and replace the old id in the \
    configuration of all nodes";

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Io {
                action,
                path,
                source,
            } => write!(f, "cannot {action} {}: {source}", path.display()),
            StoreError::Absent { path } => write!(
                f,
                "{}: there is no state; use --init (Settings::first_start) if this node starts \
                 for the first time ever; if its state was lost, give it a new id",
                path.display()
            ),
            StoreError::Exists { path } => write!(
                f,
                "{}: there is state already, which is left as it is; leave --init out \
                 (Settings::first_start), or choose another directory",
                path.display()
            ),
            StoreError::Locked { path } => write!(
                f,
                "{}: another process holds the lock; stop it, or choose another directory",
                path.display()
            ),
            StoreError::Truncated { path } => {
                write!(f, "{}: the state ends too early; {REPLACE}", path.display())
            }
            StoreError::Damaged { path, what } => {
                write!(
                    f,
                    "{}: the state is damaged: {what}; {REPLACE}",
                    path.display()
                )
            }
            StoreError::Version { path, version } => write!(
                f,
                "{}: the state has version {version}, which this program does not read; \
                 use the program that wrote it, or a newer one",
                path.display()
            ),
            StoreError::OtherCluster {
                path,
                found,
                expected,
            } => write!(
                f,
                "{}: the state belongs to cluster {found:?}, not {expected:?}; \
                 correct the cluster's name, or choose another directory",
                path.display()
            ),
            StoreError::OtherNode {
                path,
                found,
                expected,
            } => write!(
                f,
                "{}: the state belongs to node {found}, not {expected}; \
                 correct the id, or choose another directory",
                path.display()
            ),
            StoreError::ImplausibleTerm { path, term } => write!(
                f,
                "{}: the state has term {term}, more than the {MAX_TERM} that any cluster could \
                 reach, so it is damaged; {REPLACE}",
                path.display()
            ),
            StoreError::ClusterName { length } => write!(
                f,
                "the cluster's name has {length} bytes; choose one of at most {MAX_CLUSTER}"
            ),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
