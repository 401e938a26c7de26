//! A file that every active instance writes to, and that tells whether two were active at once.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use raft_driver_mio::Instant;

/// Names the file for an instance.
pub(crate) const LEDGER: &str = "TEST_LEDGER";

/// Writes down that it is active, over and over, until it is killed.
pub(crate) fn run_instance() {
    let Ok(path) = std::env::var(LEDGER) else {
        return;
    };
    let variable = |name| std::env::var(name).expect("a variable");
    let (term, node) = (variable("RAFT_TERM"), variable("RAFT_NODE_ID"));
    let file = OpenOptions::new().append(true).create(true).open(path);
    let mut file = file.expect("the ledger");
    loop {
        let now = Instant::now().since_start().as_nanos();
        let line = format!("{term} {node} {now}\n");
        file.write_all(line.as_bytes()).expect("the ledger");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A time in which one instance was active, as far as it wrote it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Active {
    pub(crate) term: u64,
    pub(crate) node: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// All that was active, in the order of terms. Fails if two were at once, or a lower term came after a higher.
pub(crate) fn read(path: &Path) -> Vec<Active> {
    let mut all: Vec<Active> = Vec::new();
    for line in fs::read_to_string(path).unwrap_or_default().lines() {
        let numbers: Vec<u64> = line
            .split(' ')
            .map_while(|word| word.parse().ok())
            .collect();
        let [term, node, now] = numbers[..] else {
            continue;
        };
        match all
            .iter_mut()
            .find(|active| (active.term, active.node) == (term, node))
        {
            Some(active) => active.last = active.last.max(now),
            None => all.push(Active {
                term,
                node,
                first: now,
                last: now,
            }),
        }
    }
    all.sort_by_key(|active| active.first);
    for pair in all.windows(2) {
        assert!(
            pair[0].term < pair[1].term,
            "a fence was passed backwards: {all:?}"
        );
        assert!(
            pair[0].last < pair[1].first,
            "two were active at once: {all:?}"
        );
    }
    all
}
