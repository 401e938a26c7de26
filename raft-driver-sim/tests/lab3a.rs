//! The Lab 3A suite passes, and needs what it should need.

use std::time::Duration;

use raft_core::Protocol;
use raft_driver_sim::lab3a::{
    Comparison, Failure, Lab, Network, Outcome, Row, Summary, Test, Variant,
};
use raft_driver_sim::{Postponing, Trace};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=200;

#[test]
fn every_seed_passes_on_the_reliable_network_with_one_term_for_each_leader() {
    for test in Test::ALL {
        let summary = Summary::run(&Lab::default(), test, SEEDS);
        assert!(summary.passed(), "{:?}", summary.failures);
        // What is left are split votes: two candidates within a round trip of each other.
        let most = SEEDS.count() / 100;
        let excess = summary.runs_with_excess_terms;
        assert!(
            excess <= most,
            "{test:?}: {excess} runs, {most} are allowed"
        );
        assert!(summary.seconds_to_leader.max < 5.0);
    }
}

#[test]
fn every_seed_passes_on_the_unreliable_network() {
    let lab = Lab {
        network: Network::Unreliable,
        ..Lab::default()
    };
    for test in Test::ALL {
        let summary = Summary::run(&lab, test, SEEDS);
        assert!(summary.passed(), "{:?}", summary.failures);
    }
}

#[test]
fn a_run_takes_less_than_half_of_the_documents_bytes() {
    for (test, document) in Test::ALL.into_iter().zip([25_276.0, 32_837.0, 150_094.0]) {
        let summary = Summary::run(&Lab::default(), test, SEEDS);
        assert!(summary.bytes.max < document / 2.0, "{:?}", summary.bytes);
    }
}

#[test]
fn without_postponing_terms_run_away_and_with_it_they_do_not() {
    let comparison = Comparison::run(&Test::ALL, 1..=20);
    let terms = |test, variant| {
        comparison
            .row(test, variant)
            .map_or(0.0, |row: &Row| row.terms)
    };
    for test in Test::ALL {
        let without = terms(test, Variant::PlainWithout);
        assert!(
            without >= 1.5 * terms(test, Variant::PlainPostponing),
            "{comparison}"
        );
        assert!(terms(test, Variant::Standard) <= terms(test, Variant::PlainPostponing));
        assert!(terms(test, Variant::Standard) <= terms(test, Variant::DocumentPostponing));
    }
}

#[test]
fn what_the_lab_only_warns_of_fails() {
    let lab = Lab {
        protocol: Protocol::Plain,
        postponing: Postponing::Off,
        ..Lab::default()
    };
    let failure = lab.run(Test::Initial, 1).failure;
    assert!(
        matches!(failure, Some(Failure::TermChanged { .. })),
        "{failure:?}"
    );
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let trace = |seed| {
        let lab = Lab::default();
        let (outcome, trace) = lab.run_observed(Test::Reelection, seed, Trace::new(Vec::new()));
        (outcome, trace.finish().expect("writing to memory"))
    };
    let (first, second, other) = (trace(5), trace(5), trace(6));
    assert!(first.1.len() > 10_000);
    assert_eq!(first, second);
    assert_ne!(first.1, other.1);
}

#[test]
fn a_passed_test_is_printed_as_the_lab_prints_it() {
    let outcome = Outcome {
        time: Duration::from_millis(3_013),
        rpcs: 100,
        bytes: 25_276,
        ..Lab::default().run(Test::Initial, 1)
    };
    let expected = "Test (3A): initial election ...\n  ... Passed --   3.0  3  100   25276    0";
    assert_eq!(outcome.to_string(), expected);
}
