//! The explorer: the boxes that every change must keep clean, with the number of their states, and the explorer itself.
//!
//! `explore-counts.txt` holds the counts. A change of the core's behaviour shows there as a change of a number. Larger
//! boxes take minutes and gigabytes:
//! `cargo test --release -p raft-driver-sim --test explore -- --ignored --nocapture`.

use raft_driver_sim::explore::{Bounds, Hashing, Options, Report, explore};

const COUNTS: &str = include_str!("../explore-counts.txt");

fn search(bounds: Bounds, options: Options) -> Report {
    let report = explore(bounds, options, &|_| {}).expect("the box can be searched");
    assert_eq!(report.violation, None, "{bounds}");
    assert!(report.exhausted, "{bounds}");
    report
}

fn line(bounds: Bounds, report: &Report) -> String {
    format!(
        "{bounds}: {} states, {} with all names, {} transitions, depth {}",
        report.states, report.expanded, report.transitions, report.depth
    )
}

/// Searches a box and compares it with the recorded counts.
fn compare(bounds: Bounds) {
    let options = Options {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        ..Options::default()
    };
    let counted = line(bounds, &search(bounds, options));
    println!("{counted}");
    let name = format!("{bounds}: ");
    let recorded = COUNTS.lines().find(|line| line.starts_with(&name));
    assert_eq!(
        recorded,
        Some(counted.as_str()),
        "if the core was meant to behave differently, record the new count in explore-counts.txt"
    );
}

#[test]
fn plain_raft_keeps_its_promises_in_one_term() {
    for nodes in 1..=4 {
        compare(Bounds::plain(nodes, 1));
    }
}

#[test]
fn plain_raft_keeps_its_promises_among_two_nodes_in_three_terms() {
    compare(Bounds::plain(2, 2));
    compare(Bounds::plain(2, 3));
}

#[test]
fn plain_raft_keeps_its_promises_among_three_nodes_in_two_terms() {
    compare(Bounds::plain(3, 2));
}

#[test]
#[ignore = "takes minutes and gigabytes"]
fn plain_raft_keeps_its_promises_in_larger_boxes() {
    compare(Bounds::plain(5, 1));
    compare(Bounds::plain(2, 4));
}

// The explorer must find the same whatever way it searches.
#[test]
fn threads_hashing_and_symmetry_change_no_count() {
    for bounds in [Bounds::plain(3, 1), Bounds::plain(2, 3)] {
        let plain = Options {
            symmetry: false,
            ..Options::default()
        };
        let full = search(bounds, plain);
        assert_eq!(full.states, full.expanded);
        for threads in [1, 2] {
            for hashing in [Hashing::Folded, Hashing::Sip] {
                let options = Options {
                    threads,
                    hashing,
                    ..plain
                };
                assert_eq!(
                    line(bounds, &search(bounds, options)),
                    line(bounds, &full),
                    "{options:?}"
                );
                let symmetry = Options {
                    symmetry: true,
                    ..options
                };
                let folded = search(bounds, symmetry);
                let (expanded, depth) = (folded.expanded, folded.depth);
                assert_eq!((expanded, depth), (full.states, full.depth), "{symmetry:?}");
                assert!(folded.states < full.states);
            }
        }
    }
}

#[test]
fn a_search_that_ends_at_a_limit_says_so() {
    let options = Options {
        max_states: Some(10),
        ..Options::default()
    };
    let report = explore(Bounds::plain(3, 2), options, &|_| {}).expect("the box can be searched");
    assert!(!report.exhausted && report.violation.is_none());
}
