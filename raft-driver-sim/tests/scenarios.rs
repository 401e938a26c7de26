//! Known bad networks and machines, each with what the protocol makes of it.
//!
//! T = 150 ms, a heartbeat every T/10 unless a scenario says otherwise, 1 to 10 ms on the way. The fault begins at 2 s. In the names
//! of nodes, 0 is the leader at that time. The checker of invariants looks on in all of them.

use std::time::Duration;

use raft_core::{Action, LogIndex, LogPosition, NodeId, Options, Protocol, Term};
use raft_driver_sim::{
    Chance, ClockRate, Conditions, DiskOptions, Happening, Observer, Settings, Syncing, Time, World,
};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);
const T: Duration = Duration::from_millis(150);
const SEEDS: std::ops::RangeInclusive<u64> = 1..=3;

/// When a node became leader.
#[derive(Default)]
struct Elections(Vec<Time>);

impl Observer for Elections {
    fn observe(&mut self, time: Time, _: NodeId, happening: Happening<'_>) {
        if matches!(
            happening,
            Happening::Action(Action::LeadershipGained { .. })
        ) {
            self.0.push(time);
        }
    }
}

/// A world at 2 s, with a leader.
struct Scene {
    world: World<Elections>,
    /// The nodes by the names of the scenario: the leader is 0.
    cast: Vec<NodeId>,
    began: Time,
    term: Term,
}

fn settings(nodes: usize, protocol: Protocol) -> Settings {
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
    .with_conditions(Conditions::delay(MS..=10 * MS))
}

impl Scene {
    fn new(nodes: usize, seed: u64) -> Self {
        Self::with(&settings(nodes, Protocol::Standard), seed)
    }

    fn with(settings: &Settings, seed: u64) -> Self {
        let mut world =
            World::observed(settings, seed, Elections::default()).expect("valid settings");
        world.run_for(2 * S).expect("no bug");
        let (leader, term) = world.leader().expect("a leader after 2 s");
        let others = world.node_ids().filter(|node| *node != leader);
        Scene {
            cast: std::iter::once(leader).chain(others).collect(),
            began: world.now(),
            term,
            world,
        }
    }

    fn node(&self, name: usize) -> NodeId {
        self.cast[name]
    }

    fn run(&mut self, duration: Duration) {
        self.world
            .run_for(duration)
            .unwrap_or_else(|violation| panic!("{violation}"));
    }

    /// Leaves only these links, each in both directions.
    fn links(&mut self, links: &[(usize, usize)]) {
        self.world.partition(&[]);
        for (a, b) in links {
            self.world.heal(self.cast[*a], self.cast[*b]);
        }
    }

    /// How many leaders were elected since the fault.
    fn changes(&self) -> usize {
        self.elected_since(self.began)
    }

    fn elected_since(&self, time: Time) -> usize {
        self.world
            .observer()
            .0
            .iter()
            .filter(|elected| **elected > time)
            .count()
    }

    fn term_growth(&self) -> u64 {
        self.world.highest_term().0 - self.term.0
    }

    /// Runs for 40 s and tells how many leaders were elected in the second half of it, and whether there was
    /// one with a valid lease all that time.
    fn second_half(&mut self) -> (usize, bool) {
        self.run(20 * S);
        let half = self.world.now();
        let mut led = true;
        for _ in 0..200 {
            self.run(100 * MS);
            let holds = |node: &NodeId| self.world.lease(*node).is_some();
            led &= self.cast.iter().any(holds);
        }
        (self.elected_since(half), led)
    }
}

const STABLE: (usize, bool) = (0, true);

#[test]
fn quiet_clusters_keep_one_leader_and_one_term() {
    for nodes in [1, 2, 3, 4, 5, 7] {
        let mut scene = Scene::new(nodes, 1);
        scene.run(300 * S);
        assert_eq!((scene.changes(), scene.term), (0, Term(1)), "{nodes} nodes");
    }
}

#[test]
fn a_crashed_leader_is_replaced_within_two_timeouts_as_a_rule() {
    for nodes in [3, 5, 7] {
        let mut took: Vec<Duration> = (1..=100)
            .map(|seed| {
                let mut scene = Scene::new(nodes, seed);
                scene.world.crash(scene.node(0));
                let replaced = |world: &World<Elections>| world.leader().is_some();
                let until = scene.began + 3 * S / 2;
                assert!(
                    scene.world.run_until_or(until, replaced).expect("no bug"),
                    "{seed}"
                );
                scene.world.now().since(scene.began)
            })
            .collect();
        took.sort_unstable();
        assert!(took[98] <= 600 * MS, "{nodes} nodes: {:?}", &took[95..]);
        assert!(took[50] <= 2 * T, "{nodes} nodes: {:?}", took[50]);
    }
}

#[test]
fn s1_a_follower_that_was_cut_off_returns_and_disturbs_nobody() {
    let run = |protocol, seed| {
        let mut scene = Scene::with(&settings(3, protocol), seed);
        scene.world.isolate(scene.node(2));
        scene.run(10 * S);
        scene.world.heal_all();
        scene.run(20 * S);
        (scene.changes(), scene.term_growth())
    };
    for seed in SEEDS {
        assert_eq!(run(Protocol::Standard, seed), (0, 0), "seed {seed}");
        let (changes, growth) = run(Protocol::Plain, seed);
        assert!(
            changes >= 1 && growth > 10,
            "plain, seed {seed}: {changes}, {growth}"
        );
    }
}

#[test]
fn s2_howard_1_nodes_at_the_edge_disturb_nobody() {
    let mesh = [(0, 1), (0, 2), (1, 2), (3, 1), (4, 0)];
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        scene.links(&mesh);
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!((scene.changes(), scene.term_growth()), (0, 0));
    }
    let mut plain = Scene::with(&settings(5, Protocol::Plain), 1);
    plain.links(&mesh);
    plain.run(60 * S);
    assert!(plain.changes() > 30, "{}", plain.changes());
}

#[test]
fn s3_howard_2_a_leader_that_reaches_only_a_bridge_is_replaced() {
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        scene.links(&[(0, 1), (1, 2), (1, 3), (2, 3)]);
        scene.world.crash(scene.node(4));
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!(scene.changes(), 1, "seed {seed}");
    }
}

#[test]
fn s4_a_chain_keeps_its_leader() {
    let chain = [(0, 1), (1, 2)];
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        scene.links(&chain);
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!((scene.changes(), scene.term_growth()), (0, 0));
    }
    let mut plain = Scene::with(&settings(3, Protocol::Plain), 1);
    plain.links(&chain);
    plain.run(60 * S);
    assert!(plain.changes() > 60, "{}", plain.changes());
}

#[test]
fn s5_in_a_star_the_hub_takes_over() {
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        scene.links(&[(1, 0), (1, 2), (1, 3), (1, 4)]);
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!(
            scene.world.leader().map(|(leader, _)| leader),
            Some(scene.node(1))
        );
    }
}

#[test]
fn s6_the_hub_takes_over_when_the_leader_is_cut_off() {
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        scene.links(&[(1, 2), (1, 3), (1, 4)]);
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
    }
}

#[test]
fn s6b_a_hub_whose_log_is_behind_cannot_lead_and_no_term_runs_away() {
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        let term = scene.term;
        for name in [0, 2, 3, 4] {
            let index = LogIndex(5);
            scene
                .world
                .set_log_tail(scene.cast[name], LogPosition { term, index });
        }
        scene.links(&[(1, 2), (1, 3), (1, 4)]);
        let (changes, _) = scene.second_half();
        assert_eq!((changes, scene.term_growth()), (0, 0), "seed {seed}");
        assert!(
            scene
                .cast
                .iter()
                .all(|node| scene.world.leading(*node).is_none())
        );
    }
}

#[test]
fn s7_a_deaf_leader_is_replaced() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        for other in [1, 2] {
            scene.world.cut_one_way(scene.node(other), scene.node(0));
        }
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!(scene.changes(), 1, "seed {seed}");
    }
    // Plain Raft keeps it for ever, though nobody could have its entries committed.
    let mut plain = Scene::with(&settings(3, Protocol::Plain), 1);
    for other in [1, 2] {
        plain.world.cut_one_way(plain.node(other), plain.node(0));
    }
    plain.run(60 * S);
    assert_eq!(plain.changes(), 0);
    assert_eq!(plain.world.leading(plain.node(0)), Some(plain.term));
}

#[test]
fn s8_a_mute_leader_is_replaced() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        for other in [1, 2] {
            scene.world.cut_one_way(scene.node(0), scene.node(other));
        }
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
    }
}

#[test]
fn s9_a_deaf_follower_disturbs_nobody() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        for other in [0, 1] {
            scene.world.cut_one_way(scene.node(other), scene.node(2));
        }
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!(
            (scene.changes(), scene.term_growth()),
            (0, 0),
            "seed {seed}"
        );
    }
}

#[test]
fn s11_a_follower_that_misses_the_heartbeats_only_disturbs_nobody() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        scene.world.cut_one_way(scene.node(0), scene.node(2));
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!(
            (scene.changes(), scene.term_growth()),
            (0, 0),
            "seed {seed}"
        );
    }
}

#[test]
fn s12_a_flapping_link_costs_no_election() {
    for (seed, period) in SEEDS.zip([50, 200, 500]) {
        let mut scene = Scene::new(3, seed);
        let (leader, other) = (scene.node(0), scene.node(2));
        while scene.world.now() < scene.began + 30 * S {
            scene.world.cut(leader, other);
            scene.run(period * MS);
            scene.world.heal(leader, other);
            scene.run(period * MS);
        }
        assert_eq!(
            (scene.changes(), scene.term_growth()),
            (0, 0),
            "{period} ms"
        );
    }
}

#[test]
fn s13_a_fast_follower_and_a_slow_leader_cost_no_election() {
    for (name, rate) in [(1, 3_000_000), (0, 250_000)] {
        for seed in SEEDS {
            let mut scene = Scene::new(3, seed);
            let rate = ClockRate::millionths(rate);
            scene.world.set_clock_rate(scene.node(name), rate);
            scene.run(60 * S);
            assert_eq!(
                (scene.changes(), scene.term_growth()),
                (0, 0),
                "seed {seed}, {rate:?}"
            );
        }
    }
}

#[test]
fn clocks_that_drift_by_one_percent_each_way_keep_the_longest_lease_apart() {
    let mut settings = settings(3, Protocol::Standard);
    settings.options.lease = Some(T * 99 / 101);
    for seed in SEEDS {
        let mut scene = Scene::with(&settings, seed);
        for (name, rate) in [(0, 990_000), (1, 1_010_000), (2, 1_010_000)] {
            let node = scene.node(name);
            scene
                .world
                .set_clock_rate(node, ClockRate::millionths(rate));
        }
        for _ in 0..40 {
            // The slow leader is cut off, and the fast followers hurry to replace it: the checker watches its lease.
            scene.world.isolate(scene.node(0));
            scene.run(4 * T);
            scene.world.heal_all();
            scene.run(2 * T);
            let leader = scene.world.leader().map(|(leader, _)| leader);
            if let Some(leader) = leader.filter(|leader| *leader != scene.node(0)) {
                scene
                    .world
                    .transfer_leadership(leader, Some(scene.node(0)), true);
                scene.run(T);
            }
        }
        assert!(scene.changes() > 40, "seed {seed}: {}", scene.changes());
    }
}

#[test]
fn s14_a_leader_that_stands_still_again_and_again_is_replaced_once() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        for _ in 0..30 {
            scene.world.pause(scene.node(0));
            scene.run(400 * MS);
            scene.world.resume(scene.node(0));
            scene.run(1_600 * MS);
        }
        assert_eq!(scene.changes(), 1, "seed {seed}");
    }
}

#[test]
fn s16_an_even_split_has_no_leader_and_no_term_runs_away_and_three_of_four_have_one() {
    for seed in SEEDS {
        let mut scene = Scene::new(4, seed);
        let cast = scene.cast.clone();
        scene.world.partition(&[&cast[..2], &cast[2..]]);
        let (changes, _) = scene.second_half();
        assert_eq!((changes, scene.term_growth()), (0, 0), "seed {seed}");
        assert_eq!(scene.world.leader(), None);
        scene.world.partition(&[&cast[..1], &cast[1..]]);
        scene.run(3 * S / 2);
        let leader = scene.world.leader().map(|(leader, _)| leader);
        assert!(
            leader.is_some_and(|leader| leader != cast[0]),
            "seed {seed}"
        );
        assert!(scene.term_growth() <= 3, "seed {seed}");
    }
}

#[test]
fn without_a_majority_no_term_grows_and_with_it_a_leader_is_back_at_once() {
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        for name in [0, 1, 2] {
            scene.world.crash(scene.node(name));
        }
        scene.run(60 * S);
        assert_eq!(
            (scene.changes(), scene.term_growth()),
            (0, 0),
            "seed {seed}"
        );
        scene.world.restart(scene.node(1));
        scene.run(3 * S / 2);
        assert!(scene.world.leader().is_some(), "seed {seed}");
    }
}

#[test]
fn one_of_two_cannot_lead_alone() {
    for seed in SEEDS {
        let mut scene = Scene::new(2, seed);
        scene.world.crash(scene.node(0));
        scene.run(60 * S);
        assert_eq!(
            (scene.changes(), scene.world.leader()),
            (0, None),
            "seed {seed}"
        );
    }
}

#[test]
fn s22_a_third_of_all_messages_lost_costs_no_election_at_ten_heartbeats_a_timeout() {
    let lossy = Conditions::delay(MS..=10 * MS).with_loss(Chance::percent(30));
    let changes = |ratio: u32, seed| {
        let mut settings = settings(5, Protocol::Standard).with_conditions(lossy);
        settings.options.heartbeat_interval = T / ratio;
        let mut scene = Scene::with(&settings, seed);
        scene.run(60 * S);
        scene.changes()
    };
    let sum = |ratio| SEEDS.map(|seed| changes(ratio, seed)).sum::<usize>();
    assert_eq!(sum(10), 0);
    // Three heartbeats a timeout are few: the price is an election now and then.
    let minutes = SEEDS.count();
    assert!(sum(3) <= 2 * minutes, "{} in {minutes} minutes", sum(3));
}

#[test]
fn a_crashed_leader_is_replaced_soon_though_a_third_of_all_messages_is_lost() {
    // What is asked is asked again: one lost vote does not cost an election timeout.
    let lossy = Conditions::delay(MS..=5 * MS).with_loss(Chance::percent(30));
    let settings = settings(3, Protocol::Standard).with_conditions(lossy);
    let mut took: Vec<Duration> = (1..=100)
        .map(|seed| {
            let mut scene = Scene::with(&settings, seed);
            scene.world.crash(scene.node(0));
            let replaced = |world: &World<Elections>| world.leader().is_some();
            let until = scene.began + 3 * S;
            assert!(
                scene.world.run_until_or(until, replaced).expect("no bug"),
                "{seed}"
            );
            scene.world.now().since(scene.began)
        })
        .collect();
    took.sort_unstable();
    assert!(took[50] <= 2 * T, "{:?}", took[50]);
    assert!(took[98] <= 4 * T, "{:?}", &took[90..]);
}

#[test]
fn loss_repetition_and_reordering_cost_no_election() {
    let rough = Conditions::delay(MS..=10 * MS)
        .with_loss(Chance::percent(5))
        .with_duplication(Chance::percent(5))
        .with_stragglers(Chance::percent(5), 5 * S);
    for seed in SEEDS {
        let settings = settings(3, Protocol::Standard).with_conditions(rough);
        let mut scene = Scene::with(&settings, seed);
        scene.run(60 * S);
        assert_eq!(
            (scene.changes(), scene.term_growth()),
            (0, 0),
            "seed {seed}"
        );
    }
}

#[test]
fn the_nodes_of_a_low_term_and_a_long_log_and_of_a_high_term_and_a_short_one_elect_together() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        let (a, b, c) = (scene.node(0), scene.node(1), scene.node(2));
        let term = scene.term;
        let index = LogIndex(9);
        scene.world.set_log_tail(c, LogPosition { term, index });
        scene.world.isolate(c);
        for _ in 0..4 {
            // The other two reach higher terms without it.
            let leader = scene.world.leader().map_or(a, |(leader, _)| leader);
            scene
                .world
                .transfer_leadership(leader, Some(if leader == a { b } else { a }), false);
            scene.run(4 * T);
        }
        assert!(scene.term_growth() >= 3, "seed {seed}");
        let (leader, _) = scene.world.leader().expect("two of three are connected");
        scene.world.heal_all();
        scene.world.crash(leader);
        scene.run(3 * S / 2);
        assert_eq!(
            scene.world.leader().map(|(leader, _)| leader),
            Some(c),
            "seed {seed}"
        );
    }
}

#[test]
fn only_nodes_with_the_newest_log_ever_lead() {
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        let term = scene.term;
        let index = LogIndex(1);
        for name in [0, 1, 2] {
            scene
                .world
                .set_log_tail(scene.cast[name], LogPosition { term, index });
        }
        scene.world.crash(scene.node(0));
        scene.run(2 * S);
        let leader = scene.world.leader().map(|(leader, _)| leader);
        assert!(
            [1, 2].map(|name| Some(scene.node(name))).contains(&leader),
            "seed {seed}"
        );
    }
}

#[test]
fn slow_disks_delay_votes_and_a_leader_comes_all_the_same() {
    for syncing in [Syncing::Blocks, Syncing::Pipelines] {
        for seed in SEEDS {
            let mut scene = Scene::new(3, seed);
            for node in scene.cast.clone() {
                let options = DiskOptions {
                    sync_min: Duration::ZERO,
                    sync_max: 2 * T,
                    syncing,
                };
                scene.world.set_disk(node, options);
            }
            scene.world.crash(scene.node(0));
            scene.run(15 * S);
            let half = scene.world.now();
            scene.run(5 * S);
            assert!(scene.world.leader().is_some(), "{syncing:?}, seed {seed}");
            assert_eq!(scene.elected_since(half), 0, "{syncing:?}, seed {seed}");
        }
    }
}

#[test]
fn a_transfer_costs_one_term_and_less_than_a_timeout() {
    // What runs under a lease of 0.8 T has the rest of T to stop, if it has not.
    for (stopped, least) in [(true, Duration::ZERO), (false, T / 5)] {
        for seed in SEEDS {
            let mut scene = Scene::new(5, seed);
            let (from, to) = (scene.node(0), scene.node(3));
            scene.world.transfer_leadership(from, Some(to), stopped);
            assert_eq!(scene.world.lease(from), None);
            let taken = |world: &World<Elections>| world.leading(to).is_some();
            let until = scene.began + T;
            assert!(
                scene.world.run_until_or(until, taken).expect("no bug"),
                "seed {seed}"
            );
            let took = scene.world.now().since(scene.began);
            assert!(took > least, "seed {seed}: {took:?}");
            scene.run(10 * S);
            assert_eq!(
                (scene.changes(), scene.term_growth()),
                (1, 1),
                "seed {seed}"
            );
            assert_eq!(scene.world.agreed_leader(), Some(to));
        }
    }
}
