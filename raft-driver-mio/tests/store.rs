//! Durable state on a real file system.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use quickcheck::quickcheck;
use raft_core::{HardState, NodeId, Term};
use raft_driver_mio::{MAX_TERM, Store, StoreError};
use tempfile::TempDir;

const CLUSTER: &str = "test";
const ME: NodeId = NodeId(3);

fn state(term: u64) -> HardState {
    HardState {
        current_term: Term(term),
        voted_for: Some(NodeId(2)),
        election_timeout: Duration::from_millis(500),
    }
}

/// A directory with the state of a node in term 7, which is not open.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::create(directory.path(), CLUSTER, ME).unwrap();
    store.persist(&state(7)).unwrap();
    directory
}

fn state_file(directory: &TempDir) -> std::path::PathBuf {
    directory.path().join("state")
}

/// All files of a directory with their bytes.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The error that opening ends with. It names the directory and changes nothing.
fn refused(directory: &Path, cluster: &str, id: NodeId) -> StoreError {
    let before = contents(directory);
    let error = Store::open(directory, cluster, id).unwrap_err();
    assert_eq!(contents(directory), before);
    assert!(
        error.to_string().contains(directory.to_str().unwrap()),
        "{error}"
    );
    error
}

/// A state file around these fields, with the length and the checksum that belong to them.
fn state_file_of(version: u32, fields: &[u8]) -> Vec<u8> {
    let length = 16 + fields.len() + 4;
    let mut bytes = b"raftstat".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(u32::try_from(length).unwrap().to_le_bytes());
    bytes.extend(fields);
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

/// The fields of a state file of version 1.
fn fields(term: u64, voted: u8, node: u64, nanoseconds: u32) -> Vec<u8> {
    let mut bytes = vec![4, 0];
    bytes.extend(CLUSTER.as_bytes());
    bytes.extend(ME.0.to_le_bytes());
    bytes.extend(term.to_le_bytes());
    bytes.push(voted);
    bytes.extend(node.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.extend(nanoseconds.to_le_bytes());
    bytes
}

#[test]
fn a_new_node_has_the_state_of_one_that_never_ran() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a/b");
    let (store, created) = Store::create(&directory, CLUSTER, ME).unwrap();
    assert_eq!(created, HardState::first_boot());
    drop(store);
    let (_store, opened) = Store::open(&directory, CLUSTER, ME).unwrap();
    assert_eq!(opened, HardState::first_boot());
}

#[test]
fn files_and_the_directory_are_the_owners_alone() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("of-this-host/state-of-3");
    let (mut store, _) = Store::create(&directory, CLUSTER, ME).unwrap();
    store.persist(&state(1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(directory.parent().unwrap()), 0o700);
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&directory.join("state")), 0o600);
    assert_eq!(mode(&directory.join("lock")), 0o600);
}

/// The format is published: a change of these bytes needs a new version.
#[test]
fn golden_bytes() {
    let directory = directory();
    assert_eq!(
        fs::read(state_file(&directory)).unwrap(),
        state_file_of(1, &fields(7, 1, 2, 500_000_000))
    );
    let bytes = fs::read(state_file(&directory)).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "7261667473746174010000003f000000040074657374030000000000000007000000\
         00000000010200000000000000000000000000000000\
         65cd1db2fce906"
    );
}

#[test]
fn the_latest_state_is_found_and_nothing_else_is_left() {
    let directory = directory();
    let (mut store, found) = Store::open(directory.path(), CLUSTER, ME).unwrap();
    assert_eq!(found, state(7));
    for term in 8..12 {
        store.persist(&state(term)).unwrap();
    }
    drop(store);
    let (_store, found) = Store::open(directory.path(), CLUSTER, ME).unwrap();
    assert_eq!(found, state(11));
    let names: Vec<String> = contents(directory.path()).into_keys().collect();
    assert_eq!(names, ["lock", "state"]);
}

#[test]
fn state_is_created_once() {
    let directory = directory();
    let before = contents(directory.path());
    let error = Store::create(directory.path(), CLUSTER, ME).unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error:?}");
    assert!(error.to_string().contains("--init"), "{error}");
    assert_eq!(contents(directory.path()), before);
    // Nor over what is no state.
    fs::write(state_file(&directory), "something else").unwrap();
    let error = Store::create(directory.path(), CLUSTER, ME).unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error:?}");
    assert_eq!(fs::read(state_file(&directory)).unwrap(), b"something else");
}

#[test]
fn where_no_state_is_none_is_made() {
    let parent = tempfile::tempdir().unwrap();
    let error = refused(parent.path(), CLUSTER, ME);
    assert!(matches!(error, StoreError::Absent { .. }), "{error:?}");
    assert!(error.to_string().contains("--init"), "{error}");
    let nowhere = parent.path().join("nowhere");
    let error = Store::open(&nowhere, CLUSTER, ME).unwrap_err();
    assert!(matches!(error, StoreError::Absent { .. }), "{error:?}");
    assert!(!nowhere.exists());
}

#[test]
fn the_state_is_one_processs_at_a_time() {
    let directory = directory();
    let (mut store, _) = Store::open(directory.path(), CLUSTER, ME).unwrap();
    for _ in 0..2 {
        let error = refused(directory.path(), CLUSTER, ME);
        assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
        // The lock is on the directory's node, not on a file that is replaced.
        store.persist(&state(9)).unwrap();
    }
    let error = Store::create(directory.path(), CLUSTER, ME).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
    drop(store);
    Store::open(directory.path(), CLUSTER, ME).unwrap();
}

#[test]
fn the_state_of_another_cluster_or_node_is_refused() {
    let directory = directory();
    let error = refused(directory.path(), "other", ME);
    assert!(
        matches!(&error, StoreError::OtherCluster { found, .. } if found == CLUSTER),
        "{error:?}"
    );
    let error = refused(directory.path(), CLUSTER, NodeId(4));
    assert!(
        matches!(error, StoreError::OtherNode { found: ME, .. }),
        "{error:?}"
    );
}

#[test]
fn newer_state_is_refused() {
    let directory = directory();
    fs::write(
        state_file(&directory),
        state_file_of(2, b"of another shape"),
    )
    .unwrap();
    let error = refused(directory.path(), CLUSTER, ME);
    assert!(
        matches!(error, StoreError::Version { version: 2, .. }),
        "{error:?}"
    );
}

#[test]
fn a_term_that_cannot_be_is_refused_and_the_highest_that_can_is_not() {
    let directory = directory();
    let path = state_file(&directory);
    fs::write(&path, state_file_of(1, &fields(MAX_TERM.0 + 1, 1, 2, 0))).unwrap();
    let error = refused(directory.path(), CLUSTER, ME);
    assert!(
        matches!(error, StoreError::ImplausibleTerm { .. }),
        "{error:?}"
    );
    fs::write(&path, state_file_of(1, &fields(MAX_TERM.0, 1, 2, 0))).unwrap();
    Store::open(directory.path(), CLUSTER, ME).unwrap();
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let directory = directory();
    let whole = fs::read(state_file(&directory)).unwrap();
    for length in 0..whole.len() {
        fs::write(state_file(&directory), &whole[..length]).unwrap();
        let error = refused(directory.path(), CLUSTER, ME);
        assert!(
            matches!(error, StoreError::Truncated { .. }),
            "{length}: {error:?}"
        );
    }
}

#[test]
fn a_file_with_a_flipped_bit_is_refused() {
    let directory = directory();
    let whole = fs::read(state_file(&directory)).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(state_file(&directory), &flipped).unwrap();
        let error = refused(directory.path(), CLUSTER, ME);
        // A larger length is a cut file as well as a damaged one.
        assert!(
            matches!(
                error,
                StoreError::Damaged { .. } | StoreError::Truncated { .. }
            ),
            "{bit}: {error:?}"
        );
    }
}

#[test]
fn fields_that_make_no_sense_are_refused_though_the_checksum_holds() {
    let directory = directory();
    let good = fields(7, 1, 2, 0);
    let mut all = vec![
        fields(7, 2, 2, 0),
        fields(7, 0, 2, 0),
        fields(7, 1, 2, 1_000_000_000),
        [&good[..], &[0]].concat(),
    ];
    all.extend((0..good.len()).map(|length| good[..length].to_vec()));
    for fields in all {
        fs::write(state_file(&directory), state_file_of(1, &fields)).unwrap();
        let error = refused(directory.path(), CLUSTER, ME);
        assert!(
            matches!(error, StoreError::Damaged { .. }),
            "{fields:?}: {error:?}"
        );
    }
}

#[test]
fn what_is_no_file_or_far_too_long_is_refused() {
    let directory = directory();
    let path = state_file(&directory);
    let mut long = fs::read(&path).unwrap();
    long.resize(1 << 20, 0);
    fs::write(&path, long).unwrap();
    let error = refused(directory.path(), CLUSTER, ME);
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = Store::open(directory.path(), CLUSTER, ME).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    assert!(path.is_dir());
}

#[test]
fn what_a_crash_left_half_written_does_no_harm() {
    let directory = directory();
    let leftover = directory.path().join(".state-a1b2c3.tmp");
    fs::write(&leftover, b"raftst").unwrap();
    fs::write(directory.path().join("control.sock.tmp"), b"not ours").unwrap();
    // It stays as long as the state is refused.
    refused(directory.path(), "other", ME);
    let (mut store, found) = Store::open(directory.path(), CLUSTER, ME).unwrap();
    assert_eq!(found, state(7));
    store.persist(&state(8)).unwrap();
    assert!(!leftover.exists());
    assert!(directory.path().join("control.sock.tmp").exists());
}

#[test]
fn a_write_that_fails_leaves_the_state_as_it_was() {
    let directory = directory();
    let (mut store, _) = Store::open(directory.path(), CLUSTER, ME).unwrap();
    let path = state_file(&directory);
    // A directory cannot be replaced by a file, whoever runs this test.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = store.persist(&state(8)).unwrap_err();
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    let names: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn the_name_of_a_cluster_may_have_255_bytes_and_no_more() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("state");
    let error = Store::create(&directory, &"x".repeat(256), ME).unwrap_err();
    assert!(matches!(error, StoreError::ClusterName { length: 256 }));
    assert!(!directory.exists());
    for name in ["", &"x".repeat(255)] {
        let directory = parent.path().join(format!("{}", name.len()));
        drop(Store::create(&directory, name, ME).unwrap());
        Store::open(&directory, name, ME).unwrap();
    }
}

quickcheck! {
    fn what_was_persisted_is_found(term: u64, voted_for: Option<u64>, seconds: u64, nanoseconds: u32) -> bool {
        let state = HardState {
            current_term: Term(term.min(MAX_TERM.0)),
            voted_for: voted_for.map(NodeId),
            election_timeout: Duration::new(seconds, nanoseconds % 1_000_000_000),
        };
        let directory = directory();
        let (mut store, _) = Store::open(directory.path(), CLUSTER, ME).unwrap();
        store.persist(&state).unwrap();
        drop(store);
        Store::open(directory.path(), CLUSTER, ME).unwrap().1 == state
    }

    fn any_bytes_are_refused(bytes: Vec<u8>, behind: bool) -> bool {
        let directory = directory();
        let bytes = if behind { state_file_of(1, &bytes) } else { bytes };
        fs::write(state_file(&directory), bytes).unwrap();
        matches!(
            refused(directory.path(), CLUSTER, ME),
            StoreError::Damaged { .. } | StoreError::Truncated { .. }
        )
    }
}
