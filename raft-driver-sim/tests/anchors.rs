//! What can be computed of elections by hand, and what the simulator makes of it: within three standard deviations.
//!
//! Timeouts are uniform in [T, 2T). Of n such numbers the first is T + T/(n+1) in the mean, and later than T + x T with chance
//! (1 - x)^n; the k-th comes after the first by a share of T that is distributed as Beta(k - 1, n - k + 2).

use std::time::Duration;

use raft_core::{Action, NodeId, Options, Protocol, Report, Term, TransitionReason};
use raft_driver_sim::{Conditions, Happening, Observer, Settings, Time, World};

const T: Duration = Duration::from_millis(1_000);
const SEEDS: u64 = 2_000;

/// When each node's first timeout ended.
#[derive(Default)]
struct Timeouts(Vec<(NodeId, Time)>);

impl Observer for Timeouts {
    fn observe(&mut self, time: Time, node: NodeId, happening: Happening<'_>) {
        let ended = matches!(
            happening,
            Happening::Action(Action::Report(Report::Transition {
                reason: TransitionReason::ElectionTimeout,
                ..
            }))
        );
        if ended && self.0.iter().all(|(other, _)| *other != node) {
            self.0.push((node, time));
        }
    }
}

fn settings(nodes: usize, protocol: Protocol, delay: Duration) -> Settings {
    Settings {
        nodes,
        options: Options {
            heartbeat_interval: T / 10,
            election_timeout: T,
            protocol,
            ..Options::default()
        },
        ..Settings::default()
    }
    .with_conditions(Conditions::delay(delay..=delay))
}

/// The first timeouts of nodes that cannot hear each other, ascending, as shares of T beyond T.
fn timeouts(nodes: usize, protocol: Protocol, seed: u64) -> Vec<f64> {
    let settings = settings(nodes, protocol, Duration::ZERO);
    let mut world = World::observed(&settings, seed, Timeouts::default()).expect("valid settings");
    world.partition(&[]);
    world.run_for(2 * T).expect("no bug");
    let ended = world.into_observer().0;
    assert_eq!(ended.len(), nodes, "all timeouts end before 2T");
    let beyond = |(_, time): &(NodeId, Time)| {
        let waited = time.since(Time::default());
        assert!(waited >= T, "{waited:?}");
        (waited - T).as_secs_f64() / T.as_secs_f64()
    };
    ended.iter().map(beyond).collect()
}

/// Whether a count of `of` chances is within three standard deviations.
fn assert_chance(count: usize, of: u64, chance: f64, what: &str) {
    let expected = chance * of as f64;
    let deviation = (of as f64 * chance * (1.0 - chance)).sqrt();
    let off = (count as f64 - expected).abs() / deviation;
    assert!(
        off <= 3.0,
        "{what}: {count} of {of}, not {expected:.1} +- {deviation:.1}"
    );
}

/// P(Beta(a, b) <= x) for whole a and b.
fn beta(a: i32, b: i32, x: f64) -> f64 {
    let n = a + b - 1;
    let choose = |k: i32| {
        (1..=k).fold(1.0, |product, i| {
            product * f64::from(n - k + i) / f64::from(i)
        })
    };
    (a..=n)
        .map(|k| choose(k) * x.powi(k) * (1.0 - x).powi(n - k))
        .sum()
}

#[test]
fn the_first_timeout_comes_when_it_should_and_its_tails_are_as_long_as_they_should_be() {
    for protocol in [Protocol::Standard, Protocol::Plain] {
        for nodes in [2, 3, 5, 7] {
            let all: Vec<Vec<f64>> = (1..=SEEDS)
                .map(|seed| timeouts(nodes, protocol, seed))
                .collect();
            let n = nodes as f64;
            let mean = all.iter().map(|one| one[0]).sum::<f64>() / SEEDS as f64;
            let variance = n / ((n + 1.0).powi(2) * (n + 2.0));
            let off = (mean - 1.0 / (n + 1.0)).abs() / (variance / SEEDS as f64).sqrt();
            assert!(off <= 3.0, "{protocol:?}, {nodes} nodes: {mean}");
            for x in [0.05, 0.2, 0.5] {
                let late = all.iter().filter(|one| one[0] > x).count();
                let chance = (1.0 - x).powi(nodes as i32);
                assert_chance(late, SEEDS, chance, &format!("{protocol:?}, {nodes}, {x}"));
            }
            for (k, x) in [(2, 0.05), (2, 0.2), (nodes, 0.6)] {
                let close = all.iter().filter(|one| one[k - 1] - one[0] <= x).count();
                let chance = beta(k as i32 - 1, (nodes - k) as i32 + 2, x);
                let what = format!("{protocol:?}, {nodes} nodes, number {k} within {x}");
                assert_chance(close, SEEDS, chance, &what);
            }
        }
    }
}

/// All messages take d. The first candidate has the votes of all whose timeouts end more than d later. With a majority of m of n,
/// it fails if n - m + 1 others time out within d: if number n - m + 2 does.
#[test]
fn votes_are_split_as_often_as_the_law_says() {
    for (nodes, delay) in [(2, 0.1), (3, 0.2), (4, 0.2), (5, 0.3), (7, 0.4)] {
        let split = (1..=SEEDS)
            .filter(|seed| {
                let settings = settings(nodes, Protocol::Plain, T.mul_f64(delay));
                let mut world = World::new(&settings, *seed).expect("valid settings");
                let led = |world: &World| world.leader().is_some();
                let until = Time::default() + 60 * T;
                assert!(world.run_until_or(until, led).expect("no bug"));
                world.leader().is_some_and(|(_, term)| term > Term(1))
            })
            .count();
        let k = (nodes - (nodes / 2 + 1) + 2) as i32;
        let chance = beta(k - 1, nodes as i32 - k + 2, delay);
        assert_chance(
            split,
            SEEDS,
            chance,
            &format!("{nodes} nodes, delay {delay} T"),
        );
    }
}
