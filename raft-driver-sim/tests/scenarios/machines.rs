//! Machines: crashes, pauses, clocks, disks.

use std::time::Duration;

use raft_core::{Action, Message, NodeId, Protocol, RoleKind, Term};
use raft_driver_sim::{ClockRate, DiskOptions, Happening, Observer, Syncing, Time, World};

use super::{Elections, MS, S, SEEDS, Scene, T, settings};

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

/// How many heartbeats one node sent.
struct Heartbeats(NodeId, usize);

impl Observer for Heartbeats {
    fn observe(&mut self, _: Time, node: NodeId, happening: Happening<'_>) {
        if let Happening::Action(Action::Send {
            message: Message::AppendEntries(_),
            ..
        }) = happening
        {
            self.1 += usize::from(node == self.0);
        }
    }
}

#[test]
fn a_leader_that_wakes_up_acts_on_no_lease_and_sends_one_round_before_it_learns() {
    for seed in SEEDS {
        let settings = settings(3, Protocol::Standard);
        let mut world =
            World::observed(&settings, seed, Heartbeats(NodeId(0), 0)).expect("valid settings");
        for node in [1, 2].map(NodeId) {
            world.keep_from_campaigning(node);
        }
        world.run_for(S).expect("no bug");
        for node in [1, 2].map(NodeId) {
            world.let_campaign(node);
        }
        assert!(world.lease(NodeId(0)).is_some());
        world.pause(NodeId(0));
        world.run_for(5 * T).expect("no bug");
        assert_eq!(world.lease(NodeId(0)), None);
        let before = world.observer().1;
        world.resume(NodeId(0));
        let burst = world.observer().1 - before;
        assert!(burst <= 2, "seed {seed}: {burst} heartbeats");
        assert_eq!(world.lease(NodeId(0)), None);
        world.run_for(T).expect("no bug");
        assert_eq!(
            world.role(NodeId(0)).map(|role| role.kind()),
            Some(RoleKind::Follower)
        );
    }
}

#[test]
fn a_follower_that_stands_still_again_and_again_costs_no_election() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        for _ in 0..15 {
            scene.world.pause(scene.node(1));
            scene.run(400 * MS);
            scene.world.resume(scene.node(1));
            scene.run(1_600 * MS);
        }
        assert_eq!(
            (scene.changes(), scene.term_growth()),
            (0, 0),
            "seed {seed}"
        );
    }
}

#[test]
fn a_crash_between_any_two_actions_costs_no_more_than_an_election() {
    for actions in 0..24 {
        let mut scene = Scene::new(3, u64::from(actions) + 1);
        for node in scene.cast.clone() {
            scene.world.crash_after_actions(node, actions);
            scene.run(4 * T);
            scene.world.restart(node);
            scene.run(6 * T);
            assert!(scene.world.agreed_leader().is_some(), "{actions} actions");
        }
        assert!(
            scene.changes() <= 3,
            "{actions} actions: {}",
            scene.changes()
        );
    }
}
