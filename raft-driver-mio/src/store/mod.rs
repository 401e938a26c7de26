//! Durable state: one small file, replaced atomically, under a lock.

mod error;
mod format;

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use raft_core::{HardState, NodeId};

pub use error::StoreError;
pub use format::MAX_TERM;

const STATE: &str = "state";
const LOCK: &str = "lock";
/// What the names of half-written files begin and end with.
const TEMPORARY: (&str, &str) = (".state-", ".tmp");

/// The durable state of one node, in a directory of its own.
///
/// As long as it lives it holds a lock that keeps other processes out of the directory. The system
/// releases it when the process ends, however it ends.
///
/// The directory holds
/// - `state`: the [`HardState`], with the cluster's name, the node's id, a version and a checksum;
///   replaced as a whole, so that a crash leaves the old one or the new one;
/// - `lock`: empty; it stays, only the lock on it comes and goes;
/// - `.state-*.tmp`, after a crash at the wrong moment: harmless; the next [`open`](Store::open)
///   removes it.
///
/// Files have mode 0600.
///
/// Nothing here is repaired. State that cannot be read for what it was is refused and left as it
/// is: a voter that goes on with less than it promised may vote twice in one term. The way back is
/// a backup of *this very* state, and failing that a new node id in place of the old one.
///
/// # Terms that cannot be
///
/// A term grows by one with an election; no cluster lives to see [`MAX_TERM`]. State with a higher
/// term was damaged before its checksum was made, and whoever met a node that starts with it would
/// be in that term for ever. It is refused here, and messages of that term or a higher one are dropped
/// ([`DropReason::ImplausibleTerm`](crate::DropReason::ImplausibleTerm)): a node with bad memory
/// cannot poison the others, unless it hits upon one of the few numbers right below the bound, after which there is no
/// room for elections. Nothing helps against one that holds the key and means ill.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    cluster: String,
    id: NodeId,
    directory: PathBuf,
    /// Held, not used.
    _lock: File,
}

impl Store {
    /// Creates the state of a node that never ran, and `directory` (mode 0700) if there is none.
    ///
    /// This is for an operator's explicit first start and for nothing else: a node that lost its
    /// state and is given a fresh one may vote a second time in a term.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] when there is state, whatever it holds, [`StoreError::Locked`] when
    /// another process holds the directory, [`StoreError::ClusterName`] for a name longer than 255
    /// bytes; both leave it as it was.
    pub fn create(
        directory: &Path,
        cluster: &str,
        id: NodeId,
    ) -> Result<(Store, HardState), StoreError> {
        format::check_cluster(cluster)?;
        make_directory(directory).map_err(StoreError::io("create directory", directory))?;
        let path = directory.join(STATE);
        let mut store = Store {
            _lock: lock(directory)?,
            path,
            cluster: cluster.to_owned(),
            id,
            directory: directory.to_owned(),
        };
        // Under the lock, so that of two that create at the same time one finds the other's.
        if exists(&store.path)? {
            return Err(StoreError::Exists { path: store.path });
        }
        let state = HardState::first_boot();
        store.persist(&state)?;
        Ok((store, state))
    }

    /// Opens the state that [`create`](Store::create) made. It is on stable storage when this returns,
    /// also if the process that wrote it was killed in the middle of that.
    ///
    /// # Errors
    ///
    /// [`StoreError`], each of its kinds: absent, locked by another process, no state file,
    /// truncated, damaged, newer than this program, of another cluster or node, or with a term that
    /// cannot be. The state is left as it was.
    pub fn open(
        directory: &Path,
        cluster: &str,
        id: NodeId,
    ) -> Result<(Store, HardState), StoreError> {
        format::check_cluster(cluster)?;
        let path = directory.join(STATE);
        // Before the lock, so that nothing is created where no node ever ran.
        if !exists(&path)? {
            return Err(StoreError::Absent { path });
        }
        let lock = lock(directory)?;
        let bytes = read(&path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => StoreError::Absent { path: path.clone() },
            _ => StoreError::io("read", &path)(source),
        })?;
        let state = format::decode(&path, &bytes, cluster, id)?;
        // A process killed in the middle of a write may have left in the system's cache what is not on the disk.
        // What this state holds is acted on without another write: a vote in it is granted again when asked for.
        sync(&path).map_err(StoreError::io("sync", &path))?;
        sync(directory).map_err(StoreError::io("sync", directory))?;
        remove_temporary(directory);
        let store = Store {
            path,
            cluster: cluster.to_owned(),
            id,
            directory: directory.to_owned(),
            _lock: lock,
        };
        Ok((store, state))
    }

    /// Replaces the state. It is on stable storage when this returns: the new file, then its
    /// name, then the directory.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`]. Whether the old or the new state is on stable storage is then unknown:
    /// drop the node and open the store again.
    pub fn persist(&mut self, state: &HardState) -> Result<(), StoreError> {
        let bytes = format::encode(&self.cluster, self.id, state);
        self.replace(&bytes)
            .map_err(StoreError::io("write", &self.path))
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY.0)
            .suffix(TEMPORARY.1)
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.directory)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        sync(&self.directory)
    }
}

/// Makes a file, or the names in a directory, durable.
fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Creates the directory, and those above it, if there are none, so that a crash takes none of them back.
fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    make_directory(parent)?;
    match DirBuilder::new().mode(0o700).create(directory) {
        // Somebody else made it at the same time.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => {}
        made => made?,
    }
    sync(parent)
}

fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(StoreError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path }),
        Err(TryLockError::Error(source)) => Err(StoreError::io("lock", &path)(source)),
    }
}

/// Whether there is anything of that name, a dangling link included.
fn exists(path: &Path) -> Result<bool, StoreError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(StoreError::io("look for", path)(source)),
    }
}

/// The file, or as much of it as is enough to see that it is too long.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(format::MAX_LEN as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Removes what a crash left half-written. What cannot be removed does no harm.
fn remove_temporary(directory: &Path) {
    let Ok(entries) = directory.read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name
            .to_str()
            .is_some_and(|name| name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1));
        if ours {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
