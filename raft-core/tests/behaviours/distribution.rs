//! The distribution of timeouts. Fixed seeds: these tests either always pass or always fail.

use core::time::Duration;

use raft_core::{HardState, Options, Timer, Turn};

use crate::common::actions::set;
use crate::common::cluster::Cluster;
use crate::common::messages::heartbeat;
use crate::common::{Node, T, plain};

/// A follower's whole timeout, both parts of it.
fn followers_timeout(node: &mut Node) -> Duration {
    let round = node.raft.state().round().0 + 1;
    let first = set(&node.receive(2, heartbeat(1, round)), Timer::Election).unwrap();
    if node.in_part_one() {
        first + set(&node.fire(Timer::Election), Timer::Election).unwrap()
    } else {
        first
    }
}

/// A pre-candidate's or, in plain Raft, a candidate's timeout.
fn candidates_timeout(node: &mut Node) -> Duration {
    set(&node.fire(Timer::Election), Timer::Election).unwrap()
}

type Draw = fn(&mut Node) -> Duration;

/// How to draw a timeout, and nodes ready for it, one for each seed.
fn draws() -> [(&'static str, Draw, Vec<Node>); 4] {
    let nodes = |options, asks: bool| -> Vec<Node> {
        (0..5)
            .map(|seed| Node::seeded(1, 5, options, HardState::first_boot(), seed))
            .map(|node| if asks { node.part_two() } else { node })
            .collect()
    };
    let standard = Options::default();
    [
        ("follower", followers_timeout, nodes(standard, false)),
        ("pre-candidate", candidates_timeout, nodes(standard, true)),
        ("plain follower", followers_timeout, nodes(plain(), false)),
        ("plain candidate", candidates_timeout, nodes(plain(), true)),
    ]
}

/// In which tenth of [T, 2T) a timeout lies.
fn tenth(timeout: Duration) -> usize {
    assert!((T..2 * T).contains(&timeout), "{timeout:?}");
    ((timeout - T).as_nanos() * 10 / T.as_nanos()) as usize
}

#[test]
fn every_timeout_in_t_to_2t_occurs_and_equally_often() {
    for (who, draw, mut nodes) in draws() {
        let mut seen = [0u32; 10];
        for _ in 0..10_000 {
            seen[tenth(draw(&mut nodes[0]))] += 1;
        }
        // 1,000 each are expected, with a standard deviation of 30.
        assert!(
            seen.iter().all(|n| (850..1_150).contains(n)),
            "{who}: {seen:?}"
        );
    }
}

#[test]
fn the_probability_of_a_timeout_grows_from_t_to_2t() {
    // Elapsed tenths of T, and how many of 10,000 followers have timed out.
    let cases = [
        (5, 0),
        (10, 0),
        (13, 3_000),
        (15, 5_000),
        (18, 8_000),
        (20, 10_000),
    ];
    for (who, draw, mut nodes) in draws() {
        let timeouts: Vec<Duration> = (0..10_000).map(|_| draw(&mut nodes[0])).collect();
        for (tenths, expected) in cases {
            let elapsed = T * tenths / 10;
            let timed_out = timeouts
                .iter()
                .filter(|timeout| **timeout < elapsed)
                .count();
            let off = timed_out.abs_diff(expected);
            assert!(off <= 200, "{who}: {timed_out} after {tenths} tenths");
        }
    }
}

// Five nodes whose timeouts begin together: the first to time out is alone in its tenth of T most of the time.
#[test]
fn of_five_simultaneous_timeouts_the_first_is_mostly_alone() {
    for (who, draw, mut nodes) in draws() {
        let mut conflicts = 0;
        for _ in 0..1_000 {
            let tenths: Vec<usize> = nodes.iter_mut().map(|node| tenth(draw(node))).collect();
            let first = tenths.iter().min().unwrap();
            conflicts += u32::from(tenths.iter().filter(|tenth| *tenth == first).count() > 1);
        }
        assert!(conflicts <= 300, "{who}: {conflicts} of 1,000");
        assert!(
            conflicts >= 100,
            "{who}: {conflicts} of 1,000 is too good to be random"
        );
    }
}

// Two nodes that drew the same timeout draw others next time.
#[test]
fn tied_nodes_diverge() {
    for (who, draw, mut nodes) in draws() {
        let (mut ties, mut longest, mut run) = (0, 0, 0);
        for _ in 0..1_000 {
            let (a, b) = (draw(&mut nodes[0]), draw(&mut nodes[1]));
            run = if tenth(a) == tenth(b) { run + 1 } else { 0 };
            ties += u32::from(run > 0);
            longest = longest.max(run);
        }
        assert!(ties > 0 && longest <= 5, "{who}: {longest} ties in a row");
    }
}

#[test]
fn a_turn_is_all_of_its_part_and_nothing_else() {
    for (index, of) in [(0, 2), (1, 2), (0, 3), (1, 3), (2, 3), (63, 64)] {
        let turn = Turn { index, of };
        for (who, draw) in [
            ("follower", followers_timeout as Draw),
            ("pre-candidate", candidates_timeout),
        ] {
            let options = Options {
                turn,
                ..Options::default()
            };
            let mut node = Node::seeded(1, 5, options, HardState::first_boot(), 1);
            if who == "pre-candidate" {
                node = node.part_two();
            }
            let part = T / u32::from(of);
            let (from, to) = (T + part * u32::from(index), T + part * u32::from(index + 1));
            // The parts of T are rounded to nanoseconds.
            let rounding = Duration::from_nanos(64);
            let mut seen = [false; 4];
            for _ in 0..1_000 {
                let timeout = draw(&mut node);
                let fits = timeout + rounding >= from && timeout < to + rounding;
                assert!(fits && timeout < 2 * T, "{who} {turn:?}: {timeout:?}");
                let quarter = timeout.saturating_sub(from).as_nanos() * 4 / part.as_nanos();
                seen[(quarter as usize).min(3)] = true;
            }
            assert_eq!(seen, [true; 4], "{who} {turn:?}");
        }
    }
}

#[test]
fn an_earlier_turn_wins_among_equals() {
    for seed in 0..100 {
        let node = |id: u64| {
            let turn = Turn {
                index: id as u8 - 1,
                of: 5,
            };
            let options = Options {
                turn,
                ..Options::default()
            };
            Node::seeded(id, 5, options, HardState::first_boot(), seed * 10 + id)
        };
        let mut cluster = Cluster::of((1..=5).map(node).collect());
        cluster.run(2 * T);
        assert_eq!(cluster.leading(), [1], "seed {seed}");
        cluster.isolate(1);
        cluster.run(2 * T);
        assert!(cluster.leading().contains(&2), "seed {seed}");
    }
}
