//! The published table of what happens on known bad networks and machines.

use raft_driver_sim::pathologies::Table;

/// What `docs/scenarios.md` holds is what happens, to the digit.
#[test]
fn the_published_table_is_what_happens_and_the_defaults_are_as_good_as_the_best_known() {
    let table = Table::play(10).expect("no invariant breaks");
    let published = include_str!("../../docs/scenarios.md");
    assert!(
        published.contains(&table.to_string()),
        "docs/scenarios.md is stale; `raft-sim scenarios` prints:\n{table}"
    );
    let exceptions: Vec<&str> = table
        .rows
        .iter()
        .filter(|row| !row.as_good)
        .map(|row| row.id)
        .collect();
    assert_eq!(exceptions, [""; 0]);
}
