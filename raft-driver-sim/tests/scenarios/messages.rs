//! Messages that are lost, late or repeated; logs that differ; leaders that hand over.

use std::time::Duration;

use raft_core::{LogIndex, LogPosition, Protocol, RoleKind};
use raft_driver_sim::{Chance, Conditions, World};

use super::{Elections, MS, S, SEEDS, Scene, T, settings};

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

#[test]
fn every_message_that_comes_twice_is_counted_once() {
    let twice = Conditions::delay(MS..=10 * MS)
        .with_duplication(Chance::ALWAYS)
        .with_stragglers(Chance::percent(20), S);
    for seed in SEEDS {
        let settings = settings(5, Protocol::Standard).with_conditions(twice);
        let mut scene = Scene::with(&settings, seed);
        for name in [0, 1] {
            scene.world.crash(scene.node(name));
            scene.run(3 * S);
            // The checker counts the distinct voters behind every leader.
            assert!(scene.world.leader().is_some(), "seed {seed}");
        }
        let before = scene.changes();
        scene.run(20 * S);
        assert_eq!(scene.changes(), before, "seed {seed}");
    }
}

#[test]
fn a_network_as_slow_as_a_timeout_elects_late_and_keeps_its_leader() {
    let slow = Conditions::delay(80 * MS..=160 * MS);
    for seed in SEEDS {
        let settings = settings(3, Protocol::Standard);
        let mut scene = Scene::with(&settings, seed);
        scene.world.set_conditions(slow, slow);
        scene.run(20 * S);
        let half = scene.world.now();
        scene.run(40 * S);
        assert_eq!(scene.elected_since(half), 0, "seed {seed}");
        assert!(scene.world.leader().is_some(), "seed {seed}");
    }
}

#[test]
fn a_candidate_that_nobody_hears_is_set_free_and_its_term_does_not_grow() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        let candidate = scene.node(2);
        for other in [0, 1] {
            scene.world.cut_one_way(candidate, scene.node(other));
        }
        // It is asked to take over, and its requests for votes are lost.
        scene
            .world
            .transfer_leadership(scene.node(0), Some(candidate), false);
        let campaigns = |world: &World<Elections>| {
            world.role(candidate).map(|role| role.kind()) == Some(RoleKind::Candidate)
        };
        let until = scene.began + T;
        assert!(scene.world.run_until_or(until, campaigns).expect("no bug"));
        scene.run(20 * S);
        assert!(
            scene.term_growth() <= 3,
            "seed {seed}: {}",
            scene.term_growth()
        );
        scene.world.heal_all();
        scene.run(6 * T);
        assert!(scene.world.agreed_leader().is_some(), "seed {seed}");
    }
}

#[test]
fn a_candidate_that_is_cut_off_asks_for_pre_votes_again_and_its_term_stays() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        scene.world.crash(scene.node(0));
        let candidate = |world: &World<Elections>| {
            world
                .node_ids()
                .find(|node| world.role(*node).map(|role| role.kind()) == Some(RoleKind::Candidate))
        };
        let until = scene.began + 4 * T;
        let campaigns = |world: &World<Elections>| candidate(world).is_some();
        assert!(scene.world.run_until_or(until, campaigns).expect("no bug"));
        let node = candidate(&scene.world).expect("somebody campaigns");
        scene.world.isolate(node);
        let term = scene.world.highest_term();
        scene.run(30 * S);
        assert_eq!(scene.world.highest_term(), term, "seed {seed}");
        assert_eq!(
            scene.world.role(node).map(|role| role.kind()),
            Some(RoleKind::PreCandidate)
        );
    }
}
