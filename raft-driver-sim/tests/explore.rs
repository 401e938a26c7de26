//! The explorer: the boxes that every change must keep clean, with the number of their states, and the explorer itself.
//!
//! `explore-counts.txt` holds the counts. A change of the core's behaviour shows there as a change of a number. Larger
//! boxes take minutes and gigabytes:
//! `cargo test --release -p raft-driver-sim --test explore -- --ignored --nocapture`.

use raft_driver_sim::explore::{Bounds, Hashing, Network, Options, Report, explore};

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

fn paused(bounds: Bounds) -> Bounds {
    Bounds {
        pauses: true,
        ..bounds
    }
}

fn two_rounds(bounds: Bounds) -> Bounds {
    Bounds {
        rounds: 2,
        ..bounds
    }
}

#[test]
fn plain_raft_keeps_its_promises() {
    for nodes in 1..=5 {
        compare(Bounds::plain(nodes, 1));
    }
    for terms in 2..=4 {
        compare(Bounds::plain(2, terms));
    }
    compare(Bounds::plain(3, 2));
    compare(two_rounds(Bounds::plain(3, 2)));
    compare(paused(Bounds::plain(3, 1)));
}

#[test]
fn the_defaults_keep_their_promises() {
    compare(Bounds::standard(1, 2));
    for terms in 1..=3 {
        compare(Bounds::standard(2, terms));
    }
    compare(two_rounds(Bounds::standard(2, 2)));
    compare(paused(Bounds::standard(2, 2)));
    compare(Bounds::standard(3, 1));
    compare(two_rounds(Bounds::standard(3, 1)));
    compare(paused(Bounds::standard(3, 1)));
}

#[test]
#[ignore = "a search of millions of states: run it in release, as the head of this file says"]
fn plain_raft_keeps_its_promises_in_larger_boxes() {
    compare(Bounds::plain(6, 1));
    compare(Bounds::plain(2, 5));
    compare(Bounds::plain(3, 3));
    compare(Bounds::plain(4, 2));
}

#[test]
#[ignore = "a search of millions of states: run it in release, as the head of this file says"]
fn the_defaults_keep_their_promises_in_larger_boxes() {
    compare(two_rounds(Bounds::standard(2, 3)));
    compare(Bounds::standard(4, 1));
}

fn on(network: Network) -> Options {
    Options {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        network: Some(network),
        ..Options::default()
    }
}

fn no_crash(bounds: Bounds) -> Bounds {
    Bounds {
        crashes: false,
        ..bounds
    }
}

#[test]
fn whoever_reaches_a_majority_finds_a_leader_whatever_links_work() {
    let three = search(Bounds::standard(3, 1), on(Network::Every));
    assert!(three.recoveries_in_turns.len() > 1);
    search(paused(Bounds::standard(3, 1)), on(Network::Deaf));
    let four = Bounds {
        transfers: false,
        ..no_crash(Bounds::standard(4, 1))
    };
    // Chains, stars, rings, bridges and nodes that are cut off are among the networks whose links work both ways.
    for network in [
        Network::TwoWay,
        Network::OneWay,
        Network::Deaf,
        Network::Mute,
    ] {
        search(four, on(network));
    }
}

#[test]
#[ignore = "a search of millions of recoveries: run it in release, as the head of this file says"]
fn whoever_reaches_a_majority_finds_a_leader_in_larger_boxes() {
    search(two_rounds(Bounds::standard(3, 1)), on(Network::Every));
    search(Bounds::standard(4, 1), on(Network::TwoWay));
    for network in [Network::OneWay, Network::Deaf, Network::Mute] {
        search(Bounds::standard(4, 1), on(network));
    }
}

// Section 5.2 alone is not enough where links do not work. So the search can fail, too.
#[test]
fn plain_raft_has_dead_ends_where_the_defaults_have_none() {
    for network in [Network::Chain, Network::Deaf] {
        let report =
            explore(Bounds::plain(3, 1), on(network), &|_| {}).expect("the box is searched");
        let trace = report.violation.expect("plain Raft has a dead end there");
        assert!(
            trace.violation().starts_with("DeadEnd: "),
            "{}",
            trace.violation()
        );
        let replayed = trace.replay().expect("the trace is of this code");
        assert_eq!(replayed.violation.as_deref(), Some(trace.violation()));
    }
}

#[test]
fn a_network_that_has_no_place_for_a_leader_is_refused() {
    let refused = explore(Bounds::standard(2, 1), on(Network::Cut), &|_| {});
    let error = refused.expect_err("two nodes need each other").to_string();
    assert!(
        error.starts_with("network: there is no cut network of 2 nodes"),
        "{error}"
    );
}

// The explorer must find the same whatever way it searches.
#[test]
fn threads_hashing_and_symmetry_change_no_count() {
    let boxes = [
        Bounds::plain(4, 1),
        Bounds::plain(2, 3),
        Bounds::standard(2, 2),
        Bounds::standard(3, 1),
    ];
    for bounds in boxes {
        let every_name = Options {
            symmetry: false,
            ..Options::default()
        };
        let full = search(bounds, every_name);
        assert_eq!(full.states, full.expanded);
        for (threads, hashing) in [(2, Hashing::Folded), (1, Hashing::Sip), (2, Hashing::Sip)] {
            let options = Options {
                threads,
                hashing,
                ..every_name
            };
            let other = search(bounds, options);
            assert_eq!(line(bounds, &other), line(bounds, &full), "{options:?}");
            let options = Options {
                symmetry: true,
                ..options
            };
            let folded = search(bounds, options);
            let (expanded, depth) = (folded.expanded, folded.depth);
            assert_eq!((expanded, depth), (full.states, full.depth), "{options:?}");
            assert!(folded.states < full.states);
        }
    }
}

// What is forgotten rests on what the core does with late messages, so some boxes are searched with all of them.
#[test]
fn nothing_is_violated_either_where_no_message_is_forgotten() {
    let quiet = Bounds {
        crashes: false,
        transfers: false,
        ..Bounds::standard(2, 2)
    };
    let boxes = [
        Bounds::plain(3, 1),
        Bounds::plain(2, 3),
        Bounds::standard(2, 1),
        quiet,
    ];
    for bounds in boxes {
        let options = Options {
            threads: 2,
            forget: false,
            ..Options::default()
        };
        search(bounds, options);
    }
}

#[test]
fn a_search_that_ends_at_a_limit_says_so() {
    let options = Options {
        max_states: Some(10),
        ..Options::default()
    };
    let report =
        explore(Bounds::standard(3, 2), options, &|_| {}).expect("the box can be searched");
    assert!(!report.exhausted && report.violation.is_none());
}
