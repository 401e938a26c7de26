//! The durable state file: any bytes are read or refused, and left as they were.
//!
//! A right checksum is rare among any bytes, so most inputs say what lies between a right beginning and a right checksum.

use core::cell::RefCell;
use core::time::Duration;
use std::path::PathBuf;

use arbitrary::Arbitrary;
use raft_core::{HardState, NodeId, Term};
use raft_driver_mio::{MAX_TERM, Store, StoreError};
use tempfile::TempDir;

const CLUSTER: &str = "fuzz";
const ID: NodeId = NodeId(1);

/// What the state file holds.
#[derive(Debug, Arbitrary)]
pub enum Run<'a> {
    /// Any bytes.
    Any(&'a [u8]),
    /// Any bytes between the right beginning and a right checksum.
    Framed {
        /// The version; 1 is the only one that there is.
        version: u8,
        /// What is between.
        rest: &'a [u8],
    },
    /// A state as a node writes it, and what became of it.
    Written {
        /// The state.
        state: State,
        /// Bits to change.
        bits: u8,
        /// Where to change them.
        place: u16,
        /// The length that is left of it.
        length: Option<u8>,
    },
}

/// A state to write.
#[derive(Debug, Arbitrary)]
pub struct State {
    term: u64,
    voted_for: Option<u64>,
    timeout: (u64, u32),
}

impl State {
    fn hard_state(&self) -> HardState {
        HardState {
            current_term: Term(self.term.min(MAX_TERM.0)),
            voted_for: self.voted_for.map(NodeId),
            election_timeout: Duration::new(self.timeout.0, self.timeout.1 % 1_000_000_000),
        }
    }
}

impl Run<'_> {
    /// Runs it.
    ///
    /// # Panics
    ///
    /// At what must not be.
    pub fn check(self) {
        match self {
            Run::Any(bytes) => {
                let _ = open(bytes);
            }
            Run::Framed { version, rest } => {
                let _ = open(&framed(u32::from(version), rest));
            }
            Run::Written {
                state,
                bits,
                place,
                length,
            } => {
                let state = state.hard_state();
                let whole = write(&state);
                assert_eq!(open(&whole), Ok(state));
                let mut bytes = whole.clone();
                let place = usize::from(place) % bytes.len();
                bytes[place] ^= bits;
                if let Some(length) = length {
                    bytes.resize(usize::from(length), 0);
                }
                if bytes != whole {
                    assert!(open(&bytes).is_err(), "a damaged state is taken for whole");
                }
            }
        }
    }
}

/// A file with a right beginning and a right checksum.
fn framed(version: u32, rest: &[u8]) -> Vec<u8> {
    let mut file = b"raftstat".to_vec();
    file.extend_from_slice(&version.to_le_bytes());
    file.extend_from_slice(&(8 + 4 + 4 + rest.len() as u32 + 4).to_le_bytes());
    file.extend_from_slice(rest);
    let checksum = crc32fast::hash(&file);
    file.extend_from_slice(&checksum.to_le_bytes());
    file
}

thread_local! {
    /// A state directory that is used again and again.
    static DIRECTORY: RefCell<TempDir> = RefCell::new(directory());
}

/// In memory if there is a place: the store syncs what it reads.
fn directory() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    };
    let made = made.expect("a temporary directory");
    drop(Store::create(made.path(), CLUSTER, ID).expect("a state that was never there"));
    made
}

fn in_directory<T>(act: impl FnOnce(PathBuf) -> T) -> T {
    DIRECTORY.with_borrow(|directory| act(directory.path().to_owned()))
}

/// The bytes that a node writes for a state.
fn write(state: &HardState) -> Vec<u8> {
    in_directory(|directory| {
        let file = directory.join("state");
        // What an earlier input left there.
        std::fs::remove_file(&file).expect("a state to remove");
        let (mut store, _) = Store::create(&directory, CLUSTER, ID).expect("no state");
        store.persist(state).expect("a written state");
        std::fs::read(&file).expect("a state to read")
    })
}

/// Opens a state file of these bytes.
fn open(bytes: &[u8]) -> Result<HardState, String> {
    in_directory(|directory| {
        let file = directory.join("state");
        std::fs::write(&file, bytes).expect("a written file");
        let opened = Store::open(&directory, CLUSTER, ID);
        let left = std::fs::read(&file).expect("a state to read");
        assert_eq!(left, bytes, "a state was changed by being read");
        match opened {
            Ok((mut store, state)) => {
                store.persist(&state).expect("a written state");
                let again = std::fs::read(&file).expect("a state to read");
                assert_eq!(
                    again, bytes,
                    "a state is written otherwise than it was read"
                );
                Ok(state)
            }
            Err(error) => {
                assert!(!matches!(error, StoreError::Io { .. }), "{error}");
                Err(error.to_string())
            }
        }
    })
}
